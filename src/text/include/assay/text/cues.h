// assay/text/cues.h: small words that turn, weaken or compare a statement, each with its reach.
// Room: text.  Threads: pure functions.
// Method: hand-written word lists; the reach of a negation follows NegEx (Chapman et al., 2001),
// bounded by clause ends instead of a fixed window.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::text {

enum class CueKind : std::uint8_t {
  kNegation,     // not, n't, no, never, without, neither, fails to, unable, no longer, lack of
  kHedge,        // may, might, could, possibly, reportedly, appears to, is likely
  kObligation,   // must, shall, required, have to, need to, mandatory
  kPermission,   // may, can, allowed, permitted, entitled, optional
  kProhibition,  // must not, cannot, may not, not allowed, prohibited, forbidden
  kQuantifier,   // value is a Quantifier
  kComparative,  // value is a Direction: more than, higher, fewer, at least, up to, within
  kSuperlative,  // value is a Direction: most, largest, fewest, first, oldest
  kOpinion,      // I think, in my opinion, best, beautiful, unfortunately, should
  kAttribution,  // according to, said that, claims that, reported
};

// Ordered by how much of a set they speak of.
enum class Quantifier : std::uint8_t { kNone, kFew, kSome, kMany, kMost, kAll, kOnly };

// kUp: more, larger, later, longer. kDown: less, smaller, earlier. The two bounds include their
// limit ("at least 5", "up to 5"); kSame is "equal to", "the same as", "exactly".
enum class Direction : std::uint8_t { kUp, kDown, kAtLeast, kAtMost, kSame };

struct Cue {
  CueKind kind = CueKind::kNegation;
  std::uint8_t value = 0;  // of kQuantifier and kComparative, kSuperlative; else 0
  // Word indices [begin, end) of the cue itself and of the words that it bears on. The reach ends
  // at a clause end (comma before a conjunction, semicolon, "but", "because", "which", full stop).
  // "n't" is the whole word that ends in it.
  std::uint32_t begin_word = 0, end_word = 0;
  std::uint32_t scope_begin = 0, scope_end = 0;

  [[nodiscard]] Quantifier quantifier() const { return static_cast<Quantifier>(value); }
  [[nodiscard]] Direction direction() const { return static_cast<Direction>(value); }
};

// Appends the cues of a sentence in the order of their first word. `words` are the spans of
// SplitWords(text). A word can carry several cues ("cannot": kNegation and kProhibition; "may":
// kPermission or kHedge by what follows). "not only", "no doubt" and "not until" are no negations.
// O(words) time, no allocation beyond `out`.
void FindCues(std::string_view text, std::span<const Span> words, std::vector<Cue>& out);

// Whether word `index` is negated an odd number of times: it lies in the reach of kNegation cues
// (or of a kProhibition without a kNegation of its own, "forbidden to smoke"). O(cues).
[[nodiscard]] bool IsNegated(std::span<const Cue> cues, std::uint32_t index);

// A scale of meaning and the end of it that a word stands for: "rose" and "increase" share one end
// of a scale, "fell" the other.
struct Polarity {
  std::uint16_t scale = 0;
  std::int8_t side = 0;  // +1 or -1
  friend constexpr bool operator==(const Polarity&, const Polarity&) = default;
};
inline constexpr std::size_t kMaxPolarities = 8;  // of one word over all its senses

// The scales on which a word (any case, any inflection: "rose", "increasing", "allows") stands;
// writes at most kMaxPolarities and returns how many. O(word length).
std::size_t PolaritiesOf(std::string_view word, std::span<Polarity, kMaxPolarities> out);

// Whether two words are opposites: they stand at two ends of one scale (some 600 scales), or one is
// the other with un-, in-, im-, il-, ir-, dis-, non- or mis- before it ("paid", "unpaid"), or they
// differ in -ful and -less.
[[nodiscard]] bool AreAntonyms(std::string_view a, std::string_view b);

// What that takes of a word, to compare one word with many.
struct OppositeForms {
  std::array<Polarity, kMaxPolarities> polarities = {};
  std::size_t polarity_count = 0;
  std::string lower;  // and its dictionary form; empty for words of more than 60 bytes
  std::string lemma;
};
[[nodiscard]] OppositeForms ReadOppositeForms(std::string_view word);
// As AreAntonyms() of the two words.
[[nodiscard]] bool AreAntonyms(const OppositeForms& a, const OppositeForms& b);

// The word reduced to its dictionary form by a table of irregular forms and suffix rules, lower
// case, ASCII ("rose" -> "rise", "policies" -> "policy", "allowed" -> "allow"). Words that it does
// not know how to reduce come back in lower case. Meant for comparing two words, not for display.
// Requires: out holds word.size() + 4 bytes. Returns the length written.
std::size_t Lemma(std::string_view word, std::span<char> out);

// Word without inflection and derivation ("popularity" -> "popular"), by Porter's algorithm (1980);
// words with other characters than a to z, or shorter than three, stay as they are. O(length).
[[nodiscard]] std::string PorterStem(std::string lower_case);
// Porter's steps 1b and 1c alone, in place: -ed, -ing, final y. For retrieval, where "relational"
// and "relate" must stay apart. Returns the new length, never more than `length`.
// Requires: length >= 1 letters a to z.
[[nodiscard]] std::size_t StripPastAndFinalY(char* word, std::size_t length);

// Rarity of a lower-case word, 0.05 (the commonest) to 3.1 (unknown): log(1 + rank / 2000) over
// some 24,000 words in order of frequency; 2.5 for what starts with a digit. Requires: not empty.
[[nodiscard]] float RarityOf(std::string_view lower_case);

// Whether the sentence asks: a question mark at its end, or a question word or auxiliary first
// with the subject behind it ("Can I ..."). O(words).
[[nodiscard]] bool IsQuestion(std::string_view text, std::span<const Span> words);

// Whether the sentence tells the reader to do something: imperative verb first ("Click", "Please
// send", "Make sure", "Do not", "Let's"). O(1).
[[nodiscard]] bool IsInstruction(std::string_view text, std::span<const Span> words);

}  // namespace assay::text
