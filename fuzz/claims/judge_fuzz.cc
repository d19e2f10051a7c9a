// Reads arbitrary bytes as a judge's answer: every opinion but "not mentioned" has words of the
// evidence of its own claim.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "assay/claims/judge.h"
#include "assay/core/check.h"

namespace claims = assay::claims;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<claims::JudgeQuestion> questions = {
      {"Staff get 27 days.", {"Employees get 27 days of paid leave.", "It is paid."}},
      {"Hotels cost 200 euros.", {"Hotels are refunded up to 140 euros a night."}},
      {"Nothing is said of it.", {}}};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto opinions = claims::ReadJudgeOpinions(text, questions);
  if (!opinions) return 0;
  ASSAY_CHECK(opinions->size() == questions.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& opinion = (*opinions)[i];
    if (!opinion) continue;
    bool found = opinion->verdict == claims::Verdict::kUnverified && opinion->quote.empty();
    for (const auto& evidence : questions[i].evidence) {
      found =
          found || (!opinion->quote.empty() && evidence.find(opinion->quote) != std::string::npos);
    }
    ASSAY_CHECK(found);
  }
  return 0;
}
