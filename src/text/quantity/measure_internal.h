// measure_internal.h: a number with its sign, currency, unit and rate.
#pragma once
#include <optional>

#include "quantity/number_internal.h"

namespace assay::text::quantity {

// One end of a range, or the whole quantity.
struct Term {
  Number number;
  Quantity quantity;            // span, kind, unit and values are set
  bool has_unit = false;        // any of unit, percent, currency
  bool currency_first = false;  // "$5": a following number of a range may lack it
};

// What stands in front of a number: sign and currency.
struct Prefix {
  std::uint32_t begin = 0;  // where the quantity begins
  std::uint32_t currency = 0;
  bool negative = false;
};

// Looks back from the number at `at`, no further than `floor`.
[[nodiscard]] Prefix ReadPrefix(const Reader& reader, std::uint32_t at, std::uint32_t floor);
// The number at `at` with what follows it.
[[nodiscard]] std::optional<Term> ReadTerm(const Reader& reader, std::uint32_t at,
                                           const Prefix& prefix);
// As above, but `at` may stand before a sign or a currency ("3 to $5").
[[nodiscard]] std::optional<Term> ReadSignedTerm(const Reader& reader, std::uint32_t at);
// Sets the canonical values of a term from its number, unit and currency; the second unit and
// currency win for the end of a range that lacks its own.
void Normalise(Term& term);
// The end of "per hour", "/h", "a week" after `at`, with the unit; `at` itself if there is none.
[[nodiscard]] std::uint32_t ReadRate(const Reader& reader, std::uint32_t at, std::uint8_t& unit);
// Divides a normalised quantity by the unit of its rate.
void ApplyRate(std::uint8_t unit, Quantity& quantity);

}  // namespace assay::text::quantity
