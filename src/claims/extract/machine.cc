#include <algorithm>
#include <limits>

#include "extract/machine_internal.h"

namespace assay::claims {
namespace {

constexpr std::uint64_t kMaxAnswerBytes = std::numeric_limits<std::uint32_t>::max();
constexpr std::size_t kCompactBytes = 1U << 16U;  // handed-out bytes kept before they are dropped

bool IsSpace(char c) {
  return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

bool IsLetterByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || static_cast<unsigned char>(c) >= 0x80;
}

// Last words of a lead-in after which an item follows without a colon.
bool TakesItem(std::string_view word) {
  for (const std::string_view w :
       {"include", "includes", "included", "including", "are",      "is",   "was",
        "were",    "offers",   "offer",    "provides",  "provide",  "has",  "have",
        "with",    "of",       "to",       "for",       "by",       "from", "covers",
        "cover",   "contains", "contain",  "at",        "in",       "need", "needs",
        "require", "requires", "get",      "receive",   "receives", "gets", "comprises",
        "serves",  "sells"}) {
    if (EqualsLower(word, w)) return true;
  }
  return false;
}

}  // namespace

void AnswerMachine::Feed(std::string_view bytes, Extraction& out) {
  const std::uint64_t total = base_ + buffer_.size();
  buffer_ += bytes.substr(0, std::min<std::uint64_t>(bytes.size(), kMaxAnswerBytes - total));
  Scan(out);
}

void AnswerMachine::Finish(Extraction& out) {
  const std::string_view rest = std::string_view(buffer_).substr(segment_);
  sentences_.clear();
  text::SplitSentences(rest, sentences_);
  Take(rest, sentences_.size(), out);
  *this = AnswerMachine(options_);
}

// Looks for points where a sentence may just have become final: the end of the first word after a
// terminator or a line end.
void AnswerMachine::Scan(Extraction& out) {
  while (scanned_ < buffer_.size()) {
    const char c = buffer_[scanned_];
    if (!IsSpace(c)) {
      in_word_ = true;
      word_ends_ |= c == '.' || c == '!' || c == '?';
      ++scanned_;
      continue;
    }
    const bool due = in_word_ && ended_ && scanned_ - segment_ >= threshold_;
    if (due) {
      const std::size_t length = scanned_ - segment_;
      const bool committed = TryCommit(scanned_, out);
      // Grows by an eighth a failed try, so that all tries together stay linear.
      threshold_ = committed ? 0 : length + length / 8 + 1;
      ended_ = false;
    }
    ended_ |= (in_word_ && word_ends_) || c == '\n';
    in_word_ = false;
    word_ends_ = false;
    ++scanned_;
  }
  if (segment_ >= kCompactBytes) {
    buffer_.erase(0, segment_);
    base_ += segment_;
    scanned_ -= segment_;
    segment_ = 0;
  }
}

bool AnswerMachine::TryCommit(std::size_t end, Extraction& out) {
  const std::string_view segment = std::string_view(buffer_).substr(segment_, end - segment_);
  sentences_.clear();
  text::SplitSentences(segment, sentences_);
  if (sentences_.size() < 2) return false;
  const std::size_t restart = RestartPoint();
  if (restart == 0) return false;
  Take(segment.substr(0, restart), sentences_.size() - 1, out);
  segment_ += restart;
  return true;
}

// Where the segment of the last sentence can start so that it reads as before: at the sentence
// inside a paragraph, at its line for a new block without indent. 0 where nothing is sure.
std::size_t AnswerMachine::RestartPoint() const {
  const text::Sentence& last = sentences_.back();
  const text::Sentence& before = sentences_[sentences_.size() - 2];
  const std::string_view segment = std::string_view(buffer_).substr(segment_);
  if (last.block == text::BlockKind::kParagraph && before.block_index == last.block_index) {
    return IsLetterByte(segment[last.span.begin]) && IsSpace(segment[last.span.begin - 1U])
               ? last.span.begin
               : 0;
  }
  if (last.block_index == before.block_index) return 0;
  std::size_t line = last.span.begin;
  while (line > 0 && segment[line - 1] != '\n') --line;
  if (line < before.span.end || IsSpace(segment[line])) return 0;
  const bool marked =
      last.block == text::BlockKind::kHeading || last.block == text::BlockKind::kListItem;
  const bool plain = last.block == text::BlockKind::kParagraph && line == last.span.begin;
  return marked || plain ? line : 0;
}

void AnswerMachine::Take(std::string_view segment, std::size_t sentences, Extraction& out) {
  for (std::size_t i = 0; i < sentences; ++i) {
    const bool opens_block = i == 0 || sentences_[i].block_index != sentences_[i - 1].block_index;
    TakeSentence(sentences_[i].span.of(segment), sentences_[i], opens_block, out);
  }
}

void AnswerMachine::TakeSentence(std::string_view bytes, const text::Sentence& sentence,
                                 bool opens_block, Extraction& out) {
  ExtractedSentence result;
  const std::uint64_t begin = base_ + segment_ + sentence.span.begin;
  result.span = {static_cast<std::uint32_t>(begin),
                 static_cast<std::uint32_t>(begin + bytes.size())};
  if (sentence.block == text::BlockKind::kCode) {
    result.kind = SentenceKind::kCode;
    out.push_back(std::move(result));
    ++sentence_index_;
    return;
  }
  view_.Read(bytes, sentence.block);
  features_.clear();
  CheckFeatures(view_, features_);
  const float worth = CheckWorthiness(features_);
  result.kind = Classify(view_, worth);
  replacements_.clear();
  discourse_.Read(view_, options_.resolve_pronouns, replacements_);
  if (sentence_index_ == 0) ResolveByQuestion();
  if (CompletesQuestion(result)) {
    result.kind = SentenceKind::kFactual;
    result.check_worthiness = worth;
    MakeAnswerClaim(result, result.claims);
    out.push_back(std::move(result));
    ++sentence_index_;
    return;
  }
  answers_ = answers_ && result.kind == SentenceKind::kOpinion;  // "Sure!" opens an answer
  if (result.kind == SentenceKind::kFactual || result.kind == SentenceKind::kHedge) {
    result.check_worthiness = worth;
    MakeClaims(result, result.claims);
    const bool item = sentence.block == text::BlockKind::kListItem && opens_block;
    if (item && options_.join_list_items && !lead_in_.empty() && !result.claims.empty()) {
      JoinLeadIn(result.claims.front().text);
    }
  }
  UpdateLeadIn(view_);
  out.push_back(std::move(result));
  ++sentence_index_;
}

bool AnswerMachine::CompletesQuestion(const ExtractedSentence& sentence) const {
  const bool is_prose = view_.block == text::BlockKind::kParagraph;
  return answers_ && !question_.empty() && is_prose && sentence.kind != SentenceKind::kQuestion &&
         !IsLeadIn(view_) && IsFragment(view_);
}

void AnswerMachine::MakeAnswerClaim(const ExtractedSentence& sentence, std::vector<Claim>& claims) {
  std::string raw;
  AppendResolved({0, static_cast<std::uint32_t>(view_.text.size())}, raw);
  std::string plain;
  AppendPlain(raw, plain);
  Claim claim;
  claim.span = sentence.span;
  claim.text = question_.Complete(plain);
  claim.sentence = sentence_index_;
  claims.push_back(std::move(claim));
}

// "It must be reported within 24 hours": the opening pronoun stands for what the question names.
void AnswerMachine::ResolveByQuestion() {
  if (!options_.resolve_pronouns || question_.subject().empty() || view_.words.empty()) return;
  if (!view_.is_one_of(0, {"it", "they", "this", "these"}) || !replacements_.empty()) return;
  if (view_.words.size() < 2 || !view_.verb(1)) return;
  if ((RolesOf(question_.subject()) & kRolePronoun) != 0) return;  // "May I ...?"
  std::string subject = question_.subject();
  if (subject[0] >= 'a' && subject[0] <= 'z') subject[0] = static_cast<char>(subject[0] - 32);
  replacements_.push_back({view_.words[0], std::move(subject)});
}

void AnswerMachine::MakeClaims(const ExtractedSentence& sentence, std::vector<Claim>& claims) {
  pieces_.clear();
  if (options_.split_clauses) {
    SplitClauses(view_, pieces_);
  } else {
    pieces_.push_back({{0, static_cast<std::uint32_t>(view_.text.size())}, {}, {}, {}});
  }
  for (const Piece& piece : pieces_) {
    Claim claim;
    claim.span = {sentence.span.begin + piece.span.begin, sentence.span.begin + piece.span.end};
    claim.sentence = sentence_index_;
    Assemble(piece, pieces_.size() == 1, claim.text);
    if (!claim.text.empty()) claims.push_back(std::move(claim));
  }
}

void AnswerMachine::Assemble(const Piece& piece, bool whole, std::string& out) const {
  std::string raw;
  if (!piece.prefix.empty()) {
    AppendResolved(piece.prefix, raw);
    raw += ' ';
  }
  const std::size_t start = raw.size();
  if (!piece.glue.empty()) {
    raw += piece.glue;
    raw += ' ';
  }
  const std::size_t own = raw.size();
  if (piece.gap.empty()) {
    AppendResolved(piece.span, raw);
  } else {
    AppendResolved({piece.span.begin, piece.gap.begin}, raw);
    AppendResolved({piece.gap.end, piece.span.end}, raw);
  }
  // "Founded in 2009, Acme ..." gives "Acme was founded in 2009".
  if (own > start && piece.span.begin == 0 && raw[own] >= 'A' && raw[own] <= 'Z') {
    raw[own] = static_cast<char>(raw[own] + 32);
  }
  AppendPlain(raw, out);
  if (whole || out.empty()) return;
  const bool inner_capital = out.size() > 1 && out[1] >= 'A' && out[1] <= 'Z';
  if (out[0] >= 'a' && out[0] <= 'z' && !inner_capital) out[0] = static_cast<char>(out[0] - 32);
  if (out.back() != '.' && out.back() != '!') out += '.';
}

void AnswerMachine::AppendResolved(text::Span span, std::string& out) const {
  std::uint32_t at = span.begin;
  for (const Replacement& r : replacements_) {
    if (r.span.begin < at || r.span.end > span.end) continue;
    out += view_.text.substr(at, r.span.begin - at);
    out += r.text;
    at = r.span.end;
  }
  out += view_.text.substr(at, span.end - at);
}

// "Benefits include:" and "30 days of leave" give "Benefits include 30 days of leave". Items that
// are sentences stay.
void AnswerMachine::JoinLeadIn(std::string& claim) const {
  for (std::size_t i = 0; i < view_.words.size(); ++i) {
    if ((view_.roles[i] & kRoleFinite) != 0) return;
    const bool subject_before =
        i > 0 && ((view_.roles[0] & (kRolePronoun | kRoleDeterminer)) != 0 || i > 1);
    if ((view_.roles[i] & kRoleVerb) != 0 && subject_before && view_.text.ends_with('.')) return;
  }
  const std::size_t space = lead_in_.rfind(' ');
  const std::string_view last =
      space == std::string::npos ? lead_in_ : std::string_view(lead_in_).substr(space + 1);
  claim.insert(0, TakesItem(last) ? lead_in_ + " " : lead_in_ + ": ");
}

void AnswerMachine::UpdateLeadIn(const SentenceView& sentence) {
  if (!IsLeadIn(sentence)) {
    if (sentence.block != text::BlockKind::kListItem) lead_in_.clear();
    return;
  }
  lead_in_.clear();
  if (Classify(sentence, 0.0F) != SentenceKind::kOpinion || sentence.words.size() < 2) return;
  if (sentence.is(0, "here") || sentence.is(0, "below") || sentence.is(0, "sure") ||
      sentence.is(0, "here's") || sentence.has(text::CueKind::kNegation) ||
      sentence.words.size() > 40) {
    return;
  }
  // The replaced text of the lead-in, up to its colon.
  std::string raw;
  AppendResolved({0, static_cast<std::uint32_t>(sentence.text.size())}, raw);
  AppendPlain(raw, lead_in_);
  while (!lead_in_.empty() && (lead_in_.back() == ':' || lead_in_.back() == ' ')) {
    lead_in_.pop_back();
  }
  for (const std::string_view tail : {" as follows", " the following", " following"}) {
    if (lead_in_.ends_with(tail)) lead_in_.resize(lead_in_.size() - tail.size());
  }
}

}  // namespace assay::claims
