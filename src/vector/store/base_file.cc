#include "store/base_file.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace assay::vector::internal {
namespace {

struct BaseHeader {
  std::uint64_t version;
  std::uint64_t rows;
  std::uint32_t dim;
  std::uint32_t chunk_rows;  // of every chunk but the last
};
static_assert(sizeof(BaseHeader) == 24);

struct ChunkHeader {
  std::uint32_t rows;
  std::uint32_t reserved;  // 0
};
static_assert(sizeof(ChunkHeader) == 8);

// Large enough that the tables of a block do not count, small enough to be decoded in cache.
constexpr std::size_t kChunkBytes = std::size_t{2} << 20;

std::unexpected<Error> Damaged(const std::string& path, std::uint64_t offset,
                               std::string_view what) {
  return Fail(Code::kDataLoss, fmt::format("'{}' is damaged at offset {}: {}; restore it from a "
                                           "copy",
                                           path, offset, what));
}

}  // namespace

Result<void> Base::AddChunk(const core::Record& record, std::size_t dim) {
  ChunkHeader header{};
  if (record.payload.size() < sizeof(header)) {
    return Damaged(path_, record.offset, "a chunk is too short");
  }
  std::memcpy(&header, record.payload.data(), sizeof(header));
  const std::size_t ids_bytes = header.rows * sizeof(std::uint64_t);
  const std::string_view rest = record.payload.substr(sizeof(header));
  const std::size_t before = chunks_.size() * chunk_rows_;
  if (header.rows == 0 || rest.size() < ids_bytes ||
      header.rows != std::min(chunk_rows_, rows_ - std::min(rows_, before))) {
    return Damaged(path_, record.offset, "a chunk has a wrong number of rows");
  }
  // Payloads begin at multiples of 8 bytes in the file, and mappings at those of a page.
  const std::span ids(reinterpret_cast<const std::uint64_t*>(rest.data()), header.rows);
  if (!std::ranges::is_sorted(ids, std::less_equal<>()) ||
      (!chunks_.empty() && chunks_.back().ids.back() >= ids.front())) {
    return Damaged(path_, record.offset, "ids do not rise");
  }
  Result<FloatBlock> block = FloatBlock::Open(rest.substr(ids_bytes));
  if (!block) return Damaged(path_, record.offset, block.error().message);
  if (block->dim() != dim || block->rows() != header.rows) {
    return Damaged(path_, record.offset, "a block has another shape");
  }
  chunks_.push_back({.offset = record.offset, .ids = ids, .block = std::move(*block)});
  return {};
}

Result<std::shared_ptr<const Base>> Base::Open(core::FileSystem& files, const std::string& path,
                                               std::size_t dim) {
  ASSAY_ASSIGN(core::RecordReader reader, core::RecordReader::Open(files, path, kBaseKind));
  const std::shared_ptr<Base> base(new Base(std::move(reader)));
  base->path_ = path;
  base->dim_ = dim;
  ASSAY_ASSIGN(const std::optional<core::Record> first, base->reader_.Next());
  BaseHeader header{};
  if (!first || first->payload.size() != sizeof(header)) {
    return Damaged(path, core::kRecordFileHeaderBytes, "it has no header");
  }
  std::memcpy(&header, first->payload.data(), sizeof(header));
  if (header.dim != dim || (header.rows > 0 && header.chunk_rows == 0)) {
    return Damaged(path, first->offset, "its header does not fit the manifest");
  }
  base->version_ = header.version;
  base->rows_ = static_cast<std::size_t>(header.rows);
  base->chunk_rows_ = header.chunk_rows;
  std::size_t rows = 0;
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> record, base->reader_.Next());
    if (!record) break;
    ASSAY_TRY(base->AddChunk(*record, dim));
    rows += base->chunks_.back().ids.size();
  }
  base->size_bytes_ = base->reader_.offset();
  if (rows != base->rows_ || base->reader_.torn_tail()) {
    return Damaged(path, base->reader_.offset(), "its end is missing");
  }
  return base;
}

Result<void> Base::Write(core::FileSystem& files, const std::string& path, const VectorView& view) {
  ASSAY_ASSIGN(core::RecordWriter writer, core::RecordWriter::Open(files, path, kBaseKind));
  const std::size_t dim = view.dim();
  const std::size_t chunk_rows = std::max<std::size_t>(1, kChunkBytes / sizeof(float) / dim);
  const BaseHeader header{.version = view.version(),
                          .rows = view.rows(),
                          .dim = static_cast<std::uint32_t>(dim),
                          .chunk_rows = static_cast<std::uint32_t>(chunk_rows)};
  ASSAY_TRY(writer.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  std::vector<float> values;
  for (std::size_t first = 0; first < view.rows(); first += chunk_rows) {
    const std::size_t rows = std::min(chunk_rows, view.rows() - first);
    values.resize(rows * dim);
    ASSAY_TRY(view.Read(first, values));
    ASSAY_ASSIGN(const std::string block, EncodeFloatBlock(values, dim));
    const ChunkHeader chunk{.rows = static_cast<std::uint32_t>(rows), .reserved = 0};
    std::string payload(reinterpret_cast<const char*>(&chunk), sizeof(chunk));
    for (std::size_t r = 0; r < rows; ++r) {
      const std::uint64_t id = view.IdOf(first + r);
      payload.append(reinterpret_cast<const char*>(&id), sizeof(id));
    }
    payload += block;
    ASSAY_TRY(writer.Append(payload));
  }
  return writer.Sync();
}

std::uint64_t Base::IdOf(std::size_t row) const {
  return chunks_[row / chunk_rows_].ids[row % chunk_rows_];
}

std::optional<std::size_t> Base::RowOf(std::uint64_t id) const {
  const auto chunk =
      std::ranges::lower_bound(chunks_, id, {}, [](const Chunk& one) { return one.ids.back(); });
  if (chunk == chunks_.end()) return std::nullopt;
  const auto found = std::ranges::lower_bound(chunk->ids, id);
  if (*found != id) return std::nullopt;
  return static_cast<std::size_t>(chunk - chunks_.begin()) * chunk_rows_ +
         static_cast<std::size_t>(found - chunk->ids.begin());
}

Result<void> Base::Read(std::size_t first, std::span<float> out) const {
  while (!out.empty()) {
    const Chunk& chunk = chunks_[first / chunk_rows_];
    const std::size_t at = first % chunk_rows_;
    const std::size_t rows = std::min(out.size() / dim_, chunk.ids.size() - at);
    if (Result<void> read = chunk.block.Decode(at, out.first(rows * dim_)); !read) {
      return Damaged(path_, chunk.offset, read.error().message);
    }
    out = out.subspan(rows * dim_);
    first += rows;
  }
  return {};
}

}  // namespace assay::vector::internal
