#include "codec/float_kernels.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "codec/huffman.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codec/float_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::ScalableTag<std::uint32_t>;
using V32 = hn::VFromD<D32>;

// Shifts of the planes that a block has.
struct Shifts {
  explicit Shifts(const ValueParts& parts)
      : of16(parts.zeros),
        of8(of16 + (parts.plane16 != nullptr ? 16 : 0)),
        of4(of8 + (parts.plane8 != nullptr ? 8 : 0)) {}
  unsigned of16;
  unsigned of8;
  unsigned of4;
};

HWY_INLINE std::uint32_t AssembleOne(const ValueParts& parts, const Shifts& shifts, std::size_t i) {
  std::uint32_t bits = static_cast<std::uint32_t>(parts.slots[i] >> 4U) << parts.symbol_shift;
  if (parts.plane16 != nullptr) {
    std::uint16_t low = 0;
    std::memcpy(&low, parts.plane16 + 2 * i, sizeof(low));
    bits |= static_cast<std::uint32_t>(low) << shifts.of16;
  }
  if (parts.plane8 != nullptr) bits |= static_cast<std::uint32_t>(parts.plane8[i]) << shifts.of8;
  if (parts.plane4 != nullptr) {
    bits |= static_cast<std::uint32_t>(parts.plane4[i] >> parts.half_shift & 15U) << shifts.of4;
  }
  return bits;
}

template <bool k16, bool k8, bool k4>
HWY_INLINE void Assemble(const ValueParts& parts, std::size_t count, float* HWY_RESTRICT out) {
  const D32 d32;
  const hn::Rebind<std::uint16_t, D32> d16;
  const hn::Rebind<std::uint8_t, D32> d8;
  const Shifts shifts(parts);
  const std::size_t lanes = hn::Lanes(d32);
  auto* bits_out = reinterpret_cast<std::uint32_t*>(out);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const V32 symbols = hn::ShiftRight<4>(hn::PromoteTo(d32, hn::LoadU(d16, parts.slots + i)));
    V32 bits = hn::ShiftLeftSame(symbols, static_cast<int>(parts.symbol_shift));
    if constexpr (k16) {
      const auto* low = reinterpret_cast<const std::uint16_t*>(parts.plane16) + i;
      bits = hn::Or(bits, hn::ShiftLeftSame(hn::PromoteTo(d32, hn::LoadU(d16, low)),
                                            static_cast<int>(shifts.of16)));
    }
    if constexpr (k8) {
      bits = hn::Or(bits, hn::ShiftLeftSame(hn::PromoteTo(d32, hn::LoadU(d8, parts.plane8 + i)),
                                            static_cast<int>(shifts.of8)));
    }
    if constexpr (k4) {
      const V32 both = hn::PromoteTo(d32, hn::LoadU(d8, parts.plane4 + i));
      const V32 half =
          hn::And(hn::ShiftRightSame(both, static_cast<int>(parts.half_shift)), hn::Set(d32, 15));
      bits = hn::Or(bits, hn::ShiftLeftSame(half, static_cast<int>(shifts.of4)));
    }
    hn::StoreU(bits, d32, bits_out + i);
  }
  for (; i < count; ++i) {
    const std::uint32_t bits = AssembleOne(parts, shifts, i);
    std::memcpy(out + i, &bits, sizeof(bits));
  }
}

void AssembleFloatsHere(const ValueParts& parts, std::size_t count, float* out) {
  const unsigned planes = (parts.plane16 != nullptr ? 4U : 0U) |
                          (parts.plane8 != nullptr ? 2U : 0U) | (parts.plane4 != nullptr ? 1U : 0U);
  switch (planes) {
    case 0:
      return Assemble<false, false, false>(parts, count, out);
    case 1:
      return Assemble<false, false, true>(parts, count, out);
    case 2:
      return Assemble<false, true, false>(parts, count, out);
    case 3:
      return Assemble<false, true, true>(parts, count, out);
    case 4:
      return Assemble<true, false, false>(parts, count, out);
    case 5:
      return Assemble<true, false, true>(parts, count, out);
    case 6:
      return Assemble<true, true, false>(parts, count, out);
    default:
      return Assemble<true, true, true>(parts, count, out);
  }
}

template <bool kDivide>
HWY_INLINE void Scale(const std::uint16_t* HWY_RESTRICT slots, std::size_t count, float scale,
                      float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> df;
  const hn::RebindToSigned<decltype(df)> di;
  const hn::Rebind<std::uint16_t, decltype(df)> d16;
  const auto factor = hn::Set(df, scale);
  const auto middle = hn::Set(di, 128);
  const auto minus_zero = hn::Set(di, static_cast<std::int32_t>(kMinusZero));
  const std::size_t lanes = hn::Lanes(df);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto symbols = hn::ShiftRight<4>(hn::PromoteTo(di, hn::LoadU(d16, slots + i)));
    const auto number = hn::ConvertTo(df, hn::Sub(symbols, middle));
    const auto value =
        hn::IfThenElse(hn::RebindMask(df, hn::Eq(symbols, minus_zero)), hn::Set(df, -0.0F), number);
    if constexpr (kDivide) {
      hn::StoreU(hn::Div(value, factor), df, out + i);
    } else {
      hn::StoreU(hn::Mul(value, factor), df, out + i);
    }
  }
  for (; i < count; ++i) {
    const unsigned symbol = slots[i] >> 4U;
    const float value =
        symbol == kMinusZero ? -0.0F : static_cast<float>(static_cast<int>(symbol) - 128);
    out[i] = kDivide ? value / scale : value * scale;
  }
}

void AssembleScaledHere(const std::uint16_t* slots, std::size_t count, float scale, bool divide,
                        float* out) {
  return divide ? Scale<true>(slots, count, scale, out) : Scale<false>(slots, count, scale, out);
}

// A window of 64 bits, read from any bit on, holds five codes.
constexpr std::size_t kCodesAtOnce = 5;
static_assert(kCodesAtOnce * kMaxCodeBits <= 64 - 7);

HWY_INLINE std::uint64_t WordAt(const char* HWY_RESTRICT codes, std::uint64_t last_word,
                                std::uint64_t bit) {
  std::uint64_t word = 0;
  std::memcpy(&word, codes + std::min(bit >> 3U, last_word), sizeof(word));
  return word >> (bit & 7U);
}

template <std::size_t kRows>
HWY_INLINE void DecodeRows(const CodeStreams& streams, std::size_t count,
                           std::uint64_t* HWY_RESTRICT bit, SlotRow* HWY_RESTRICT slots) {
  constexpr std::uint64_t kSlotMask = kTableSlots - 1;
  constexpr std::uint64_t kLengthMask = (1U << kLengthBits) - 1;
  constexpr std::uint64_t kTopBit = std::uint64_t{1} << 63U;
  const char* HWY_RESTRICT codes = streams.codes;
  const std::uint64_t last_word = streams.last_word;
  std::size_t i = 0;
  for (; i + kCodesAtOnce <= count; i += kCodesAtOnce) {
    const std::uint16_t* HWY_RESTRICT table0 = streams.table_of_dim[i];
    const std::uint16_t* HWY_RESTRICT table1 = streams.table_of_dim[i + 1];
    const std::uint16_t* HWY_RESTRICT table2 = streams.table_of_dim[i + 2];
    const std::uint16_t* HWY_RESTRICT table3 = streams.table_of_dim[i + 3];
    const std::uint16_t* HWY_RESTRICT table4 = streams.table_of_dim[i + 4];
    // Unrolled, no register is needed for the row: seven hold tables and streams.
#pragma GCC unroll 8
    for (std::size_t j = 0; j < kRows; ++j) {
      // The highest bit, which no code reaches, tells afterwards how far the word was shifted.
      std::uint64_t word = WordAt(codes, last_word, bit[j]) | kTopBit;
      const auto next = [&](const std::uint16_t* table) HWY_ATTR {
        const std::uint16_t slot = table[word & kSlotMask];
        word >>= slot & kLengthMask;
        return slot;
      };
      std::uint16_t* out = slots[j].data() + i;
      out[0] = next(table0);
      out[1] = next(table1);
      out[2] = next(table2);
      out[3] = next(table3);
      out[4] = next(table4);
      bit[j] += hwy::Num0BitsAboveMS1Bit_Nonzero64(word);
    }
  }
  for (; i < count; ++i) {
    const std::uint16_t* table = streams.table_of_dim[i];
    for (std::size_t j = 0; j < kRows; ++j) {
      const std::uint16_t slot = table[WordAt(codes, last_word, bit[j]) & kSlotMask];
      slots[j][i] = slot;
      bit[j] += slot & kLengthMask;
    }
  }
}

// One row alone waits for its own look-ups, one after the other. What is read next is fetched
// beside the look-up before it: after three codes a word still holds a fourth, and the next word,
// from there on, comes while that one is looked up.
constexpr std::size_t kCodesAlone = 4;
static_assert((kCodesAlone + 1) * kMaxCodeBits <= 64 - 7);

HWY_INLINE void DecodeRow(const CodeStreams& streams, std::size_t count, std::uint64_t& bit,
                          SlotRow& slots) {
  constexpr std::uint64_t kSlotMask = kTableSlots - 1;
  constexpr std::uint64_t kLengthMask = (1U << kLengthBits) - 1;
  const char* HWY_RESTRICT codes = streams.codes;
  const std::uint64_t last_word = streams.last_word;
  std::uint64_t at = bit;
  std::uint64_t word = WordAt(codes, last_word, at);
  const auto next = [&](std::size_t i) HWY_ATTR {
    const std::uint16_t slot = streams.table_of_dim[i][word & kSlotMask];
    slots[i] = slot;
    const std::uint64_t length = slot & kLengthMask;
    word >>= length;
    at += length;
    return length;
  };
  std::size_t i = 0;
  for (; i + kCodesAlone <= count; i += kCodesAlone) {
    next(i);
    next(i + 1);
    next(i + 2);
    const std::uint64_t behind = WordAt(codes, last_word, at);
    word = behind >> next(i + 3);
  }
  for (; i < count; ++i) {
    word = WordAt(codes, last_word, at);
    next(i);
  }
  bit = at;
}

// Scalar, but here: each target's shifts take what its processors have (BMI2).
void DecodeSlotsHere(const CodeStreams& streams, std::size_t rows, std::size_t count,
                     std::uint64_t* bit, SlotRow* slots) {
  if (rows == kGroupRows) return DecodeRows<kGroupRows>(streams, count, bit, slots);
  DecodeRow(streams, count, *bit, *slots);
}

std::size_t FindSymbolHere(const std::uint16_t* slots, std::size_t count, std::uint16_t symbol,
                           std::uint16_t* places) {
  const hn::ScalableTag<std::uint16_t> d16;
  const auto wanted = hn::Set(d16, symbol);
  const std::size_t lanes = hn::Lanes(d16);
  std::size_t found = 0;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto symbols = hn::ShiftRight<kLengthBits>(hn::LoadU(d16, slots + i));
    if (hn::AllFalse(d16, hn::Eq(symbols, wanted))) continue;
    for (std::size_t at = i; at < i + lanes; ++at) {
      if (slots[at] >> kLengthBits == symbol) places[found++] = static_cast<std::uint16_t>(at);
    }
  }
  for (; i < count; ++i) {
    if (slots[i] >> kLengthBits == symbol) places[found++] = static_cast<std::uint16_t>(i);
  }
  return found;
}

std::uint32_t OrOfBitsHere(const float* values, std::size_t count) {
  const D32 d32;
  const std::size_t lanes = hn::Lanes(d32);
  const auto* bits = reinterpret_cast<const std::uint32_t*>(values);
  V32 all = hn::Zero(d32);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) all = hn::Or(all, hn::LoadU(d32, bits + i));
  HWY_ALIGN std::uint32_t parts[hn::MaxLanes(d32)];
  hn::Store(all, d32, parts);
  std::uint32_t result = 0;
  for (std::size_t lane = 0; lane < lanes; ++lane) result |= parts[lane];
  for (; i < count; ++i) result |= std::bit_cast<std::uint32_t>(values[i]);
  return result;
}

void XorBitsHere(const float* a, const float* b, std::size_t count, float* out) {
  const D32 d32;
  const std::size_t lanes = hn::Lanes(d32);
  const auto* left = reinterpret_cast<const std::uint32_t*>(a);
  const auto* right = reinterpret_cast<const std::uint32_t*>(b);
  auto* result = reinterpret_cast<std::uint32_t*>(out);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(hn::Xor(hn::LoadU(d32, left + i), hn::LoadU(d32, right + i)), d32, result + i);
  }
  for (; i < count; ++i) {
    const std::uint32_t bits =
        std::bit_cast<std::uint32_t>(a[i]) ^ std::bit_cast<std::uint32_t>(b[i]);
    std::memcpy(out + i, &bits, sizeof(bits));
  }
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(AssembleFloatsHere);
HWY_EXPORT(AssembleScaledHere);
HWY_EXPORT(DecodeSlotsHere);
HWY_EXPORT(FindSymbolHere);
HWY_EXPORT(OrOfBitsHere);
HWY_EXPORT(XorBitsHere);

void AssembleFloats(const ValueParts& parts, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(AssembleFloatsHere)(parts, count, out);
}

void AssembleScaled(const std::uint16_t* slots, std::size_t count, float scale, bool divide,
                    float* out) {
  HWY_DYNAMIC_DISPATCH(AssembleScaledHere)(slots, count, scale, divide, out);
}

void DecodeSlots(const CodeStreams& streams, std::size_t rows, std::size_t count,
                 std::uint64_t* bit, SlotRow* slots) {
  HWY_DYNAMIC_DISPATCH(DecodeSlotsHere)(streams, rows, count, bit, slots);
}

std::size_t FindSymbol(const std::uint16_t* slots, std::size_t count, std::uint16_t symbol,
                       std::uint16_t* places) {
  return HWY_DYNAMIC_DISPATCH(FindSymbolHere)(slots, count, symbol, places);
}

std::uint32_t OrOfBits(const float* values, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(OrOfBitsHere)(values, count);
}

void XorBits(const float* a, const float* b, std::size_t count, float* out) {
  HWY_DYNAMIC_DISPATCH(XorBitsHere)(a, b, count, out);
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
