// Reads arbitrary bytes as outcomes, and tunes on what can be read.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/tuner/circle.h"
#include "assay/tuner/routing.h"

using namespace assay;  // NOLINT: a fuzz target is a file of its own

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto outcomes = tuner::ReadOutcomes(
      bytes, "fuzz", {.usd_per_million_tokens = {{"a", 2.0}}, .class_field = {}});
  if (!outcomes) return 0;
  for (const tuner::Outcome& row : outcomes->rows) {
    if (row.question_class >= outcomes->classes.size()) std::abort();
    if (row.quality.size() != outcomes->models.size()) std::abort();
  }
  if (!outcomes->rows.empty() && outcomes->models.size() < 5) {
    if (const auto tuned = tuner::TuneCircle(*outcomes, {}, {.evaluations = 100})) {
      (void)tuner::EvaluateCircle(*outcomes, tuned->plan, 0.95);
    }
  }
  if (outcomes->classes.size() * outcomes->models.size() > 60) return 0;  // no slow inputs
  const tuner::ClassTable table = tuner::Tabulate(*outcomes, 1);
  const auto policy = tuner::TunePolicy(table, 0.5, {.evaluations = 200});
  if (!policy) return 0;
  if (tuner::ValueOf(table, *policy).quality < 0.5 - 1e-9) std::abort();
  (void)tuner::Evaluate(*outcomes, *policy, table, 0.95);
  if (tuner::ConfigLines(*outcomes, *policy, "").empty()) std::abort();
  return 0;
}
