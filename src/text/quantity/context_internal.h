// context_internal.h: what the words around a number say about it.
#pragma once
#include <optional>

#include "quantity/lexicon/reader_internal.h"

namespace assay::text::quantity {

// "about", "at least", "up to", "<" before [begin, end), "or more", "+" after it. `end` moves past
// a
// "+" only.
[[nodiscard]] Bound ReadBound(const Reader& reader, std::uint32_t begin, std::uint32_t& end);
// The head noun that the number before `at` counts; empty if none is seen.
[[nodiscard]] Span ReadCountedNoun(const Reader& reader, std::uint32_t at, double value);
// The label word whose number begins at `at` ("Chapter", "No."), or an empty word.
[[nodiscard]] Word ReadLabel(const Reader& reader, std::uint32_t at);
// A Roman numeral that is part of a name: "Henry VIII", "World War II"; 0 if it is none.
[[nodiscard]] int ReadRomanName(const Reader& reader, const Word& word, Word& name);
// True for "no one", "one another", "the first," and other number words that state no number.
[[nodiscard]] bool IsPronoun(const Reader& reader, const Word& word);
// A version, telephone number, IP address, ISBN or other long code that starts at the digit `at`.
[[nodiscard]] std::optional<Quantity> ReadIdentifier(const Reader& reader, std::uint32_t at);
// True for the "1." or "2)" that numbers a line of a list.
[[nodiscard]] bool IsListMarker(const Reader& reader, std::uint32_t at);
// A hash of the letters, digits and dots, never 0.
[[nodiscard]] std::uint64_t IdentityOf(std::string_view text);

}  // namespace assay::text::quantity
