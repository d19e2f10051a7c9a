#include "codec/huffman.h"

#include <algorithm>
#include <array>
#include <utility>

namespace assay::vector::internal {
namespace {

std::uint16_t Reversed(std::uint32_t code, unsigned bits) {
  std::uint32_t reversed = 0;
  for (unsigned i = 0; i < bits; ++i) reversed |= (code >> i & 1U) << (bits - 1 - i);
  return static_cast<std::uint16_t>(reversed);
}

constexpr unsigned kSymbolBits = 16;  // of a leaf: its symbol, below its weight

// Of each symbol that occurs, weight and symbol in one number, rising.
std::vector<std::uint64_t> SortedLeaves(std::span<const std::uint32_t> counts) {
  std::vector<std::uint64_t> leaves;
  leaves.reserve(counts.size());
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (counts[s] > 0) leaves.push_back(std::uint64_t{counts[s]} << kSymbolBits | s);
  }
  std::ranges::sort(leaves);
  return leaves;
}

}  // namespace

std::vector<std::uint8_t> CodeLengths(std::span<const std::uint32_t> counts) {
  std::vector<std::uint8_t> lengths(counts.size(), 0);
  const std::vector<std::uint64_t> leaves = SortedLeaves(counts);
  const std::size_t n = leaves.size();
  const auto symbol_of = [&](std::size_t i) { return leaves[i] & ((1U << kSymbolBits) - 1); };
  if (n == 1) lengths[symbol_of(0)] = 1;
  if (n < 2) return lengths;
  // Level by level: the leaves merged with the pairs of the level below. Only how many leaves
  // there are among a level's first items has to be remembered.
  const std::size_t room = 2 * n + 1;
  std::vector<std::uint16_t> leaves_before(kMaxCodeBits * room);
  std::vector<std::uint64_t> below;
  std::vector<std::uint64_t> merged(room);
  for (unsigned level = 0; level < kMaxCodeBits; ++level) {
    std::uint16_t* before = leaves_before.data() + level * room;
    std::size_t leaf = 0;
    std::size_t pair = 0;
    const std::size_t pairs = below.size() / 2;
    for (std::size_t i = 0; i < n + pairs; ++i) {
      const std::uint64_t leaf_weight = leaf < n ? leaves[leaf] >> kSymbolBits : UINT64_MAX;
      const std::uint64_t pair_weight =
          pair < pairs ? below[2 * pair] + below[2 * pair + 1] : UINT64_MAX;
      const bool take_leaf = leaf_weight <= pair_weight && leaf < n;
      before[i] = static_cast<std::uint16_t>(leaf);
      merged[i] = take_leaf ? leaf_weight : pair_weight;
      leaf += take_leaf ? 1U : 0U;
      pair += take_leaf ? 0U : 1U;
    }
    before[n + pairs] = static_cast<std::uint16_t>(leaf);
    below.assign(merged.begin(), merged.begin() + static_cast<std::ptrdiff_t>(n + pairs));
  }
  std::size_t taken = 2 * n - 2;
  for (unsigned level = kMaxCodeBits; level-- > 0 && taken > 0;) {
    const std::size_t count = leaves_before[level * room + taken];
    for (std::size_t i = 0; i < count; ++i) ++lengths[symbol_of(i)];
    taken = 2 * (taken - count);
  }
  return lengths;
}

std::vector<std::uint16_t> CanonicalCodes(std::span<const std::uint8_t> lengths) {
  std::array<std::uint32_t, kMaxCodeBits + 2> next{};
  for (const std::uint8_t length : lengths) {
    if (length > 0) ++next[length + 1U];
  }
  for (std::size_t length = 1; length < next.size(); ++length) {
    next[length] = (next[length] + next[length - 1]) << 1U;
  }
  std::vector<std::uint16_t> codes(lengths.size(), 0);
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    if (lengths[s] > 0) codes[s] = Reversed(next[lengths[s]]++, lengths[s]);
  }
  return codes;
}

bool FillTable(std::span<const std::uint16_t> symbols, std::span<const std::uint8_t> lengths,
               std::span<std::uint16_t> table) {
  std::size_t used = 0;
  std::size_t slots = 0;
  std::size_t last = 0;
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    if (lengths[s] > kMaxCodeBits) return false;
    if (lengths[s] == 0) continue;
    ++used;
    last = s;
    slots += kTableSlots >> lengths[s];
  }
  if (used == 1 && lengths[last] == 1) {
    std::ranges::fill(table, static_cast<std::uint16_t>(symbols[last] << kLengthBits));
    return true;
  }
  if (slots != kTableSlots) return false;
  const std::vector<std::uint16_t> codes = CanonicalCodes(lengths);
  for (std::size_t s = 0; s < lengths.size(); ++s) {
    if (lengths[s] == 0) continue;
    const auto slot = static_cast<std::uint16_t>(symbols[s] << kLengthBits | lengths[s]);
    const std::size_t step = std::size_t{1} << lengths[s];
    for (std::size_t at = codes[s]; at < kTableSlots; at += step) table[at] = slot;
  }
  return true;
}

}  // namespace assay::vector::internal
