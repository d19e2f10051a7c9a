#include "assay/cache/semantic/question.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "assay/core/hash.h"
#include "assay/text/segment.h"

#include "semantic/facts/ask_internal.h"
#include "semantic/facts/lexicon_internal.h"

namespace assay::cache {
namespace {

using internal::GroupList;

std::string_view Cut(std::string_view text) {
  if (text.size() <= kMaxQuestionBytes) return text;
  std::size_t end = kMaxQuestionBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end);
}

// "I", "me" -> "i": a party however it is declined.
std::string_view PartyOf(std::string_view lower) {
  struct Form {
    std::string_view form, party;
  };
  constexpr std::array<Form, 12> kForms = {{{"i", "i"},
                                            {"me", "i"},
                                            {"he", "he"},
                                            {"him", "he"},
                                            {"she", "she"},
                                            {"her", "she"},
                                            {"they", "they"},
                                            {"them", "they"},
                                            {"we", "we"},
                                            {"us", "we"},
                                            {"you", "you"},
                                            {"it", "it"}}};
  const auto it = std::ranges::find(kForms, lower, &Form::form);
  return it == kForms.end() ? std::string_view() : it->party;
}

std::uint64_t StemOf(const std::string& lower, const std::string& lemma) {
  if (const std::string_view party = PartyOf(lower); !party.empty()) {
    return core::HashBytes64(party);
  }
  std::string stem = lemma;
  if (stem.ends_with("'s")) stem.resize(stem.size() - 2);
  if (stem.ends_with("'")) stem.resize(stem.size() - 1);
  return core::HashBytes64(text::PorterStem(std::move(stem)));
}

// The words of one text in lower case and in dictionary form.
struct Spelling {
  std::vector<std::string> lower;
  std::vector<std::string> lemma;
};

std::string Join(const std::vector<std::string>& words, std::size_t begin, std::size_t count) {
  std::string joined = words[begin];
  for (std::size_t i = begin + 1; i < begin + count; ++i) joined.append(1, ' ').append(words[i]);
  return joined;
}

// The longest phrase of the lists that begins at a word: how many words, and its groups.
std::size_t PhraseAt(const Spelling& spelling, std::size_t begin, GroupList& groups) {
  const std::size_t left = spelling.lower.size() - begin;
  for (std::size_t count = std::min(internal::kMaxPhraseWords, left); count > 1; --count) {
    groups = internal::GroupsOf(Join(spelling.lower, begin, count));
    if (groups == GroupList{}) groups = internal::GroupsOf(Join(spelling.lemma, begin, count));
    if (groups != GroupList{}) return count;
  }
  groups = internal::GroupsOf(spelling.lower[begin]);
  if (groups == GroupList{}) groups = internal::GroupsOf(spelling.lemma[begin]);
  return 1;
}

float WeightOfWord(const std::string& lower, std::string_view written, bool first) {
  const float weight = internal::WeightOf(lower);
  // A single letter that is not "a" or "I" names something: "Model S", "size M".
  if (lower.size() == 1 && lower != "i" && (lower != "a" || (written == "A" && !first))) return 1;
  return weight;
}

void AddWords(Question& question, std::span<const text::Span> spans, const Spelling& spelling) {
  const auto in_quantity = [&question](text::Span span) {
    return std::ranges::any_of(question.quantities, [span](const text::Quantity& q) {
      return span.begin < q.span.end && span.end > q.span.begin;
    });
  };
  for (std::size_t i = 0; i < spans.size();) {
    GroupList groups;
    const std::size_t count = PhraseAt(spelling, i, groups);
    QuestionWord word;
    word.span = {spans[i].begin, spans[i + count - 1].end};
    word.lower = Join(spelling.lower, i, count);
    word.groups = groups.ids;
    word.negated = text::IsNegated(question.cues, static_cast<std::uint32_t>(i));
    word.quantity = in_quantity(word.span);
    if (count == 1) {
      const std::string& lower = spelling.lower[i];
      word.stem = StemOf(lower, spelling.lemma[i]);
      word.weight = WeightOfWord(lower, spans[i].of(question.text), i == 0);
      word.rarity = text::RarityOf(lower);
      word.pronoun = !PartyOf(lower).empty();
    } else {
      word.stem = core::HashBytes64(Join(spelling.lemma, i, count));
      word.weight = 1;
      for (std::size_t k = i; k < i + count; ++k) {
        word.rarity = std::max(word.rarity, text::RarityOf(spelling.lower[k]));
      }
    }
    question.words.push_back(std::move(word));
    i += count;
  }
}

// "I don't know how", "not sure", "instead of": a negation that says nothing of the matter.
bool IsPoliteNegation(const Spelling& spelling, std::size_t begin, std::size_t end) {
  constexpr std::array<std::string_view, 6> kAfter = {"know", "sure",     "understand",
                                                      "find", "remember", "figure"};
  for (std::size_t i = begin; i < end; ++i) {
    if (spelling.lower[i] == "instead" || spelling.lower[i] == "free") return true;
  }
  for (std::size_t i = begin; i < std::min(end + 2, spelling.lower.size()); ++i) {
    if (std::ranges::find(kAfter, spelling.lower[i]) != kAfter.end()) return true;
  }
  return false;
}

// "Is it real or not?", "why or why not", "aren't there any?": asked this way or the other way
// round, the answer is the same. "prevent" and "avoid" are verbs like others.
bool TurnsNothing(const Spelling& spelling, std::size_t begin) {
  constexpr std::array<std::string_view, 12> kSubjects = {
      "i", "you", "we", "they", "he", "she", "it", "the", "my", "there", "this", "people"};
  const std::string& word = spelling.lower[begin];
  if (word.starts_with("prevent") || word.starts_with("avoid")) return true;
  const std::string_view before =
      begin == 0 ? std::string_view() : std::string_view(spelling.lower[begin - 1]);
  const bool is_last = begin + 1 == spelling.lower.size();
  if (word == "not" && (before == "why" || (before == "or" && is_last))) return true;
  return begin == 0 && word.ends_with("n't") && !is_last &&
         std::ranges::find(kSubjects, spelling.lower[1]) != kSubjects.end();
}

}  // namespace

Question ReadQuestion(std::string_view text) {
  Question question;
  question.text = Cut(text);
  std::vector<text::Span> spans;
  text::SplitWords(question.text, spans);
  if (spans.size() > kMaxQuestionWords) spans.resize(kMaxQuestionWords);
  Spelling spelling;
  for (const text::Span span : spans) {
    spelling.lower.push_back(internal::LowerCase(span.of(question.text)));
    spelling.lemma.push_back(internal::LemmaOf(spelling.lower.back()));
  }
  text::FindCues(question.text, spans, question.cues);
  text::FindNames(question.text, spans, question.names);
  text::ExtractQuantities(question.text, question.quantities);
  AddWords(question, spans, spelling);
  const auto in_phrase = [&](const text::Cue& cue) {  // "unused" is "not used"
    return std::ranges::any_of(question.words, [&](const QuestionWord& word) {
      return word.span.begin <= spans[cue.begin_word].begin &&
             word.span.end > spans[cue.begin_word].end;
    });
  };
  for (const text::Cue& cue : question.cues) {
    if (cue.kind == text::CueKind::kNegation && !in_phrase(cue) &&
        !IsPoliteNegation(spelling, cue.begin_word, cue.end_word) &&
        !TurnsNothing(spelling, cue.begin_word)) {
      ++question.negations;
    }
  }
  question.asks = internal::AskKindOf(question.text, spans, spelling.lower);
  question.aspects = internal::AspectsOf(question.text, spans, spelling.lower, spelling.lemma);
  question.language = internal::LanguageOf(question.text, spelling.lower);
  return question;
}

}  // namespace assay::cache
