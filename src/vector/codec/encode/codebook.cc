#include "codec/encode/codebook.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "codec/huffman.h"

namespace assay::vector::internal {
namespace {

// The symbols that occur, with their counts in each group.
struct Occurring {
  std::vector<std::uint16_t> symbols;              // rising
  std::vector<std::vector<std::uint32_t>> counts;  // [contexts][symbols]
  std::vector<std::uint64_t> totals;               // [contexts]
  std::uint16_t unused = kNoEscape;                // a symbol that never occurs
};

Occurring OccurringIn(const SymbolCounts& counts) {
  Occurring found;
  for (std::size_t s = 0; s < counts.range(); ++s) {
    std::uint32_t any = 0;
    for (std::size_t c = 0; c < counts.contexts; ++c) any |= counts.Of(c)[s];
    if (any > 0) {
      found.symbols.push_back(static_cast<std::uint16_t>(s));
    } else if (found.unused == kNoEscape) {
      found.unused = static_cast<std::uint16_t>(s);
    }
  }
  for (std::size_t c = 0; c < counts.contexts; ++c) {
    auto& own = found.counts.emplace_back();
    std::uint64_t& total = found.totals.emplace_back(0);
    for (const std::uint16_t symbol : found.symbols) {
      own.push_back(counts.Of(c)[symbol]);
      total += own.back();
    }
  }
  return found;
}

// No code of whole bits is shorter than this, however it escapes.
double EntropyBits(const Occurring& occurring) {
  double bits = 0;
  for (std::size_t c = 0; c < occurring.counts.size(); ++c) {
    const auto total = static_cast<double>(occurring.totals[c]);
    for (const std::uint32_t count : occurring.counts[c]) {
      if (count > 0) bits += count * std::log2(total / count);
    }
  }
  return bits;
}

void AddSymbol(std::uint16_t symbol, Codebook& book) {
  book.symbols.push_back(symbol);
  if (!book.runs.empty() && book.runs.back().first + book.runs.back().count == symbol) {
    ++book.runs.back().count;
  } else {
    book.runs.push_back({.first = symbol, .count = 1});
  }
}

void AddContext(std::span<const std::uint32_t> counts, Codebook& book) {
  book.lengths.push_back(CodeLengths(counts));
  const std::vector<std::uint8_t>& lengths = book.lengths.back();
  // A symbol that is alone takes no bits.
  if (static_cast<std::size_t>(std::ranges::count(counts, 0U)) + 1 >= counts.size()) return;
  for (std::size_t s = 0; s < counts.size(); ++s) {
    book.bits += static_cast<double>(counts[s]) * lengths[s];
  }
}

// A code in which symbols rarer than `rare` of their group's values are escaped. nullopt when that
// cannot be, or more symbols remain than a code can have.
std::optional<Codebook> MakeCodebook(const Occurring& occurring, unsigned symbol_bits,
                                     double rare) {
  if (rare > 0 && occurring.unused == kNoEscape) return std::nullopt;
  Codebook book;
  book.contexts = occurring.counts.size();
  std::vector<bool> used(occurring.symbols.size(), false);
  std::vector<std::uint32_t> escaped(book.contexts, 0);
  for (std::size_t c = 0; c < book.contexts; ++c) {
    const double least = rare * static_cast<double>(occurring.totals[c]);
    for (std::size_t s = 0; s < used.size(); ++s) {
      const std::uint32_t count = occurring.counts[c][s];
      if (count == 0) continue;
      if (count < least) {
        escaped[c] += count;
      } else {
        used[s] = true;
      }
    }
    if (escaped[c] > 0) book.escape = occurring.unused;
    book.bits += static_cast<double>(escaped[c]) * symbol_bits;
  }
  std::vector<std::size_t> from;  // where the symbol stands in `occurring`; behind: the escape
  for (std::size_t s = 0; s <= used.size(); ++s) {
    const bool last = s == used.size();
    // The escape takes its place between the others.
    if (book.escape != kNoEscape && (book.symbols.empty() || book.symbols.back() < book.escape) &&
        (last || occurring.symbols[s] > book.escape)) {
      AddSymbol(book.escape, book);
      from.push_back(used.size());
    }
    if (last || !used[s]) continue;
    AddSymbol(occurring.symbols[s], book);
    from.push_back(s);
  }
  if (book.symbols.size() > kMaxSymbols) return std::nullopt;
  std::vector<std::uint32_t> kept(from.size());
  for (std::size_t c = 0; c < book.contexts; ++c) {
    const double least = rare * static_cast<double>(occurring.totals[c]);
    for (std::size_t i = 0; i < from.size(); ++i) {
      const std::uint32_t count =
          from[i] == used.size() ? escaped[c] : occurring.counts[c][from[i]];
      kept[i] = from[i] != used.size() && count < least ? 0 : count;
    }
    AddContext(kept, book);
  }
  return book;
}

}  // namespace

SymbolCounts CountSymbols(std::span<const std::uint16_t> symbols,
                          std::span<const std::uint8_t> groups, unsigned symbol_bits) {
  SymbolCounts result{.contexts = std::size_t{1} + *std::ranges::max_element(groups),
                      .symbol_bits = symbol_bits,
                      .counts = {}};
  result.counts.assign(result.contexts * result.range(), 0);
  for (std::size_t at = 0; at < symbols.size(); at += groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      ++result.counts[(std::size_t{groups[i]} << symbol_bits) + symbols[at + i]];
    }
  }
  return result;
}

SymbolCounts Narrowed(const SymbolCounts& counts, unsigned dropped_bits) {
  SymbolCounts result{
      .contexts = counts.contexts, .symbol_bits = counts.symbol_bits - dropped_bits, .counts = {}};
  result.counts.assign(result.contexts * result.range(), 0);
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    result.counts[i >> dropped_bits] += counts.counts[i];
  }
  return result;
}

SymbolCounts Together(const SymbolCounts& counts) {
  SymbolCounts result{.contexts = 1, .symbol_bits = counts.symbol_bits, .counts = {}};
  result.counts.assign(result.range(), 0);
  for (std::size_t i = 0; i < counts.counts.size(); ++i) {
    result.counts[i % result.range()] += counts.counts[i];
  }
  return result;
}

std::optional<Codebook> BestCodebook(const SymbolCounts& counts, std::size_t dim, double below) {
  // A code of 11 bits gives away much of its room to symbols that hardly occur; in a small block a
  // symbol's place in the tables costs more than its escapes.
  constexpr std::array<double, 6> kRare = {0, 0x1p-14, 0x1p-13, 0x1p-12, 0x1p-8, 0x1p-7};
  const Occurring occurring = OccurringIn(counts);
  if (EntropyBits(occurring) / 8 >= below) return std::nullopt;
  std::uint64_t values = 0;
  for (const std::uint64_t total : occurring.totals) values += total;
  std::optional<Codebook> best;
  for (const double rare : kRare) {
    // Where even a single value is not so rare the code is that of 0.
    if (rare > 0 && rare * static_cast<double>(values) <= 1) continue;
    auto book = MakeCodebook(occurring, counts.symbol_bits, rare);
    if (!book || book->Bytes(dim) >= below) continue;
    below = book->Bytes(dim);
    best = std::move(book);
  }
  return best;
}

std::vector<CodeWord> WordsOf(const Codebook& book, unsigned symbol_bits) {
  const std::size_t range = std::size_t{1} << symbol_bits;
  std::vector<CodeWord> words(book.contexts * range, 0);
  for (std::size_t c = 0; c < book.contexts; ++c) {
    const std::span<CodeWord> own = std::span(words).subspan(c * range, range);
    const std::vector<std::uint8_t>& lengths = book.lengths[c];
    const std::vector<std::uint16_t> codes = CanonicalCodes(lengths);
    // A symbol that is alone takes no bits.
    const bool alone =
        static_cast<std::size_t>(std::ranges::count(lengths, 0)) + 1 >= lengths.size();
    const auto word_of = [&](std::size_t s) {
      return alone ? CodeWord{0}
                   : static_cast<CodeWord>(unsigned{lengths[s]} << kCodeLengthShift | codes[s]);
    };
    if (book.escape != kNoEscape) {
      const auto escape = static_cast<std::size_t>(
          std::ranges::lower_bound(book.symbols, book.escape) - book.symbols.begin());
      std::ranges::fill(own, static_cast<CodeWord>(word_of(escape) | kEscapedWord));
      own[book.escape] = word_of(escape);
    }
    for (std::size_t s = 0; s < lengths.size(); ++s) {
      if (lengths[s] > 0 && book.symbols[s] != book.escape) own[book.symbols[s]] = word_of(s);
    }
  }
  return words;
}

}  // namespace assay::vector::internal
