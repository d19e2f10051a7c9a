// assay/claims/entailment.h: the seam for a model that reads claim and evidence together.
// Room: claims (uses embed).  Threads: Score may be called by many threads at once.
// The Verifier decides by facts and similarity, and asks an Entailment only where it is given one.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/cross/cross_encoder.h"
#include "assay/text/span.h"

namespace assay::claims {

struct EntailmentPair {
  std::string_view evidence;  // premise: one or more sentences
  std::string_view claim;     // hypothesis
};

// Probabilities that add up to 1, and the words.
struct EntailmentScore {
  float supported = 0;
  float contradicted = 0;
  float neutral = 0;
  // Bytes of the claim: words that the evidence does not bear out, in order; empty for a model that
  // does not tell words apart.
  std::vector<text::Span> unsupported_words = {};
  float least_borne_out = 0;  // probability of being unsupported of the worst word, in [0, 1]
};

class Entailment {
 public:
  virtual ~Entailment() = default;

  // Identifies model and version; part of what verdicts are cached under.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // Whether scores hold words; then no others are looked for.
  [[nodiscard]] virtual bool tells_words_apart() const { return false; }

  // Probability that a claim is not supported, from which its words are marked, [0, 1].
  [[nodiscard]] virtual float marks_words_from() const { return 0; }

  // How its scores and the verifier's own go together; nothing: by VerifierOptions.
  [[nodiscard]] virtual std::optional<embed::CrossEncoderCard::Mixes> mix() const { return {}; }

  // One score per pair, in order; a score never depends on the other pairs. Errors:
  // kInvalidArgument if the sizes differ; kInternal if the inference engine fails.
  [[nodiscard]] virtual Result<void> Score(std::span<const EntailmentPair> pairs,
                                           std::span<EntailmentScore> out) const = 0;
};

// The relation of a cross-encoder, and its words where it has them. `model` must outlive what is
// returned. Errors: kFailedPrecondition for a model whose card has no `relation`.
[[nodiscard]] Result<std::unique_ptr<Entailment>> MakeEntailment(const embed::CrossEncoder& model);

}  // namespace assay::claims
