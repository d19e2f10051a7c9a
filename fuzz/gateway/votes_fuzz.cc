// Reads arbitrary bytes as a record of experts' votes, which must come back as the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "experts/reliability_pool_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto votes = assay::gateway::DecodeVotes(bytes);
  if (votes && assay::gateway::EncodeVotes(*votes) != bytes) std::abort();
  return 0;
}
