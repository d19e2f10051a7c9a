// Reads arbitrary bytes as an experiment and as a history of metrics, and analyses what can be
// read.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/experiments/analysis.h"
#include "assay/experiments/opportunities.h"

using namespace assay;  // NOLINT: a fuzz target is a file of its own

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto read = experiments::ReadExperiment(bytes, "fuzz")) {
    if (const auto result = experiments::AnalyzeExperimentResults(read->data, 0.95, 0.05)) {
      for (const auto& one : result->comparisons) {
        if (one.test.p < 0 || one.test.p > 1) std::abort();
        if (one.significant && std::isnan(one.test.p)) std::abort();
        if (one.test.interval.low > one.test.interval.high) std::abort();
      }
      if (result->winner && *result->winner >= read->data.variants.size()) std::abort();
    } else if (result.error().code != Code::kInvalidArgument &&
               result.error().code != Code::kOutOfRange) {
      std::abort();
    }
  }
  if (const auto read = experiments::ReadMetrics(bytes, "fuzz")) {
    if (const auto found = experiments::IdentifyImprovementOpportunities(read->metrics)) {
      for (const auto& one : *found) {
        if (one.metric >= read->metrics.size() || one.reason.empty() || !(one.p <= 0.05))
          std::abort();
      }
    }
  }
  return 0;
}
