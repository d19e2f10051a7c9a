#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "semantic/eval/policies_internal.h"
#include "semantic/nearest_internal.h"

namespace assay::cache::internal {
namespace {

Result<std::vector<float>> EncodeOne(const embed::Encoder& encoder, std::string_view text) {
  std::vector<float> vector(encoder.dim());
  const std::array<std::string_view, 1> texts = {text};
  ASSAY_TRY(encoder.Encode(texts, vector));
  return vector;
}

// Policies that look at the nearest question only.
class NearestPolicy : public Policy {
 public:
  NearestPolicy(const embed::Encoder& encoder, std::string name)
      : encoder_(encoder), name_(std::move(name)) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  Result<void> Preload(const core::Hash128& context, std::string_view question,
                       std::uint64_t answer) override {
    ASSAY_ASSIGN(const auto vector, EncodeOne(encoder_, question));
    return Store(context, vector, answer);
  }

  Result<Outcome> Ask(const core::Hash128& context, std::string_view question,
                      std::uint64_t answer) override {
    ASSAY_ASSIGN(const auto vector, EncodeOne(encoder_, question));
    Outcome outcome;
    if (const auto it = parts_.find(context); it != parts_.end()) {
      ASSAY_ASSIGN(const auto hits, it->second.rows.Search(vector, 1));
      const std::size_t entry = it->second.entries[hits[0].row];
      outcome.score = double{hits[0].score};
      outcome.score_wrong = answers_[entry] != answer;
      outcome.hit = Serves(entry, outcome.score);
      outcome.wrong = outcome.hit && outcome.score_wrong;
      if (outcome.hit) return outcome;
      if (Observe(entry, outcome.score, !outcome.score_wrong)) return outcome;
    }
    ASSAY_TRY(Store(context, vector, answer));
    return outcome;
  }

 protected:
  virtual bool Serves(std::size_t entry, double score) = 0;
  // What a miss showed; true where the question need not be stored, because the entry answers it.
  virtual bool Observe(std::size_t entry, double score, bool same) = 0;

 private:
  struct Part {
    explicit Part(std::size_t dim) : rows(dim) {}
    NearestRows rows;
    std::vector<std::size_t> entries;
  };

  Result<void> Store(const core::Hash128& context, std::span<const float> vector,
                     std::uint64_t answer) {
    Part& part = parts_.try_emplace(context, encoder_.dim()).first->second;
    ASSAY_TRY(part.rows.Append(vector));
    part.entries.push_back(answers_.size());
    answers_.push_back(answer);
    return {};
  }

  const embed::Encoder& encoder_;
  std::string name_;
  std::unordered_map<core::Hash128, Part> parts_;
  std::vector<std::uint64_t> answers_;  // by entry
};

class FixedCosine final : public NearestPolicy {
 public:
  FixedCosine(const embed::Encoder& encoder, double threshold)
      : NearestPolicy(encoder, fmt::format("cosine >= {:.2f}", threshold)), threshold_(threshold) {}

 private:
  bool Serves(std::size_t, double score) override { return score >= threshold_; }
  bool Observe(std::size_t, double, bool) override { return false; }

  double threshold_;
};

double Sigmoid(double x) {
  return 1 / (1 + std::exp(-std::clamp(x, -30.0, 30.0)));
}

class VCache final : public NearestPolicy {
 public:
  VCache(const embed::Encoder& encoder, double delta, std::uint64_t seed)
      : NearestPolicy(encoder, fmt::format("vCache, delta {:.3f}", delta)),
        delta_(delta),
        rng_(seed) {}

 private:
  static constexpr std::size_t kFirstLook =
      6;  // observations before an entry may be served, two by definition

  struct Observation {
    double score = 0;
    bool same = false;
  };
  // P(same) = 1 / (1 + exp(-steepness (score - middle))), with the variance of `middle`.
  struct Curve {
    double middle = 0.5, steepness = 10, variance = 0.1;
  };

  bool Serves(std::size_t entry, double score) override {
    const auto it = seen_.find(entry);
    if (it == seen_.end() || it->second.size() < kFirstLook) return false;
    return rng_.NextUnit() > ExploreProbability(Fit(it->second), score);
  }

  bool Observe(std::size_t entry, double score, bool same) override {
    auto& seen = seen_[entry];
    // As in the paper, two observations that hold by definition.
    if (seen.empty()) seen = {{0.0, false}, {1.0, true}};
    seen.push_back({score, same});
    return same;
  }

  // Maximum likelihood by gradient ascent with a weak pull on the steepness, which separable
  // observations would let grow without bound.
  static Curve Fit(const std::vector<Observation>& seen) {
    Curve curve;
    constexpr int kSteps = 200;
    constexpr double kPull = 1e-3;
    for (int step = 0; step < kSteps; ++step) {
      double slope_middle = 0;
      double slope_steepness = -kPull * curve.steepness;
      for (const auto& [score, same] : seen) {
        const double residual = (same ? 1 : 0) - Sigmoid(curve.steepness * (score - curve.middle));
        slope_middle -= residual * curve.steepness;
        slope_steepness += residual * (score - curve.middle);
      }
      curve.middle = std::clamp(curve.middle + 0.0005 * slope_middle, 0.0, 1.0);
      curve.steepness = std::clamp(curve.steepness + 5 * slope_steepness, 1.0, 200.0);
    }
    double information = 1e-9;
    for (const auto& [score, same] : seen) {
      const double p = Sigmoid(curve.steepness * (score - curve.middle));
      information += curve.steepness * curve.steepness * p * (1 - p);
    }
    curve.variance = 1 / information;
    return curve;
  }

  [[nodiscard]] double ExploreProbability(const Curve& curve, double score) const {
    // One-sided normal quantiles of 1 - epsilon.
    struct Level {
      double epsilon, quantile;
    };
    constexpr std::array<Level, 7> kLevels = {{{0.001, 3.090},
                                               {0.005, 2.576},
                                               {0.01, 2.326},
                                               {0.05, 1.645},
                                               {0.1, 1.282},
                                               {0.2, 0.842},
                                               {0.5, 0.0}}};
    double least = 1;
    for (const auto& [epsilon, quantile] : kLevels) {
      const double middle = curve.middle + quantile * std::sqrt(curve.variance);
      const double sure = (1 - epsilon) * Sigmoid(curve.steepness * (score - middle));
      least = std::min(least, 1 - delta_ / std::max(1 - sure, 1e-9));
    }
    return std::max(least, 0.0);
  }

  double delta_;
  core::SeededRng rng_;
  std::unordered_map<std::size_t, std::vector<Observation>> seen_;
};

class AssayPolicy final : public Policy {
 public:
  AssayPolicy(const embed::Encoder& fast, const embed::Encoder& precise,
              const AssayPolicyOptions& options)
      : name_(options.name),
        learn_(options.learn),
        rng_(options.seed),
        cache_(options.semantic, fast, precise, nullptr, rng_) {}

  [[nodiscard]] const std::string& name() const override { return name_; }

  Result<void> Preload(const core::Hash128& context, std::string_view question,
                       std::uint64_t answer) override {
    ASSAY_ASSIGN(SemanticLookup lookup, cache_.Prepare(context, question));
    ASSAY_TRY(cache_.Insert(lookup, {.high = 0, .low = answer}, {}));
    return {};
  }

  Result<Outcome> Ask(const core::Hash128& context, std::string_view question,
                      std::uint64_t answer) override {
    ASSAY_ASSIGN(const SemanticLookup lookup, cache_.Find(context, question));
    Outcome outcome;
    std::vector<std::optional<bool>> same;
    for (const Candidate& candidate : lookup.candidates) {
      same.emplace_back(candidate.answer.low == answer);
    }
    if (lookup.best) {
      outcome.score = lookup.candidates[*lookup.best].probability;
      outcome.score_wrong = same[*lookup.best] == std::optional(false);
    }
    outcome.hit = lookup.served.has_value();
    outcome.wrong = outcome.hit && outcome.score_wrong;
    outcome.checked = outcome.hit && lookup.check;
    if (learn_ && (!outcome.hit || lookup.check)) cache_.Learn(lookup, same);
    if (!outcome.hit) {
      ASSAY_TRY(cache_.Insert(lookup, {.high = 0, .low = answer}, same));
    }
    return outcome;
  }

 private:
  std::string name_;
  bool learn_;
  core::SeededRng rng_;
  SemanticCache cache_;
};

}  // namespace

std::unique_ptr<Policy> MakeFixedCosine(const embed::Encoder& precise, double threshold) {
  return std::make_unique<FixedCosine>(precise, threshold);
}

std::unique_ptr<Policy> MakeVCache(const embed::Encoder& precise, double delta,
                                   std::uint64_t seed) {
  return std::make_unique<VCache>(precise, delta, seed);
}

std::unique_ptr<Policy> MakeAssay(const embed::Encoder& fast, const embed::Encoder& precise,
                                  const AssayPolicyOptions& options) {
  return std::make_unique<AssayPolicy>(fast, precise, options);
}

}  // namespace assay::cache::internal
