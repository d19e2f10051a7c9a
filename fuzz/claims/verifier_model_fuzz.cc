// Models come from a folder that the user names: damaged text is refused, and what is accepted can
// be evaluated.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "verify/model_internal.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto model = assay::claims::internal::ParseModel(text);
  if (!model) return 0;
  const assay::claims::internal::FeatureVector features;
  (void)model->unsupported.LogOdds(features.values());
  (void)model->contradicted.LogOdds(features.values());
  (void)model->unsupported_linear.LogOdds(features.values());
  return 0;
}
