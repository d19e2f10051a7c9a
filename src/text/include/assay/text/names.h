// assay/text/names.h: names of people, organisations, places and products, and when two are the
// same. Room: text.  Threads: pure functions. Method: capitalisation patterns and small word lists;
// no trained model. English first: a script without capitals yields no names but addresses and
// codes.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::text {

enum class NameKind : std::uint8_t {
  kProper,   // "Ada Lovelace", "University of California", "AT&T"
  kAcronym,  // "WHO", "U.S.", "NATO"
  kEmail,    // "ada@example.org"
  kUrl,      // "https://example.org/a", "www.example.org", "example.org/a"
  kCode,     // "RTX-4090", "ISO9001", "v2.1.0": letters and digits in one word
};

// What the words around and in a proper name say about it. Flags add up; none means unknown.
enum NameTrait : std::uint8_t {
  kTraitNone = 0,
  kTraitPerson = 1,        // title before it ("Dr.", "President") or a common given name
  kTraitOrganisation = 2,  // "Inc", "University", "Ministry", an acronym of several words
  kTraitPlace = 4,         // "City", "River", a country or a large city
  kTraitFemale = 8,        // "Mrs.", "Queen", a given name borne by women
  kTraitMale = 16,
  kTraitPlural = 32,  // "Netherlands", "Beatles": not a person and ends in -s
};

struct Name {
  Span span;  // bytes; without title, article and possessive ("Dr. Smith's" -> "Smith")
  NameKind kind = NameKind::kProper;
  std::uint8_t traits = kTraitNone;  // NameTrait flags
  // Index in the same list of the first name that this one repeats ("WHO" -> "World Health
  // Organization", "Lovelace" -> "Ada Lovelace"), or its own index.
  std::uint32_t same_as = 0;
};

// Appends the names of `text` in order; spans never overlap and `same_as` counts from the first
// name appended. A sentence's first word is a name only if it is capitalised elsewhere inside a
// sentence, another capitalised word follows it, or it is not a common word. Months, weekdays and
// the pronoun "I" are no names. `words` are the spans of SplitWords(text).
// O(words) time but for `same_as`, which looks back over at most 64 names.
void FindNames(std::string_view text, std::span<const Span> words, std::vector<Name>& out);
void FindNames(std::string_view text, std::vector<Name>& out);

// Whether the two names can denote the same thing: equal but for case, diacritics, hyphens, dots,
// titles, articles and possessives; a last or first name and the full one ("Curie", "Marie Curie");
// initials and what they stand for ("M. Curie"); an acronym and its long form ("WHO", "World Health
// Organization"); the listed short forms of countries and bodies ("U.S.", "America", "United
// States"). Different given names or codes are different ("Marie Curie", "Pierre Curie").
// O(length) time, no allocation for names of up to 128 bytes.
[[nodiscard]] bool SameName(std::string_view a, std::string_view b);

// The form that SameName compares: lower case, diacritics folded, dots and possessive dropped,
// hyphens and runs of space as one space, leading title and article dropped, listed short forms
// replaced ("U.S." -> "united states").
[[nodiscard]] std::string NormalizeName(std::string_view name);

// Whether `acronym` consists of the initials of `long_form`'s words, with small words ("of", "and",
// "for") free to count or not: "DoJ" and "WHO" fit, "WTO" and "World Health Organization" do not.
[[nodiscard]] bool IsAcronymOf(std::string_view acronym, std::string_view long_form);

// Whether the word (any case) is one of some 3,000 frequent English words that start sentences
// without being names.
[[nodiscard]] bool IsCommonWord(std::string_view word);

}  // namespace assay::text
