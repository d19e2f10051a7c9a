#include <algorithm>
#include <array>
#include <initializer_list>

#include "assay/text/utf8.h"

#include "semantic/facts/ask_internal.h"

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

constexpr std::array<std::string_view, 7> kFrequentWords = {
    " the is of how what can do my and to for does why are ",
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
