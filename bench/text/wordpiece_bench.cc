// One side of the comparison that bench/text/wordpiece_peer.py runs: for each line on standard
// input it tokenizes all texts once on one thread and prints the CPU time and a checksum of the
// ids.
//
//   wordpiece_bench VOCAB TEXTS     TEXTS: u32 length, bytes, ... (little-endian)
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <time.h>

#include "assay/text/wordpiece.h"

namespace {

std::string ReadAll(const char* path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::int64_t CpuNs() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: wordpiece_bench VOCAB TEXTS\n";
    return 2;
  }
  const auto tokenizer = assay::text::WordPiece::FromVocabulary(ReadAll(argv[1]));
  if (!tokenizer) {
    std::cerr << tokenizer.error().message << "\n";
    return 1;
  }
  const std::string data = ReadAll(argv[2]);
  std::vector<std::string_view> texts;
  for (std::size_t at = 0; at + 4 <= data.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, data.data() + at, 4);
    texts.push_back(std::string_view(data).substr(at + 4, size));
    at += 4 + size;
  }
  // Each text's ids are kept, as the peer keeps them.
  std::vector<std::vector<std::int32_t>> ids(texts.size());
  for (std::string line; std::getline(std::cin, line);) {
    for (auto& list : ids) list = {};
    const std::int64_t begin = CpuNs();
    for (std::size_t i = 0; i < texts.size(); ++i) {
      tokenizer->Encode(texts[i], assay::text::WordPiece::kNoLimit, ids[i]);
    }
    const std::int64_t elapsed = CpuNs() - begin;
    std::uint64_t checksum = 0;
    for (const auto& list : ids) {
      for (const std::int32_t id : list) {
        checksum = checksum * 1'000'003 + static_cast<std::uint64_t>(id);
      }
    }
    std::cout << elapsed << " " << checksum << std::endl;
  }
  return 0;
}
