#include "codec/huffman.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <random>

#include <gtest/gtest.h>

namespace assay::vector::internal {
namespace {

// Huffman's own construction, without a limit: the sum of all inner nodes.
std::uint64_t UnlimitedCost(const std::vector<std::uint32_t>& counts) {
  std::priority_queue<std::uint64_t, std::vector<std::uint64_t>, std::greater<>> queue;
  for (const std::uint32_t count : counts) {
    if (count > 0) queue.push(count);
  }
  std::uint64_t cost = 0;
  while (queue.size() > 1) {
    std::uint64_t sum = queue.top();
    queue.pop();
    sum += queue.top();
    queue.pop();
    cost += sum;
    queue.push(sum);
  }
  return cost;
}

std::uint64_t CostOf(const std::vector<std::uint32_t>& counts,
                     const std::vector<std::uint8_t>& lengths) {
  std::uint64_t cost = 0;
  for (std::size_t s = 0; s < counts.size(); ++s) cost += std::uint64_t{counts[s]} * lengths[s];
  return cost;
}

TEST(CodeLengths, AreOptimalWhereTheLimitDoesNotBind) {
  std::mt19937 random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::uint32_t> counts(2 + random() % 60);
    for (auto& count : counts) count = static_cast<std::uint32_t>(10 + random() % 1000);
    const auto lengths = CodeLengths(counts);
    EXPECT_EQ(CostOf(counts, lengths), UnlimitedCost(counts));
  }
}

TEST(CodeLengths, StayBelowTheLimitAndFillTheTable) {
  // Fibonacci counts would make codes of 30 bits.
  std::vector<std::uint32_t> counts = {1, 1};
  while (counts.size() < 31) counts.push_back(counts.end()[-1] + counts.end()[-2]);
  const auto lengths = CodeLengths(counts);
  EXPECT_EQ(*std::ranges::max_element(lengths), kMaxCodeBits);
  std::size_t slots = 0;
  for (const std::uint8_t length : lengths) slots += kTableSlots >> length;
  EXPECT_EQ(slots, kTableSlots);
  EXPECT_LT(static_cast<double>(CostOf(counts, lengths)),
            1.01 * static_cast<double>(UnlimitedCost(counts)));
}

TEST(CodeLengths, OfASymbolThatIsAloneIsOne) {
  EXPECT_EQ(CodeLengths(std::vector<std::uint32_t>{0, 7, 0}), (std::vector<std::uint8_t>{0, 1, 0}));
  EXPECT_EQ(CodeLengths(std::vector<std::uint32_t>{0, 0}), (std::vector<std::uint8_t>{0, 0}));
}

TEST(FillTable, DecodesWhatCanonicalCodesSay) {
  std::mt19937 random(2);
  std::vector<std::uint32_t> counts(300);
  for (auto& count : counts) {
    count = random() % 5 == 0 ? 0U : static_cast<std::uint32_t>(1 + random() % 10'000);
  }
  const auto lengths = CodeLengths(counts);
  const auto codes = CanonicalCodes(lengths);
  std::vector<std::uint16_t> symbols(counts.size());
  std::iota(symbols.begin(), symbols.end(), std::uint16_t{1000});
  std::vector<std::uint16_t> table(kTableSlots);
  ASSERT_TRUE(FillTable(symbols, lengths, table));
  for (std::size_t s = 0; s < counts.size(); ++s) {
    if (counts[s] == 0) continue;
    for (std::size_t rest = 0; rest < kTableSlots >> lengths[s]; ++rest) {
      const std::uint16_t slot = table[codes[s] | rest << lengths[s]];
      ASSERT_EQ(slot >> kLengthBits, symbols[s]);
      ASSERT_EQ(slot & 15U, lengths[s]);
    }
  }
}

TEST(FillTable, RefusesLengthsThatAreNoWholeCode) {
  const std::vector<std::uint16_t> symbols = {1, 2, 3};
  std::vector<std::uint16_t> table(kTableSlots);
  const auto fits = [&](std::vector<std::uint8_t> lengths) {
    return FillTable(symbols, lengths, table);
  };
  EXPECT_TRUE(fits({1, 2, 2}));
  EXPECT_TRUE(fits({0, 1, 0}));
  EXPECT_FALSE(fits({0, 2, 0}));
  EXPECT_FALSE(fits({1, 1, 1}));
  EXPECT_FALSE(fits({2, 2, 2}));
  EXPECT_FALSE(fits({0, 0, 0}));
  EXPECT_FALSE(fits({1, 2, 12}));
}

}  // namespace
}  // namespace assay::vector::internal
