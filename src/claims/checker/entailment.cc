#include "assay/claims/entailment.h"

#include <algorithm>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace assay::claims {
namespace {

class CrossEncoderEntailment final : public Entailment {
 public:
  explicit CrossEncoderEntailment(const embed::CrossEncoder& model) : model_(model) {}

  [[nodiscard]] std::string_view name() const override { return model_.name(); }

  [[nodiscard]] bool tells_words_apart() const override { return model_.card().tokens.has_value(); }

  [[nodiscard]] float marks_words_from() const override {
    return model_.card().tokens ? model_.card().tokens->claim_risk : 0;
  }

  [[nodiscard]] std::optional<embed::CrossEncoderCard::Mixes> mix() const override {
    return model_.card().mix;
  }

  [[nodiscard]] Result<void> Score(std::span<const EntailmentPair> pairs,
                                   std::span<EntailmentScore> out) const override {
    if (pairs.size() != out.size()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{} pairs into {} scores", pairs.size(), out.size()));
    }
    std::vector<embed::TextPair> texts;
    texts.reserve(pairs.size());
    for (const EntailmentPair& pair : pairs) texts.push_back({pair.evidence, pair.claim});
    std::vector<embed::PairScore> scores(pairs.size());
    ASSAY_TRY(model_.Score(texts, scores));
    for (std::size_t i = 0; i < scores.size(); ++i) {
      out[i] = {scores[i].supported, scores[i].contradicted, scores[i].neutral};
      for (const embed::WordScore& word : scores[i].words) {
        out[i].least_borne_out = std::max(out[i].least_borne_out, word.unsupported);
        if (word.unsupported >= model_.card().tokens->threshold) {
          out[i].unsupported_words.push_back(word.span);
        }
      }
    }
    return {};
  }

 private:
  const embed::CrossEncoder& model_;
};

}  // namespace

Result<std::unique_ptr<Entailment>> MakeEntailment(const embed::CrossEncoder& model) {
  if (!model.card().relation) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the model '{}' has no output 'relation' in its card, so it cannot "
                            "judge claims",
                            model.name()));
  }
  return std::make_unique<CrossEncoderEntailment>(model);
}

}  // namespace assay::claims
