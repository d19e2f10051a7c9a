#include "store/row/packed_delta.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "store/row/packed_delta.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef ASSAY_VECTOR_STORE_ROW_PACKED_DELTA_ONCE
#define ASSAY_VECTOR_STORE_ROW_PACKED_DELTA_ONCE
namespace assay::vector::internal {

inline constexpr std::size_t kWidths = 4;
inline constexpr std::size_t kPackedSlack = 8;  // zeros, so that eight bytes can be read anywhere

struct PackedHeader {
  std::uint8_t zeros;  // bits at the end of every value that are 0
  std::array<std::uint8_t, kWidths> widths;
};
static_assert(sizeof(PackedHeader) == 5);

// The parts of a packed difference, whose sizes have been compared.
struct PackedParts {
  PackedHeader header;
  const char* selectors;  // two bits a value
  const char* bits;       // and kPackedSlack bytes behind them
};

}  // namespace assay::vector::internal
#endif  // ASSAY_VECTOR_STORE_ROW_PACKED_DELTA_ONCE

HWY_BEFORE_NAMESPACE();
namespace assay::vector::internal::HWY_NAMESPACE {

// Scalar, but here: each target's shifts and counts take what its processors have (BMI2, POPCNT).
void XorPackedHere(const PackedParts& parts, float* values, std::size_t count) {
  std::array<std::uint64_t, kWidths> masks{};
  for (std::size_t w = 0; w < kWidths; ++w) {
    masks[w] = (std::uint64_t{1} << parts.header.widths[w]) - 1;
  }
  const std::array<std::uint8_t, kWidths> widths = parts.header.widths;
  const unsigned zeros = parts.header.zeros;
  std::uint64_t bit = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const unsigned selector =
        static_cast<unsigned char>(parts.selectors[i / 4]) >> (i % 4 * 2) & 3U;
    std::uint64_t word = 0;
    std::memcpy(&word, parts.bits + (bit >> 3U), sizeof(word));
    const auto change = static_cast<std::uint32_t>((word >> (bit & 7U) & masks[selector]) << zeros);
    bit += widths[selector];
    const std::uint32_t value = std::bit_cast<std::uint32_t>(values[i]) ^ change;
    std::memcpy(values + i, &value, sizeof(value));
  }
}

std::uint64_t PackedBitsHere(const PackedParts& parts, std::size_t count) {
  constexpr std::uint64_t kLow = 0x5555'5555'5555'5555;
  std::array<std::uint64_t, kWidths> of{};
  const std::size_t bytes = (count + 3) / 4;
  for (std::size_t at = 0; at < bytes; at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, parts.selectors + at, std::min(sizeof(word), bytes - at));
    const std::uint64_t high = word >> 1U & kLow;
    const std::uint64_t low = word & kLow;
    of[1] += static_cast<std::uint64_t>(std::popcount(low & ~high));
    of[2] += static_cast<std::uint64_t>(std::popcount(high & ~low));
    of[3] += static_cast<std::uint64_t>(std::popcount(high & low));
  }
  of[0] = count - of[1] - of[2] - of[3];
  std::uint64_t bits = 0;
  for (std::size_t w = 0; w < kWidths; ++w) bits += of[w] * parts.header.widths[w];
  return bits;
}

}  // namespace assay::vector::internal::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::vector::internal {

HWY_EXPORT(XorPackedHere);
HWY_EXPORT(PackedBitsHere);

namespace {

constexpr std::size_t kClasses = 33;  // a value has 0 to 32 bits

std::size_t ClassOf(float value, unsigned zeros) {
  return static_cast<std::size_t>(std::bit_width(std::bit_cast<std::uint32_t>(value) >> zeros));
}

// Splits the classes into four ranges, each as wide as its widest class, so that all together take
// the fewest bits: shortest path over the classes.
std::array<std::uint8_t, kWidths> BestWidths(const std::array<std::uint64_t, kClasses>& counts,
                                             std::size_t widest) {
  constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
  // Of the values narrower than `end`, in as many ranges as there were rounds.
  std::array<std::uint64_t, kClasses + 1> bits;
  std::array<std::array<std::uint8_t, kClasses + 1>, kWidths> begins{};
  bits.fill(kNever);
  bits[0] = 0;
  for (std::size_t round = 0; round < kWidths; ++round) {
    std::array<std::uint64_t, kClasses + 1> next;
    next.fill(kNever);
    for (std::size_t end = 0; end <= widest + 1; ++end) {
      std::uint64_t values = 0;
      for (std::size_t begin = end;; --begin) {  // an empty range as well
        if (begin < end) values += counts[begin];
        const std::uint64_t own = end == 0 ? 0 : values * (end - 1);
        if (bits[begin] != kNever && bits[begin] + own < next[end]) {
          next[end] = bits[begin] + own;
          begins[round][end] = static_cast<std::uint8_t>(begin);
        }
        if (begin == 0) break;
      }
    }
    bits = next;
  }
  std::array<std::uint8_t, kWidths> widths{};
  std::size_t end = widest + 1;
  for (std::size_t round = kWidths; round-- > 0;) {
    widths[round] = static_cast<std::uint8_t>(end == 0 ? 0 : end - 1);
    end = begins[round][end];
  }
  return widths;
}

}  // namespace

std::string PackDelta(std::span<const float> delta) {
  std::uint32_t all = 0;
  for (const float value : delta) all |= std::bit_cast<std::uint32_t>(value);
  const unsigned zeros = all == 0 ? 0 : static_cast<unsigned>(std::countr_zero(all));
  std::array<std::uint64_t, kClasses> counts{};
  for (const float value : delta) ++counts[ClassOf(value, zeros)];
  const auto widest = static_cast<std::size_t>(std::bit_width(all >> zeros));
  const PackedHeader header{.zeros = static_cast<std::uint8_t>(zeros),
                            .widths = BestWidths(counts, widest)};
  std::array<std::uint8_t, kClasses> selector_of{};
  std::uint64_t bits = 0;
  for (std::size_t c = 0; c <= widest; ++c) {
    const auto found = std::ranges::lower_bound(header.widths, c);
    selector_of[c] = static_cast<std::uint8_t>(found - header.widths.begin());
    bits += counts[c] * *found;
  }
  const std::size_t selectors = sizeof(header);
  const std::size_t begin = selectors + (delta.size() + 3) / 4;
  std::string packed(begin + static_cast<std::size_t>((bits + 7) / 8) + kPackedSlack, '\0');
  std::memcpy(packed.data(), &header, sizeof(header));
  std::uint64_t bit = 0;
  for (std::size_t i = 0; i < delta.size(); ++i) {
    const unsigned selector = selector_of[ClassOf(delta[i], zeros)];
    char& of_four = packed[selectors + i / 4];
    of_four = static_cast<char>(static_cast<unsigned char>(of_four) | selector << i % 4 * 2);
    char* at = packed.data() + begin + (bit >> 3U);
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof(word));
    word |= std::uint64_t{std::bit_cast<std::uint32_t>(delta[i]) >> zeros} << (bit & 7U);
    std::memcpy(at, &word, sizeof(word));
    bit += header.widths[selector];
  }
  return packed;
}

bool XorPackedDelta(std::string_view packed, std::span<float> values) {
  const std::size_t selector_bytes = (values.size() + 3) / 4;
  PackedParts parts{};
  const std::size_t begin = sizeof(parts.header) + selector_bytes;
  if (packed.size() < begin + kPackedSlack) return false;
  std::memcpy(&parts.header, packed.data(), sizeof(parts.header));
  for (const unsigned width : parts.header.widths) {
    if (width + parts.header.zeros > 32) return false;
  }
  parts.selectors = packed.data() + sizeof(parts.header);
  parts.bits = packed.data() + begin;
  // Selectors behind the last value would count as values.
  const std::size_t last = values.size() % 4;
  if (last != 0 && static_cast<unsigned char>(packed[begin - 1]) >> 2 * last != 0) return false;
  const std::uint64_t bits = HWY_DYNAMIC_DISPATCH(PackedBitsHere)(parts, values.size());
  if (packed.size() - begin - kPackedSlack != (bits + 7) / 8) return false;
  HWY_DYNAMIC_DISPATCH(XorPackedHere)(parts, values.data(), values.size());
  return true;
}

}  // namespace assay::vector::internal
#endif  // HWY_ONCE
