// Method: Hyyrö 2003, figure 8, and Hyyrö 2004 on vectors. The chain through the blocks of a column
// is as long as its work is wide, so the next column's first block runs beside this column's last
// ones.
#include "similarity/edit_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "similarity/edit_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace assay::text::internal::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<std::uint64_t>;
using V = hn::VFromD<D>;

std::size_t Lanes() {
  return hn::Lanes(D());
}

// One block of one column: `plus` and `minus` are its vertical differences, `level` and `fall` the
// horizontal ones that come in from the block above and go out below, in bit 0: `level` is 0 where
// the difference is +1, `fall` is 1 where it is -1. Complements of Hyyrö's rises save three
// negations.
HWY_INLINE void LevenshteinBlock(V equal, V& plus, V& minus, V& level, V& fall) {
  const V x = hn::Or(equal, fall);
  const V diagonal = hn::Or(hn::Or(hn::Xor(hn::Add(hn::And(x, plus), plus), plus), x), minus);
  const V levels = hn::AndNot(minus, hn::Or(diagonal, plus));
  const V falls = hn::And(diagonal, plus);
  const V levels_in = hn::Or(hn::ShiftLeft<1>(levels), level);
  const V falls_in = hn::Or(hn::ShiftLeft<1>(falls), fall);
  level = hn::ShiftRight<63>(levels);
  fall = hn::ShiftRight<63>(falls);
  plus = hn::Or(falls_in, hn::AndNot(diagonal, levels_in));
  minus = hn::AndNot(levels_in, diagonal);
}

template <std::size_t kBlocks>
void LevenshteinColumns(const Strip& strip, bool first, std::uint64_t* HWY_RESTRICT plus,
                        std::uint64_t* HWY_RESTRICT minus) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  const V one = hn::Set(d, 1);
  V plus0 = hn::Set(d, ~std::uint64_t{0});
  V plus1 = plus0, plus2 = plus0, plus3 = plus0;
  V minus0 = hn::Zero(d);
  V minus1 = minus0, minus2 = minus0, minus3 = minus0;
  std::uint64_t* HWY_RESTRICT carry = strip.carry;
  for (const std::uint32_t symbol : strip.text) {
    const std::uint64_t* HWY_RESTRICT row = strip.masks + strip.row_of[symbol];
    V level = hn::Zero(d);
    V fall = level;
    if (!first) {
      const V both = hn::Load(d, carry);
      level = hn::And(both, one);
      fall = hn::ShiftRight<1>(both);
    }
    LevenshteinBlock(hn::Load(d, row), plus0, minus0, level, fall);
    if constexpr (kBlocks > 1) {
      LevenshteinBlock(hn::Load(d, row + lanes), plus1, minus1, level, fall);
    }
    if constexpr (kBlocks > 2) {
      LevenshteinBlock(hn::Load(d, row + 2 * lanes), plus2, minus2, level, fall);
    }
    if constexpr (kBlocks > 3) {
      LevenshteinBlock(hn::Load(d, row + 3 * lanes), plus3, minus3, level, fall);
    }
    hn::Store(hn::Or(level, hn::Add(fall, fall)), d, carry);
    carry += lanes;
  }
  hn::Store(plus0, d, plus);
  hn::Store(minus0, d, minus);
  if constexpr (kBlocks > 1) {
    hn::Store(plus1, d, plus + lanes);
    hn::Store(minus1, d, minus + lanes);
  }
  if constexpr (kBlocks > 2) {
    hn::Store(plus2, d, plus + 2 * lanes);
    hn::Store(minus2, d, minus + 2 * lanes);
  }
  if constexpr (kBlocks > 3) {
    hn::Store(plus3, d, plus + 3 * lanes);
    hn::Store(minus3, d, minus + 3 * lanes);
  }
}

// One block of one column: the sum rows + matches, with `carry` in and out.
HWY_INLINE void LcsBlock(V equal, V& rows, V& carry) {
  const V matches = hn::And(rows, equal);
  const V sum = hn::Add(hn::Add(rows, matches), carry);
  carry = hn::ShiftRight<63>(hn::Or(matches, hn::AndNot(sum, rows)));
  rows = hn::Or(sum, hn::AndNot(equal, rows));
}

template <std::size_t kBlocks>
void LcsColumns(const Strip& strip, bool first, std::uint64_t* HWY_RESTRICT out) {
  const D d;
  const std::size_t lanes = hn::Lanes(d);
  V rows0 = hn::Set(d, ~std::uint64_t{0});
  V rows1 = rows0, rows2 = rows0, rows3 = rows0;
  std::uint64_t* HWY_RESTRICT place = strip.carry;
  for (const std::uint32_t symbol : strip.text) {
    const std::uint64_t* HWY_RESTRICT row = strip.masks + strip.row_of[symbol];
    V carry = hn::Zero(d);
    if (!first) carry = hn::Load(d, place);
    LcsBlock(hn::Load(d, row), rows0, carry);
    if constexpr (kBlocks > 1) LcsBlock(hn::Load(d, row + lanes), rows1, carry);
    if constexpr (kBlocks > 2) LcsBlock(hn::Load(d, row + 2 * lanes), rows2, carry);
    if constexpr (kBlocks > 3) LcsBlock(hn::Load(d, row + 3 * lanes), rows3, carry);
    hn::Store(carry, d, place);
    place += lanes;
  }
  hn::Store(rows0, d, out);
  if constexpr (kBlocks > 1) hn::Store(rows1, d, out + lanes);
  if constexpr (kBlocks > 2) hn::Store(rows2, d, out + 2 * lanes);
  if constexpr (kBlocks > 3) hn::Store(rows3, d, out + 3 * lanes);
}

void Levenshtein(const Strip& strip, bool first, std::uint64_t* plus, std::uint64_t* minus) {
  switch (strip.blocks) {
    case 1:
      return LevenshteinColumns<1>(strip, first, plus, minus);
    case 2:
      return LevenshteinColumns<2>(strip, first, plus, minus);
    case 3:
      return LevenshteinColumns<3>(strip, first, plus, minus);
    default:
      return LevenshteinColumns<kStripBlocks>(strip, first, plus, minus);
  }
}

void Lcs(const Strip& strip, bool first, std::uint64_t* rows) {
  switch (strip.blocks) {
    case 1:
      return LcsColumns<1>(strip, first, rows);
    case 2:
      return LcsColumns<2>(strip, first, rows);
    case 3:
      return LcsColumns<3>(strip, first, rows);
    default:
      return LcsColumns<kStripBlocks>(strip, first, rows);
  }
}

}  // namespace assay::text::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::text::internal {
HWY_EXPORT(Lanes);
HWY_EXPORT(Levenshtein);
HWY_EXPORT(Lcs);

std::size_t EditLanes() {
  return HWY_DYNAMIC_DISPATCH(Lanes)();
}

void LevenshteinStrip(const Strip& strip, bool first, std::uint64_t* plus, std::uint64_t* minus) {
  HWY_DYNAMIC_DISPATCH(Levenshtein)(strip, first, plus, minus);
}

void LcsStrip(const Strip& strip, bool first, std::uint64_t* rows) {
  HWY_DYNAMIC_DISPATCH(Lcs)(strip, first, rows);
}

}  // namespace assay::text::internal
#endif
