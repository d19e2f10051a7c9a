// assay/consensus/consensus.h: from the answers of several experts to one.
// Room: consensus (uses core, text, embed, claims).  Threads: a Merger is immutable; Merge may be
// called by many threads at once.
// The outcome is a function of the set of answers: it does not depend on their order, which is
// tested by permuting them. No I/O, no clock, no random numbers.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/entailment.h"
#include "assay/consensus/cluster.h"
#include "assay/consensus/final_answer.h"
#include "assay/consensus/reliability.h"
#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::consensus {

inline constexpr std::size_t kMinAnswers = 2;
inline constexpr std::size_t kMaxAnswers = 200;
inline constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;
inline constexpr std::uint32_t kNoAnswer = 0xFFFFFFFF;

// One expert's answer. The views must live while Merge runs.
struct ExpertAnswer {
  std::string_view expert;  // name; two answers of one expert are two votes
  std::string_view text;    // UTF-8
  double weight = 1;        // > 0; what a vote counts, and the exponent of its evidence
  double confidence = -1;   // the expert's own, in [0, 1]; negative: not said
  double latency_ms = -1;   // negative: not known; only breaks ties
};

enum class Method : std::uint8_t {
  kAuto,      // kWeighted where at least half of the answers have a final answer, else kClaims
  kMajority,  // most weight among equal finals; texts that agree count as equal
  kWeighted,  // most probable final by the experts' reliabilities (reliability.h)
  kMedoid,    // the answer that agrees most with all others
  kClaims,    // a text of the claims that a quorum supports
};

// "auto", "majority", "weighted", "medoid", "claims", and back; nothing for other names.
[[nodiscard]] std::string_view MethodName(Method method);
[[nodiscard]] std::optional<Method> MethodOf(std::string_view name);

struct MergeOptions {
  Method method = Method::kAuto;
  Linkage linkage = Linkage::kAverage;
  double same_threshold = 0.75;  // agreement from which two answers are one, in (0, 1]
  double quorum = 0.5;  // share of all weight that a claim needs, in (0, 1]; at least 2 answers
  double claim_threshold = 0.7;    // similarity from which two claims may say the same, (0, 1]
  double number_tolerance = 1e-6;  // relative, of numbers that count as consistent, [0, 1)
  FinalKind final_kind = FinalKind::kNone;  // what finals are; kNone: found out
  bool parallel = false;  // spreads one Merge over all cores; the outcome is the same
};

// Answers that count as one.
struct Opinion {
  std::vector<std::uint32_t> answers;  // indices into the input, rising
  std::uint32_t medoid = 0;            // the one of them that agrees most with the others of them
  double weight = 0;                   // sum of their weights over that of all, in [0, 1]
  double probability = 0;              // that it is right, from the reliabilities
  double cohesion = 1;                 // mean agreement within
  double stability = 1;                // see Cluster
  FinalAnswer final;                   // kNone for opinions without one
};

// A statement and who made it.
struct ClaimSupport {
  std::string text;                       // as its most typical maker puts it
  std::uint32_t answer = 0;               // that maker
  std::vector<std::uint32_t> supporters;  // answers that make it, rising
  std::vector<std::uint32_t> opponents;   // answers that state something that excludes it
  double weight = 0;                      // of the supporters, share of all
  bool accepted = false;                  // the quorum is met, and by more than oppose it
};

// What the consensus leaves out or is denied by.
struct Dissent {
  std::string text;                    // what was said: a claim, or a final answer
  std::vector<std::uint32_t> answers;  // by whom, rising
  double weight = 0;
  std::string against;  // the accepted statement that it excludes; empty: it is merely not shared
  std::string reason;   // for people: "says 3 days, not 30 days", "said by 1 of 5"
};

// Of numeric finals: the median of the heaviest group of consistent numbers.
struct NumericConsensus {
  double value = 0;
  std::vector<std::uint32_t> answers;  // whose numbers are in the group, rising
  double weight = 0;                   // share of all
  double spread = 0;                   // median absolute deviation of all numbers from the value
};

struct Outcome {
  Method method = Method::kMajority;  // that was used: never kAuto
  std::string answer;                 // the text to serve
  std::uint32_t chosen = kNoAnswer;   // whose text it is; kNoAnswer where it was merged from claims
  double confidence = 0;              // that it is right, in [0, 1]
  double agreement_mean = 0;          // weighted mean over pairs, in [0, 1]
  std::uint32_t medoid = 0;           // of all answers
  std::vector<double> agreement;      // [n * n] symmetric, 1 on the diagonal
  std::vector<FinalAnswer> finals;    // [n]
  std::vector<Opinion> opinions;      // most probable first
  std::vector<ClaimSupport> claims;   // in the order of the merged text; kClaims only
  std::vector<Dissent> dissent;       // heaviest first
  std::optional<NumericConsensus> numeric;
};

class Merger {
 public:
  // `encoder` gives the vectors of answers and claims (the static encoder); null: cosines of word
  // counts. `entailment` may be null; where given, it is asked about pairs of claims that are near.
  // Both must outlive the Merger. Errors: kInvalidArgument or kOutOfRange for options.
  [[nodiscard]] static Result<Merger> Create(const MergeOptions& options,
                                             const embed::Encoder* encoder,
                                             const claims::Entailment* entailment = nullptr);

  // `known` may be null: all experts count alike. `calibration` may be null: the confidence is the
  // model's own probability. O(n^2) in the answers, O(claims^2 * dim) with kClaims.
  // Errors: kInvalidArgument for fewer than 2 answers, an empty expert or a weight, confidence that
  // is out of range (names the answer); kOutOfRange for more than 200 answers or one of more than
  // 1 MiB; those of the encoder and the entailment. An empty answer is an abstention.
  [[nodiscard]] Result<Outcome> Merge(std::span<const ExpertAnswer> answers,
                                      const Reliabilities* known = nullptr,
                                      const Calibration* calibration = nullptr) const;

  // Votes of the answers for a ReliabilityLearner: answers of one opinion vote alike. `choices` of
  // an outcome are the indices of its opinions.
  [[nodiscard]] static std::vector<Vote> VotesOf(std::span<const ExpertAnswer> answers,
                                                 const Outcome& outcome);

  [[nodiscard]] const MergeOptions& options() const { return options_; }

 private:
  Merger(const MergeOptions& options, const embed::Encoder* encoder,
         const claims::Entailment* entailment)
      : options_(options), encoder_(encoder), entailment_(entailment) {}

  MergeOptions options_;
  const embed::Encoder* encoder_;
  const claims::Entailment* entailment_;
};

}  // namespace assay::consensus
