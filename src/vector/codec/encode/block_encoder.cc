#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/vector/float_codec.h"
#include "assay/vector/top_k.h"

#include "codec/block_format.h"
#include "codec/encode/codebook.h"
#include "codec/encode/contexts.h"
#include "codec/encode/encode_kernels.h"
#include "codec/encode/int8_scales.h"
#include "codec/float_kernels.h"

namespace assay::vector {
namespace internal {
namespace {

constexpr unsigned kFloat16Zeros = 13;   // bits that a float16's mantissa leaves 0
constexpr unsigned kBfloat16Zeros = 16;  // the same for bfloat16
constexpr unsigned kNibbleBits = 4;
constexpr unsigned kInt8SymbolBits = 9;

// What is to be coded, and how its values are divided.
struct Coded {
  BlockKind kind = BlockKind::kCoded;
  Precision precision = Precision::kFloat32;
  ValueLayout layout;
  unsigned dropped = 0;  // bits at the end of `symbols` that the layout leaves to the raw ones
  std::vector<std::uint16_t> symbols;
  std::vector<std::uint8_t> groups;  // [dim] of dimensions that share a code
  std::vector<float> scales;
};

void AppendBytes(std::string& out, const void* data, std::size_t size_bytes) {
  out.append(static_cast<const char*>(data), size_bytes);
}

// The codes of all rows, each from a byte of its own on.
std::string WriteCodes(const Coded& coded, const Codebook& book,
                       std::vector<std::uint32_t>& row_bytes) {
  const std::size_t dim = coded.groups.size();
  const std::vector<CodeWord> words = WordsOf(book, coded.layout.symbol_bits);
  CodeWords codes{.words = words.data(),
                  .groups = coded.groups.data(),
                  .word_bits = coded.layout.symbol_bits,
                  .dropped = coded.dropped};
  const std::size_t rows = coded.symbols.size() / dim;
  std::string bytes;
  const std::size_t most = static_cast<std::size_t>(book.bits / 8) + rows + 1;
  bytes.resize_and_overwrite(most + kReadSlack, [&](char* out, std::size_t) {
    std::size_t at = 0;
    for (std::size_t row = 0; row < rows; ++row) {
      codes.symbols = coded.symbols.data() + row * dim;
      const std::size_t written = WriteRowCodes(codes, dim, out + at);
      row_bytes.push_back(static_cast<std::uint32_t>(written));
      at += written;
    }
    return at;
  });
  return bytes;
}

void AppendPlanes(std::span<const float> rows, std::size_t dim, const ValueLayout& layout,
                  std::string& out) {
  const std::size_t count = rows.size() / dim;
  const std::size_t before = out.size();
  out.resize(before + static_cast<std::size_t>(layout.PlaneBytes(count, dim)));
  char* const plane16 = out.data() + before;
  char* const plane8 = plane16 + (layout.has16() ? 2 * rows.size() : 0);
  char* const plane4 = plane8 + (layout.has8() ? rows.size() : 0);
  for (std::size_t r = 0; r < count; ++r) {
    SplitRawBits(rows.data() + r * dim, dim, layout,
                 {.plane16 = layout.has16() ? plane16 + 2 * r * dim : nullptr,
                  .plane8 = layout.has8() ? plane8 + r * dim : nullptr,
                  .plane4 = layout.has4() ? plane4 + r * ((dim + 1) / 2) : nullptr});
  }
}

void AppendTables(const Codebook& book, std::span<const std::uint8_t> of_dims, std::string& out) {
  AppendBytes(out, book.runs.data(), book.runs.size() * sizeof(SymbolRun));
  std::string nibbles((book.symbols.size() * book.contexts + 1) / 2, '\0');
  std::size_t i = 0;
  for (const auto& lengths : book.lengths) {
    for (const std::uint8_t length : lengths) {
      nibbles[i / 2] = static_cast<char>(static_cast<unsigned char>(nibbles[i / 2]) |
                                         static_cast<unsigned>(length) << (i % 2 * 4));
      ++i;
    }
  }
  out += nibbles;
  if (book.contexts == 1) return;
  std::string groups((of_dims.size() + 3) / 4, '\0');
  for (std::size_t d = 0; d < of_dims.size(); ++d) {
    groups[d / 4] = static_cast<char>(static_cast<unsigned char>(groups[d / 4]) |
                                      static_cast<unsigned>(of_dims[d]) << (d % 4 * 2));
  }
  out += groups;
}

std::string WriteBlock(std::span<const float> rows, std::size_t dim, const Coded& coded,
                       const Codebook& book) {
  std::vector<std::uint32_t> row_bytes;
  const std::string codes = WriteCodes(coded, book, row_bytes);
  const auto [least, most] = std::ranges::minmax_element(row_bytes);
  const std::uint32_t spread = *most - *least;
  const std::uint8_t length_bytes = spread == 0 ? 0 : spread < 256 ? 1 : spread < 65'536 ? 2 : 4;
  const BlockHeader header{.magic = kBlockMagic,
                           .version = kFloatBlockVersion,
                           .kind = coded.kind,
                           .symbol_bits = static_cast<std::uint8_t>(coded.layout.symbol_bits),
                           .raw_nibbles = static_cast<std::uint8_t>(coded.layout.raw_nibbles),
                           .dim = static_cast<std::uint32_t>(dim),
                           .rows = static_cast<std::uint32_t>(row_bytes.size()),
                           .contexts = static_cast<std::uint8_t>(book.contexts),
                           .length_bytes = length_bytes,
                           .precision = static_cast<std::uint8_t>(coded.precision),
                           .reserved = 0,
                           .least_code = *least,
                           .runs = static_cast<std::uint16_t>(book.runs.size()),
                           .escape = book.escape,
                           .code_bytes = static_cast<std::uint32_t>(codes.size())};
  std::string out;
  out.reserve(sizeof(header) + book.TableBytes(dim) + codes.size() + kReadSlack +
              row_bytes.size() * 2 * sizeof(std::uint32_t) +
              static_cast<std::size_t>(coded.layout.PlaneBytes(row_bytes.size(), dim)));
  AppendBytes(out, &header, sizeof(header));
  AppendTables(book, coded.groups, out);
  for (const std::uint32_t bytes : row_bytes) {
    const std::uint32_t more = bytes - *least;
    AppendBytes(out, &more, length_bytes);
  }
  AppendBytes(out, coded.scales.data(), coded.scales.size() * sizeof(float));
  out += codes;
  const std::size_t before = out.size();
  if (coded.kind == BlockKind::kCoded) AppendPlanes(rows, dim, coded.layout, out);
  out.append(SlackBytes(out.size() - before), '\0');
  return out;
}

std::string WriteStored(std::span<const float> rows, std::size_t dim, Precision precision) {
  BlockHeader header{};
  header.magic = kBlockMagic;
  header.version = kFloatBlockVersion;
  header.kind = BlockKind::kStored;
  header.precision = static_cast<std::uint8_t>(precision);
  header.dim = static_cast<std::uint32_t>(dim);
  header.rows = static_cast<std::uint32_t>(rows.size() / dim);
  std::string out;
  out.reserve(sizeof(header) + rows.size_bytes());
  AppendBytes(out, &header, sizeof(header));
  AppendBytes(out, rows.data(), rows.size_bytes());
  return out;
}

// The best of one code for all dimensions and one for each group, that takes less than `below`
// bytes; sets the groups.
std::optional<Codebook> BestGrouping(const SymbolCounts& counts,
                                     const std::vector<std::uint8_t>& groups, double below,
                                     Coded& coded) {
  std::optional<Codebook> best = BestCodebook(counts, groups.size(), below);
  if (best) coded.groups = groups;
  if (counts.contexts == 1) return best;
  const double left = best ? best->Bytes(groups.size()) : below;
  if (auto together = BestCodebook(Together(counts), groups.size(), left)) {
    best = std::move(together);
    coded.groups.assign(groups.size(), 0);
  }
  return best;
}

// Symbols of 9 to 12 bits, and of 4 bits less: the wider ones also follow the slope of the density
// between two powers of two, the narrower ones need small tables. Raw bits are whole nibbles. All
// ways are compared by the counts of the widest symbols in their groups; the values are read once.
std::string EncodeByBits(std::span<const float> rows, std::size_t dim) {
  const std::uint32_t bits = OrOfBits(rows.data(), rows.size());
  const unsigned zeros = bits == 0 ? 32 : static_cast<unsigned>(std::countr_zero(bits));
  const Precision precision = zeros >= kBfloat16Zeros  ? Precision::kBfloat16
                              : zeros >= kFloat16Zeros ? Precision::kFloat16
                                                       : Precision::kFloat32;
  const unsigned kept = 32 - std::min(zeros, 32 - kMaxSymbolBits);
  const unsigned nibbles = (kept - kMaxSymbolBits + kNibbleBits - 1) / kNibbleBits;
  const unsigned widest = kept - kNibbleBits * nibbles;
  Coded coded;
  coded.precision = precision;
  coded.symbols.resize(rows.size());
  SplitSymbols(rows.data(), rows.size(), 32 - widest, coded.symbols.data());
  const std::vector<std::uint8_t> groups = GroupDimensions(coded.symbols, dim, widest);
  const SymbolCounts counts = CountSymbols(coded.symbols, groups, widest);
  std::optional<Codebook> best;
  double below = static_cast<double>(rows.size_bytes());
  for (const unsigned dropped : {0U, kNibbleBits}) {
    const ValueLayout layout{.symbol_bits = widest - dropped,
                             .raw_nibbles = nibbles + dropped / kNibbleBits};
    const auto planes = static_cast<double>(layout.PlaneBytes(rows.size() / dim, dim));
    auto book = BestGrouping(dropped == 0 ? counts : Narrowed(counts, dropped), groups,
                             below - planes, coded);
    if (!book) continue;
    below = book->Bytes(dim) + planes;
    best = std::move(book);
    coded.layout = layout;
    coded.dropped = dropped;
  }
  if (!best) return WriteStored(rows, dim, precision);
  std::string block = WriteBlock(rows, dim, coded, *best);
  const std::size_t stored = sizeof(BlockHeader) + rows.size_bytes();
  return block.size() < stored ? block : WriteStored(rows, dim, precision);
}

std::optional<std::string> EncodeScaled(std::span<const float> rows, std::size_t dim) {
  std::optional<ScaledRows> found = FindScales(rows, dim);
  if (!found) return std::nullopt;
  Coded coded;
  coded.kind = found->divided ? BlockKind::kDivided : BlockKind::kScaled;
  coded.precision = Precision::kInt8;
  coded.layout = {.symbol_bits = kInt8SymbolBits, .raw_nibbles = 0};
  coded.symbols = std::move(found->symbols);
  coded.scales = std::move(found->scales);
  const std::vector<std::uint8_t> groups = GroupDimensions(coded.symbols, dim, kInt8SymbolBits);
  const SymbolCounts counts = CountSymbols(coded.symbols, groups, kInt8SymbolBits);
  const std::optional<Codebook> book =
      BestGrouping(counts, groups, static_cast<double>(rows.size_bytes()), coded);
  if (!book) return std::nullopt;
  return WriteBlock(rows, dim, coded, *book);
}

}  // namespace
}  // namespace internal

Result<std::string> EncodeFloatBlock(std::span<const float> rows, std::size_t dim) {
  if (dim == 0 || dim > kMaxDim) {
    return Fail(Code::kOutOfRange,
                fmt::format("vectors of {} dimensions: 1 to {} can be encoded", dim, kMaxDim));
  }
  if (rows.empty() || rows.size() % dim != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values are no number of rows of {}", rows.size(), dim));
  }
  if (rows.size() > kMaxBlockValues) {
    return Fail(Code::kOutOfRange, fmt::format("{} values: a block holds at most {}; cut it",
                                               rows.size(), kMaxBlockValues));
  }
  if (auto scaled = internal::EncodeScaled(rows, dim)) {
    if (scaled->size() < rows.size_bytes()) return std::move(*scaled);
  }
  return internal::EncodeByBits(rows, dim);
}

}  // namespace assay::vector
