// Reads arbitrary bytes as what a gateway counted of an experiment, which must come back as the
// same bytes, and as the texts that Redis answers, each led by its length in a byte.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/shared_experiments_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::gateway;
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto state = DecodeSharedState(bytes)) {
    if (EncodeSharedState(*state) != bytes) std::abort();
  }
  std::vector<std::string> texts;
  while (!bytes.empty()) {
    const auto length = static_cast<unsigned char>(bytes[0]);
    bytes.remove_prefix(1);
    texts.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(std::min<std::size_t>(length, bytes.size()));
  }
  for (const std::size_t arms : {std::size_t{0}, std::size_t{2}}) {
    const auto heard = ReadHeardCounts(texts, arms);
    if (!heard) continue;
    if (heard->units.size() != arms) std::abort();
    if (std::ranges::any_of(heard->units, [](std::int64_t units) { return units < 0; })) {
      std::abort();
    }
    for (const auto& [origin, state] : heard->states) (void)DecodeSharedState(state);
  }
  return 0;
}
