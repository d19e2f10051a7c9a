#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/corpus/index.h"
#include "assay/text/segment.h"

#include "eval/judge_case_internal.h"
#include "extract/question_internal.h"
#include "verify/peer_internal.h"

namespace assay::claims::internal {
namespace {

// Components of word vectors are written as thousandths.
void AppendVector(const std::vector<float>& vector, std::string& line) {
  line += '[';
  for (std::size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) line += ',';
    line += fmt::format("{}", std::lround(vector[i] * 1000));
  }
  line += ']';
}

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') quoted += '\\';
    if (byte >= 0x20) quoted += c;
  }
  return quoted + '"';
}

void AppendTexts(std::string_view name, std::span<const std::string> texts, std::string& line) {
  line += fmt::format(",\"{}\":[", name);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) line += ',';
    line += Quoted(texts[i]);
  }
  line += ']';
}

void AppendTrainingLine(const EvalCase& item, std::size_t index, const LabelledPiece& piece,
                        const Observation& seen, std::string& lines) {
  lines += fmt::format(
      R"({{"id":{},"group":{},"part":{},"claim":{},"one":{},"truth":{},"case_truth":{},"features":[{}])",
      Quoted(item.id), Quoted(item.group), Quoted(item.part), index, item.is_one_claim,
      static_cast<int>(piece.truth), static_cast<int>(item.truth),
      fmt::join(seen.features.values(), ","));
  lines += ",\"swaps\":[";
  for (std::size_t i = 0; i < seen.swaps.size(); ++i) {
    if (i > 0) lines += ',';
    AppendVector(seen.swaps[i].first, lines);
    lines += ',';
    AppendVector(seen.swaps[i].second, lines);
  }
  lines += fmt::format(R"(],"verdict":{},"risk":{:.5f},"rule":{})",
                       static_cast<int>(seen.decision.verdict), 1 - seen.decision.support,
                       seen.decision.finding != kNoFinding);
  lines += fmt::format(R"(,"text":{})", Quoted(piece.text));
  AppendTexts("unsupported", piece.unsupported, lines);
  AppendTexts("evidence", seen.evidence, lines);
  lines += "}\n";
}

// The unsupported words of a claim that stands at `at` in the answer, and what is between two that
// follow each other: labelled spans have it too.
void MarkWords(std::string_view claim, const Judgement& judgement, std::size_t at,
               std::vector<bool>& marked) {
  const auto is_letter = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<signed char>(c) < 0;
  };
  std::size_t end = claim.size();  // of the word before
  for (const text::Span& word : judgement.unsupported_words) {
    const bool follows =
        end < word.begin && std::ranges::none_of(claim.substr(end, word.begin - end), is_letter);
    for (std::size_t i = follows ? end : word.begin; i < word.end && at + i < marked.size(); ++i) {
      marked[at + i] = true;
    }
    end = word.end;
  }
}

void CountMarks(const EvalCase& item, const std::vector<bool>& marked, ScoredCase& scored) {
  std::vector<bool> labelled(marked.size());
  for (const LabelledSpan& one : item.spans) {
    for (std::size_t i = one.span.begin; i < std::min<std::size_t>(one.span.end, labelled.size());
         ++i) {
      labelled[i] = true;
    }
  }
  for (std::size_t i = 0; i < marked.size(); ++i) {
    scored.marked += marked[i] ? 1U : 0U;
    scored.labelled += labelled[i] ? 1U : 0U;
    scored.marked_and_labelled += marked[i] && labelled[i] ? 1U : 0U;
  }
}

}  // namespace

std::size_t FoldOf(std::string_view group) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : group) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<std::size_t>(hash % kFolds);
}

std::vector<LabelledPiece> CaseJudge::PiecesOf(const EvalCase& item) {
  std::vector<LabelledPiece> pieces;
  if (item.is_one_claim) {
    pieces.push_back({item.response, 0, item.truth, {}});
    return pieces;
  }
  const QuestionFrame frame(item.question);
  SentenceView view;
  bool answers = !frame.empty();  // so far every sentence only completes the question
  std::vector<text::Sentence> sentences;
  text::SplitSentences(item.response, sentences);
  for (const text::Sentence& sentence : sentences) {
    if (sentence.block == text::BlockKind::kHeading || sentence.block == text::BlockKind::kCode) {
      continue;
    }
    LabelledPiece piece{
        std::string(sentence.span.of(item.response)), sentence.span.begin, Truth::kSupported, {}};
    view.Read(piece.text, sentence.block);
    answers = answers && IsFragment(view);
    if (answers) {
      std::string complete = frame.Complete(piece.text);
      if (complete != piece.text) piece.at.reset();
      piece.text = std::move(complete);
    }
    for (const LabelledSpan& labelled : item.spans) {
      if (labelled.span.begin >= sentence.span.end || labelled.span.end <= sentence.span.begin) {
        continue;
      }
      const std::size_t begin = std::max(labelled.span.begin, sentence.span.begin);
      const std::size_t end = std::min(labelled.span.end, sentence.span.end);
      piece.unsupported.push_back(item.response.substr(begin, end - begin));
      if (piece.truth != Truth::kContradicted) {
        piece.truth = labelled.conflicts ? Truth::kContradicted : Truth::kNeutral;
      }
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

Result<void> CaseJudge::OpenSource(const EvalCase& item) {
  if (!source_.empty() && source_ == item.source) return {};
  source_ = item.source;
  verifier_.reset();
  const corpus::TextSource source{"source", item.source, item.source_format};
  Result<std::shared_ptr<const corpus::Index>> index =
      corpus::Index::FromTexts(std::span(&source, 1));
  if (!index) {
    // A source without a sentence supports nothing.
    if (index.error().code == Code::kInvalidArgument) return {};
    return std::unexpected(index.error());
  }
  ASSAY_ASSIGN(Verifier verifier, Verifier::Create(std::move(*index), words_, nullptr));
  verifier_.emplace(std::move(verifier));
  return {};
}

Result<ScoredCase> CaseJudge::Judge(const EvalCase& item, std::string& lines) {
  ScoredCase scored;
  scored.truth = item.truth;
  scored.has_verdict = item.is_one_claim;
  ASSAY_TRY(OpenSource(item));
  if (!verifier_) {
    scored.verdict = Verdict::kUnverified;
    scored.flagged = true;
    scored.risk = 1;
    return scored;
  }
  ASSAY_ASSIGN(const VerifierModel* model, ShippedModel());
  if (!folds_.empty()) model = &folds_[FoldOf(item.group)];
  VerifierPeer::SetModel(*verifier_, *model);
  if (!entailments_.empty()) {
    const bool by_fold = entailments_.size() == kFolds;
    VerifierPeer::SetEntailment(*verifier_, entailments_[by_fold ? FoldOf(item.group) : 0]);
  }
  std::vector<float> risks;
  const std::vector<LabelledPiece> pieces = PiecesOf(item);
  std::vector<bool> marked(item.is_one_claim ? 0 : item.response.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Observation seen;
    ASSAY_ASSIGN(const Judgement judgement,
                 VerifierPeer::Observe(*verifier_, pieces[i].text, seen));
    risks.push_back(1 - (item.is_one_claim ? judgement.support : judgement.support_by_facts));
    scored.verdict = judgement.verdict;
    if (!item.is_one_claim && judgement.verdict != Verdict::kSupported && pieces[i].at) {
      MarkWords(pieces[i].text, judgement, *pieces[i].at, marked);
    }
    if (dump_) AppendTrainingLine(item, i, pieces[i], seen, lines);
  }
  CountMarks(item, marked, scored);
  if (item.is_one_claim) {
    scored.risk = risks[0];
    scored.flagged = scored.verdict != Verdict::kSupported;
  } else if (!risks.empty()) {
    scored.risk = Sigmoid(model->answer.LogOdds(AnswerFeatures(std::move(risks))));
    scored.flagged = scored.risk >= model->answer_threshold;
  }
  return scored;
}

}  // namespace assay::claims::internal
