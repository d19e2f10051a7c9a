#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "verify/judging_internal.h"

namespace assay::claims::internal {
namespace {

constexpr float kNoEvidenceConfidence = 0.95F;

// Sorted, without overlaps; neighbours with nothing but white space between become one.
std::vector<text::Span> Joined(std::vector<text::Span> spans, std::string_view claim) {
  std::ranges::sort(spans, {}, &text::Span::begin);
  std::vector<text::Span> joined;
  for (const text::Span& span : spans) {
    if (span.empty() || span.end > claim.size()) continue;
    if (!joined.empty()) {
      text::Span& last = joined.back();
      const std::uint32_t gap_end = std::max(last.end, span.begin);
      const std::string_view gap = claim.substr(last.end, gap_end - last.end);
      if (gap.find_first_not_of(" \t\r\n") == std::string_view::npos) {
        last.end = std::max(last.end, span.end);
        continue;
      }
    }
    joined.push_back(span);
  }
  return joined;
}

// Before the findings are moved into the judgement.
std::vector<text::Span> UnsupportedWords(const Judging& judging) {
  if (judging.decision.verdict == Verdict::kSupported) return {};
  std::vector<text::Span> spans = judging.unsupported_words;
  const std::vector<FactFinding>& findings = judging.measurement.facts.findings;
  if (judging.decision.finding != kNoFinding) {
    spans.push_back(findings[judging.decision.finding].claim);
  }
  if (!judging.knows_words && judging.decision.verdict == Verdict::kUnverified) {
    for (const std::uint32_t token : judging.measurement.unmatched) {
      spans.push_back(judging.claim.tokens[token].span);
    }
  }
  return Joined(std::move(spans), judging.claim.text);
}

// The best rows become evidence; a conflicting finding's row is among them and comes first.
void Explain(Judging& judging, const PassageReader& reader, std::uint32_t max_evidence) {
  Measurement& measurement = judging.measurement;
  Judgement& judgement = judging.judgement;
  std::vector<FactFinding>& findings = measurement.facts.findings;
  std::vector<std::uint32_t> order = measurement.ranking;
  const auto bring_forward = [&order](std::uint32_t row) {
    const auto it = std::ranges::find(order, row);
    if (it != order.end()) order.erase(it);
    order.insert(order.begin(), row);
  };
  const std::size_t decided = judging.decision.finding;
  if (decided != kNoFinding && findings[decided].conflicts) {
    bring_forward(findings[decided].evidence);
  }
  if (order.size() > max_evidence) order.resize(max_evidence);
  for (const std::uint32_t row : order) {
    judgement.evidence.push_back(
        reader.EvidenceOf(judging.pool.rows[row], measurement.shares[row]));
  }
  const Evidence& first = judgement.evidence.front();
  judgement.reason =
      ReasonFor(judging.decision, measurement, judging.claim, first.file, first.line);
  for (FactFinding& finding : findings) {
    if (finding.conflicts) {
      const auto it = std::ranges::find(order, finding.evidence);
      if (it == order.end()) continue;
      finding.evidence = static_cast<std::uint32_t>(it - order.begin());
    }
    judgement.findings.push_back(std::move(finding));
  }
}

float LogOdds(float probability) {
  constexpr float kSmallest = 1e-4F;
  return std::log((probability + kSmallest) / (1 - probability + kSmallest));
}

// Log odds that the claim is not supported where both the trees and a model have been heard.
float MixedLogOdds(float support, const EntailmentScore& score,
                   const embed::CrossEncoderCard::Mix& mix) {
  return mix.bias + mix.verifier * LogOdds(1 - support) +
         mix.supported * LogOdds(1 - score.supported) +
         mix.contradicted * LogOdds(score.contradicted) +
         mix.words * LogOdds(score.least_borne_out);
}

// Where a model's card does not say how it goes together with the trees, its word counts beside
// theirs. Returns the risk of the claim; so does Mix.
float Weigh(const EntailmentScore& score, const VerifierOptions& options, Decision& decision) {
  const float weight = options.entailment_weight;
  const float support = (1 - weight) * decision.support + weight * score.supported;
  if (!decision.by_odds) return 1 - support;
  decision.support = support;
  if (decision.support >= options.support_threshold) {
    decision.verdict = Verdict::kSupported;
    decision.confidence = decision.support;
    return 1 - support;
  }
  const float against = score.contradicted + score.neutral;
  decision.verdict =
      score.contradicted > score.neutral ? Verdict::kContradicted : Verdict::kUnverified;
  const float share = against > 0 ? std::max(score.contradicted, score.neutral) / against : 0.5F;
  decision.confidence = (1 - decision.support) * share;
  return 1 - support;
}

// A model whose card says it. Which of its claims are contradicted is left to the trees: they tell
// better.
float Mix(const EntailmentScore& score, const embed::CrossEncoderCard::Mixes& mixes,
          const VerifierOptions& options, Decision& decision) {
  const bool has_document = decision.has_document;
  const float log_odds =
      MixedLogOdds(decision.support, score, has_document ? mixes.documents : mixes.sentences);
  const float risk = EvenRisk(log_odds, has_document);
  if (!decision.by_odds) return risk;
  decision.support = 1 - Sigmoid(log_odds);
  SetByOdds(1 - risk >= options.support_threshold, risk, decision);
  return risk;
}

bool Covers(std::span<const text::Span> spans, const text::Span& word) {
  return std::ranges::any_of(spans, [&word](const text::Span& span) {
    return span.begin <= word.begin && word.end <= span.end;
  });
}

}  // namespace

Result<Judging> StartJudging(std::string_view claim, std::span<const std::uint32_t> passages,
                             PassageReader& reader, const VerifierModel& model,
                             const VerifierOptions& options) {
  Judging judging;
  judging.cut = claim.size() > kMaxStatementBytes;
  ASSAY_ASSIGN(judging.claim, reader.ReadClaim(claim));
  ASSAY_ASSIGN(judging.pool, reader.PoolOf(passages));
  const bool has_words = !judging.claim.tokens.empty();
  if (!has_words || judging.pool.rows.empty()) {
    judging.done = true;
    judging.judgement.confidence = kNoEvidenceConfidence;
    judging.judgement.reason =
        has_words ? "the documents hold nothing about this" : "the claim holds no words";
    return judging;
  }
  const EvidencePool evidence{judging.pool.statements, judging.pool.headings};
  judging.measurement =
      Measure(judging.claim, evidence, reader.words(), model.swap, options.max_evidence);
  judging.decision = Decide(judging.measurement, model, options.support_threshold);
  return judging;
}

void ChoosePremises(Judging& judging, const PassageReader& reader, const VerifierOptions& options,
                    const Entailment& entailment) {
  if (judging.done) return;
  const Decision& decision = judging.decision;
  const bool has_words_to_mark = decision.verdict != Verdict::kSupported && !decision.by_one_fact &&
                                 entailment.tells_words_apart();
  if (!decision.by_odds && !has_words_to_mark) return;
  const std::vector<std::uint32_t>& ranking = judging.measurement.ranking;
  const std::vector<Row>& rows = judging.pool.rows;
  if (options.entailment_passages == 0) {
    std::string premise;
    for (std::size_t k = 0; k < std::min(kTopSentences, ranking.size()); ++k) {
      if (!premise.empty()) premise += ' ';
      premise += rows[ranking[k]].statement->text;
    }
    judging.premises.push_back(std::move(premise));
    return;
  }
  std::vector<std::uint32_t> passages;
  for (const std::uint32_t row : ranking) {
    const std::uint32_t passage = rows[row].passage;
    if (passages.size() == options.entailment_passages) break;
    if (std::ranges::find(passages, passage) == passages.end()) passages.push_back(passage);
  }
  for (const std::uint32_t passage : passages) {
    judging.premises.emplace_back(reader.index().passage(passage).text);
  }
}

EntailmentScore MergeScores(std::span<const EntailmentScore> scores) {
  EntailmentScore merged = scores.front();
  for (const EntailmentScore& score : scores.subspan(1)) {
    merged.supported = std::max(merged.supported, score.supported);
    merged.contradicted = std::max(merged.contradicted, score.contradicted);
    merged.least_borne_out = std::min(merged.least_borne_out, score.least_borne_out);
    std::erase_if(merged.unsupported_words, [&score](const text::Span& word) {
      return !Covers(score.unsupported_words, word);
    });
  }
  if (scores.size() == 1) return merged;
  merged.contradicted = std::min(merged.contradicted, 1 - merged.supported);
  merged.neutral = std::max(0.0F, 1 - merged.supported - merged.contradicted);
  return merged;
}

Result<void> AskEntailment(const Entailment& entailment, const VerifierOptions& options,
                           std::span<Judging> judgings) {
  std::vector<EntailmentPair> pairs;
  for (const Judging& judging : judgings) {
    for (const std::string& premise : judging.premises) {
      pairs.push_back({premise, judging.claim.text});
    }
  }
  if (pairs.empty()) return {};
  std::vector<EntailmentScore> scores(pairs.size());
  ASSAY_TRY(entailment.Score(pairs, scores));
  const auto mixes = entailment.mix();
  std::size_t next = 0;
  for (Judging& judging : judgings) {
    if (judging.premises.empty()) continue;
    const std::size_t count = judging.premises.size();
    EntailmentScore score = MergeScores(std::span(scores).subspan(next, count));
    next += count;
    const float risk = mixes ? Mix(score, *mixes, options, judging.decision)
                             : Weigh(score, options, judging.decision);
    judging.knows_words = entailment.tells_words_apart();
    if (risk >= entailment.marks_words_from()) {
      judging.unsupported_words = std::move(score.unsupported_words);
    }
  }
  return {};
}

Judgement FinishJudging(Judging judging, const PassageReader& reader,
                        const VerifierOptions& options) {
  if (judging.done) return std::move(judging.judgement);
  Judgement& judgement = judging.judgement;
  const Decision& decision = judging.decision;
  if (judging.cut && decision.verdict == Verdict::kSupported) {
    judgement.confidence = decision.confidence;
    judgement.reason =
        fmt::format("the claim is longer than the {} bytes that are judged", kMaxStatementBytes);
    return std::move(judgement);
  }
  judgement.verdict = decision.verdict;
  judgement.confidence = decision.confidence;
  judgement.support = decision.support;
  judgement.support_by_facts = decision.support_by_facts;
  judgement.unsupported_words = UnsupportedWords(judging);
  Explain(judging, reader, options.max_evidence);
  return std::move(judgement);
}

}  // namespace assay::claims::internal
