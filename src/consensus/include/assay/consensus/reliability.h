// assay/consensus/reliability.h: how often each expert is right, learned from votes.
// Room: consensus.  Threads: a Reliabilities is a plain value; a ReliabilityLearner belongs to one
// thread at a time.
// Method: EM of Dawid and Skene 1979 in its one-coin form, for answers without a fixed set of
// labels: expert e is right with p_e, else gives one of `distractors` wrong answers that all
// questions are taken to have. That nobody is right is one of the hypotheses.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace assay::consensus {

// Votes of one question: equal numbers are equal answers.
inline constexpr std::uint32_t kNoVote = 0xFFFFFFFF;  // an answer without a final

struct Vote {
  std::string_view expert;
  std::uint32_t choice = kNoVote;
};

// What was learned, to be handed to many threads.
struct Reliabilities {
  std::map<std::string, double, std::less<>> accuracy;  // of each expert, in [0.02, 0.98]
  double fallback = 0.6;                                // of an expert that was never seen
  double distractors = 8;                               // wrong answers of a question, at least 1

  [[nodiscard]] double Of(std::string_view expert) const {
    const auto found = accuracy.find(expert);
    return found == accuracy.end() ? fallback : found->second;
  }
};

struct Posterior {
  std::vector<double> of_choice;  // [1 + highest choice] probability that it is right
  double nobody = 0;              // that no vote is right; all add up to 1
};

// Probability of each voted answer. `weights` multiplies an expert's evidence (its exponent, 1 is
// neutral); empty: all 1. Independent of the order of the votes up to rounding in the last bit,
// which summing in order of choice and size removes. Requires: weights is empty or as long as
// votes.
[[nodiscard]] Posterior PosteriorOf(std::span<const Vote> votes, const Reliabilities& known,
                                    std::span<const double> weights = {});

struct LearnerOptions {
  std::size_t window = 2048;  // questions that are remembered
  std::size_t refit_every = 16;
  unsigned iterations = 12;  // of EM a refit
  double prior_right = 3;    // pseudo-counts of each expert: 3 right and 2 wrong
  double prior_wrong = 2;
};

class ReliabilityLearner {
 public:
  explicit ReliabilityLearner(const LearnerOptions& options = {});

  // A question whose right answer nobody knows: EM weighs it by what the others say.
  void Observe(std::span<const Vote> votes);
  // A question whose outcome is known: `right` is the right choice, kNoVote if nobody was right.
  void Teach(std::span<const Vote> votes, std::uint32_t right);

  // Depends on the questions seen and their order, not on the order of the votes within one.
  [[nodiscard]] const Reliabilities& current() const { return current_; }
  [[nodiscard]] std::size_t questions() const { return questions_.size(); }

 private:
  struct Question {
    std::vector<std::uint32_t> experts;  // numbers, rising
    std::vector<std::uint32_t> choices;
    std::uint32_t right = 0;
    bool known = false;
  };
  void Add(std::span<const Vote> votes, std::uint32_t right, bool known);
  void Refit();

  LearnerOptions options_;
  std::map<std::string, std::uint32_t, std::less<>> numbers_;
  std::deque<Question> questions_;
  std::size_t unfitted_ = 0;
  Reliabilities current_;
};

// From a raw score to the share of such scores that were right: isotonic regression (pool adjacent
// violators, Ayer et al. 1955) over the last observations, drawn to the score itself by a prior.
class Calibration {
 public:
  explicit Calibration(std::size_t window = 4096, double prior = 8);

  void Observe(double score, bool right);
  // In [0, 1], rising in the score; the score itself before anything was observed.
  [[nodiscard]] double Calibrated(double score) const;
  [[nodiscard]] std::size_t observations() const { return seen_.size(); }

 private:
  struct Seen {
    double score = 0;
    bool right = false;
  };
  void Refit();

  std::size_t window_;
  double prior_;
  std::deque<Seen> seen_;
  std::size_t unfitted_ = 0;
  std::vector<double> scores_;  // rising; values_[i] holds at scores_[i], straight lines between
  std::vector<double> values_;
};

}  // namespace assay::consensus
