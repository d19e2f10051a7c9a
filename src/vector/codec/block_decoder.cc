#include "codec/block_decoder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "assay/vector/top_k.h"

#include "codec/float_kernels.h"
#include "codec/huffman.h"

static_assert(std::endian::native == std::endian::little, "codes are read as little-endian words");

namespace assay::vector::internal {
namespace {

std::unexpected<Error> Damaged(std::string_view what) {
  return Fail(Code::kDataLoss, fmt::format("a block of vectors is damaged: {}", what));
}

}  // namespace

class BlockDecoder::Sections {
 public:
  explicit Sections(std::string_view bytes) : rest_(bytes) {}
  // False where there are fewer bytes.
  [[nodiscard]] bool Take(std::uint64_t size_bytes, const std::uint8_t*& begin) {
    if (size_bytes > rest_.size()) return false;
    begin = reinterpret_cast<const std::uint8_t*>(rest_.data());
    rest_.remove_prefix(static_cast<std::size_t>(size_bytes));
    return true;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

Result<void> BlockDecoder::CheckHeader(const BlockHeader& header, std::size_t size_bytes) {
  if (header.magic != kBlockMagic) return Damaged("it does not begin as one");
  if (header.version != kFloatBlockVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("a block of vectors has version {}, this program reads version {}",
                            header.version, kFloatBlockVersion));
  }
  if (header.kind > BlockKind::kDivided ||
      header.precision > static_cast<std::uint8_t>(Precision::kInt8)) {
    return Damaged("it is of no known kind");
  }
  dim_ = header.dim;
  rows_ = header.rows;
  kind_ = header.kind;
  precision_ = static_cast<Precision>(header.precision);
  layout_ = {.symbol_bits = header.symbol_bits, .raw_nibbles = header.raw_nibbles};
  if (dim_ == 0 || dim_ > kMaxDim || rows_ == 0 || rows_ > kMaxBlockValues / dim_) {
    return Damaged("it has an impossible shape");
  }
  if (kind_ == BlockKind::kStored) {
    const std::size_t wanted = sizeof(header) + rows_ * dim_ * sizeof(float);
    return size_bytes == wanted ? Result<void>() : Damaged("it has another size");
  }
  const bool scaled = kind_ != BlockKind::kCoded;
  escape_ = header.escape;
  if (layout_.symbol_bits == 0 || layout_.symbol_bits > kMaxSymbolBits || layout_.raw_nibbles > 7 ||
      layout_.symbol_bits + layout_.raw_bits() > 32 || header.contexts == 0 ||
      header.contexts > kMaxContexts || header.runs == 0 || header.runs > kMaxSymbols ||
      header.length_bytes == 3 || header.length_bytes > 4 ||
      (scaled && (layout_.symbol_bits != 9 || layout_.raw_nibbles != 0))) {
    return Damaged("its header has an impossible value");
  }
  return {};
}

Result<void> BlockDecoder::ReadTables(const BlockHeader& header, Sections& sections) {
  const std::uint8_t* at = nullptr;
  if (!sections.Take(header.runs * sizeof(SymbolRun), at)) return Damaged("its symbols are cut");
  std::vector<std::uint16_t> symbols;
  for (std::uint32_t r = 0; r < header.runs; ++r) {
    SymbolRun run{};
    std::memcpy(&run, at + r * sizeof(run), sizeof(run));
    const std::uint32_t end = std::uint32_t{run.first} + run.count;
    if (end > std::uint32_t{1} << layout_.symbol_bits || symbols.size() + run.count > kMaxSymbols) {
      return Damaged("it has impossible symbols");
    }
    for (std::uint32_t s = run.first; s < end; ++s) {
      symbols.push_back(static_cast<std::uint16_t>(s));
    }
  }
  const std::size_t lengths = symbols.size() * header.contexts;
  if (!sections.Take((lengths + 1) / 2, at)) return Damaged("its code lengths are cut");
  tables_.resize(header.contexts * kTableSlots);
  std::vector<std::uint8_t> code(symbols.size());
  for (std::size_t context = 0; context < header.contexts; ++context) {
    for (std::size_t s = 0; s < symbols.size(); ++s) {
      const std::size_t i = context * symbols.size() + s;
      code[s] = static_cast<std::uint8_t>(at[i / 2] >> (i % 2 * 4) & 15U);
    }
    const std::span<std::uint16_t> table =
        std::span(tables_).subspan(context * kTableSlots, kTableSlots);
    if (!FillTable(symbols, code, table)) return Damaged("its code lengths fit no code");
  }
  table_of_dim_.assign(dim_, tables_.data());
  if (header.contexts == 1) return {};
  if (!sections.Take((dim_ + 3) / 4, at)) return Damaged("its groups of dimensions are cut");
  for (std::size_t i = 0; i < dim_; ++i) {
    const std::uint32_t context = std::uint32_t{at[i / 4]} >> (i % 4 * 2) & 3U;
    if (context >= header.contexts) return Damaged("a dimension is of no group");
    table_of_dim_[i] = tables_.data() + context * kTableSlots;
  }
  return {};
}

Result<void> BlockDecoder::ReadRowStarts(const BlockHeader& header, Sections& sections) {
  const std::uint8_t* at = nullptr;
  if (!sections.Take(rows_ * header.length_bytes, at)) return Damaged("its row lengths are cut");
  row_starts_.resize(rows_ + 1);
  std::uint64_t start = 0;
  for (std::size_t r = 0; r < rows_; ++r) {
    row_starts_[r] = static_cast<std::uint32_t>(start);
    std::uint32_t more = 0;
    if (header.length_bytes > 0) {
      std::memcpy(&more, at + r * header.length_bytes, header.length_bytes);
    }
    start += std::uint64_t{header.least_code} + more;
    if (start > header.code_bytes) return Damaged("its row lengths do not add up");
  }
  row_starts_[rows_] = static_cast<std::uint32_t>(start);
  return start == header.code_bytes ? Result<void>() : Damaged("its row lengths do not add up");
}

Result<void> BlockDecoder::Open(std::string_view bytes) {
  BlockHeader header{};
  if (bytes.size() < sizeof(header)) return Damaged("it is shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof(header));
  ASSAY_TRY(CheckHeader(header, bytes.size()));
  Sections sections(bytes.substr(sizeof(header)));
  if (kind_ == BlockKind::kStored) {
    static_cast<void>(sections.Take(0, stored_));
    return {};
  }
  ASSAY_TRY(ReadTables(header, sections));
  ASSAY_TRY(ReadRowStarts(header, sections));
  if (kind_ != BlockKind::kCoded && !sections.Take(rows_ * sizeof(float), scales_)) {
    return Damaged("its scales are cut");
  }
  const std::uint64_t plane_bytes = layout_.PlaneBytes(rows_, dim_);
  const std::uint64_t left = header.code_bytes + SlackBytes(plane_bytes) + plane_bytes;
  if (sections.rest().size() != left) return Damaged("it has another size");
  codes_ = sections.rest();
  const std::uint8_t* skipped = nullptr;
  // The size was just compared: none of these can fail.
  bool whole = sections.Take(header.code_bytes, skipped);
  whole = whole && (!layout_.has16() || sections.Take(rows_ * dim_ * 2, plane16_));
  whole = whole && (!layout_.has8() || sections.Take(rows_ * dim_, plane8_));
  whole = whole && (!layout_.has4() || sections.Take(rows_ * ((dim_ + 1) / 2), plane4_));
  return whole ? Result<void>() : Damaged("its planes are cut");
}

void BlockDecoder::Assemble(std::size_t row, std::size_t begin, std::size_t count,
                            const std::uint16_t* slots, float* out) const {
  if (kind_ != BlockKind::kCoded) {
    float scale = 0;
    std::memcpy(&scale, scales_ + row * sizeof(scale), sizeof(scale));
    AssembleScaled(slots, count, scale, kind_ == BlockKind::kDivided, out);
    return;
  }
  const std::size_t half = (dim_ + 1) / 2;
  // The second half of a row has the high halves of the same bytes.
  if (layout_.has4() && begin < half && begin + count > half) {
    const std::size_t low = half - begin;
    Assemble(row, begin, low, slots, out);
    return Assemble(row, half, count - low, slots + low, out + low);
  }
  ValueParts parts{
      .slots = slots, .symbol_shift = layout_.symbol_shift(), .zeros = layout_.zeros()};
  const std::size_t value = row * dim_ + begin;
  if (layout_.has16()) parts.plane16 = plane16_ + 2 * value;
  if (layout_.has8()) parts.plane8 = plane8_ + value;
  if (layout_.has4()) {
    parts.plane4 = plane4_ + row * half + (begin < half ? begin : begin - half);
    parts.half_shift = begin < half ? 0 : 4;
  }
  AssembleFloats(parts, count, out);
}

void BlockDecoder::Unescape(std::size_t values, std::uint16_t* slots, std::uint64_t& bit) const {
  std::array<std::uint16_t, kChunkValues> places;
  const std::size_t escaped = FindSymbol(slots, values, escape_, places.data());
  const std::uint32_t mask = (1U << layout_.symbol_bits) - 1;
  for (std::size_t e = 0; e < escaped; ++e) {
    std::uint32_t word = 0;
    const std::uint64_t at = std::min<std::uint64_t>(bit >> 3U, codes_.size() - kReadSlack);
    std::memcpy(&word, codes_.data() + at, sizeof(word));
    slots[places[e]] = static_cast<std::uint16_t>((word >> (bit & 7U) & mask) << kLengthBits);
    bit += layout_.symbol_bits;
  }
}

// Each row has its own stream of codes; where the last one ends tells of damage.
bool BlockDecoder::DecodeGroup(std::size_t first, std::size_t count, float* out) const {
  std::array<std::uint64_t, kGroupRows> bit{};
  for (std::size_t j = 0; j < count; ++j) bit[j] = std::uint64_t{row_starts_[first + j]} * 8;
  alignas(64) std::array<SlotRow, kGroupRows> slots;
  CodeStreams streams{.codes = codes_.data(),
                      .last_word = codes_.size() - kReadSlack,
                      .table_of_dim = table_of_dim_.data()};
  for (std::size_t begin = 0; begin < dim_; begin += kChunkValues) {
    const std::size_t values = std::min(kChunkValues, dim_ - begin);
    DecodeSlots(streams, count, values, bit.data(), slots.data());
    streams.table_of_dim += values;
    for (std::size_t j = 0; j < count; ++j) {
      if (escape_ != kNoEscape) Unescape(values, slots[j].data(), bit[j]);
      Assemble(first + j, begin, values, slots[j].data(), out + j * dim_ + begin);
    }
  }
  bool whole = true;
  for (std::size_t j = 0; j < count; ++j) {
    whole = whole && (bit[j] + 7) / 8 == row_starts_[first + j + 1];
  }
  return whole;
}

Result<void> BlockDecoder::Decode(std::size_t first, std::span<float> out) const {
  if (out.size() % dim_ != 0) {
    return Fail(Code::kInvalidArgument,
                fmt::format("room for {} values is no number of rows of {}", out.size(), dim_));
  }
  const std::size_t count = out.size() / dim_;
  if (first > rows_ || count > rows_ - first) {
    return Fail(Code::kOutOfRange,
                fmt::format("rows {} to {} of a block that has {}", first, first + count, rows_));
  }
  if (kind_ == BlockKind::kStored) {
    if (count > 0)
      std::memcpy(out.data(), stored_ + first * dim_ * sizeof(float), out.size_bytes());
    return {};
  }
  std::size_t row = 0;
  bool whole = true;
  for (; row + kGroupRows <= count; row += kGroupRows) {
    whole = DecodeGroup(first + row, kGroupRows, out.data() + row * dim_) && whole;
  }
  for (; row < count; ++row) whole = DecodeGroup(first + row, 1, out.data() + row * dim_) && whole;
  return whole ? Result<void>() : Damaged("a row's code does not end where it must");
}

}  // namespace assay::vector::internal

namespace assay::vector {

std::string_view NameOf(Precision precision) {
  constexpr std::array<std::string_view, 4> kNames = {"float32", "float16", "bfloat16", "int8"};
  return kNames[static_cast<std::size_t>(precision)];
}

Result<FloatBlock> FloatBlock::Open(std::string_view bytes) {
  auto decoder = std::make_shared<internal::BlockDecoder>();
  ASSAY_TRY(decoder->Open(bytes));
  return FloatBlock(std::move(decoder));
}

std::size_t FloatBlock::dim() const {
  return decoder_->dim();
}
std::size_t FloatBlock::rows() const {
  return decoder_->rows();
}
Precision FloatBlock::precision() const {
  return decoder_->precision();
}
Result<void> FloatBlock::Decode(std::size_t first, std::span<float> out) const {
  return decoder_->Decode(first, out);
}

void XorFloats(std::span<const float> a, std::span<const float> b, std::span<float> out) {
  internal::XorBits(a.data(), b.data(), out.size(), out.data());
}

}  // namespace assay::vector
