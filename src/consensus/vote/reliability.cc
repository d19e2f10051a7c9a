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

// Turns log odds against a common hypothesis of log mass 0 into probabilities; `out` keeps its
// room.
void Normalise(const Evidence& evidence, double log_nobody, Posterior& out) {
  double highest = log_nobody;
  for (std::size_t c = 0; c < evidence.gain.size(); ++c) {
    if (evidence.voted[c] != 0) highest = std::max(highest, evidence.gain[c]);
  }
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
  Posterior out;
  Normalise(evidence, LogNobody(distinct, known.distractors), out);
  return out;
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

namespace {

// One round of expectation and maximisation; what a question needs keeps its memory from one to the
// next.
class Round {
 public:
  Round(std::span<const double> accuracy, double distractors, const LearnerOptions& options)
      : distractors_(distractors),
        right_(accuracy.size(), options.prior_right),
        seen_(accuracy.size(), options.prior_right + options.prior_wrong) {
    for (const double share : accuracy) odds_.push_back(LogOdds(share, distractors));
  }

  void Take(std::span<const std::uint32_t> experts, std::span<const std::uint32_t> choices,
            bool known, std::uint32_t right) {
    const std::size_t distinct = Gather(experts, choices);
    if (known) {
      posterior_.of_choice.assign(count_.size(), 0);
      if (right < count_.size()) posterior_.of_choice[right] = 1;
    } else {
      Normalise(evidence_, LogNobodyOf(distinct), posterior_);
    }
    for (std::size_t i = 0; i < experts.size(); ++i) {
      right_[experts[i]] += posterior_.of_choice[choices[i]];
      seen_[experts[i]] += 1;
    }
    CountPairs(static_cast<double>(experts.size()));
  }

  [[nodiscard]] double AccuracyOf(std::size_t expert) const {
    return std::clamp(right_[expert] / seen_[expert], kLeast, kMost);
  }
  [[nodiscard]] double Distractors() const {
    return std::clamp(wrong_pairs_ / std::max(equal_pairs_, 1e-9), 1.0, kMostDistractors);
  }

 private:
  // Votes by choice; returns how many choices have one.
  std::size_t Gather(std::span<const std::uint32_t> experts,
                     std::span<const std::uint32_t> choices) {
    const std::size_t size = std::size_t{std::ranges::max(choices)} + 1;
    evidence_.gain.assign(size, 0);
    evidence_.voted.assign(size, 0);
    count_.assign(size, 0);
    std::size_t distinct = 0;
    for (std::size_t i = 0; i < experts.size(); ++i) {
      const std::uint32_t choice = choices[i];
      evidence_.gain[choice] += odds_[experts[i]];
      distinct += evidence_.voted[choice] == 0 ? 1U : 0U;
      evidence_.voted[choice] = 1;
      count_[choice] += 1;
    }
    return distinct;
  }

  double LogNobodyOf(std::size_t distinct) {
    while (log_nobody_.size() <= distinct) {
      log_nobody_.push_back(LogNobody(log_nobody_.size(), distractors_));
    }
    return log_nobody_[distinct];
  }

  // Pairs of wrong votes to one question, and those of them that are equal.
  void CountPairs(double voters) {
    double squares = 0;  // twice the equal pairs, were all votes wrong
    for (const double c : count_) squares += c * (c - 1);
    double none = 1;
    for (std::size_t c = 0; c < count_.size(); ++c) {
      const double p = posterior_.of_choice[c];
      none -= p;
      wrong_pairs_ += p * (voters - count_[c]) * (voters - count_[c] - 1) / 2;
      equal_pairs_ += p * (squares - count_[c] * (count_[c] - 1)) / 2;
    }
    wrong_pairs_ += none * voters * (voters - 1) / 2;
    equal_pairs_ += none * squares / 2;
  }

  double distractors_;
  std::vector<double> right_;
  std::vector<double> seen_;
  std::vector<double> odds_;        // of each expert's vote
  std::vector<double> log_nobody_;  // by the number of distinct choices
  double wrong_pairs_ = kPriorPairs;
  double equal_pairs_ = kPriorPairs / Reliabilities{}.distractors;
  Evidence evidence_;  // of the question at hand, as the next two
  std::vector<double> count_;
  Posterior posterior_;
};

}  // namespace

void ReliabilityLearner::Refit() {
  unfitted_ = 0;
  std::vector<double> accuracy(numbers_.size(), current_.fallback);
  for (const auto& [name, number] : numbers_) accuracy[number] = current_.Of(name);
  double distractors = current_.distractors;
  for (unsigned i = 0; i < options_.iterations; ++i) {
    Round round(accuracy, distractors, options_);
    for (const Question& question : questions_) {
      round.Take(question.experts, question.choices, question.known, question.right);
    }
    for (std::size_t e = 0; e < accuracy.size(); ++e) accuracy[e] = round.AccuracyOf(e);
    distractors = round.Distractors();
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
