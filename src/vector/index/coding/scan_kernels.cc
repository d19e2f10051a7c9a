// Method: with VNNI each 32-bit lane takes four products an instruction. Elsewhere its two 16-bit
// halves take one each: 16 of at most 15 * 127 fit before they are widened. VNNI is asked for here,
// as Highway 1.0.3 has no operation for it (its target AVX3_DL names another extension).
#include "scan_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "index/coding/scan_kernels.cc"
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// sums[r] = sum(query * c) of all rows of some blocks.
#if HWY_TARGET == HWY_SCALAR

void BlockSums(const CodeQuery& query, const std::uint8_t* blocks, std::size_t count,
               std::int32_t* HWY_RESTRICT sums) {
  const std::size_t groups = query.values.size() / kGroupDims;
  for (std::size_t i = 0; i < count * kBlockRows; ++i) {
    const std::uint8_t* row = blocks + i / kBlockRows * BlockBytes(query.values.size()) +
                              kBlockRows * sizeof(float) + i % kBlockRows * 4;
    sums[i] = 0;
    for (std::size_t g = 0; g < groups; ++g) {
      for (std::size_t b = 0; b < 4; ++b) {
        const std::uint8_t code = row[g * kGroupBytes + b];
        sums[i] += query.values[g * kGroupDims + b] * (code & 15) +
                   query.values[g * kGroupDims + 4 + b] * (code >> 4);
      }
    }
  }
}

#else

void PortableSums(const CodeQuery& query, const std::uint8_t* blocks, std::size_t count,
                  std::int32_t* HWY_RESTRICT sums) {
  const hn::CappedTag<std::int32_t, kBlockRows> d;
  const hn::Repartition<std::int16_t, decltype(d)> d16;
  const hn::Repartition<std::uint16_t, decltype(d)> du16;
  const hn::Repartition<std::uint32_t, decltype(d)> du32;
  const hn::Repartition<std::uint8_t, decltype(d)> du8;
  const auto low_bits = hn::Set(du16, 15);
  const std::size_t groups = query.values.size() / kGroupDims;
  constexpr std::size_t kGroupsOf16Bits = 4;
  for (std::size_t r = 0; r < count * kBlockRows; r += hn::Lanes(d)) {
    const std::uint8_t* from = blocks + r / kBlockRows * BlockBytes(query.values.size()) +
                               kBlockRows * sizeof(float) + r % kBlockRows * 4;
    auto total = hn::Zero(d);
    for (std::size_t g = 0; g < groups;) {
      auto part = hn::Zero(d16);
      for (const std::size_t end = std::min(groups, g + kGroupsOf16Bits); g < end; ++g) {
        const auto codes = hn::BitCast(du16, hn::LoadU(du8, from + g * kGroupBytes));
        const std::uint32_t* HWY_RESTRICT pairs = query.pairs.data() + g * 4;
        const auto p0 = hn::BitCast(d16, hn::Set(du32, pairs[0]));
        const auto p1 = hn::BitCast(d16, hn::Set(du32, pairs[1]));
        const auto p2 = hn::BitCast(d16, hn::Set(du32, pairs[2]));
        const auto p3 = hn::BitCast(d16, hn::Set(du32, pairs[3]));
        const auto c0 = hn::BitCast(d16, hn::And(codes, low_bits));
        const auto c1 = hn::BitCast(d16, hn::And(hn::ShiftRight<4>(codes), low_bits));
        const auto c2 = hn::BitCast(d16, hn::And(hn::ShiftRight<8>(codes), low_bits));
        const auto c3 = hn::BitCast(d16, hn::ShiftRight<12>(codes));
        part = hn::Add(part, hn::Add(hn::Add(hn::Mul(c0, p0), hn::Mul(c1, p1)),
                                     hn::Add(hn::Mul(c2, p2), hn::Mul(c3, p3))));
      }
      const auto both = hn::BitCast(d, part);
      const auto low = hn::ShiftRight<16>(hn::ShiftLeft<16>(both));
      total = hn::Add(total, hn::Add(hn::ShiftRight<16>(both), low));
    }
    hn::StoreU(total, d, sums + r);
  }
}

#if HWY_TARGET == HWY_AVX3

__attribute__((target(HWY_TARGET_STR ",avx512vnni"))) void VnniSums(const CodeQuery& query,
                                                                    const std::uint8_t* blocks,
                                                                    std::size_t count,
                                                                    std::int32_t* sums) {
  const std::size_t groups = query.values.size() / kGroupDims;
  const std::int8_t* values = query.values.data();
  const __m512i low_bits = _mm512_set1_epi8(15);
  for (std::size_t b = 0; b < count; ++b) {
    const std::uint8_t* from =
        blocks + b * BlockBytes(query.values.size()) + kBlockRows * sizeof(float);
    __m512i low = _mm512_setzero_si512();
    __m512i high = _mm512_setzero_si512();
    for (std::size_t g = 0; g < groups; ++g) {
      std::int32_t first = 0;
      std::int32_t second = 0;
      std::memcpy(&first, values + g * kGroupDims, sizeof(first));
      std::memcpy(&second, values + g * kGroupDims + 4, sizeof(second));
      const __m512i codes = _mm512_loadu_si512(from + g * kGroupBytes);
      low = _mm512_dpbusd_epi32(low, _mm512_and_si512(codes, low_bits), _mm512_set1_epi32(first));
      high = _mm512_dpbusd_epi32(high, _mm512_and_si512(_mm512_srli_epi16(codes, 4), low_bits),
                                 _mm512_set1_epi32(second));
    }
    _mm512_storeu_si512(sums + b * kBlockRows, _mm512_add_epi32(low, high));
  }
}

void BlockSums(const CodeQuery& query, const std::uint8_t* blocks, std::size_t count,
               std::int32_t* HWY_RESTRICT sums) {
  static const bool vnni = __builtin_cpu_supports("avx512vnni") != 0;
  if (vnni) {
    VnniSums(query, blocks, count, sums);
  } else {
    PortableSums(query, blocks, count, sums);
  }
}

#else

void BlockSums(const CodeQuery& query, const std::uint8_t* blocks, std::size_t count,
               std::int32_t* HWY_RESTRICT sums) {
  PortableSums(query, blocks, count, sums);
}

#endif  // HWY_AVX3
#endif  // HWY_SCALAR

// Turns a block's sums into scores; bit r of the result says that score r is above the threshold.
HWY_INLINE std::uint32_t BlockScores(const CodeQuery& query, const std::uint8_t* block,
                                     const std::int32_t* HWY_RESTRICT sums, float base,
                                     float threshold, float* HWY_RESTRICT scores) {
  const hn::CappedTag<float, kBlockRows> df;
  const hn::RebindToSigned<decltype(df)> di;
  const float* scales = reinterpret_cast<const float*>(block);
  const auto scale = hn::Set(df, query.scale);
  const auto offset = hn::Set(df, query.offset);
  std::uint32_t bits = 0;
  for (std::size_t r = 0; r < kBlockRows; r += hn::Lanes(df)) {
    const auto dot = hn::MulAdd(hn::ConvertTo(df, hn::LoadU(di, sums + r)), scale, offset);
    const auto score = hn::MulAdd(dot, hn::LoadU(df, scales + r), hn::Set(df, base));
    hn::StoreU(score, df, scores + r);
    std::array<std::uint8_t, 8> mask = {};  // StoreMaskBits may write whole words
    hn::StoreMaskBits(df, hn::Gt(score, hn::Set(df, threshold)), mask.data());
    std::uint32_t part = 0;
    std::memcpy(&part, mask.data(), sizeof(part));
    bits |= part << r;
  }
  return bits;
}

std::size_t ScanBlocks(const CodeQuery& query, const std::uint8_t* blocks, std::size_t rows,
                       float base, float threshold, std::uint32_t list, Survivor* out) {
  constexpr std::size_t kAtOnce = 16;  // blocks
  alignas(64) std::array<std::int32_t, kAtOnce * kBlockRows> sums;
  alignas(64) std::array<float, kBlockRows> scores;
  const std::size_t block_bytes = BlockBytes(query.values.size());
  const std::size_t count = (rows + kBlockRows - 1) / kBlockRows;
  std::size_t found = 0;
  for (std::size_t b = 0; b < count; ++b) {
    const std::uint8_t* block = blocks + b * block_bytes;
    if (b % kAtOnce == 0) BlockSums(query, block, std::min(kAtOnce, count - b), sums.data());
    std::uint32_t bits = BlockScores(query, block, sums.data() + b % kAtOnce * kBlockRows, base,
                                     threshold, scores.data());
    const std::size_t first = b * kBlockRows;
    if (rows - first < kBlockRows) bits &= (std::uint32_t{1} << (rows - first)) - 1;
    for (; bits != 0; bits &= bits - 1) {
      const auto r = static_cast<std::uint32_t>(std::countr_zero(bits));
      out[found++] = {scores[r], list, static_cast<std::uint32_t>(first) + r};
    }
  }
  return found;
}

std::int32_t CodeDot(const CodeQuery& query, const std::uint8_t* row) {
  const std::size_t bytes = query.lows.size();
  const std::int8_t* HWY_RESTRICT lows = query.lows.data();
  const std::int8_t* HWY_RESTRICT highs = query.highs.data();
  std::int32_t sum = 0;
  std::size_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<std::int32_t> d;
  const hn::Repartition<std::int16_t, decltype(d)> d16;
  const hn::Rebind<std::int8_t, decltype(d16)> d8;
  const hn::Rebind<std::uint8_t, decltype(d16)> du8;
  auto sum0 = hn::Zero(d);
  auto sum1 = hn::Zero(d);
  const auto low_bits = hn::Set(d16, 15);
  for (; i + hn::Lanes(d16) <= bytes; i += hn::Lanes(d16)) {
    const auto codes = hn::PromoteTo(d16, hn::LoadU(du8, row + i));
    sum0 = hn::ReorderWidenMulAccumulate(d, hn::And(codes, low_bits),
                                         hn::PromoteTo(d16, hn::LoadU(d8, lows + i)), sum0, sum1);
    sum0 = hn::ReorderWidenMulAccumulate(d, hn::ShiftRight<4>(codes),
                                         hn::PromoteTo(d16, hn::LoadU(d8, highs + i)), sum0, sum1);
  }
  sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(sum0, sum1)));
#endif
  for (; i < bytes; ++i) sum += lows[i] * (row[i] & 15) + highs[i] * (row[i] >> 4);
  return sum;
}

// Four chains for one row, so that a row's sum does not depend on its neighbours.
HWY_INLINE float RowDot(const float* HWY_RESTRICT query, const float* HWY_RESTRICT row,
                        std::size_t dim) {
  const hn::ScalableTag<float> d;
  const std::size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d), s1 = hn::Zero(d), s2 = hn::Zero(d), s3 = hn::Zero(d);
  std::size_t i = 0;
  for (; i + 4 * lanes <= dim; i += 4 * lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), s0);
    s1 = hn::MulAdd(hn::LoadU(d, query + i + lanes), hn::LoadU(d, row + i + lanes), s1);
    s2 = hn::MulAdd(hn::LoadU(d, query + i + 2 * lanes), hn::LoadU(d, row + i + 2 * lanes), s2);
    s3 = hn::MulAdd(hn::LoadU(d, query + i + 3 * lanes), hn::LoadU(d, row + i + 3 * lanes), s3);
  }
  for (; i + lanes <= dim; i += lanes) {
    s0 = hn::MulAdd(hn::LoadU(d, query + i), hn::LoadU(d, row + i), s0);
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < dim; ++i) sum += query[i] * row[i];
  return sum;
}

void GatherDots(const float* query, const float* const* rows, std::size_t count, std::size_t dim,
                const float* next, float* out) {
  constexpr std::size_t kLineFloats = 64 / sizeof(float);
  constexpr std::size_t kAheadFloats = 512;  // the hardware goes on with a row that is begun so
  for (std::size_t r = 0; r < count; ++r) {
    const float* ahead = r + 1 < count ? rows[r + 1] : next;
    for (std::size_t i = 0; ahead != nullptr && i < std::min(dim, kAheadFloats); i += kLineFloats) {
      hwy::Prefetch(ahead + i);
    }
    out[r] = RowDot(query, rows[r], dim);
  }
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(ScanBlocks);
HWY_EXPORT(CodeDot);
HWY_EXPORT(GatherDots);

std::size_t ScanBlocks(const CodeQuery& query, const std::uint8_t* blocks, std::size_t rows,
                       float base, float threshold, std::uint32_t list, Survivor* out) {
  return HWY_DYNAMIC_DISPATCH(ScanBlocks)(query, blocks, rows, base, threshold, list, out);
}

std::int32_t CodeDot(const CodeQuery& query, const std::uint8_t* row) {
  return HWY_DYNAMIC_DISPATCH(CodeDot)(query, row);
}

void GatherDots(const float* query, const float* const* rows, std::size_t count, std::size_t dim,
                const float* next, float* out) {
  HWY_DYNAMIC_DISPATCH(GatherDots)(query, rows, count, dim, next, out);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
