// assay/cache/semantic/same_answer.h: the probability that two questions have the same answer,
// learned while serving, and the threshold that keeps wrong hits within a budget.
// Room: cache (uses core).  Threads: one at a time.
// Method: logistic regression with a Gaussian prior at the shipped weights, fitted by damped Newton
// steps on the latest examples; two models, each fitted on one half of the requests, so that every
// request can be scored by a model that has not seen it (cross-fitting). The threshold is that of
// conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) over those scores, requests
// whose hit was not checked being made up for by those that were (Horvitz and Thompson 1952).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::cache {

// Inputs of the model, one value each, near 0 to 3 in size.
enum class PairFeature : std::uint8_t {
  kBias,          // 1
  kCosine,        // 4 (cosine of the transformer - 0.8)
  kCosineHigh,    // 10 max(0, cosine - 0.9)
  kStaticCosine,  // 4 (cosine of the static encoder - 0.8)
  // Word for word, by 1 - story: of a long question it says little.
  kShared,       // Agreement::shared
  kLeftOutBoth,  // Agreement, at most 3
  kLeftOutOne,   // Agreement, at most 3
  kRarest,       // Agreement::rarest_left_out
  kRest,         // Agreement::rest_similarity
  kSwapped,      // Agreement, at most 2
  kOneSwap,      // Agreement; this and what follows counts in full
  kMoved,        // Agreement
  kAskDiffers,   // Agreement
  kFactsAgree,   // Agreement::facts
  kLooseFacts,   // differences that do not decide, at most 3
  kLengthRatio,  // |log of the ratio of the numbers of words|
  kReworded,     // 4 (cosine - 0.8) (1 - shared)
  kNeighbours,   // log odds of the answer among the other candidates, by nearness; 0: none near
  kMargin,       // 6 (cosine - that of the best candidate with another answer); 0: there is none
  kSupport,      // log(1 + other candidates with the same answer)
  kHistory,      // log((right + 1) / (wrong + 1)) of the entry's checked hits and near misses
  kWrongBefore,  // 1 where the entry was wrong before
  kStory,        // Agreement::story
  kStoryCosine,  // story 4 (cosine - 0.8)
  kPairModel,    // logit of SameQuestion / 4; 0: none installed
  kCount,
};
inline constexpr std::size_t kPairFeatures = static_cast<std::size_t>(PairFeature::kCount);

struct PairFeatures {
  std::array<float, kPairFeatures> values = {};
  float& operator[](PairFeature f) { return values[static_cast<std::size_t>(f)]; }
  float operator[](PairFeature f) const { return values[static_cast<std::size_t>(f)]; }
};

// The shipped weights: models/same_question/README.md says what they were fitted on.
[[nodiscard]] const std::array<double, kPairFeatures>& ShippedWeights();

class LogisticModel {
 public:
  struct Example {
    PairFeatures features;
    float weight = 1;
    bool same = false;
  };

  LogisticModel();  // at the shipped weights
  [[nodiscard]] double Probability(const PairFeatures& features) const;
  [[nodiscard]] double Logit(const PairFeatures& features) const;
  // Few Newton steps from the present weights; the prior pulls to the shipped ones.
  // O(examples * kPairFeatures^2), about 2 ms for 4,096.
  void Fit(std::span<const Example* const> examples);

  [[nodiscard]] const std::array<double, kPairFeatures>& weights() const { return weights_; }
  void SetWeights(const std::array<double, kPairFeatures>& weights) { weights_ = weights; }

 private:
  std::array<double, kPairFeatures> weights_;
};

struct RiskOptions {
  double budget = 0.01;          // wrong hits of all requests
  double aim = 0.8;              // share of the budget that is aimed at, since traffic changes
  double shadow_share = 0.2;     // of the hits that are checked, > 0
  std::size_t window = 8192;     // latest requests and examples that are remembered
  std::size_t refit_every = 64;  // labelled requests
  double cold_threshold = 0.99;  // of the shipped weights until the bound can be computed
};

// Learns from labelled candidates and sets the threshold.
class SameAnswerLearner {
 public:
  explicit SameAnswerLearner(const RiskOptions& options);

  // The mean of the two models' logits as a probability.
  [[nodiscard]] double Probability(const PairFeatures& features) const;
  // A candidate is served at this probability or above; above 1: none is.
  [[nodiscard]] double threshold() const { return threshold_; }
  [[nodiscard]] bool calibrated() const { return calibrated_; }

  // One candidate of a labelled request; the served or best one is `best`.
  struct Labelled {
    PairFeatures features;
    bool same = false;
    bool best = false;
    bool vetoed = false;  // refused by a fact: never served, so it teaches but has no risk
  };
  // A request whose answer was compared with those of the candidates. `weight`: 1, or 1 /
  // shadow_share where it was a hit that was drawn for a check.
  void AddLabelled(std::span<const Labelled> candidates, float weight);
  // A hit that was not drawn, or a request without candidates.
  void AddUnlabelled();

  // All that was learned, as bytes, and back: what follows goes on as if there had been no break.
  // Load leaves everything as it is where the bytes are no such state (then false).
  [[nodiscard]] std::string Save() const;
  [[nodiscard]] bool Load(std::string_view bytes);

 private:
  struct Request {
    PairFeatures features;  // of the best candidate
    float weight = 0;       // 0: unlabelled
    bool wrong = false;
    bool has_score = false;
  };
  void Refit();
  void Calibrate();

  RiskOptions options_;
  std::array<LogisticModel, 2> models_;
  std::deque<LogisticModel::Example> examples_;
  std::deque<std::uint8_t> halves_;  // of the examples
  std::deque<Request> requests_;     // the half of a request is its running number's last bit
  std::uint64_t first_request_ = 0;  // running number of requests_.front()
  std::size_t unfitted_ = 0;
  double threshold_;
  bool calibrated_ = false;
};

// Bounds of a share after `hits` of `n` (Clopper and Pearson 1934), at 95% confidence.
struct Interval {
  double low = 0;
  double high = 1;
};
[[nodiscard]] Interval ClopperPearson(std::uint64_t hits, std::uint64_t n,
                                      double confidence = 0.95);

}  // namespace assay::cache
