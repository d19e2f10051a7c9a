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

struct Leaf {
  std::uint64_t weight;
  std::size_t symbol;
};

std::vector<Leaf> SortedLeaves(std::span<const std::uint32_t> counts) {
  std::vector<Leaf> leaves;
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (counts[s] > 0) leaves.push_back({counts[s], s});
  }
  std::ranges::sort(leaves, {},
                    [](const Leaf& leaf) { return std::pair(leaf.weight, leaf.symbol); });
  return leaves;
}

}  // namespace

std::vector<std::uint8_t> CodeLengths(std::span<const std::uint32_t> counts) {
  std::vector<std::uint8_t> lengths(counts.size(), 0);
  const std::vector<Leaf> leaves = SortedLeaves(counts);
  const std::size_t n = leaves.size();
  if (n == 1) lengths[leaves[0].symbol] = 1;
  if (n < 2) return lengths;
  // Level by level: the leaves merged with the pairs of the level below. Only which items are
  // leaves has to be remembered.
  std::array<std::vector<bool>, kMaxCodeBits> is_leaf;
  std::vector<std::uint64_t> weights;
  for (unsigned level = 0; level < kMaxCodeBits; ++level) {
    std::vector<std::uint64_t> merged;
    merged.reserve(2 * n);
    is_leaf[level].reserve(2 * n);
    std::size_t leaf = 0;
    std::size_t pair = 0;
    const std::size_t pairs = weights.size() / 2;
    while (leaf < n || pair < pairs) {
      const std::uint64_t pair_weight =
          pair < pairs ? weights[2 * pair] + weights[2 * pair + 1] : UINT64_MAX;
      const bool take_leaf = leaf < n && leaves[leaf].weight <= pair_weight;
      merged.push_back(take_leaf ? leaves[leaf].weight : pair_weight);
      is_leaf[level].push_back(take_leaf);
      ++(take_leaf ? leaf : pair);
    }
    weights = std::move(merged);
  }
  std::size_t taken = 2 * n - 2;
  for (unsigned level = kMaxCodeBits; level-- > 0 && taken > 0;) {
    const auto begin = is_leaf[level].begin();
    const auto count = std::count(begin, begin + static_cast<std::ptrdiff_t>(taken), true);
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      ++lengths[leaves[static_cast<std::size_t>(i)].symbol];
    }
    taken = 2 * (taken - static_cast<std::size_t>(count));
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
