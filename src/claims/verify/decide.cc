#include <algorithm>

#include <fmt/format.h>

#include "verify/judge_internal.h"

namespace assay::claims::internal {
namespace {

// How much of the claim must stand in the best sentence (rarity share of equal aligned words)
// before a difference in one fact means that the two speak of the same thing. Chosen on one-fact
// changes and paraphrases of the handbook and on RAGTruth (docs/quality.md).
constexpr float kSameStatement = 0.45F;
constexpr float kSameStatementStrict = 0.7F;
constexpr float kMostlyNegated = 0.25F;
// The linear model knows documents only, not single sentences; see models/verifier/train.py.
constexpr float kMinDocumentSentences = 4;
// Share of right verdicts where such a finding decides, measured on RAGTruth and VitaminC.
constexpr float kConflictConfidence = 0.8F;
constexpr float kMissingConfidence = 0.7F;
constexpr float kVerbatimConfidence = 0.99F;
// Nine of ten sentences that models write from a document are supported by it (RAGTruth: 8,370 of
// 9,336), and the trees lean on that. A verdict must not: these log odds make the two even.
constexpr float kEvenOdds = 1.9F;
// Mean similarity of the claim's words to their nearest ones in the evidence. 95% of the supported
// sentences of RAGTruth are above it, three of four sentences about another document below.
constexpr float kMinNearMean = 0.5F;

// Whether the finding alone makes the claim contradicted.
bool Contradicts(const FactFinding& finding, const FeatureVector& f) {
  if (!finding.conflicts) return false;
  const float aligned = f[Feature::kAlignedShare];
  switch (finding.kind) {
    case FactKind::kQuantity:
    case FactKind::kName:
    case FactKind::kAntonym:
      return aligned >= kSameStatement;
    case FactKind::kNegation:
      return f[Feature::kAntonyms] == 0 &&
             ((aligned >= kSameStatement && f[Feature::kNegatedDiffers] >= kMostlyNegated) ||
              (aligned >= kSameStatementStrict && f[Feature::kNegationParity] > 0));
    case FactKind::kField:
      return true;
    case FactKind::kQuantifier:
    case FactKind::kModality:
    case FactKind::kOrder:
      return aligned >= kSameStatementStrict;
    case FactKind::kWord:
      return false;
  }
  return false;
}

// Whether the finding alone forbids the verdict "supported".
bool Withholds(const FactFinding& finding) {
  return finding.kind == FactKind::kQuantity || finding.kind == FactKind::kName;
}

}  // namespace

Decision Decide(Measurement& measurement, const VerifierModel& model, float support_threshold) {
  const FeatureVector& f = measurement.features;
  const bool has_document = f[Feature::kEvidenceSentences] >= kMinDocumentSentences;
  float log_odds = model.unsupported.LogOdds(f.values());
  if (has_document) {
    log_odds = (log_odds + model.unsupported_linear.LogOdds(f.values())) / 2;
  }
  const float risk = Sigmoid(has_document ? log_odds + kEvenOdds : log_odds);
  const float contradiction = Sigmoid(model.contradicted.LogOdds(f.values()));
  std::vector<FactFinding>& findings = measurement.facts.findings;
  std::ranges::stable_sort(findings, std::ranges::greater(), [&f](const FactFinding& finding) {
    return Contradicts(finding, f) ? 2 : Withholds(finding) ? 1 : 0;
  });

  Decision decision;
  decision.support = 1 - Sigmoid(log_odds);
  if (measurement.verbatim) {
    decision.verdict = Verdict::kSupported;
    decision.support = std::max(decision.support, kVerbatimConfidence);
    decision.confidence = decision.support;
    findings.clear();
  } else if (!findings.empty() && Contradicts(findings[0], f)) {
    decision.verdict = Verdict::kContradicted;
    decision.finding = 0;
    decision.confidence = std::max(kConflictConfidence, risk * contradiction);
  } else if (!findings.empty() && Withholds(findings[0])) {
    decision.verdict = Verdict::kUnverified;
    decision.finding = 0;
    decision.confidence = std::max(kMissingConfidence, risk * (1 - contradiction));
  } else if (has_document && f[Feature::kNearMean] < kMinNearMean) {
    decision.verdict = Verdict::kUnverified;
    decision.confidence = std::max(kMissingConfidence, risk * (1 - contradiction));
  } else if (1 - risk >= support_threshold) {
    decision.verdict = Verdict::kSupported;
    decision.confidence = 1 - risk;
  } else if (contradiction >= 0.5F) {
    decision.verdict = Verdict::kContradicted;
    decision.confidence = risk * contradiction;
  } else {
    decision.verdict = Verdict::kUnverified;
    decision.confidence = risk * (1 - contradiction);
  }
  return decision;
}

namespace {

std::string FindingReason(const FactFinding& finding, std::string_view file) {
  const std::string_view claim = finding.claim_says;
  const std::string_view evidence = finding.evidence_says;
  if (!finding.conflicts) return fmt::format("the documents do not mention {} here", claim);
  switch (finding.kind) {
    case FactKind::kNegation:
      return fmt::format("{} says the opposite about \"{}\"", file, claim);
    case FactKind::kOrder:
      return fmt::format("{} says it the other way round: \"{}\"", file, evidence);
    case FactKind::kField:
      return fmt::format("{} has \"{}\", the answer says \"{}\"", file, evidence, claim);
    case FactKind::kQuantity:
    case FactKind::kName:
      return fmt::format("{} says {}, the answer says {}", file, evidence, claim);
    default:
      return fmt::format("{} says \"{}\", the answer says \"{}\"", file, evidence, claim);
  }
}

std::string UnmatchedReason(const Measurement& measurement, const Statement& claim) {
  constexpr std::size_t kMaxWords = 3;
  std::string words;
  for (std::size_t i = 0; i < std::min(kMaxWords, measurement.unmatched.size()); ++i) {
    if (i > 0) words += ", ";
    words += fmt::format("\"{}\"", claim.word(measurement.unmatched[i]));
  }
  return words;
}

}  // namespace

std::string ReasonFor(const Decision& decision, const Measurement& measurement,
                      const Statement& claim, std::string_view file, std::uint32_t line) {
  if (decision.finding != kNoFinding) {
    return FindingReason(measurement.facts.findings[decision.finding], file);
  }
  const std::string unmatched = UnmatchedReason(measurement, claim);
  switch (decision.verdict) {
    case Verdict::kSupported:
      return measurement.verbatim ? fmt::format("{}, line {}, says exactly this", file, line)
                                  : fmt::format("{}, line {}, says so", file, line);
    case Verdict::kContradicted:
      return fmt::format("{}, line {}, says something else", file, line);
    case Verdict::kUnverified:
      break;
  }
  if (!unmatched.empty()) return fmt::format("the documents do not mention {}", unmatched);
  return fmt::format("{}, line {}, comes nearest but does not say this", file, line);
}

}  // namespace assay::claims::internal
