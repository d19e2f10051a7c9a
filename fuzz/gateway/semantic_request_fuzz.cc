// Reads arbitrary bytes as a chat request that a similar one may answer.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "semantic/semantic_request_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  const auto read = assay::gateway::ReadSemanticRequest(body, "tenant", 1);
  const auto again = assay::gateway::ReadSemanticRequest(body, "tenant", 1);
  const auto other = assay::gateway::ReadSemanticRequest(body, "other", 1);
  if (read.has_value() != again.has_value() || read.has_value() != other.has_value()) std::abort();
  if (read && (read->context != again->context || read->context == other->context)) std::abort();
  return 0;
}
