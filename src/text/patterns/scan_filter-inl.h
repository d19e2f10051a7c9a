// SIMD half of the scan: 64 bytes of text to a mask of candidates and a mask of trigger bytes.
// Included once for each Highway target (so it has no ordinary include guard).
#if defined(ASSAY_TEXT_SCAN_FILTER_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef ASSAY_TEXT_SCAN_FILTER_INL
#undef ASSAY_TEXT_SCAN_FILTER_INL
#else
#define ASSAY_TEXT_SCAN_FILTER_INL
#endif

#include <cstdint>
#include <cstring>

#include <hwy/highway.h>

#include "patterns/program_internal.h"

HWY_BEFORE_NAMESPACE();
namespace assay::text::patterns::HWY_NAMESPACE {

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
                             std::size_t blocks, std::uint64_t* candidates,
                             std::uint64_t* triggers) {
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

// The filter tables of `kGroups` groups of eight buckets, held in registers across a chunk.
template <std::size_t kGroups>
class CandidateFilter {
 public:
  HWY_INLINE explicit CandidateFilter(const LiteralTable& table) : table_(table) {}

  // Bit i: a window may begin at text[i]. Reads text[0 .. lanes + 3).
  HWY_INLINE std::uint64_t Candidates(const std::uint8_t* text) const {
    const ByteTag d;
    const ByteVec low = hn::Set(d, 15);
    const ByteVec b0 = hn::LoadU(d, text);
    const ByteVec b1 = hn::LoadU(d, text + 1);
    const ByteVec b2 = hn::LoadU(d, text + 2);
    const ByteVec b3 = hn::LoadU(d, text + 3);
    const ByteVec s0 = hn::And(b0, low);
    const ByteVec s1 = hn::And(b1, low);
    const ByteVec s2 = hn::And(b2, low);
    const ByteVec s3 = hn::And(b3, low);
    const ByteVec p0 = hn::Xor(s0, ShiftedNibble<1>(b1));
    const ByteVec p1 = hn::Xor(s1, ShiftedNibble<1>(b2));
    const ByteVec p2 = hn::Xor(s2, ShiftedNibble<1>(b3));
    const ByteVec p3 = hn::Xor(s3, ShiftedNibble<1>(b0));
    ByteVec any = hn::Zero(d);
    for (std::size_t g = 0; g < kGroups; ++g) {
      const ByteVec left = hn::And(hn::And(Allowed(g, 0, s0), Allowed(g, 1, s1)),
                                   hn::And(Allowed(g, 2, s2), Allowed(g, 3, s3)));
      const ByteVec right = hn::And(hn::And(Allowed(g, 4, p0), Allowed(g, 5, p1)),
                                    hn::And(Allowed(g, 6, p2), Allowed(g, 7, p3)));
      any = hn::Or(any, hn::And(left, right));
    }
    return NonZeroBits(any);
  }

 private:
  HWY_INLINE ByteVec Allowed(std::size_t group, std::size_t index, ByteVec nibbles) const {
    const ByteTag d;
    return hn::TableLookupBytes(hn::LoadDup128(d, table_.filter[group][index].data()), nibbles);
  }

  const LiteralTable& table_;
};

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

template <std::size_t kGroups>
HWY_NOINLINE void FillCandidates(const LiteralTable& table, const std::uint8_t* text,
                                 std::size_t blocks, std::uint64_t* HWY_RESTRICT masks) {
  constexpr std::size_t kLanes = hn::MaxLanes(ByteTag());
  const std::size_t lanes = hn::Lanes(ByteTag());
  static_assert(kLanes <= 64);
  const CandidateFilter<kGroups> filter(table);
  for (std::size_t block = 0; block < blocks; ++block) {
    std::uint64_t mask = 0;
    for (std::size_t i = 0; i < 64; i += lanes) {
      mask |= filter.Candidates(text + block * 64 + i) << i;
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

// Reads text[0 .. blocks * 64 + 3).
HWY_INLINE void FilterBlocks(const ScanProgram& program, const std::uint8_t* text,
                             std::size_t blocks, std::uint64_t* candidates,
                             std::uint64_t* triggers) {
  switch (program.literals.groups) {
    case 0:
      std::memset(candidates, 0, blocks * sizeof(*candidates));
      break;
    case 1:
      FillCandidates<1>(program.literals, text, blocks, candidates);
      break;
    case 2:
      FillCandidates<2>(program.literals, text, blocks, candidates);
      break;
    default:
      FillCandidates<kMaxFilterGroups>(program.literals, text, blocks, candidates);
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
