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
constexpr float kMisplacedWord = 0.75F;
// Coverage by the best sentence from which the two have the same subject; below it, the documents
// do not contradict the claim, they do not mention it.
constexpr float kSameSubject = 0.6F;
constexpr float kMostlyNegated = 0.25F;
// The linear model knows documents only, not single sentences; see models/verifier/train.py.
constexpr float kMinDocumentSentences = 4;
// Share of right verdicts where such a finding decides, measured on RAGTruth and VitaminC.
constexpr float kConflictConfidence = 0.8F;
constexpr float kMissingConfidence = 0.7F;
constexpr float kVerbatimConfidence = 0.99F;

// The same without regard to order and to names and numbers, which an active for a passive changes.
constexpr float kSameWords = 0.75F;
constexpr float kNearlySameWords = 0.85F;
// Below it, the two share hardly more than names.
constexpr float kAnySubject = 0.35F;

// Where a claim of few words is not held together by one sentence, it is not supported: all its
// words may stand in the documents, and yet nothing of the kind is said. Set on true and invented
// statements about the handbook; of the short supported sentences of RAGTruth about a tenth falls
// below.
constexpr float kShortClaim = 8;  // content words
constexpr float kMinHeldTogether = 0.55F;
constexpr float kMinSubject = 0.3F;
constexpr float kMinPredicate = 0.5F;
constexpr float kMinOthers = 0.88F;  // where the predicate is another word

// A finding about a name or number decides where the sentences are nearly the same or where the
// trees have doubts too: a name may be known under another form, a number may be worked out.
constexpr float kNearlyCopied = 0.85F;
// From here on a fact is all that differs.
constexpr float kAllButOneFact = 0.9F;
constexpr float kDoubtOnNames = 0.3F;
constexpr float kDoubtOnQuantities = 0.15F;
// A quarter of RAGTruth's claims counts as unsupported in training (models/verifier/train.py). A
// verdict must not lean on that: these log odds make the two verdicts even.
constexpr float kEvenOdds = 1.1F;
// Mean similarity of the claim's words to their nearest ones in the evidence. 95% of the supported
// sentences of RAGTruth are above it, three of four sentences about another document below.
constexpr float kMinNearMean = 0.5F;
// The same in the best three sentences, where the evidence is shorter than a document.
constexpr float kMinNearTopMean = 0.35F;
constexpr float kRestatedShare = 0.97F;
constexpr float kRestatedConfidence = 0.9F;

// All that decides about a finding.
struct Basis {
  const FeatureVector& f;
  const ClauseMatch& clause;
  float risk = 0;
};

bool Trusted(const FactFinding& finding, const Basis& basis) {
  const auto& [f, clause, risk] = basis;
  if (f[Feature::kAlignedRest] >= kNearlyCopied) return true;
  if (finding.kind == FactKind::kQuantity && finding.conflicts && clause.best >= kNearlySameWords) {
    return true;
  }
  if (finding.kind == FactKind::kName) return risk >= kDoubtOnNames;
  return finding.kind != FactKind::kQuantity || risk >= kDoubtOnQuantities;
}

// Whether the claim is the best sentence but for stop words and the writing of quantities.
bool Restates(const FeatureVector& f) {
  return f[Feature::kAlignedShare] >= kRestatedShare && f[Feature::kDropped] == 0 &&
         f[Feature::kInserted] == 0 && f[Feature::kSlots] == 0 &&
         f[Feature::kNegationParity] == 0 && f[Feature::kNegatedDiffers] == 0 &&
         f[Feature::kObligationDiffers] == 0 && f[Feature::kPermissionDiffers] == 0 &&
         f[Feature::kInversions] == 0 && f[Feature::kContentWords] > 0;
}

// Whether the finding alone makes the claim contradicted.
bool Contradicts(const FactFinding& finding, const Basis& basis) {
  const FeatureVector& f = basis.f;
  if (!finding.conflicts || !Trusted(finding, basis)) return false;
  const float aligned = f[Feature::kAlignedRest];
  switch (finding.kind) {
    case FactKind::kQuantity:
      return aligned >= kSameStatement || basis.clause.best >= kSameWords;
    case FactKind::kName:
      return aligned >= kSameStatement && basis.clause.best >= kAnySubject;
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
      return aligned >= kSameStatementStrict;
    case FactKind::kOrder:
      return f[Feature::kEqualBest] >= kSameStatementStrict;
    case FactKind::kWord:
      return aligned >= kMisplacedWord;
  }
  return false;
}

// Whether the finding alone forbids the verdict "supported".
bool Withholds(const FactFinding& finding, const Basis& basis) {
  return (finding.kind == FactKind::kQuantity || finding.kind == FactKind::kName) &&
         Trusted(finding, basis);
}

// Whether subject and predicate of a short claim stand in different sentences or in none.
bool FallsApart(const Measurement& measurement) {
  const ClauseMatch& clause = measurement.clause;
  if (measurement.features[Feature::kContentWords] > kShortClaim || measurement.from_records) {
    return false;
  }
  return clause.all < kMinHeldTogether || clause.subject < kMinSubject ||
         (clause.predicate < kMinPredicate && clause.others < kMinOthers);
}

}  // namespace

float EvenRisk(float log_odds, bool has_document) {
  return Sigmoid(has_document ? log_odds + kEvenOdds : log_odds);
}

void SetByOdds(bool supported, float risk, Decision& decision) {
  const float contradiction = decision.contradiction;
  if (supported) {
    decision.verdict = Verdict::kSupported;
    decision.confidence = 1 - risk;
  } else if (decision.contradicts) {
    decision.verdict = Verdict::kContradicted;
    decision.confidence = risk * contradiction;
  } else {
    decision.verdict = Verdict::kUnverified;
    decision.confidence = risk * (1 - contradiction);
  }
}

Decision Decide(Measurement& measurement, const VerifierModel& model, float support_threshold) {
  const FeatureVector& f = measurement.features;
  const bool has_document = f[Feature::kEvidenceSentences] >= kMinDocumentSentences;
  float log_odds = model.unsupported.LogOdds(f.values());
  if (has_document) {
    log_odds = (log_odds + model.unsupported_linear.LogOdds(f.values())) / 2;
  }
  const float raw_risk = Sigmoid(log_odds);
  const float risk = EvenRisk(log_odds, has_document);
  const float contradiction = Sigmoid(model.contradicted.LogOdds(f.values()));
  std::vector<FactFinding>& findings = measurement.facts.findings;
  const Basis basis{f, measurement.clause, raw_risk};
  const auto weight = [&basis](const FactFinding& finding) {
    return Contradicts(finding, basis) ? 2 : Withholds(finding, basis) ? 1 : 0;
  };
  std::ranges::stable_sort(findings, std::ranges::greater(), weight);
  const int heaviest = findings.empty() ? 0 : weight(findings[0]);

  Decision decision;
  decision.support = 1 - raw_risk;
  decision.has_document = has_document;
  if (measurement.verbatim) {
    decision.verdict = Verdict::kSupported;
    decision.support = std::max(decision.support, kVerbatimConfidence);
    decision.confidence = decision.support;
    findings.clear();
  } else if (heaviest == 2) {
    decision.verdict = Verdict::kContradicted;
    decision.finding = 0;
    decision.confidence = std::max(kConflictConfidence, risk * contradiction);
  } else if (heaviest == 1) {
    decision.verdict = Verdict::kUnverified;
    decision.finding = 0;
    decision.confidence = std::max(kMissingConfidence, risk * (1 - contradiction));
  } else if (Restates(f)) {
    decision.verdict = Verdict::kSupported;
    decision.confidence = std::max(decision.support, kRestatedConfidence);
  } else if (has_document ? f[Feature::kNearMean] < kMinNearMean || FallsApart(measurement)
                          : f[Feature::kNearTopMean] < kMinNearTopMean) {
    decision.verdict = Verdict::kUnverified;
    decision.confidence = std::max(risk, kMissingConfidence);
  } else {
    decision.by_odds = true;
    decision.contradicts = contradiction >= 0.5F && f[Feature::kNearBestMean] >= kSameSubject;
    decision.contradiction = contradiction;
    SetByOdds(1 - risk >= support_threshold, risk, decision);
  }
  decision.support_by_facts = decision.support;
  decision.by_one_fact =
      decision.finding != kNoFinding && f[Feature::kAlignedRest] >= kAllButOneFact;
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
