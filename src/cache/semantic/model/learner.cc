#include <algorithm>
#include <cmath>
#include <vector>

#include "assay/cache/semantic/same_answer.h"

namespace assay::cache {
namespace {

// A candidate that was not the best one teaches too, but says less about what is served.
constexpr float kOtherWeight = 0.3F;
constexpr std::size_t kRefitShare = 16;
constexpr double kNever = 2.0;  // a threshold that no probability reaches

}  // namespace

SameAnswerLearner::SameAnswerLearner(const RiskOptions& options)
    : options_(options), threshold_(options.cold_threshold) {}

double SameAnswerLearner::Probability(const PairFeatures& features) const {
  const double logit = (models_[0].Logit(features) + models_[1].Logit(features)) / 2;
  return 1 / (1 + std::exp(-std::clamp(logit, -30.0, 30.0)));
}

void SameAnswerLearner::AddLabelled(std::span<const Labelled> candidates, float weight) {
  const std::uint64_t number = first_request_ + requests_.size();
  Request request;
  for (const Labelled& candidate : candidates) {
    if (candidate.vetoed) continue;  // what is never served must not bend the model
    examples_.push_back(
        {candidate.features, candidate.best ? weight : kOtherWeight, candidate.same});
    halves_.push_back(static_cast<std::uint8_t>(number & 1U));
    if (examples_.size() > options_.window) {
      examples_.pop_front();
      halves_.pop_front();
    }
    if (!candidate.best) continue;
    request = {candidate.features, weight, !candidate.same, true};
  }
  requests_.push_back(request);
  if (requests_.size() > options_.window) {
    requests_.pop_front();
    ++first_request_;
  }
  // Ever more seldom, so that the work for a request stays the same as examples grow.
  if (++unfitted_ < std::max(options_.refit_every, requests_.size() / kRefitShare)) return;
  unfitted_ = 0;
  Refit();
  Calibrate();
}

void SameAnswerLearner::AddUnlabelled() {
  requests_.emplace_back();
  if (requests_.size() <= options_.window) return;
  requests_.pop_front();
  ++first_request_;
}

void SameAnswerLearner::Refit() {
  for (std::size_t half = 0; half < models_.size(); ++half) {
    std::vector<const LogisticModel::Example*> examples;
    for (std::size_t i = 0; i < examples_.size(); ++i) {
      if (halves_[i] == half) examples.push_back(&examples_[i]);
    }
    models_[half].Fit(examples);
  }
}

// The lowest threshold whose bound on the wrong hits keeps to the budget:
// (sum of weights of wrong requests at or above it + largest weight) / (requests + 1) <= budget.
void SameAnswerLearner::Calibrate() {
  const double largest = 1 / options_.shadow_share;
  const double allowed =
      options_.aim * options_.budget * static_cast<double>(requests_.size() + 1) - largest;
  if (allowed < 0) return;  // too few requests: the cold threshold stands
  calibrated_ = true;
  struct Scored {
    double score = 0;
    double risk = 0;
  };
  std::vector<Scored> scored;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    const Request& request = requests_[i];
    if (!request.has_score) continue;
    // The model that learned from the other half.
    const std::size_t half = ((first_request_ + i) & 1U) ^ 1U;
    scored.push_back({models_[half].Probability(request.features),
                      request.wrong ? double{request.weight} : 0.0});
  }
  std::ranges::sort(scored, std::ranges::greater(), &Scored::score);
  double risk = 0;
  threshold_ = kNever;
  for (std::size_t i = 0; i < scored.size();) {
    std::size_t end = i;  // equal scores are served together
    double group = 0;
    for (; end < scored.size() && scored[end].score == scored[i].score; ++end) {
      group += scored[end].risk;
    }
    if (risk + group > allowed) return;
    risk += group;
    threshold_ = scored[i].score;
    i = end;
  }
}

}  // namespace assay::cache
