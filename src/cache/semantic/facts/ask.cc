#include <algorithm>
#include <array>
#include <initializer_list>

#include "assay/text/utf8.h"

#include "semantic/facts/ask_internal.h"
#include "semantic/facts/lexicon_internal.h"

namespace assay::cache::internal {
namespace {

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, word) != list.end();
}

bool IsQuestionWord(std::string_view word) {
  return IsOneOf(word, {"what", "which", "who", "whom", "whose", "when", "where", "why", "how",
                        "what's", "where's", "who's", "how's", "when's"});
}

// Whether a question word here opens its clause rather than a subordinate one ("... when abroad").
bool OpensClause(std::string_view text, std::span<const text::Span> words,
                 std::span<const std::string> lower, std::size_t i) {
  if (i == 0) return true;
  const std::string_view between = text.substr(words[i - 1].end, words[i].begin - words[i - 1].end);
  if (between.find_first_of(",.?!:;") != std::string_view::npos) return true;
  if (i == 1) {
    return IsOneOf(lower[0], {"at", "until", "till", "for", "on", "in", "from", "to", "since", "by",
                              "and", "so", "but", "hi", "hello", "please", "about", "with"});
  }
  return IsOneOf(lower[i - 1], {"know", "me", "us", "explain", "wonder", "wondering", "sure",
                                "understand", "out", "and", "describe", "see", "ask", "but", "so"});
}

bool IsTimeUnit(std::string_view word) {
  return IsOneOf(word, {"second", "seconds", "minute", "minutes", "hour", "hours", "day", "days",
                        "week", "weeks", "month", "months", "year", "years", "time"});
}

AskKind KindOfHow(std::span<const std::string> rest) {
  if (rest.empty()) return AskKind::kHow;
  const std::string_view next = rest[0];
  const std::string_view noun = rest.size() > 1 ? std::string_view(rest[1]) : std::string_view();
  if (next == "many") {
    if (noun == "times") return AskKind::kHowOften;
    const bool has = std::ranges::any_of(
        rest.subspan(0, std::min<std::size_t>(6, rest.size())),
        [](const std::string& w) { return IsOneOf(w, {"take", "takes", "until", "last"}); });
    return IsTimeUnit(noun) && has ? AskKind::kHowLong : AskKind::kHowMany;
  }
  if (next == "much") return noun == "time" ? AskKind::kHowLong : AskKind::kHowMuch;
  if (next == "long") return AskKind::kHowLong;
  if (IsOneOf(next, {"often", "frequently"})) return AskKind::kHowOften;
  if (next == "come") return AskKind::kWhy;
  if (IsOneOf(next, {"early", "soon", "late"})) return AskKind::kWhen;
  if (IsOneOf(next, {"do", "does", "did", "can", "could", "should", "to", "would", "is", "are",
                     "may", "might", "shall", "will", "was", "were", "must"})) {
    return AskKind::kHow;
  }
  return AskKind::kUnknown;  // "how dangerous"
}

AskKind KindOfWhat(std::span<const std::string> rest) {
  const std::size_t near = std::min<std::size_t>(6, rest.size());
  const std::string_view next = rest.empty() ? std::string_view() : std::string_view(rest[0]);
  if (IsOneOf(next, {"causes", "caused", "cause", "makes", "made"})) return AskKind::kWhy;
  if (IsOneOf(next, {"time", "date", "day"})) return AskKind::kWhen;
  if (IsOneOf(next, {"address", "place"})) return AskKind::kWhere;
  if (IsOneOf(next, {"person", "people", "persons"})) return AskKind::kWho;
  if (next == "helps") return AskKind::kHow;
  for (std::size_t i = 0; i < near; ++i) {
    const std::string_view word = rest[i];
    if (IsOneOf(word, {"reason", "reasons", "cause"})) return AskKind::kWhy;
    if (IsOneOf(word, {"cost", "costs", "price", "fee"})) return AskKind::kHowMuch;
    if (IsOneOf(word, {"duration", "length"})) return AskKind::kHowLong;
    if (word == "location") return AskKind::kWhere;
    if (IsOneOf(word, {"steps", "process", "procedure", "way", "command"})) return AskKind::kHow;
    if (word == "do" && i >= 2 && IsOneOf(rest[i - 1], {"i", "we", "you", "one"})) {
      return AskKind::kHow;  // "what should I do"
    }
  }
  return AskKind::kWhat;
}

// The first names the aspect. "what is it" is bit 0 and has more forms.
constexpr std::array<std::string_view, 12> kAspects = {
    " meaning definition define mean describe description ",
    " cause caused reason origin trigger triggered ",
    " treatment treat treated cure cured remedy remedie therapy medication medicine fix fixed "
    "repair "
    "repaired solution solve solved heal healed relief relieve relieved ",
    " symptom sign ",
    " prevention prevent prevented avoid avoided precaution preventive ",
    " diagnosis diagnose diagnosed detect detected detection ",
    " benefit advantage pro ",
    " risk danger disadvantage drawback downside con complication ",
    " purpose ",
    " difference differ ",
    " example list ",
    " calculation calculate calculated compute computed formula "};

std::uint16_t AspectOfWord(const std::string& lower, const std::string& lemma) {
  for (std::size_t i = 0; i < kAspects.size(); ++i) {
    if (kAspects[i].find(' ' + lemma + ' ') != std::string_view::npos ||
        kAspects[i].find(' ' + lower + ' ') != std::string_view::npos) {
      return static_cast<std::uint16_t>(1U << i);
    }
  }
  return 0;
}

// One sentence of a question.
struct Clause {
  std::span<const std::string> lower;
  std::span<const std::string> lemma;

  [[nodiscard]] bool IsAt(std::size_t i, std::initializer_list<std::string_view> list) const {
    return i < lower.size() && IsOneOf(lower[i], list);
  }
};

// The noun that is asked for behind "what are the", "is there any": few plain words may stand
// between. "side effects" are a risk.
std::uint16_t AspectBehind(const Clause& clause, std::size_t begin) {
  for (std::size_t i = begin; i < clause.lower.size(); ++i) {
    if (clause.lower[i] == "side" && clause.IsAt(i + 1, {"effects", "effect"})) {
      return AspectOfWord("risk", "risk");
    }
    if (const auto aspect = AspectOfWord(clause.lower[i], clause.lemma[i]); aspect != 0) {
      return aspect;
    }
    const bool is_plain =
        WeightOf(clause.lower[i]) < 0.5F ||
        IsOneOf(clause.lower[i],
                {"possible", "common", "main", "usual", "typical", "effective", "early", "first",
                 "natural", "home", "major", "general", "known", "potential", "likely", "most"});
    if (!is_plain) return 0;
  }
  return 0;
}

// "What is a mutex": nothing but articles and up to four words behind the verb.
bool IsDefinition(const Clause& clause, std::size_t verb) {
  constexpr std::size_t kMostWords = 4;
  std::size_t words = 0;
  for (std::size_t i = verb + 1; i < clause.lower.size(); ++i) {
    if (clause.IsAt(i, {"a", "an", "exactly"})) continue;
    if (WeightOf(clause.lower[i]) < 0.5F) return false;
    ++words;
  }
  return words > 0 && words <= kMostWords;
}

// Of what is done: "how do I prevent it", and of what happens to a thing: "how is it treated".
std::uint16_t AspectOfHow(const Clause& clause, std::size_t begin) {
  const bool is_passive = clause.IsAt(begin, {"is", "are", "was", "were", "can", "could"});
  for (std::size_t i = begin; i < clause.lower.size(); ++i) {
    if (const auto aspect = AspectOfWord(clause.lower[i], clause.lemma[i]); aspect != 0) {
      return aspect;
    }
    if (WeightOf(clause.lower[i]) >= 0.5F && !is_passive) return 0;
  }
  return 0;
}

std::uint16_t AspectsOfClause(const Clause& clause) {
  const std::size_t n = clause.lower.size();
  for (std::size_t i = 0; i < n; ++i) {
    if (clause.IsAt(i, {"what", "which", "what's"})) {
      const bool has_verb = clause.IsAt(i + 1, {"is", "are", "was", "were"});
      if (has_verb || clause.lower[i] == "what's") {
        if (IsDefinition(clause, has_verb ? i + 1 : i)) {
          const auto aspect = AspectBehind(clause, i + 1);
          return aspect != 0 ? aspect : kDefinition;
        }
      }
      constexpr std::size_t kShort = 7;
      if (clause.IsAt(i + 1, {"do", "does"}) && clause.IsAt(n - 1, {"mean"}) && n - i <= kShort) {
        return kDefinition;
      }
      return AspectBehind(clause, i + 1);
    }
    if (clause.lower[i] == "how") return AspectOfHow(clause, i + 1);
    if (clause.lower[i] == "explain" && clause.IsAt(0, {"can", "could", "please", "explain"})) {
      return IsDefinition(clause, i) ? kDefinition : std::uint16_t{0};
    }
    if (clause.lower[i] == "why") return AspectOfWord("cause", "cause");
    if (clause.lower[i] == "there" && i > 0 && clause.IsAt(i - 1, {"is", "are"})) {
      return AspectBehind(clause, i + 1);
    }
    if (i == 0 && clause.lower[i] == "any") return AspectBehind(clause, 1);
    if (clause.lower[i] == "be" && i + 1 < n && clause.IsAt(0, {"can", "could"})) {
      return AspectOfWord(clause.lower[i + 1], clause.lemma[i + 1]);
    }
  }
  return 0;
}

constexpr std::array<std::string_view, 7> kFrequentWords = {
    " the is of how what can do my and to for does why are was which you when it will ",
    " der die das ist wie ich und nicht ein eine kann mein meine wann warum wo was auf für ",
    " le la les est comment je et pas un une puis mon ma quand pourquoi où quel des du ",
    " el la los las es cómo como puedo mi y no un una cuándo por qué dónde para del ",
    " il lo gli è come posso mio mia quando perché dove che di per non una sono ",
    " o os as é como posso meu minha quando por que onde para não um uma do da ",
    " de het een is hoe ik en niet kan mijn wanneer waarom waar voor wat van "};

}  // namespace

AskKind AskKindOf(std::string_view text, std::span<const text::Span> words,
                  std::span<const std::string> lower) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if (!IsQuestionWord(lower[i]) || !OpensClause(text, words, lower, i)) continue;
    const std::string_view word = std::string_view(lower[i]).substr(0, lower[i].find('\''));
    const auto rest = lower.subspan(i + 1);
    if (word == "how") return KindOfHow(rest);
    if (word == "what" || word == "which") return KindOfWhat(rest);
    if (word == "when") return AskKind::kWhen;
    if (word == "where") return AskKind::kWhere;
    if (word == "why") return AskKind::kWhy;
    return AskKind::kWho;
  }
  const bool asks =
      !lower.empty() &&
      IsOneOf(lower[0], {"is",    "are",   "was",    "were",   "do",      "does", "did",  "can",
                         "could", "will",  "would",  "should", "may",     "must", "have", "has",
                         "am",    "isn't", "aren't", "don't",  "doesn't", "can't"});
  return asks ? AskKind::kYesNo : AskKind::kUnknown;
}

std::uint16_t AspectsOf(std::string_view text, std::span<const text::Span> words,
                        std::span<const std::string> lower, std::span<const std::string> lemma) {
  std::uint16_t aspects = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::size_t next = i + 1 < words.size() ? words[i + 1].begin : text.size();
    const std::string_view after = text.substr(words[i].end, next - words[i].end);
    if (i + 1 < words.size() && after.find_first_of(".?!;\n") == std::string_view::npos) continue;
    const std::size_t count = i + 1 - begin;
    aspects |= AspectsOfClause({lower.subspan(begin, count), lemma.subspan(begin, count)});
    begin = i + 1;
  }
  return aspects;
}

std::string_view NameOfAspect(std::uint16_t aspects) {
  for (std::size_t i = 0; i < kAspects.size(); ++i) {
    if ((aspects >> i & 1U) == 0) continue;
    const std::string_view names = kAspects[i].substr(1);
    return names.substr(0, names.find(' '));
  }
  return "";
}

bool ConflictsWithDefinition(AskKind kind) {
  return kind != AskKind::kUnknown && kind != AskKind::kWhat && kind != AskKind::kHow;
}

std::uint8_t LanguageOf(std::string_view text, std::span<const std::string> lower) {
  std::array<int, kFrequentWords.size()> counts{};
  for (const std::string& word : lower) {
    const std::string padded = ' ' + word + ' ';
    for (std::size_t i = 0; i < counts.size(); ++i) {
      counts[i] += kFrequentWords[i].find(padded) != std::string_view::npos ? 1 : 0;
    }
  }
  const auto best = std::ranges::max_element(counts);
  const auto ties = std::ranges::count(counts, *best);
  if (*best >= 2 && ties == 1) return static_cast<std::uint8_t>(best - counts.begin() + 1);
  // By the lead byte of the first character beyond Latin: Cyrillic, Arabic, Indic, CJK differ.
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0xE2 || byte == 0xEF || byte >= 0xF0) continue;  // punctuation, symbols
    if (byte >= 0xCE) return static_cast<std::uint8_t>(byte - 0xCE + 8);
  }
  return 0;
}

bool Conflict(AskKind a, AskKind b) {
  constexpr std::array<AskKind, 8> kHard = {AskKind::kWho,     AskKind::kWhen,    AskKind::kWhere,
                                            AskKind::kWhy,     AskKind::kHow,     AskKind::kHowMuch,
                                            AskKind::kHowLong, AskKind::kHowOften};
  const auto is_hard = [&](AskKind kind) { return std::ranges::find(kHard, kind) != kHard.end(); };
  const auto is_pair = [a, b](AskKind x, AskKind y) {
    return (a == x && b == y) || (a == y && b == x);
  };
  if (a == b || !is_hard(a) || !is_hard(b)) return false;
  return !is_pair(AskKind::kHow, AskKind::kWhere) && !is_pair(AskKind::kWhen, AskKind::kHowLong) &&
         !is_pair(AskKind::kHow, AskKind::kWho);
}

}  // namespace assay::cache::internal
