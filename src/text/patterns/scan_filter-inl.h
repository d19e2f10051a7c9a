// SIMD half of the scan: 64 bytes of text to a mask of candidates and a mask of trigger bytes.
// Included once for each Highway target (so it has no ordinary include guard).
#if defined(ASSAY_TEXT_SCAN_FILTER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_TEXT_SCAN_FILTER_INL
#undef ASSAY_TEXT_SCAN_FILTER_INL
#else
#define ASSAY_TEXT_SCAN_FILTER_INL
#endif

#include <algorithm>
#include <cstdint>
#include <cstring>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include "patterns/program_internal.h"

HWY_BEFORE_NAMESPACE();
namespace assay::text::patterns::HWY_NAMESPACE {

// Copies from[0 .. length) and fills up with zeros to `padded`, a multiple of 64 that is not less.
HWY_INLINE void CopyPadded(const std::uint8_t* from, std::size_t length, std::uint8_t* to,
                           std::size_t padded) {
#if HWY_TARGET == HWY_SCALAR || HWY_MEM_OPS_MIGHT_FAULT
  std::memcpy(to, from, length);
  std::memset(to + length, 0, padded - length);
#else
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::CappedTag<std::uint8_t, 64> d;
  for (std::size_t i = 0; i < padded; i += hn::Lanes(d)) {
    const auto inside = hn::FirstN(d, length - std::min(length, i));
    hn::StoreU(hn::MaskedLoad(inside, d, from + std::min(length, i)), d, to + i);
  }
#endif
}

#if HWY_TARGET == HWY_SCALAR

// The same answers a byte at a time, for CPUs without vectors of bytes.
HWY_INLINE bool IsCandidate(const LiteralTable& table, const std::uint8_t* text) {
  const std::array<std::uint8_t, 4> bytes = {text[0], text[1], text[2], text[3]};
  for (std::size_t g = 0; g < table.groups; ++g) {
    std::uint32_t buckets = 0xFF;
    for (std::size_t t = 0; t < kFilterTables; ++t) {
      buckets &= table.filter[g][t][FilterIndex(t, bytes)];
    }
    if (buckets != 0) return true;
  }
  return false;
}

HWY_INLINE bool IsTrigger(const NibbleClass& triggers, std::uint8_t byte) {
  return (triggers.low[byte >> 7][byte & 15] >> (byte >> 4 & 7) & 1) != 0;
}

HWY_INLINE void FilterBlocks(const ScanProgram& program, const std::uint8_t* text,
                             std::size_t blocks, const std::uint8_t* /*ahead*/,
                             std::uint64_t* candidates, std::uint64_t* triggers) {
  for (std::size_t b = 0; b < blocks; ++b) {
    candidates[b] = triggers[b] = 0;
    for (std::size_t i = 0; i < 64; ++i) {
      const std::uint8_t* at = text + b * 64 + i;
      candidates[b] |= std::uint64_t{IsCandidate(program.literals, at)} << i;
      triggers[b] |= std::uint64_t{IsTrigger(program.triggers, *at)} << i;
    }
  }
}

#else  // HWY_TARGET != HWY_SCALAR

namespace hn = hwy::HWY_NAMESPACE;

using ByteTag = hn::CappedTag<std::uint8_t, 64>;
using ByteVec = hn::Vec<ByteTag>;

// One bit for each lane that is not zero.
HWY_INLINE std::uint64_t NonZeroBits(ByteVec v) {
  const ByteTag d;
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, hn::Ne(v, hn::Zero(d)), bytes);
  std::uint64_t bits = 0;
  std::memcpy(&bits, bytes, sizeof(bits));
  return bits;
}

// (v >> kBits) & 15 in each byte.
template <int kBits>
HWY_INLINE ByteVec ShiftedNibble(ByteVec v) {
  const ByteTag d;
  const hn::Repartition<std::uint16_t, ByteTag> d16;
  return hn::And(hn::BitCast(d, hn::ShiftRight<kBits>(hn::BitCast(d16, v))), hn::Set(d, 15));
}

alignas(16) inline constexpr std::uint8_t kBitOfHighNibble[2][16] = {
    {1, 2, 4, 8, 16, 32, 64, 128}, {0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128}};

template <bool kAnyHigh>
HWY_INLINE std::uint64_t TriggerBits(const NibbleClass& triggers, const std::uint8_t* text) {
  const ByteTag d;
  const ByteVec bytes = hn::LoadU(d, text);
  const ByteVec low = hn::And(bytes, hn::Set(d, 15));
  const ByteVec high = ShiftedNibble<4>(bytes);
  ByteVec member = hn::And(hn::TableLookupBytes(hn::LoadDup128(d, triggers.low[0].data()), low),
                           hn::TableLookupBytes(hn::LoadDup128(d, kBitOfHighNibble[0]), high));
  if constexpr (kAnyHigh) {
    member =
        hn::Or(member, hn::And(hn::TableLookupBytes(hn::LoadDup128(d, triggers.low[1].data()), low),
                               hn::TableLookupBytes(hn::LoadDup128(d, kBitOfHighNibble[1]), high)));
  }
  return NonZeroBits(member);
}

// Bit i of masks[b]: a window may begin at text[b * 64 + i]. The tables of the first group stay in
// registers (variables, for vectors of a length that is not known cannot be in arrays).
template <std::size_t kGroups>
HWY_NOINLINE void FillCandidates(const LiteralTable& table, const std::uint8_t* HWY_RESTRICT text,
                                 std::size_t blocks, const std::uint8_t* ahead,
                                 std::uint64_t* HWY_RESTRICT masks) {
  const ByteTag d;
  static_assert(hn::MaxLanes(ByteTag()) <= 64);
  const ByteVec low = hn::Set(d, 15);
  const auto load = [&](std::size_t group, std::size_t index) HWY_ATTR {
    return hn::LoadDup128(ByteTag(), table.filter[group][index].data());
  };
  const ByteVec t0 = load(0, 0), t1 = load(0, 1), t2 = load(0, 2), t3 = load(0, 3);
  const ByteVec t4 = load(0, 4), t5 = load(0, 5), t6 = load(0, 6), t7 = load(0, 7);
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint64_t mask = 0;
    hwy::Prefetch(ahead + block * 64);
    for (std::size_t i = 0; i < 64; i += hn::Lanes(d)) {
      const std::uint8_t* const at = text + block * 64 + i;
      const ByteVec b0 = hn::LoadU(d, at);
      const ByteVec b1 = hn::LoadU(d, at + 1);
      const ByteVec b2 = hn::LoadU(d, at + 2);
      const ByteVec b3 = hn::LoadU(d, at + 3);
      const ByteVec s0 = hn::And(b0, low);
      const ByteVec s1 = hn::And(b1, low);
      const ByteVec s2 = hn::And(b2, low);
      const ByteVec s3 = hn::And(b3, low);
      const ByteVec p0 = hn::Xor(s0, ShiftedNibble<1>(b1));
      const ByteVec p1 = hn::Xor(s1, ShiftedNibble<1>(b2));
      const ByteVec p2 = hn::Xor(s2, ShiftedNibble<1>(b3));
      const ByteVec p3 = hn::Xor(s3, ShiftedNibble<1>(b0));
      const auto allowed = [&](auto a0, auto a1, auto a2, auto a3, auto a4, auto a5, auto a6,
                               auto a7) HWY_ATTR {
        const auto left =
            hn::And(hn::And(hn::TableLookupBytes(a0, s0), hn::TableLookupBytes(a1, s1)),
                    hn::And(hn::TableLookupBytes(a2, s2), hn::TableLookupBytes(a3, s3)));
        const auto right =
            hn::And(hn::And(hn::TableLookupBytes(a4, p0), hn::TableLookupBytes(a5, p1)),
                    hn::And(hn::TableLookupBytes(a6, p2), hn::TableLookupBytes(a7, p3)));
        return hn::And(left, right);
      };
      ByteVec any = allowed(t0, t1, t2, t3, t4, t5, t6, t7);
      for (std::size_t g = 1; g < kGroups; ++g) {
        any = hn::Or(any, allowed(load(g, 0), load(g, 1), load(g, 2), load(g, 3), load(g, 4),
                                  load(g, 5), load(g, 6), load(g, 7)));
      }
      mask |= NonZeroBits(any) << i;
    }
    masks[block] = mask;
  }
}

template <bool kAnyHigh>
HWY_NOINLINE void FillTriggers(const NibbleClass& triggers, const std::uint8_t* text,
                               std::size_t blocks, std::uint64_t* HWY_RESTRICT masks) {
  const std::size_t lanes = hn::Lanes(ByteTag());
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < 64; i += lanes) {
      mask |= TriggerBits<kAnyHigh>(triggers, text + block * 64 + i) << i;
    }
    masks[block] = mask;
  }
}

// Reads text[0 .. blocks * 64 + 3); fetches ahead[0 .. blocks * 64) into the cache.
HWY_INLINE void FilterBlocks(const ScanProgram& program, const std::uint8_t* text,
                             std::size_t blocks, const std::uint8_t* ahead,
                             std::uint64_t* candidates, std::uint64_t* triggers) {
  switch (program.literals.groups) {
    case 0:
      std::memset(candidates, 0, blocks * sizeof(*candidates));
      break;
    case 1:
      FillCandidates<1>(program.literals, text, blocks, ahead, candidates);
      break;
    case 2:
      FillCandidates<2>(program.literals, text, blocks, ahead, candidates);
      break;
    default:
      FillCandidates<kMaxFilterGroups>(program.literals, text, blocks, ahead, candidates);
      break;
  }
  if (!program.triggers.any) {
    std::memset(triggers, 0, blocks * sizeof(*triggers));
  } else if (program.triggers.any_high) {
    FillTriggers<true>(program.triggers, text, blocks, triggers);
  } else {
    FillTriggers<false>(program.triggers, text, blocks, triggers);
  }
}

#endif  // HWY_TARGET == HWY_SCALAR

}  // namespace assay::text::patterns::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // per-target guard
