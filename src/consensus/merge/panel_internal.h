// The answers of one call in an order that does not depend on that of the caller.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/consensus/consensus.h"

namespace assay::consensus::internal {

// Parallel arrays, sorted by expert, text and the rest. All indices inside are places in here.
struct Panel {
  std::vector<std::uint32_t> input;  // place of each in the caller's list
  std::vector<std::string_view> experts;
  std::vector<std::string_view> texts;
  std::vector<double> weights;     // as given
  std::vector<double> evidence;    // exponents: weights with mean 1, times 0.5 + confidence
  std::vector<double> latencies;   // ms; negative: not known
  std::vector<double> accuracies;  // of their experts
  double total_weight = 0;
  std::vector<double> agreement;  // [n * n]
  std::vector<FinalAnswer> finals;
  FinalKind kind = FinalKind::kNone;  // that most finals have

  [[nodiscard]] std::size_t size() const { return texts.size(); }
  [[nodiscard]] double share(std::uint32_t i) const { return weights[i] / total_weight; }
  // Sum of shares, in rising order of the places.
  [[nodiscard]] double ShareOf(std::span<const std::uint32_t> places) const;
};

// The place among `among` that agrees most with the others, weighted; ties to the more accurate
// expert, then the faster, then the first.
[[nodiscard]] std::uint32_t MedoidOf(const Panel& panel, std::span<const std::uint32_t> among);

// "1 of 5".
[[nodiscard]] std::string CountOf(const Panel& panel, std::span<const std::uint32_t> places);

// Claims of all answers, grouped; see claims.cc. Fills claims, dissent, answer and confidence of
// `out`, in places of the panel. `out.answer` stays empty where no claim reaches the quorum.
[[nodiscard]] Result<void> MergeClaims(const Panel& panel, const MergeOptions& options,
                                       const embed::Encoder* encoder,
                                       const claims::Entailment* entailment, Outcome& out);

// Support of given claims: texts[i] are those of answer i. The claims come back answer by answer,
// in their order.
[[nodiscard]] Result<std::vector<ClaimSupport>> SupportOfClaims(
    const Panel& panel, const MergeOptions& options, const embed::Encoder* encoder,
    std::vector<std::vector<std::string>> texts);

// The answers in their own order; accuracies by `known`, which may be null.
[[nodiscard]] Panel SeatAnswers(std::span<const ExpertAnswer> answers, const Reliabilities* known);

// The heaviest group of consistent numbers; nothing where fewer than two answers end in a number.
[[nodiscard]] std::optional<NumericConsensus> AggregateNumbers(const Panel& panel,
                                                               double tolerance);

}  // namespace assay::consensus::internal
