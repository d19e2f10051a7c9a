// Arbitrary bytes, in pieces, as a plain or compressed log. Blocks are whole lines, plain text
// comes out as it went in, and bad compression is an error and nothing worse.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "assay/logs/log_reader.h"

namespace logs = assay::logs;

namespace {

class Pieces final : public logs::ByteSource {
 public:
  Pieces(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  [[nodiscard]] assay::Result<std::size_t> Read(std::span<char> into) override {
    const std::size_t size = std::min({piece_, into.size(), bytes_.size()});
    std::copy_n(bytes_.begin(), size, into.begin());
    bytes_.remove_prefix(size);
    return size;
  }

 private:
  std::string_view bytes_;
  std::size_t piece_;
};

constexpr std::size_t kMostBytes = std::size_t{1} << 22;  // a small archive may hold gigabytes

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::size_t piece = data[0] + std::size_t{1};
  const std::size_t block_bytes = logs::kMinBlockBytes + data[1];
  auto source = logs::Decompress(std::make_unique<Pieces>(bytes, piece), "input");
  logs::LogReader reader(std::move(source), "input", {.block_bytes = block_bytes});
  logs::LogBlock block;
  std::vector<assay::text::Span> lines;
  std::string all;
  while (reader.Next(block) && all.size() < kMostBytes) {
    if (block.lines.empty() || block.lines.size() > block_bytes) std::abort();
    logs::SplitLines(block.lines, lines);
    for (const assay::text::Span line : lines) {
      if (line.of(block.lines).find('\n') != std::string_view::npos) std::abort();
    }
    all += block.lines;
  }
  const bool plain = !bytes.starts_with("\x1f\x8b") && !bytes.starts_with("\x28\xb5\x2f\xfd") &&
                     (bytes.size() < 4 || bytes.substr(1, 3) != "\x2a\x4d\x18") &&
                     !bytes.starts_with("\xef\xbb\xbf");
  if (plain && reader.cut_lines() == 0 && all.size() < kMostBytes && all != bytes) std::abort();
  return 0;
}
