// Jaro and Jaro-Winkler. A code point's partner is the first free one in the window, as in Jaro's
// own program; free places are bits, so that 64 are looked at together.
#include <algorithm>
#include <bit>
#include <vector>

#include "assay/text/similarity/edit.h"

#include "similarity/jaro_internal.h"

namespace assay::text {
namespace internal {
namespace {

constexpr double kBoostFrom = 0.7;  // Winkler 1990
constexpr double kPrefixWeight = 0.1;
constexpr std::size_t kMaxPrefix = 4;
constexpr std::uint64_t kAll = ~std::uint64_t{0};

// Takes the first free place of a symbol in [begin, end); false where there is none.
bool Take(const std::uint64_t* row, std::vector<std::uint64_t>& taken, std::size_t begin,
          std::size_t end) {
  const std::size_t last = (end - 1) / kBits;
  std::uint64_t window = kAll << (begin % kBits);
  for (std::size_t word = begin / kBits; word <= last; ++word, window = kAll) {
    if (word == last) window &= kAll >> (kBits - 1 - (end - 1) % kBits);
    const std::uint64_t free = row[word] & ~taken[word] & window;
    if (free == 0) continue;
    taken[word] |= free & (~free + 1);
    return true;
  }
  return false;
}

double Jaro(const PatternMasks& masks, std::u32string_view a, std::u32string_view b) {
  if (a.empty() && b.empty()) return 1.0;
  if (a.empty() || b.empty()) return 0.0;
  const std::size_t longer = std::max(a.size(), b.size());
  const std::size_t reach = longer / 2 > 0 ? longer / 2 - 1 : 0;
  std::vector<std::uint64_t> taken(masks.blocks());
  std::u32string matched;
  for (std::size_t j = 0; j < b.size(); ++j) {
    const std::size_t begin = j > reach ? j - reach : 0;
    if (begin >= a.size()) break;
    if (Take(masks.Row(b[j]), taken, begin, std::min(a.size(), j + reach + 1))) {
      matched.push_back(b[j]);
    }
  }
  if (matched.empty()) return 0.0;
  std::size_t out_of_order = 0;
  auto next = matched.begin();
  for (std::size_t word = 0; word < taken.size(); ++word) {
    for (std::uint64_t bits = taken[word]; bits != 0; bits &= bits - 1) {
      const char32_t c = a[word * kBits + static_cast<std::size_t>(std::countr_zero(bits))];
      out_of_order += c != *next++ ? 1U : 0U;
    }
  }
  const auto m = static_cast<double>(matched.size());
  const std::size_t pairs = out_of_order / 2;  // of matches that change places
  const auto transpositions = static_cast<double>(pairs);
  return (m / static_cast<double>(a.size()) + m / static_cast<double>(b.size()) +
          (m - transpositions) / m) /
         3.0;
}

}  // namespace

double JaroLike(const PatternMasks& masks, std::u32string_view a, std::u32string_view b,
                EditMeasure measure) {
  const double jaro = Jaro(masks, a, b);
  if (measure == EditMeasure::kJaro || jaro <= kBoostFrom) return jaro;
  const std::size_t most = std::min({a.size(), b.size(), kMaxPrefix});
  std::size_t prefix = 0;
  while (prefix < most && a[prefix] == b[prefix]) ++prefix;
  return std::min(1.0, jaro + static_cast<double>(prefix) * kPrefixWeight * (1.0 - jaro));
}

}  // namespace internal

double JaroSimilarity(std::u32string_view a, std::u32string_view b) {
  return internal::JaroLike(internal::PatternMasks(a), a, b, EditMeasure::kJaro);
}

double JaroWinklerSimilarity(std::u32string_view a, std::u32string_view b) {
  return internal::JaroLike(internal::PatternMasks(a), a, b, EditMeasure::kJaroWinkler);
}

}  // namespace assay::text
