#include "codec/encode/encode_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "codec/float_kernels.h"
#include "codec/huffman.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/encode/encode_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<std::uint32_t>;
using V32 = hn::VFromD<D32>;
using D16 = hn::Rebind<std::uint16_t, D32>;
using D8 = hn::Rebind<std::uint8_t, D32>;

HWY_INLINE std::uint32_t BitsAt(const float* values, std::size_t i) {
  return std::bit_cast<std::uint32_t>(values[i]);
}

HWY_INLINE V32 LoadBits(const float* values) {
  return hn::LoadU(D32(), reinterpret_cast<const std::uint32_t*>(values));
}

void SplitSymbolsHere(const float* values, std::size_t count, unsigned shift,
                      std::uint16_t* symbols) {
  const std::size_t lanes = hn::Lanes(D32());
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V32 bits = hn::ShiftRightSame(LoadBits(values + i), static_cast<int>(shift));
    hn::StoreU(hn::TruncateTo(D16(), bits), D16(), symbols + i);
  }
  for (; i < count; ++i) symbols[i] = static_cast<std::uint16_t>(BitsAt(values, i) >> shift);
}

HWY_INLINE void Split16(const float* row, std::size_t dim, unsigned shift, char* out) {
  const std::size_t lanes = hn::Lanes(D32());
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V32 bits = hn::ShiftRightSame(LoadBits(row + i), static_cast<int>(shift));
    hn::StoreU(hn::TruncateTo(D16(), bits), D16(), reinterpret_cast<std::uint16_t*>(out) + i);
  }
  for (; i < dim; ++i) {
    const auto low = static_cast<std::uint16_t>(BitsAt(row, i) >> shift);
    std::memcpy(out + 2 * i, &low, sizeof(low));
  }
}

HWY_INLINE void Split8(const float* row, std::size_t dim, unsigned shift, char* out) {
  const std::size_t lanes = hn::Lanes(D32());
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V32 bits = hn::ShiftRightSame(LoadBits(row + i), static_cast<int>(shift));
    hn::StoreU(hn::TruncateTo(D8(), bits), D8(), bytes + i);
  }
  for (; i < dim; ++i) bytes[i] = static_cast<std::uint8_t>(BitsAt(row, i) >> shift);
}

// Byte i has value i below and value i + half above.
HWY_INLINE void Split4(const float* row, std::size_t dim, unsigned shift, char* out) {
  const std::size_t lanes = hn::Lanes(D32());
  const std::size_t half = (dim + 1) / 2;
  auto* bytes = reinterpret_cast<std::uint8_t*>(out);
  const V32 mask = hn::Set(D32(), 15);
  std::size_t i = 0;
  for (; half + i + lanes <= dim; i += lanes) {
    const V32 low = hn::ShiftRightSame(LoadBits(row + i), static_cast<int>(shift));
    const V32 high = hn::ShiftRightSame(LoadBits(row + half + i), static_cast<int>(shift));
    const V32 both = hn::Or(hn::And(low, mask), hn::ShiftLeft<4>(hn::And(high, mask)));
    hn::StoreU(hn::TruncateTo(D8(), both), D8(), bytes + i);
  }
  for (; i < half; ++i) {
    const std::uint32_t low = BitsAt(row, i) >> shift & 15U;
    const std::uint32_t high = half + i < dim ? BitsAt(row, half + i) >> shift & 15U : 0;
    bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
}

void SplitRawBitsHere(const float* row, std::size_t dim, const ValueLayout& layout,
                      const RowPlanes& planes) {
  unsigned shift = layout.zeros();
  if (planes.plane16 != nullptr) {
    Split16(row, dim, shift, planes.plane16);
    shift += 16;
  }
  if (planes.plane8 != nullptr) {
    Split8(row, dim, shift, planes.plane8);
    shift += 8;
  }
  if (planes.plane4 != nullptr) Split4(row, dim, shift, planes.plane4);
}

// Bits behind one another, lowest first; at most 57 between two calls of Flush().
struct Bits {
  std::uint64_t word = 0;
  unsigned count = 0;
  char* out = nullptr;

  HWY_INLINE void Put(std::uint64_t value, unsigned bits) {
    word |= value << count;
    count += bits;
  }
  HWY_INLINE void Flush() {
    std::memcpy(out, &word, sizeof(word));
    out += count >> 3U;
    word >>= count & ~7U;
    count &= 7U;
  }
};

// Five codes go into a word of 64 bits, beside the up to seven that wait for their byte.
constexpr std::size_t kCodesAtOnce = 5;
static_assert(kCodesAtOnce * kMaxCodeBits + 7 < 64);
static_assert(kMaxCodeBits <= kCodeLengthShift);

// Scalar, but here: each target's shifts take what its processors have (BMI2).
std::size_t WriteRowCodesHere(const CodeWords& codes, std::size_t dim, char* out) {
  constexpr unsigned kCodeMask = (1U << kCodeLengthShift) - 1;
  constexpr unsigned kLengthMask = 15;
  std::array<std::uint16_t, kChunkValues> places;  // of values that are escaped
  Bits bits{.out = out};
  for (std::size_t begin = 0; begin < dim; begin += kChunkValues) {
    const std::size_t end = std::min(dim, begin + kChunkValues);
    std::size_t escaped = 0;
    const auto put = [&](std::size_t i) HWY_ATTR {
      const std::size_t symbol = codes.symbols[i] >> codes.dropped;
      const unsigned code = codes.words[(std::size_t{codes.groups[i]} << codes.word_bits) + symbol];
      bits.Put(code & kCodeMask, code >> kCodeLengthShift & kLengthMask);
      places[escaped] = static_cast<std::uint16_t>(i - begin);
      escaped += code >> 15U;
    };
    std::size_t i = begin;
    for (; i + kCodesAtOnce <= end; i += kCodesAtOnce) {
      put(i);
      put(i + 1);
      put(i + 2);
      put(i + 3);
      put(i + 4);
      bits.Flush();
    }
    for (; i < end; ++i) {
      put(i);
      bits.Flush();
    }
    for (std::size_t e = 0; e < escaped; ++e) {
      bits.Put(codes.symbols[begin + places[e]] >> codes.dropped, codes.word_bits);
      bits.Flush();
    }
  }
  if (bits.count > 0) *bits.out++ = static_cast<char>(bits.word);
  return static_cast<std::size_t>(bits.out - out);
}

template <bool kDivided>
HWY_INLINE bool Fits(const float* row, std::size_t dim, float scale, std::uint16_t* symbols) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const auto factor = hn::Set(df, scale);
  const auto most = hn::Set(df, 129.0F);
  const auto minus_zero = hn::Set(D32(), 0x80000000U);
  const std::size_t lanes = hn::Lanes(df);
  const auto fit = [&](hn::VFromD<decltype(df)> values, hn::VFromD<D32>& out) HWY_ATTR {
    const auto quotient = kDivided ? hn::Mul(values, factor) : hn::Div(values, factor);
    const auto integer = hn::NearestInt(quotient);
    const auto back = hn::ConvertTo(df, integer);
    const auto restored = kDivided ? hn::Div(back, factor) : hn::Mul(back, factor);
    const auto bits = hn::BitCast(D32(), values);
    const auto is_minus_zero = hn::Eq(bits, minus_zero);
    const auto same = hn::Or(hn::Eq(bits, hn::BitCast(D32(), restored)), is_minus_zero);
    const auto symbol = hn::Add(integer, hn::Set(di, 128));
    const auto in_range =
        hn::And(hn::Gt(symbol, hn::Set(di, -1)), hn::Lt(symbol, hn::Set(di, 256)));
    out = hn::IfThenElse(is_minus_zero, hn::Set(D32(), kMinusZero), hn::BitCast(D32(), symbol));
    return hn::AllTrue(
        D32(), hn::And(same, hn::And(hn::RebindMask(D32(), in_range),
                                     hn::RebindMask(D32(), hn::Lt(hn::Abs(quotient), most)))));
  };
  V32 out = hn::Zero(D32());
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    if (!fit(hn::LoadU(df, row + i), out)) return false;
    hn::StoreU(hn::TruncateTo(D16(), out), D16(), symbols + i);
  }
  if (i == dim) return true;
  // What is left is filled up with zeros, which fit whenever anything does.
  HWY_ALIGN float rest[hn::MaxLanes(df)] = {};
  HWY_ALIGN std::uint16_t rest_symbols[hn::MaxLanes(df)];
  std::copy(row + i, row + dim, rest);
  if (!fit(hn::Load(df, rest), out)) return false;
  hn::Store(hn::TruncateTo(D16(), out), D16(), rest_symbols);
  std::copy_n(rest_symbols, dim - i, symbols + i);
  return true;
}

bool FitsScaleHere(const float* row, std::size_t dim, float scale, bool divided,
                   std::uint16_t* symbols) {
  return divided ? Fits<true>(row, dim, scale, symbols) : Fits<false>(row, dim, scale, symbols);
}

// By their bits, magnitudes rise like integers, and what is no number is above all others.
Magnitudes MagnitudesOfHere(const float* row, std::size_t dim) {
  const D32 d32;
  const std::size_t lanes = hn::Lanes(d32);
  const std::uint32_t greatest = std::bit_cast<std::uint32_t>(std::numeric_limits<float>::max());
  const V32 no_sign = hn::Set(d32, 0x7FFFFFFFU);
  V32 least = hn::Set(d32, greatest);
  V32 most = hn::Zero(d32);
  std::size_t i = 0;
  for (; i + lanes <= dim; i += lanes) {
    const V32 bits = hn::And(LoadBits(row + i), no_sign);
    least = hn::IfThenElse(hn::Eq(bits, hn::Zero(d32)), least, hn::Min(least, bits));
    most = hn::Max(most, bits);
  }
  HWY_ALIGN std::uint32_t lows[hn::MaxLanes(d32)];
  HWY_ALIGN std::uint32_t highs[hn::MaxLanes(d32)];
  hn::Store(least, d32, lows);
  hn::Store(most, d32, highs);
  std::uint32_t low = *std::min_element(lows, lows + lanes);
  std::uint32_t high = *std::max_element(highs, highs + lanes);
  for (; i < dim; ++i) {
    const std::uint32_t bits = BitsAt(row, i) & 0x7FFFFFFFU;
    if (bits != 0) low = std::min(low, bits);
    high = std::max(high, bits);
  }
  return {.least = std::bit_cast<float>(low), .most = std::bit_cast<float>(high)};
}

void DotWithEachHere(const float* values, const float* rows, std::size_t count,
                     std::size_t row_count, float* out) {
  const hn::CappedTag<float, kDotStep> df;
  const std::size_t lanes = hn::Lanes(df);
  for (std::size_t j = 0; j < row_count; ++j) {
    auto sum = hn::Zero(df);
    for (std::size_t i = 0; i < count; i += lanes) {
      sum = hn::MulAdd(hn::LoadU(df, values + i), hn::LoadU(df, rows + j * count + i), sum);
    }
    out[j] = hn::GetLane(hn::SumOfLanes(df, sum));
  }
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(SplitSymbolsHere);
HWY_EXPORT(SplitRawBitsHere);
HWY_EXPORT(WriteRowCodesHere);
HWY_EXPORT(FitsScaleHere);
HWY_EXPORT(MagnitudesOfHere);
HWY_EXPORT(DotWithEachHere);

void SplitSymbols(const float* values, std::size_t count, unsigned shift, std::uint16_t* symbols) {
  HWY_DYNAMIC_DISPATCH(SplitSymbolsHere)(values, count, shift, symbols);
}

void SplitRawBits(const float* row, std::size_t dim, const ValueLayout& layout,
                  const RowPlanes& planes) {
  HWY_DYNAMIC_DISPATCH(SplitRawBitsHere)(row, dim, layout, planes);
}

std::size_t WriteRowCodes(const CodeWords& codes, std::size_t dim, char* out) {
  return HWY_DYNAMIC_DISPATCH(WriteRowCodesHere)(codes, dim, out);
}

bool FitsScale(const float* row, std::size_t dim, float scale, bool divided,
               std::uint16_t* symbols) {
  return HWY_DYNAMIC_DISPATCH(FitsScaleHere)(row, dim, scale, divided, symbols);
}

Magnitudes MagnitudesOf(const float* row, std::size_t dim) {
  return HWY_DYNAMIC_DISPATCH(MagnitudesOfHere)(row, dim);
}

void DotWithEach(const float* values, const float* rows, std::size_t count, std::size_t row_count,
                 float* out) {
  HWY_DYNAMIC_DISPATCH(DotWithEachHere)(values, rows, count, row_count, out);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
