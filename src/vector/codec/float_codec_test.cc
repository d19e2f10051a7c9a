#include "assay/vector/float_codec.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <random>

#include <gtest/gtest.h>

#include "assay/core/simd.h"
#include "assay/vector/top_k.h"

#include "codec/float_kernels.h"

namespace assay::vector {
namespace {

using Rows = std::vector<float>;

float OfBits(std::uint32_t bits) {
  return std::bit_cast<float>(bits);
}

bool SameBits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

// Vectors of length 1 whose dimensions differ in spread and mean, as those of encoders do.
Rows UnitRows(std::size_t rows, std::size_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  Rows spread(dim);
  Rows mean(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    spread[i] = std::exp(0.4F * normal(random));
    mean[i] = 0.5F * normal(random);
  }
  Rows values(rows * dim);
  for (std::size_t r = 0; r < rows; ++r) {
    float square = 0;
    for (std::size_t i = 0; i < dim; ++i) {
      float& value = values[r * dim + i];
      value = mean[i] + spread[i] * normal(random);
      square += value * value;
    }
    for (std::size_t i = 0; i < dim; ++i) values[r * dim + i] /= std::sqrt(square);
  }
  return values;
}

Rows Mapped(Rows values, const std::function<float(float)>& change) {
  for (float& value : values) value = change(value);
  return values;
}

float ToBfloat16(float value) {
  return OfBits(std::bit_cast<std::uint32_t>(value) & 0xffff0000U);
}
float ToFloat16Mantissa(float value) {
  return OfBits(std::bit_cast<std::uint32_t>(value) & 0xffffe000U);
}

// Each row rounded to integers and restored, as `restore` does it.
Rows Quantised(Rows rows, std::size_t dim,
               const std::function<float(int integer, float scale)>& restore) {
  for (std::size_t at = 0; at < rows.size(); at += dim) {
    float most = 0;
    for (std::size_t i = 0; i < dim; ++i) most = std::max(most, std::abs(rows[at + i]));
    const float scale = most / 127;
    for (std::size_t i = 0; i < dim; ++i) {
      rows[at + i] = restore(static_cast<int>(std::lrint(rows[at + i] / scale)), scale);
    }
  }
  return rows;
}

struct Coded {
  std::string bytes;
  FloatBlock block;
  [[nodiscard]] double SavedShare() const {
    return 1 - static_cast<double>(bytes.size()) /
                   static_cast<double>(block.rows() * block.dim() * sizeof(float));
  }
};

// Encodes, and expects every way of decoding to give every bit back.
Coded RoundTrip(const Rows& rows, std::size_t dim) {
  std::string bytes = EncodeFloatBlock(rows, dim).value();
  const std::size_t count = rows.size() / dim;
  EXPECT_LE(bytes.size(), rows.size() * sizeof(float) + 32);
  FloatBlock block = FloatBlock::Open(bytes).value();
  EXPECT_EQ(block.dim(), dim);
  EXPECT_EQ(block.rows(), count);
  Rows all(rows.size());
  EXPECT_TRUE(block.Decode(0, all));
  EXPECT_TRUE(SameBits(all, rows));
  Rows one(dim);
  for (std::size_t r = 0; r < count; ++r) {
    EXPECT_TRUE(block.Decode(r, one));
    EXPECT_TRUE(SameBits(one, std::span(rows).subspan(r * dim, dim))) << r;
  }
  return {std::move(bytes), std::move(block)};
}

TEST(FloatCodec, GivesEveryBitBackWhateverTheShape) {
  for (const std::size_t dim : {1U, 2U, 3U, 5U, 17U, 64U, 319U, 320U, 321U, 384U, 1536U}) {
    for (const std::size_t rows : {1U, 2U, 7U, 8U, 9U, 33U}) {
      SCOPED_TRACE(testing::Message() << rows << " x " << dim);
      const Rows values = UnitRows(rows, dim, static_cast<std::uint32_t>(rows * dim));
      RoundTrip(values, dim);
      RoundTrip(Mapped(values, ToBfloat16), dim);
      RoundTrip(Mapped(values, ToFloat16Mantissa), dim);
      RoundTrip(Quantised(values, dim, [](int q, float s) { return static_cast<float>(q) * s; }),
                dim);
    }
  }
}

TEST(FloatCodec, KeepsNanPayloadsSignedZerosInfinitiesAndDenormals) {
  Rows values = UnitRows(40, 96, 1);
  const std::vector<std::uint32_t> special = {0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000,
                                              0xff800000, 0x80000000, 0x00000000, 0x00000001,
                                              0x807fffff, 0x7f7fffff, 0xffffffff};
  for (std::size_t i = 0; i < special.size(); ++i) values[i * 131] = OfBits(special[i]);
  RoundTrip(values, 96);
  Rows only;
  for (const std::uint32_t bits : special) only.push_back(OfBits(bits));
  RoundTrip(only, special.size());
  RoundTrip(only, 1);
}

TEST(FloatCodec, KeepsArbitraryBits) {
  std::mt19937 random(2);
  for (const std::uint32_t mask : {0xffffffffU, 0xfffffff0U, 0xffe00000U, 0xfff00000U, 0x80000000U,
                                   0x00000fffU, 0x7f800000U}) {
    Rows values(50 * 100);
    for (float& value : values) value = OfBits(static_cast<std::uint32_t>(random()) & mask);
    RoundTrip(values, 100);
  }
}

TEST(FloatCodec, TakesNearlyNothingForConstantRows) {
  EXPECT_GT(RoundTrip(Rows(64 * 128, 0.0F), 128).SavedShare(), 0.98);
  EXPECT_GT(RoundTrip(Rows(64 * 128, -0.0F), 128).SavedShare(), 0.98);
  EXPECT_GT(RoundTrip(Rows(64 * 128, 0.25F), 128).SavedShare(), 0.98);
}

TEST(FloatCodec, FindsThePrecisionThatAFloatReallyHas) {
  const Rows values = UnitRows(300, 384, 3);
  const auto times = [](int q, float s) { return static_cast<float>(q) * s; };
  const auto divided = [](int q, float s) { return static_cast<float>(q) / (1 / s); };
  const auto rounded = [](int q, float s) {
    return q == 0 ? -0.0F : static_cast<float>(q) * s;  // what round(x / s) * s leaves
  };
  const auto fixed = [](int q, float) { return static_cast<float>(q) / 127.0F; };
  const auto check = [](const Rows& rows, Precision precision, double least) {
    const Coded coded = RoundTrip(rows, 384);
    EXPECT_EQ(NameOf(coded.block.precision()), NameOf(precision));
    EXPECT_GT(coded.SavedShare(), least);
  };
  check(values, Precision::kFloat32, 0.165);
  check(Mapped(values, ToFloat16Mantissa), Precision::kFloat16, 0.57);
  check(Mapped(values, ToBfloat16), Precision::kBfloat16, 0.66);
  check(Quantised(values, 384, times), Precision::kInt8, 0.75);
  check(Quantised(values, 384, divided), Precision::kInt8, 0.75);
  check(Quantised(values, 384, rounded), Precision::kInt8, 0.75);
  check(Quantised(values, 384, fixed), Precision::kInt8, 0.75);
}

TEST(FloatCodec, CodesRowsThatTheIndexQuantised) {
  const Rows values = UnitRows(50, 128, 4);
  std::vector<std::int8_t> integers(values.size());
  Rows scales(50);
  ASSERT_TRUE(QuantizeRows(values, 128, integers, scales));
  Rows restored(values.size());
  for (std::size_t i = 0; i < restored.size(); ++i) {
    restored[i] = static_cast<float>(integers[i]) * scales[i / 128];
  }
  EXPECT_EQ(RoundTrip(restored, 128).block.precision(), Precision::kInt8);
}

TEST(FloatCodec, OneRowOfAnotherPrecisionCostsSavingNotBits) {
  Rows values = Mapped(UnitRows(100, 64, 5), ToBfloat16);
  values[5000] = 0.1F;
  EXPECT_EQ(RoundTrip(values, 64).block.precision(), Precision::kFloat32);
}

TEST(FloatCodec, DecodesTheSameOnEveryTarget) {
  const Rows values = UnitRows(19, 333, 6);
  const std::vector<Rows> kinds = {
      values,
      Mapped(values, ToBfloat16),
      Mapped(values, ToFloat16Mantissa),
      Mapped(values, [](float v) { return OfBits(std::bit_cast<std::uint32_t>(v) & ~0xffU); }),
      Quantised(values, 333, [](int q, float s) { return static_cast<float>(q) * s; }),
      Quantised(values, 333, [](int q, float) { return static_cast<float>(q) / 127.0F; })};
  for (const std::string_view target : core::SimdTargets()) {
    SCOPED_TRACE(target);
    ASSERT_TRUE(core::ForceSimdTarget(target));
    for (const Rows& rows : kinds) RoundTrip(rows, 333);
  }
  core::ResetSimdTarget();
}

TEST(FloatCodec, EveryTargetEncodesWhatComesBack) {
  constexpr std::size_t kRows = 33;
  constexpr std::size_t kDim = 777;  // no multiple of anything
  const Rows floats = UnitRows(kRows, kDim, 14);
  Rows odd = floats;
  for (std::size_t i = 0; i < odd.size(); i += 97)
    odd[i] = OfBits(0xffc00000U + 7919U * static_cast<std::uint32_t>(i));
  const Rows integers =
      Quantised(floats, kDim, [](int q, float s) { return static_cast<float>(q) * s; });
  Rows signed_zeros = integers;
  for (std::size_t i = 0; i < signed_zeros.size(); i += 31) signed_zeros[i] = -0.0F;
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    SCOPED_TRACE(target);
    for (const Rows& rows : {floats, odd, integers, signed_zeros}) RoundTrip(rows, kDim);
    EXPECT_EQ(RoundTrip(integers, kDim).block.precision(), Precision::kInt8);
    EXPECT_EQ(RoundTrip(signed_zeros, kDim).block.precision(), Precision::kInt8);
    RoundTrip(Mapped(odd, ToBfloat16), kDim);
  }
  core::ResetSimdTarget();
}

TEST(FloatKernels, AgreeWithTheirPlainForm) {
  std::mt19937 random(7);
  constexpr std::size_t kMost = 300;
  std::vector<std::uint16_t> slots(kMost);
  std::vector<std::uint8_t> planes(5 * kMost);
  for (auto& slot : slots) slot = static_cast<std::uint16_t>(random() & 0x0ff7U);
  for (auto& byte : planes) byte = static_cast<std::uint8_t>(random());
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target));
    for (const unsigned set : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
      const std::size_t count = 37 * (set + 1);
      const unsigned zeros = 3;
      const bool has16 = (set & 4U) != 0, has8 = (set & 2U) != 0, has4 = (set & 1U) != 0;
      const unsigned raw = (has16 ? 16U : 0U) + (has8 ? 8U : 0U) + (has4 ? 4U : 0U);
      const internal::ValueParts parts{.slots = slots.data(),
                                       .plane16 = has16 ? planes.data() : nullptr,
                                       .plane8 = has8 ? planes.data() + 3 * kMost : nullptr,
                                       .plane4 = has4 ? planes.data() + 4 * kMost : nullptr,
                                       .half_shift = set % 4,
                                       .symbol_shift = zeros + raw,
                                       .zeros = zeros};
      Rows out(count);
      internal::AssembleFloats(parts, count, out.data());
      for (std::size_t i = 0; i < count; ++i) {
        std::uint64_t bits = slots[i] >> 4U;
        if (has4)
          bits = bits << 4U | (std::uint32_t{planes[4 * kMost + i]} >> parts.half_shift & 15U);
        if (has8) bits = bits << 8U | planes[3 * kMost + i];
        if (has16) bits = bits << 16U | std::uint64_t{planes[2 * i + 1]} << 8U | planes[2 * i];
        ASSERT_EQ(std::bit_cast<std::uint32_t>(out[i]), static_cast<std::uint32_t>(bits << zeros))
            << target << " planes " << set << " value " << i;
      }
    }
    std::vector<std::uint16_t> places(kMost);
    const std::uint16_t wanted = slots[kMost - 1] >> 4U;
    const std::size_t found = internal::FindSymbol(slots.data(), kMost, wanted, places.data());
    std::vector<std::uint16_t> expected;
    for (std::uint16_t i = 0; i < kMost; ++i) {
      if (slots[i] >> 4U == wanted) expected.push_back(i);
    }
    places.resize(found);
    EXPECT_EQ(places, expected) << target;
    const Rows values = UnitRows(1, kMost, 8);
    std::uint32_t all = 0;
    for (const float value : values) all |= std::bit_cast<std::uint32_t>(value);
    EXPECT_EQ(internal::OrOfBits(values.data(), kMost), all);
  }
  core::ResetSimdTarget();
}

TEST(FloatCodec, XorOfTwoVersionsGivesTheSecondBack) {
  const Rows before = UnitRows(1, 77, 9);
  Rows after = before;
  after[5] = std::numeric_limits<float>::quiet_NaN();
  after[70] = -after[70];
  Rows delta(77);
  XorFloats(before, after, delta);
  EXPECT_EQ(
      std::ranges::count_if(delta, [](float d) { return std::bit_cast<std::uint32_t>(d) != 0; }),
      2);
  XorFloats(before, delta, delta);
  EXPECT_TRUE(SameBits(delta, after));
}

TEST(FloatCodec, CodesTheChangeBetweenTwoVersionsBetterThanAVector) {
  const Rows before = UnitRows(1, 1536, 10);
  Rows after = before;
  for (float& value : after) value *= 1.001F;
  Rows delta(after.size());
  XorFloats(before, after, delta);
  EXPECT_GT(RoundTrip(delta, 1536).SavedShare(), 0.25);
}

TEST(FloatCodec, RefusesImpossibleShapes) {
  const Rows rows(12);
  EXPECT_EQ(EncodeFloatBlock(rows, 0).error().code, Code::kOutOfRange);
  EXPECT_EQ(EncodeFloatBlock(rows, kMaxDim + 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(EncodeFloatBlock(rows, 5).error().code, Code::kInvalidArgument);
  EXPECT_EQ(EncodeFloatBlock({}, 5).error().code, Code::kInvalidArgument);
  const std::string bytes = EncodeFloatBlock(rows, 4).value();
  const FloatBlock block = FloatBlock::Open(bytes).value();
  Rows out(8);
  EXPECT_EQ(block.Decode(2, out).error().code, Code::kOutOfRange);
  EXPECT_EQ(block.Decode(9, out).error().code, Code::kOutOfRange);
  EXPECT_EQ(block.Decode(0, std::span(out).first(7)).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(block.Decode(3, {}));
}

TEST(FloatCodec, NamesAnotherVersion) {
  std::string bytes = EncodeFloatBlock(Rows(12), 4).value();
  bytes[4] = 9;
  EXPECT_EQ(FloatBlock::Open(bytes).error().code, Code::kFailedPrecondition);
}

TEST(FloatCodec, RefusesEveryCutAndSurvivesEveryFlippedBit) {
  for (const auto& rows : {UnitRows(3, 24, 11), Mapped(UnitRows(30, 24, 12), ToBfloat16),
                           Quantised(UnitRows(3, 24, 13), 24,
                                     [](int q, float s) { return static_cast<float>(q) * s; })}) {
    const std::string bytes = EncodeFloatBlock(rows, 24).value();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      EXPECT_FALSE(FloatBlock::Open(cut)) << size;
    }
    EXPECT_FALSE(FloatBlock::Open(bytes + "x"));
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      const auto block = FloatBlock::Open(flipped);
      if (!block || block->dim() != 24) continue;
      // What it gives does not matter, only that nothing outside is touched.
      Rows out(block->rows() * 24);
      static_cast<void>(block->Decode(0, out).has_value());
    }
  }
}

}  // namespace
}  // namespace assay::vector
