// Reads arbitrary bytes as kept results of a scan. What is read comes back equal when it is
// written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "results/findings_json_internal.h"

namespace scan = assay::scan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto findings = scan::internal::ReadFindings(bytes);
  if (!findings) return 0;
  const auto again = scan::internal::ReadFindings(scan::internal::WriteFindings(*findings));
  if (!again || *again != *findings) std::abort();
  return 0;
}
