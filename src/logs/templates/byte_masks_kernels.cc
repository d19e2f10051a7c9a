// Delimiters by two tables of nibbles (Langdale and Lemire 2019, 3.1.2): a byte is one if the sets
// of its halves have a bit in common.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "templates/byte_masks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "templates/byte_masks_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ASSAY_LOGS_BYTE_MASKS_TABLES
#define ASSAY_LOGS_BYTE_MASKS_TABLES
namespace assay::logs::templates {

inline constexpr std::string_view kDelimiters = "\t\n\v\f\r =:,;()[]{}<>'\"|@#&";

struct NibbleTables {
  std::array<std::uint8_t, 16> low{};
  std::array<std::uint8_t, 16> high{};
};

// One bit for each upper half that has delimiters: 0, 2, 3, 4, 5 and 7.
constexpr NibbleTables MakeNibbleTables() {
  NibbleTables tables;
  for (const char c : kDelimiters) {
    const auto byte = static_cast<std::uint8_t>(c);
    const auto bit = static_cast<std::uint8_t>(1U << (byte >> 4));
    tables.low[byte & 15] |= bit;
    tables.high[byte >> 4] = bit;
  }
  return tables;
}

inline constexpr NibbleTables kTables = MakeNibbleTables();
inline constexpr std::size_t kBlock = 64;

}  // namespace assay::logs::templates
#endif

HWY_BEFORE_NAMESPACE();
namespace assay::logs::templates::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

struct BlockMasks {
  std::uint64_t delimiter = 0;
  std::uint64_t digit = 0;
  std::uint64_t dot = 0;
};

#if HWY_TARGET == HWY_SCALAR
HWY_INLINE BlockMasks OfBlock(const std::uint8_t* bytes) {
  BlockMasks out;
  for (std::size_t i = 0; i < kBlock; ++i) {
    const std::uint8_t byte = bytes[i];
    const bool delimiter = (kTables.low[byte & 15] & kTables.high[byte >> 4]) != 0;
    out.delimiter |= std::uint64_t{delimiter} << i;
    out.digit |= std::uint64_t{byte >= '0' && byte <= '9'} << i;
    out.dot |= std::uint64_t{byte == '.'} << i;
  }
  return out;
}
#else
template <class D, class M>
HWY_INLINE std::uint64_t BitsOf(D d, M mask) {
  std::uint64_t bits = 0;
  hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

HWY_INLINE BlockMasks OfBlock(const std::uint8_t* bytes) {
  const hn::CappedTag<std::uint8_t, kBlock> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto low_table = hn::LoadDup128(d, kTables.low.data());
  const auto high_table = hn::LoadDup128(d, kTables.high.data());
  const auto nibble = hn::Set(d, std::uint8_t{15});
  const auto zero = hn::Zero(d);
  BlockMasks out;
  for (std::size_t i = 0; i < kBlock; i += lanes) {
    const auto v = hn::LoadU(d, bytes + i);
    const auto low = hn::TableLookupBytes(low_table, hn::And(v, nibble));
    const auto high = hn::TableLookupBytes(high_table, hn::ShiftRight<4>(v));
    const auto delimiter = hn::Ne(hn::And(low, high), zero);
    // Unsigned: bytes below '0' wrap around to large ones.
    const auto from_zero = hn::Sub(v, hn::Set(d, std::uint8_t{'0'}));
    const auto digit = hn::Eq(hn::Min(from_zero, hn::Set(d, std::uint8_t{9})), from_zero);
    out.delimiter |= BitsOf(d, delimiter) << i;
    out.digit |= BitsOf(d, digit) << i;
    out.dot |= BitsOf(d, hn::Eq(v, hn::Set(d, std::uint8_t{'.'}))) << i;
  }
  return out;
}
#endif

HWY_INLINE void Store(const BlockMasks& found, std::size_t block, ByteMasks& masks) {
  masks.delimiter[block] = found.delimiter;
  masks.digit[block] = found.digit;
  masks.dots[block] = found.dot;
}

void FillMasks(std::string_view text, ByteMasks& masks) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data());
  const std::size_t whole = text.size() / kBlock;
  for (std::size_t b = 0; b < whole; ++b) Store(OfBlock(bytes + b * kBlock), b, masks);
  const std::size_t rest = text.size() % kBlock;
  if (rest == 0) return;
  BlockMasks last;
  if (whole > 0) {  // the last 64 bytes, of which the first ones were seen
    last = OfBlock(bytes + text.size() - kBlock);
    last.delimiter >>= kBlock - rest;
    last.digit >>= kBlock - rest;
    last.dot >>= kBlock - rest;
  } else {
    alignas(kBlock) std::array<std::uint8_t, kBlock> padded{};
    std::memcpy(padded.data(), bytes, rest);
    last = OfBlock(padded.data());
  }
  last.delimiter |= ~std::uint64_t{0} << rest;
  Store(last, whole, masks);
}

}  // namespace assay::logs::templates::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::logs::templates {

HWY_EXPORT(FillMasks);

namespace {

void Grow(std::string_view text, ByteMasks& masks) {
  const std::size_t blocks = (text.size() + kBlock - 1) / kBlock;
  if (blocks <= masks.delimiter.size()) return;
  masks.delimiter.resize(blocks);
  masks.digit.resize(blocks);
  masks.dots.resize(blocks);
}

}  // namespace

void FindBytes(std::string_view text, ByteMasks& masks) {
  Grow(text, masks);
  if (text.empty()) return;
  HWY_DYNAMIC_DISPATCH(FillMasks)(text, masks);
  std::uint64_t next = 0;
  for (std::size_t b = (text.size() + kBlock - 1) / kBlock; b-- > 0;) {
    const std::uint64_t dot = masks.dots[b];
    masks.dots[b] = dot & (dot >> 1 | next << 63);
    next = dot & 1;
  }
}

void FindBytesScalar(std::string_view text, ByteMasks& masks) {
  Grow(text, masks);
  std::ranges::fill(masks.delimiter, ~std::uint64_t{0});
  std::ranges::fill(masks.digit, 0);
  std::ranges::fill(masks.dots, 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint64_t bit = std::uint64_t{1} << i % kBlock;
    if (kDelimiters.find(text[i]) == std::string_view::npos) {
      masks.delimiter[i / kBlock] &= ~bit;
    }
    if (text[i] >= '0' && text[i] <= '9') masks.digit[i / kBlock] |= bit;
    if (text.substr(i, 2) == "..") masks.dots[i / kBlock] |= bit;
  }
}

}  // namespace assay::logs::templates
#endif  // HWY_ONCE
