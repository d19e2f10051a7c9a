// Lines of evaluation files: any bytes give cases or an error.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "eval/cases_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const auto format = assay::claims::internal::DetectFormat(line);
  if (!format) return 0;
  std::vector<assay::claims::internal::EvalCase> cases;
  (void)assay::claims::internal::ReadCases(line, *format, cases);
  for (const auto& item : cases) {
    for (const auto& labelled : item.spans) {
      if (labelled.span.end > item.response.size()) __builtin_trap();
    }
  }
  return 0;
}
