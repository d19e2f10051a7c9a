#include <array>

#include <fmt/format.h>

#include "assay/cache/semantic/semantic_cache.h"

namespace assay::cache {
namespace {

class PairModel final : public SameQuestion {
 public:
  explicit PairModel(const embed::CrossEncoder& model) : model_(model) {}

  [[nodiscard]] Result<double> Probability(std::string_view asked,
                                           std::string_view cached) const override {
    const std::array pairs = {embed::TextPair{asked, cached}, embed::TextPair{cached, asked}};
    std::array<embed::PairScore, 2> scores;
    ASSAY_TRY(model_.Score(pairs, scores));
    return (static_cast<double>(scores[0].same) + scores[1].same) / 2;
  }

 private:
  const embed::CrossEncoder& model_;
};

}  // namespace

Result<std::unique_ptr<SameQuestion>> MakeSameQuestion(const embed::CrossEncoder& model) {
  if (!model.card().pair) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the model '{}' has no output 'pair' in its card, so it cannot compare "
                            "questions",
                            model.name()));
  }
  return std::make_unique<PairModel>(model);
}

}  // namespace assay::cache
