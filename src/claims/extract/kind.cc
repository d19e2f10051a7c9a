#include <algorithm>
#include <array>

#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

// Openings of sentences that say nothing checkable: greetings, offers, remarks on the answer
// itself.
constexpr std::string_view kOpenings[] = {"sure",          "certainly",
                                          "of course",     "absolutely",
                                          "hello",         "hi",
                                          "hey",           "thanks",
                                          "thank you",     "you're welcome",
                                          "here is",       "here are",
                                          "here's",        "below is",
                                          "below are",     "let me know",
                                          "i hope this",   "hope this",
                                          "hope that",     "feel free",
                                          "as an ai",      "i'm sorry",
                                          "i am sorry",    "sorry",
                                          "i apologize",   "great question",
                                          "good question", "in conclusion:",
                                          "glad to",       "happy to help",
                                          "i'd be happy",  "i would be happy",
                                          "dear",          "best regards",
                                          "kind regards",  "good luck",
                                          "i'm happy to",  "welcome",
                                          "no problem",    "the following is",
                                          "i'm not sure",  "i don't know",
                                          "i do not know", "i cannot",
                                          "i can't"};

// Openings of a personal view.
constexpr std::string_view kViews[] = {
    "i think",        "i feel",       "i believe",    "i guess",           "i hope",
    "i love",         "i like",       "i hate",       "i prefer",          "i wish",
    "i would say",    "i'd say",      "i suppose",    "in my opinion",     "in my view",
    "in our opinion", "personally",   "we hope",      "we believe",        "we feel",
    "we think",       "i recommend",  "we recommend", "i would recommend", "i'd recommend",
    "i suggest",      "to be honest", "honestly",     "i doubt",           "i agree",
    "i disagree"};

// Whether the sentence starts with the words of `opening` (lower case, one space between words).
bool StartsWith(const SentenceView& s, std::string_view opening) {
  if (s.words.empty() || ((s.text[s.words[0].begin] ^ opening[0]) & ~0x20) != 0) return false;
  for (std::size_t i = 0; !opening.empty(); ++i) {
    const std::size_t end = std::min(opening.find(' '), opening.size());
    if (i >= s.words.size()) return false;
    std::array<char, 32> lower{};
    std::size_t size = 0;
    const std::string_view w = s.word(i);
    for (std::size_t k = 0; k < w.size() && size < lower.size(); ++k) {
      if (w.substr(k).starts_with("\xE2\x80\x99")) {
        lower[size++] = '\'';
        k += 2;
      } else {
        lower[size++] = w[k] >= 'A' && w[k] <= 'Z' ? static_cast<char>(w[k] + 32) : w[k];
      }
    }
    std::string_view want = opening.substr(0, end);
    if (want.ends_with(':')) want.remove_suffix(1);
    if (std::string_view(lower.data(), size) != want) return false;
    opening.remove_prefix(std::min(end + 1, opening.size()));
  }
  return true;
}

template <std::size_t N>
bool StartsWithAny(const SentenceView& s, const std::string_view (&openings)[N]) {
  return std::ranges::any_of(openings, [&](std::string_view o) { return StartsWith(s, o); });
}

bool EndsWithColon(std::string_view text) {
  while (!text.empty() &&
         (text.back() == ' ' || text.back() == '*' || text.back() == '_' || text.back() == '\n')) {
    text.remove_suffix(1);
  }
  return text.ends_with(':');
}

bool HasFinite(const SentenceView& s) {
  for (std::size_t i = 0; i < s.words.size(); ++i) {
    if (s.verb(i)) return true;
  }
  return false;
}

// "This is a great film": judging words with nothing that a document could settle.
bool IsJudgement(const SentenceView& s, float worth) {
  if (s.figure(0, s.words.size())) return false;
  std::size_t opinions = 0;
  for (const text::Cue& cue : s.cues) opinions += cue.kind == text::CueKind::kOpinion ? 1U : 0U;
  if (opinions == 0) return false;
  const bool first_person = s.is(0, "i") || s.is(0, "we") || s.is(0, "my");
  if (first_person && worth < 0.5F) return true;
  return opinions >= 1 && s.words.size() <= 12 && worth < 0.25F && s.names.empty() &&
         !s.has(text::CueKind::kObligation) && !s.has(text::CueKind::kProhibition) &&
         !s.has(text::CueKind::kNegation);
}

// "It may rain": a reserve about the whole, not "may" of permission or "suggests" of a study.
bool IsHedged(const SentenceView& s) {
  return s.has(text::CueKind::kHedge);
}

}  // namespace

bool IsLeadIn(const SentenceView& sentence) {
  return EndsWithColon(sentence.text);
}

SentenceKind Classify(const SentenceView& s, float worth) {
  if (s.block == text::BlockKind::kCode) return SentenceKind::kCode;
  if (s.words.empty() || s.block == text::BlockKind::kHeading) return SentenceKind::kOpinion;
  if (text::IsQuestion(s.text, s.words)) return SentenceKind::kQuestion;
  const bool short_or_plain = s.words.size() <= 12 || !s.figure(0, s.words.size());
  if (StartsWithAny(s, kOpenings) && (short_or_plain || IsLeadIn(s))) {
    return SentenceKind::kOpinion;
  }
  if (text::IsInstruction(s.text, s.words)) return SentenceKind::kInstruction;
  if (IsLeadIn(s)) return SentenceKind::kOpinion;
  if (StartsWithAny(s, kViews)) return SentenceKind::kOpinion;
  if (IsJudgement(s, worth)) return SentenceKind::kOpinion;
  if (s.words.size() < 3 && !HasFinite(s) && !s.figure(0, s.words.size()) &&
      s.block != text::BlockKind::kListItem && s.block != text::BlockKind::kTableRow) {
    return SentenceKind::kOpinion;  // "Yes.", "Not at all."
  }
  return IsHedged(s) ? SentenceKind::kHedge : SentenceKind::kFactual;
}

std::string_view KindName(SentenceKind kind) {
  switch (kind) {
    case SentenceKind::kFactual:
      return "factual";
    case SentenceKind::kOpinion:
      return "opinion";
    case SentenceKind::kQuestion:
      return "question";
    case SentenceKind::kInstruction:
      return "instruction";
    case SentenceKind::kHedge:
      return "hedge";
    case SentenceKind::kCode:
      return "code";
  }
  return "opinion";
}

}  // namespace assay::claims
