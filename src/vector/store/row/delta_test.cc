// The forms in which the log keeps one vector, beside what they must give back.
#include "store/row/delta.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/vector/float_codec.h"

#include "store/row/packed_delta.h"

namespace assay::vector::internal {
namespace {

std::vector<std::uint32_t> BitsOf(std::span<const float> values) {
  std::vector<std::uint32_t> bits;
  for (const float value : values) bits.push_back(std::bit_cast<std::uint32_t>(value));
  return bits;
}

std::vector<float> RandomRow(std::size_t dim, std::uint64_t seed) {
  core::SeededRng rng(seed);
  std::vector<float> row(dim);
  for (float& value : row) value = static_cast<float>(rng.NextUnit()) - 0.5F;
  return row;
}

TEST(StoredRow, ComesBackBitForBitInWhateverFormIsShortest) {
  for (const std::size_t dim : {1U, 3U, 4U, 5U, 63U, 384U, 1536U}) {
    const std::vector<float> base = RandomRow(dim, dim);
    for (const float change : {0.0F, 1e-7F, 1e-4F, 1e-2F, 1.0F}) {
      std::vector<float> row = base;
      for (std::size_t i = 0; i < dim; ++i) row[i] += change * RandomRow(dim, 77)[i] * base[i];
      row[dim / 2] = std::numeric_limits<float>::quiet_NaN();
      const StoredRow stored = StoreRow(row, base);
      std::vector<float> out = base;
      ASSERT_TRUE(RestoreRow(stored.form, stored.bytes, out)) << dim << " " << change;
      EXPECT_EQ(BitsOf(out), BitsOf(row)) << dim << " " << change;
      EXPECT_TRUE(dim <= 63 || change > 0.1F || IsDelta(stored.form)) << dim << " " << change;
      EXPECT_LE(stored.bytes.size(), dim * sizeof(float));
    }
  }
}

TEST(PackedDelta, NeedsNoMoreThanItsFourWidths) {
  constexpr std::size_t kDim = 1000;
  std::vector<float> delta(kDim);
  for (std::size_t i = 0; i < kDim; ++i) {
    constexpr std::uint32_t kValues[4] = {0, 0x100, 0xab00, 0xf0abcd00};
    delta[i] = std::bit_cast<float>(kValues[i % 4]);
  }
  const std::string packed = PackDelta(delta);
  // Widths of 0, 1, 8 and 24 bits above the 8 that are always 0.
  EXPECT_EQ(packed.size(), 5 + kDim / 4 + kDim / 4 * (1 + 8 + 24) / 8 + 1 + 8);
  std::vector<float> out(kDim, 0.0F);
  ASSERT_TRUE(XorPackedDelta(packed, out));
  EXPECT_EQ(BitsOf(out), BitsOf(delta));
}

TEST(PackedDelta, RefusesEveryCutAndWrongSizes) {
  const std::vector<float> delta = RandomRow(37, 3);
  const std::string packed = PackDelta(delta);
  std::vector<float> out(37, 1.0F);
  for (std::size_t size = 0; size < packed.size(); ++size) {
    // A copy of its own, so that a sanitizer sees what is read behind it.
    const std::vector<char> cut(packed.begin(), packed.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(XorPackedDelta({cut.data(), cut.size()}, out)) << size;
  }
  EXPECT_FALSE(XorPackedDelta(packed + '\0', out));
  std::vector<float> other(36, 1.0F);
  EXPECT_FALSE(XorPackedDelta(packed, other));
  EXPECT_EQ(out, std::vector<float>(37, 1.0F));  // untouched
}

TEST(PackedDelta, ReadsNothingOutsideOfDamagedBytes) {
  const std::string packed = PackDelta(RandomRow(50, 4));
  core::SeededRng rng(9);
  std::size_t taken = 0;
  for (int i = 0; i < 5000; ++i) {
    std::vector<char> bytes(packed.begin(), packed.end());
    for (int flips = 0; flips < 3; ++flips) {
      char& byte = bytes[rng.Below(i % 2 == 0 ? 20 : bytes.size())];
      byte = static_cast<char>(static_cast<unsigned char>(byte) ^ 1U << rng.Below(8));
    }
    std::vector<float> out(50);
    if (XorPackedDelta({bytes.data(), bytes.size()}, out)) ++taken;
  }
  EXPECT_LT(taken, 5000U);
}

TEST(StoredRow, ADifferenceAsABlockIsStillRead) {
  const std::vector<float> base = RandomRow(128, 1);
  const std::vector<float> row = RandomRow(128, 2);
  std::vector<float> delta(128);
  XorFloats(row, base, delta);
  const std::string block = EncodeFloatBlock(delta, 128).value();
  std::vector<float> out = base;
  ASSERT_TRUE(RestoreRow(RowForm::kBlockDelta, block, out));
  EXPECT_EQ(BitsOf(out), BitsOf(row));
}

}  // namespace
}  // namespace assay::vector::internal
