#include "assay/text/similarity/edit.h"

#include <algorithm>
#include <bit>

#include "assay/text/utf8.h"

#include "similarity/edit_internal.h"
#include "similarity/jaro_internal.h"
#include "similarity/pattern_masks_internal.h"

namespace assay::text {
namespace {

using internal::kBits;
using internal::PatternMasks;

constexpr std::uint64_t kAll = ~std::uint64_t{0};

// Cuts off what both have in common at their ends; returns how much that was.
std::size_t CutCommonEnds(std::u32string_view& a, std::u32string_view& b) {
  const auto front = static_cast<std::size_t>(
      std::mismatch(a.begin(), a.end(), b.begin(), b.end()).first - a.begin());
  a.remove_prefix(front);
  b.remove_prefix(front);
  const auto back = static_cast<std::size_t>(
      std::mismatch(a.rbegin(), a.rend(), b.rbegin(), b.rend()).first - a.rbegin());
  a.remove_suffix(back);
  b.remove_suffix(back);
  return front + back;
}

}  // namespace

std::u32string ToCodePoints(std::string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x80) {
      out.push_back(byte);
      ++at;
      continue;
    }
    const Decoded decoded = DecodeUtf8(text, at);
    out.push_back(decoded.code_point);
    at += decoded.size_bytes;
  }
  return out;
}

std::size_t LevenshteinDistance(std::u32string_view a, std::u32string_view b) {
  CutCommonEnds(a, b);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return b.size();
  const PatternMasks masks(a);
  struct Differences {
    std::uint64_t plus = kAll;
    std::uint64_t minus = 0;
  };
  std::vector<Differences> blocks(masks.blocks());
  for (const char32_t c : b) {
    const std::uint64_t* row = masks.Row(c);
    std::uint64_t up = 1;
    std::uint64_t down = 0;
    for (Differences& block : blocks) {
      const std::uint64_t x = *row++ | down;
      const std::uint64_t diagonal =
          (((x & block.plus) + block.plus) ^ block.plus) | x | block.minus;
      const std::uint64_t rise = block.minus | ~(diagonal | block.plus);
      const std::uint64_t fall = diagonal & block.plus;
      const std::uint64_t rise_in = (rise << 1) | up;
      const std::uint64_t fall_in = (fall << 1) | down;
      up = rise >> (kBits - 1);
      down = fall >> (kBits - 1);
      block.plus = fall_in | ~(diagonal | rise_in);
      block.minus = rise_in & diagonal;
    }
  }
  std::size_t distance = b.size();
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::uint64_t used = internal::UsedRows(a.size(), i);
    distance += static_cast<std::size_t>(std::popcount(blocks[i].plus & used));
    distance -= static_cast<std::size_t>(std::popcount(blocks[i].minus & used));
  }
  return distance;
}

std::size_t LcsLength(std::u32string_view a, std::u32string_view b) {
  std::size_t length = CutCommonEnds(a, b);
  if (a.size() > b.size()) std::swap(a, b);
  if (a.empty()) return length;
  const PatternMasks masks(a);
  std::vector<std::uint64_t> blocks(masks.blocks(), kAll);
  for (const char32_t c : b) {
    const std::uint64_t* row = masks.Row(c);
    std::uint64_t carry = 0;
    for (std::uint64_t& rows : blocks) {
      const std::uint64_t equal = *row++;
      const std::uint64_t matches = rows & equal;
      const std::uint64_t sum = rows + matches + carry;
      carry = (matches | (rows & ~sum)) >> (kBits - 1);
      rows = sum | (rows & ~equal);
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    length += static_cast<std::size_t>(std::popcount(~blocks[i] & internal::UsedRows(a.size(), i)));
  }
  return length;
}

namespace internal {

std::uint64_t UsedRows(std::size_t length, std::size_t block) {
  if (length <= block * kBits) return 0;
  const std::size_t rows = length - block * kBits;
  return rows >= kBits ? kAll : (std::uint64_t{1} << rows) - 1;
}

double SimilarityOf(EditMeasure measure, std::size_t value, std::size_t a, std::size_t b) {
  const std::size_t longer = std::max(a, b);
  std::size_t distance = value;
  std::size_t most = longer;
  if (measure == EditMeasure::kIndel) {
    distance = a + b - 2 * value;
    most = a + b;
  } else if (measure == EditMeasure::kLcs) {
    distance = longer - value;
  }
  return most == 0 ? 1.0 : 1.0 - static_cast<double>(distance) / static_cast<double>(most);
}

double Similarity(std::u32string_view a, std::u32string_view b, EditMeasure measure) {
  switch (measure) {
    case EditMeasure::kLevenshtein:
      return SimilarityOf(measure, LevenshteinDistance(a, b), a.size(), b.size());
    case EditMeasure::kIndel:
    case EditMeasure::kLcs:
      return SimilarityOf(measure, LcsLength(a, b), a.size(), b.size());
    default:
      return JaroLike(PatternMasks(a), a, b, measure);
  }
}

}  // namespace internal

double EditSimilarity(std::string_view a, std::string_view b, EditMeasure measure) {
  return internal::Similarity(ToCodePoints(a), ToCodePoints(b), measure);
}

}  // namespace assay::text
