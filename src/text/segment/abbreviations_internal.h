// Word lists of the sentence splitter: abbreviations by what may follow them, and words that begin
// sentences. Lists are lower case without the last dot.
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::text::segment {

enum class Abbreviation : std::uint8_t {
  kNone,
  kTitle,      // a name follows: "Dr. Smith", "vs. Smith", "e.g. Smith": never the end
  kReference,  // a number follows: "No. 5", "Fig. 3"; without one it is an ordinary word
  kUnit,       // "5 km.": a capital letter after it starts a sentence
  kEnding,     // may end a sentence: "Inc.", "etc.", "Jan."; the next word decides
};

// Kind of the word before a dot, in any case.
[[nodiscard]] Abbreviation KindOfAbbreviation(std::string_view word);

// Words that rarely follow an abbreviation inside a sentence with a capital letter: "The", "He",
// "However". `word` as it stands in the text.
[[nodiscard]] bool IsSentenceStarter(std::string_view word);

// Begins as the name of a month or a weekday does: "Sept", "Monday".
[[nodiscard]] bool IsDateWord(std::string_view word);

// "said", "asked", ...: after a quotation that ends in ! or ?, they continue its sentence.
[[nodiscard]] bool IsSpeechVerb(std::string_view word);

// Names that are written with an exclamation mark: "Yahoo".
[[nodiscard]] bool IsExclaimedName(std::string_view word);

}  // namespace assay::text::segment
