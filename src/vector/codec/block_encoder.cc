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
#include "codec/contexts.h"
#include "codec/float_kernels.h"
#include "codec/huffman.h"
#include "codec/int8_scales.h"

namespace assay::vector {
namespace internal {
namespace {

constexpr unsigned kFloat16Zeros = 13;          // bits that a float16's mantissa leaves 0
constexpr std::uint32_t kEscaped = 0x80000000;  // of a code word: the symbol itself follows
constexpr unsigned kBfloat16Zeros = 16;         // the same for bfloat16

// What is to be coded, and how its values are divided.
struct Coded {
  BlockKind kind = BlockKind::kCoded;
  Precision precision = Precision::kFloat32;
  ValueLayout layout;
  std::vector<std::uint16_t> symbols;
  std::vector<float> scales;
};

// One code for each group of dimensions.
struct Codebook {
  std::vector<std::uint8_t> groups;  // [dim]
  std::size_t contexts = 1;
  std::vector<SymbolRun> runs;
  std::vector<std::uint16_t> symbols;              // that occur, rising
  std::vector<std::vector<std::uint8_t>> lengths;  // [contexts][symbols]
  std::vector<std::uint32_t> words;  // [contexts << symbol_bits] kEscaped | length << 16 | code
  std::uint16_t escape = kNoEscape;
  double bits = 0;  // of all codes

  [[nodiscard]] std::size_t TableBytes() const {
    return runs.size() * sizeof(SymbolRun) + (symbols.size() * contexts + 1) / 2 +
           (contexts > 1 ? (groups.size() + 3) / 4 : 0);
  }
};

void AppendBytes(std::string& out, const void* data, std::size_t size_bytes) {
  out.append(static_cast<const char*>(data), size_bytes);
}

std::vector<std::uint16_t> SymbolsOf(std::span<const float> rows, unsigned symbol_bits) {
  std::vector<std::uint16_t> symbols(rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    symbols[i] =
        static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(rows[i]) >> (32 - symbol_bits));
  }
  return symbols;
}

// How often each symbol occurs in each group of dimensions.
struct Counts {
  std::size_t contexts = 1;
  std::size_t range = 0;              // symbols that there can be
  std::vector<std::uint32_t> counts;  // [contexts * range]

  [[nodiscard]] std::span<const std::uint32_t> Of(std::size_t context) const {
    return std::span(counts).subspan(context * range, range);
  }
};

Counts CountSymbols(const Coded& coded, std::span<const std::uint8_t> groups) {
  Counts result{.contexts = std::size_t{1} + *std::ranges::max_element(groups),
                .range = std::size_t{1} << coded.layout.symbol_bits,
                .counts = {}};
  result.counts.assign(result.contexts * result.range, 0);
  for (std::size_t at = 0; at < coded.symbols.size(); at += groups.size()) {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      ++result.counts[groups[i] * result.range + coded.symbols[at + i]];
    }
  }
  return result;
}

// A symbol that never occurs; kNoEscape where all do.
std::uint16_t UnusedSymbol(const Counts& counts) {
  for (std::size_t s = 0; s < counts.range; ++s) {
    bool used = false;
    for (std::size_t c = 0; c < counts.contexts; ++c) used = used || counts.Of(c)[s] > 0;
    if (!used) return static_cast<std::uint16_t>(s);
  }
  return kNoEscape;
}

void AddSymbol(std::size_t symbol, Codebook& book) {
  book.symbols.push_back(static_cast<std::uint16_t>(symbol));
  if (!book.runs.empty() && book.runs.back().first + book.runs.back().count == symbol) {
    ++book.runs.back().count;
  } else {
    book.runs.push_back({.first = static_cast<std::uint16_t>(symbol), .count = 1});
  }
}

void AddContext(std::span<const std::uint32_t> kept, std::size_t range, Codebook& book) {
  std::vector<std::uint32_t> dense;
  for (const std::uint16_t symbol : book.symbols) dense.push_back(kept[symbol]);
  const std::vector<std::uint8_t> lengths = CodeLengths(dense);
  const std::vector<std::uint16_t> codes = CanonicalCodes(lengths);
  const auto unused = std::ranges::count(dense, 0U);
  const std::size_t at = book.words.size();
  book.words.resize(at + range, 0);
  // A symbol that is alone takes no bits.
  const bool alone = static_cast<std::size_t>(unused) + 1 >= dense.size();
  for (std::size_t s = 0; s < dense.size() && !alone; ++s) {
    book.words[at + book.symbols[s]] = static_cast<std::uint32_t>(lengths[s]) << 16U | codes[s];
    book.bits += static_cast<double>(dense[s]) * lengths[s];
  }
  book.lengths.push_back(lengths);
}

// A code in which symbols rarer than `rare` of their group's values are escaped. nullopt when that
// cannot be, or more symbols remain than a code can have.
std::optional<Codebook> MakeCodebook(const Counts& counts, unsigned symbol_bits, double rare) {
  Codebook book;
  book.contexts = counts.contexts;
  book.escape = rare > 0 ? UnusedSymbol(counts) : kNoEscape;
  if (rare > 0 && book.escape == kNoEscape) return std::nullopt;
  std::vector<std::uint32_t> kept = counts.counts;
  std::vector<bool> occurs(counts.range, false);
  for (std::size_t c = 0; c < counts.contexts; ++c) {
    const std::span<std::uint32_t> own = std::span(kept).subspan(c * counts.range, counts.range);
    std::uint64_t total = 0;
    for (const std::uint32_t count : own) total += count;
    std::uint32_t escaped = 0;
    for (std::size_t s = 0; s < own.size(); ++s) {
      if (own[s] > 0 && own[s] < rare * static_cast<double>(total)) {
        escaped += std::exchange(own[s], 0);
      }
      if (own[s] > 0) occurs[s] = true;
    }
    if (escaped == 0) continue;
    own[book.escape] = escaped;
    occurs[book.escape] = true;
    book.bits += static_cast<double>(escaped) * symbol_bits;
  }
  for (std::size_t s = 0; s < occurs.size(); ++s) {
    if (occurs[s]) AddSymbol(s, book);
  }
  if (book.symbols.size() > kMaxSymbols) return std::nullopt;
  if (book.escape != kNoEscape && !occurs[book.escape]) book.escape = kNoEscape;
  for (std::size_t c = 0; c < counts.contexts; ++c) {
    AddContext(std::span(kept).subspan(c * counts.range, counts.range), counts.range, book);
  }
  for (std::size_t i = 0; i < kept.size() && book.escape != kNoEscape; ++i) {
    if (kept[i] > 0 || counts.counts[i] == 0) continue;
    book.words[i] = book.words[i / counts.range * counts.range + book.escape] | kEscaped;
  }
  return book;
}

// The best of one code for all dimensions and one for each group, and of what is rare.
std::optional<Codebook> BestCodebook(const Coded& coded, std::size_t dim) {
  // A code of 11 bits gives away much of its room to symbols that hardly occur; in a small block a
  // symbol's place in the tables costs more than its escapes.
  constexpr std::array<double, 6> kRare = {0, 0x1p-14, 0x1p-13, 0x1p-12, 0x1p-8, 0x1p-7};
  std::optional<Codebook> best;
  const auto total = [](const Codebook& book) {
    return book.bits / 8 + static_cast<double>(book.TableBytes());
  };
  const auto try_groups = [&](std::vector<std::uint8_t> groups) {
    const Counts counts = CountSymbols(coded, groups);
    for (const double rare : kRare) {
      // Where even a single value is not so rare the code is that of 0.
      if (rare > 0 && rare * static_cast<double>(coded.symbols.size()) <= 1) continue;
      auto book = MakeCodebook(counts, coded.layout.symbol_bits, rare);
      if (!book) continue;
      book->groups = groups;
      if (!best || total(*book) < total(*best)) best = std::move(book);
    }
  };
  try_groups(std::vector<std::uint8_t>(dim, 0));
  std::vector<std::uint8_t> groups = GroupDimensions(coded.symbols, dim, coded.layout.symbol_bits);
  if (*std::ranges::max_element(groups) > 0) try_groups(std::move(groups));
  return best;
}

// Puts bits behind one another, lowest first.
class BitWriter {
 public:
  explicit BitWriter(std::size_t size_bytes) : bytes_(size_bytes + sizeof(word_), '\0') {}

  // Requires: bits <= 32.
  void Put(std::uint32_t value, unsigned bits) {
    word_ |= std::uint64_t{value} << bits_;
    bits_ += bits;
    if (bits_ < 32) return;
    std::memcpy(bytes_.data() + at_, &word_, 4);
    at_ += 4;
    word_ >>= 32U;
    bits_ -= 32;
  }
  // Ends at a whole byte and returns how many bytes there are so far.
  std::size_t Finish() {
    std::memcpy(bytes_.data() + at_, &word_, 4);
    at_ += (bits_ + 7) / 8;
    word_ = 0;
    bits_ = 0;
    return at_;
  }
  std::string Take() {
    bytes_.resize(at_);
    return std::move(bytes_);
  }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
  std::uint64_t word_ = 0;
  unsigned bits_ = 0;
};

// The codes of all rows, each from a byte of its own on: chunk by chunk, and behind each the
// symbols that are escaped in it.
std::string WriteCodes(const Coded& coded, const Codebook& book, std::size_t dim,
                       std::vector<std::uint32_t>& row_bytes) {
  const unsigned symbol_bits = coded.layout.symbol_bits;
  BitWriter writer(static_cast<std::size_t>(book.bits / 8) + coded.symbols.size() / dim + 1);
  std::vector<const std::uint32_t*> words(dim);
  for (std::size_t i = 0; i < dim; ++i) {
    words[i] = book.words.data() + (std::size_t{book.groups[i]} << symbol_bits);
  }
  std::size_t row_start = 0;
  std::vector<std::uint16_t> escaped;
  for (std::size_t row = 0; row < coded.symbols.size(); row += dim) {
    for (std::size_t begin = 0; begin < dim; begin += kChunkValues) {
      const std::size_t end = std::min(dim, begin + kChunkValues);
      for (std::size_t i = begin; i < end; ++i) {
        const std::uint16_t symbol = coded.symbols[row + i];
        const std::uint32_t code = words[i][symbol];
        writer.Put(code & 0xffffU, code >> 16U & 0xffU);
        if ((code & kEscaped) != 0) escaped.push_back(symbol);
      }
      for (const std::uint16_t symbol : escaped) writer.Put(symbol, symbol_bits);
      escaped.clear();
    }
    const std::size_t row_end = writer.Finish();
    row_bytes.push_back(static_cast<std::uint32_t>(row_end - row_start));
    row_start = row_end;
  }
  return writer.Take();
}

void AppendPlanes(std::span<const float> rows, std::size_t dim, const ValueLayout& layout,
                  std::string& out) {
  const auto raw = [&](std::size_t i) {
    return std::bit_cast<std::uint32_t>(rows[i]) >> layout.zeros();
  };
  unsigned shift = 0;
  if (layout.has16()) {
    const std::size_t at = out.size();
    out.resize(at + 2 * rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto low = static_cast<std::uint16_t>(raw(i));
      std::memcpy(out.data() + at + 2 * i, &low, sizeof(low));
    }
    shift += 16;
  }
  if (layout.has8()) {
    const std::size_t at = out.size();
    out.resize(at + rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
      out[at + i] = static_cast<char>(raw(i) >> shift & 0xffU);
    }
    shift += 8;
  }
  if (!layout.has4()) return;
  const std::size_t half = (dim + 1) / 2;
  for (std::size_t row = 0; row < rows.size(); row += dim) {
    for (std::size_t i = 0; i < half; ++i) {
      const std::uint32_t low = raw(row + i) >> shift & 15U;
      const std::uint32_t high = half + i < dim ? raw(row + half + i) >> shift & 15U : 0;
      out.push_back(static_cast<char>(high << 4U | low));
    }
  }
}

void AppendTables(const Codebook& book, std::string& out) {
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
  std::string groups((book.groups.size() + 3) / 4, '\0');
  for (std::size_t d = 0; d < book.groups.size(); ++d) {
    groups[d / 4] = static_cast<char>(static_cast<unsigned char>(groups[d / 4]) |
                                      static_cast<unsigned>(book.groups[d]) << (d % 4 * 2));
  }
  out += groups;
}

std::string WriteBlock(std::span<const float> rows, std::size_t dim, const Coded& coded,
                       const Codebook& book) {
  std::vector<std::uint32_t> row_bytes;
  const std::string codes = WriteCodes(coded, book, dim, row_bytes);
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
  AppendBytes(out, &header, sizeof(header));
  AppendTables(book, out);
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

// Symbols of 9 to 12 bits, and of 4 bits less: the wider ones also follow the slope of the density
// between two powers of two, the narrower ones need small tables. Raw bits are whole nibbles.
std::string EncodeByBits(std::span<const float> rows, std::size_t dim) {
  const std::uint32_t bits = OrOfBits(rows.data(), rows.size());
  const unsigned zeros = bits == 0 ? 32 : static_cast<unsigned>(std::countr_zero(bits));
  const Precision precision = zeros >= kBfloat16Zeros  ? Precision::kBfloat16
                              : zeros >= kFloat16Zeros ? Precision::kFloat16
                                                       : Precision::kFloat32;
  const unsigned kept = 32 - std::min(zeros, 32 - kMaxSymbolBits);
  const unsigned nibbles = (kept - kMaxSymbolBits + 3) / 4;
  std::string best = WriteStored(rows, dim, precision);
  std::optional<Codebook> best_book;
  Coded best_coded;
  double best_bytes = static_cast<double>(best.size());
  for (const unsigned raw : {nibbles, nibbles + 1}) {
    Coded coded{.precision = precision,
                .layout = {.symbol_bits = kept - 4 * raw, .raw_nibbles = raw},
                .symbols = SymbolsOf(rows, kept - 4 * raw),
                .scales = {}};
    auto book = BestCodebook(coded, dim);
    if (!book) continue;
    const auto planes = static_cast<double>(coded.layout.PlaneBytes(rows.size() / dim, dim));
    const double bytes =
        sizeof(BlockHeader) + static_cast<double>(book->TableBytes()) + book->bits / 8 + planes;
    if (bytes >= best_bytes) continue;
    best_bytes = bytes;
    best_book = std::move(book);
    best_coded = std::move(coded);
  }
  if (!best_book) return best;
  std::string block = WriteBlock(rows, dim, best_coded, *best_book);
  return block.size() < best.size() ? block : best;
}

std::optional<std::string> EncodeScaled(std::span<const float> rows, std::size_t dim) {
  std::optional<ScaledRows> found = FindScales(rows, dim);
  if (!found) return std::nullopt;
  const Coded coded{.kind = found->divided ? BlockKind::kDivided : BlockKind::kScaled,
                    .precision = Precision::kInt8,
                    .layout = {.symbol_bits = 9, .raw_nibbles = 0},
                    .symbols = std::move(found->symbols),
                    .scales = std::move(found->scales)};
  const std::optional<Codebook> book = BestCodebook(coded, dim);
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
