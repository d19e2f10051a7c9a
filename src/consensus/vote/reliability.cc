#include "assay/consensus/reliability.h"

#include <algorithm>
#include <cmath>

namespace assay::consensus {
namespace {

constexpr double kLeast = 0.02;  // no expert is ever certain
constexpr double kMost = 0.98;
constexpr double kMostDistractors = 1000;
constexpr double kPriorPairs = 8;  // of wrong votes, as if seen before

// What the votes of one question say about each choice.
struct Evidence {
  std::vector<double> gain;  // [choices] sum over its voters of log p - log((1 - p) / distractors)
  std::vector<char> voted;   // [choices]
};

// Turns log odds against a common hypothesis of log mass 0 into probabilities.
Posterior Normalised(const Evidence& evidence, double log_nobody) {
  double highest = log_nobody;
  for (std::size_t c = 0; c < evidence.gain.size(); ++c) {
    if (evidence.voted[c] != 0) highest = std::max(highest, evidence.gain[c]);
  }
  Posterior out;
  out.of_choice.assign(evidence.gain.size(), 0);
  out.nobody = std::exp(log_nobody - highest);
  double sum = out.nobody;
  for (std::size_t c = 0; c < evidence.gain.size(); ++c) {
    if (evidence.voted[c] == 0) continue;
    out.of_choice[c] = std::exp(evidence.gain[c] - highest);
    sum += out.of_choice[c];
  }
  for (double& p : out.of_choice) p /= sum;
  out.nobody /= sum;
  return out;
}

double LogOdds(double accuracy, double distractors) {
  const double p = std::clamp(accuracy, kLeast, kMost);
  return std::log(p) - std::log((1 - p) / distractors);
}

// Mass of the answers that nobody gave: each of them is as likely as one that was given, before the
// votes, and a vote for another is a wrong one.
double LogNobody(std::size_t distinct, double distractors) {
  return std::log(std::max(0.5, distractors + 1 - static_cast<double>(distinct)));
}

}  // namespace

Posterior PosteriorOf(std::span<const Vote> votes, const Reliabilities& known,
                      std::span<const double> weights) {
  // Sums in an order of their own, so that the order of the votes does not show in the last bit.
  struct Part {
    std::uint32_t choice;
    double gain;
  };
  std::vector<Part> parts;
  std::uint32_t choices = 0;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    if (votes[i].choice == kNoVote) continue;
    const double weight = weights.empty() ? 1 : weights[i];
    parts.push_back(
        {votes[i].choice, weight * LogOdds(known.Of(votes[i].expert), known.distractors)});
    choices = std::max(choices, votes[i].choice + 1);
  }
  std::ranges::sort(parts, [](const Part& a, const Part& b) {
    return a.choice != b.choice ? a.choice < b.choice : a.gain < b.gain;
  });
  Evidence evidence{std::vector<double>(choices), std::vector<char>(choices)};
  std::size_t distinct = 0;
  for (const Part& part : parts) {
    evidence.gain[part.choice] += part.gain;
    distinct += evidence.voted[part.choice] == 0 ? 1U : 0U;
    evidence.voted[part.choice] = 1;
  }
  return Normalised(evidence, LogNobody(distinct, known.distractors));
}

ReliabilityLearner::ReliabilityLearner(const LearnerOptions& options) : options_(options) {
  current_.fallback = options.prior_right / (options.prior_right + options.prior_wrong);
}

void ReliabilityLearner::Observe(std::span<const Vote> votes) {
  Add(votes, kNoVote, false);
}

void ReliabilityLearner::Teach(std::span<const Vote> votes, std::uint32_t right) {
  Add(votes, right, true);
}

void ReliabilityLearner::Add(std::span<const Vote> votes, std::uint32_t right, bool known) {
  std::vector<Vote> sorted(votes.begin(), votes.end());
  std::ranges::sort(sorted, [](const Vote& a, const Vote& b) {
    return a.expert != b.expert ? a.expert < b.expert : a.choice < b.choice;
  });
  Question question;
  question.right = right;
  question.known = known;
  for (const Vote& vote : sorted) {
    if (vote.choice == kNoVote) continue;
    const auto number =
        numbers_.try_emplace(std::string(vote.expert), static_cast<std::uint32_t>(numbers_.size()));
    question.experts.push_back(number.first->second);
    question.choices.push_back(vote.choice);
  }
  if (question.experts.empty()) return;
  questions_.push_back(std::move(question));
  if (questions_.size() > options_.window) questions_.pop_front();
  // Early on every question counts; later ones hardly move anything.
  if (++unfitted_ >= std::min(options_.refit_every, 1 + questions_.size() / 8)) Refit();
}

void ReliabilityLearner::Refit() {
  unfitted_ = 0;
  const std::size_t experts = numbers_.size();
  std::vector<double> accuracy(experts, current_.fallback);
  for (const auto& [name, number] : numbers_) accuracy[number] = current_.Of(name);
  double distractors = current_.distractors;
  std::vector<double> right(experts), seen(experts);
  for (unsigned round = 0; round < options_.iterations; ++round) {
    right.assign(experts, options_.prior_right);
    seen.assign(experts, options_.prior_right + options_.prior_wrong);
    // Pairs of wrong votes to one question, and those of them that are equal.
    double wrong_pairs = kPriorPairs;
    double equal_pairs = kPriorPairs / Reliabilities{}.distractors;
    for (const Question& question : questions_) {
      std::uint32_t choices = 0;
      for (const std::uint32_t choice : question.choices) choices = std::max(choices, choice + 1);
      Evidence evidence{std::vector<double>(choices), std::vector<char>(choices)};
      std::vector<double> count(choices);
      std::size_t distinct = 0;
      for (std::size_t i = 0; i < question.experts.size(); ++i) {
        const std::uint32_t choice = question.choices[i];
        evidence.gain[choice] += LogOdds(accuracy[question.experts[i]], distractors);
        distinct += evidence.voted[choice] == 0 ? 1U : 0U;
        evidence.voted[choice] = 1;
        count[choice] += 1;
      }
      Posterior posterior;
      if (question.known) {
        posterior.of_choice.assign(choices, 0);
        if (question.right < choices) posterior.of_choice[question.right] = 1;
      } else {
        posterior = Normalised(evidence, LogNobody(distinct, distractors));
      }
      const auto voters = static_cast<double>(question.experts.size());
      for (std::size_t i = 0; i < question.experts.size(); ++i) {
        right[question.experts[i]] += posterior.of_choice[question.choices[i]];
        seen[question.experts[i]] += 1;
      }
      double squares = 0;  // twice the equal pairs, were all votes wrong
      for (const double c : count) squares += c * (c - 1);
      double none = 1;
      for (std::uint32_t c = 0; c < choices; ++c) {
        const double p = posterior.of_choice[c];
        none -= p;
        wrong_pairs += p * (voters - count[c]) * (voters - count[c] - 1) / 2;
        equal_pairs += p * (squares - count[c] * (count[c] - 1)) / 2;
      }
      wrong_pairs += none * voters * (voters - 1) / 2;
      equal_pairs += none * squares / 2;
    }
    for (std::size_t e = 0; e < experts; ++e) {
      accuracy[e] = std::clamp(right[e] / seen[e], kLeast, kMost);
    }
    distractors = std::clamp(wrong_pairs / std::max(equal_pairs, 1e-9), 1.0, kMostDistractors);
  }
  for (const auto& [name, number] : numbers_) current_.accuracy[name] = accuracy[number];
  current_.distractors = distractors;
}

Calibration::Calibration(std::size_t window, double prior) : window_(window), prior_(prior) {}

void Calibration::Observe(double score, bool right) {
  seen_.push_back({score, right});
  if (seen_.size() > window_) seen_.pop_front();
  if (++unfitted_ > seen_.size() / 32) Refit();
}

void Calibration::Refit() {
  unfitted_ = 0;
  std::vector<Seen> sorted(seen_.begin(), seen_.end());
  std::ranges::stable_sort(sorted, {}, &Seen::score);
  struct Pool {
    double score, right, weight;
  };
  std::vector<Pool> pools;
  for (const Seen& one : sorted) {
    pools.push_back({one.score, one.right ? 1.0 : 0.0, 1});
    while (pools.size() > 1) {
      const Pool& last = pools.back();
      Pool& before = pools[pools.size() - 2];
      if (before.right * last.weight < last.right * before.weight) break;
      before.score =
          (before.score * before.weight + last.score * last.weight) / (before.weight + last.weight);
      before.right += last.right;
      before.weight += last.weight;
      pools.pop_back();
    }
  }
  scores_.clear();
  values_.clear();
  for (const Pool& pool : pools) {
    scores_.push_back(pool.score);
    values_.push_back((pool.right + prior_ * pool.score) / (pool.weight + prior_));
  }
  for (std::size_t i = 1; i < values_.size(); ++i)
    values_[i] = std::max(values_[i], values_[i - 1]);
}

double Calibration::Calibrated(double score) const {
  if (scores_.empty()) return score;
  const auto above = std::ranges::lower_bound(scores_, score);
  if (above == scores_.begin()) return values_.front();
  if (above == scores_.end()) return values_.back();
  const auto i = static_cast<std::size_t>(above - scores_.begin());
  const double span = scores_[i] - scores_[i - 1];
  const double share = span > 0 ? (score - scores_[i - 1]) / span : 1;
  return values_[i - 1] + share * (values_[i] - values_[i - 1]);
}

}  // namespace assay::consensus
