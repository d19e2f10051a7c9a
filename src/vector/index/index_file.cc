// Save and Open: docs/formats/vector-index.md.
#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/vector/matrix_file.h"

#include "live_index_internal.h"

namespace assay::vector {
namespace internal {
namespace {

constexpr std::string_view kMagic = "ASYVINDX";
constexpr std::uint32_t kByteOrder = 0x01020304;
constexpr std::size_t kPieceBytes = 1 << 20;  // written at once

struct Header {
  char magic[8];
  std::uint32_t version;
  std::uint32_t byte_order;
  std::uint32_t dim;
  std::uint32_t rows;
  std::uint32_t own_ids;  // 1: the ids stand in the file; 0: each row's id is its number
  std::uint32_t lists;    // 0: every row is compared
  std::uint32_t front;
  std::uint32_t back;
  std::uint32_t probes;
  std::uint32_t candidates;
  std::uint32_t rerank;
  float doubt;
  double wanted_recall;
  double calibrated_recall;
  std::uint64_t row_hash;   // XXH3-64 of the rows
  std::uint64_t code_hash;  // XXH3-64 of all behind the rows
  std::uint64_t code_bytes;
  std::uint32_t label_bytes;
  char reserved[12];
  char label[kMaxLabelBytes];
  std::uint64_t header_hash;  // XXH3-64 of all before it
};
static_assert(sizeof(Header) == 184 && offsetof(Header, header_hash) == 176);
constexpr std::size_t kRowsBegin = 192;  // the header and zeros up to a multiple of 64

std::uint64_t HashOf(const Header& header) {
  return core::HashBytes64({reinterpret_cast<const char*>(&header), offsetof(Header, header_hash)});
}

template <typename T>
std::string_view BytesOfAll(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Ids, directions, centroids and lists, one behind the other. `row_of` gives a slot its row.
std::string EncodeCodes(const std::vector<std::uint64_t>& ids, const Lists* lists,
                        const std::vector<std::uint32_t>& row_of) {
  std::string bytes(BytesOfAll(ids));
  if (lists == nullptr) return bytes;
  bytes += BytesOfAll(lists->coder().projection().directions);
  bytes += BytesOfAll(lists->coder().centroids());
  for (const Lists::List& list : lists->lists()) {
    const auto count = static_cast<std::uint32_t>(list.slots.size());
    bytes.append(reinterpret_cast<const char*>(&count), sizeof(count));
  }
  for (const Lists::List& list : lists->lists()) {
    for (const std::uint32_t slot : list.slots) {
      bytes.append(reinterpret_cast<const char*>(&row_of[slot]), sizeof(std::uint32_t));
    }
  }
  for (const Lists::List& list : lists->lists()) {
    bytes += BytesOfAll(list.blocks);
    bytes += BytesOfAll(list.back);
  }
  return bytes;
}

// All but what depends on the rows.
Header MakeHeader(const IndexOptions& options, const Lists* lists, const Effort& effort) {
  Header header = {};
  std::ranges::copy(kMagic, header.magic);
  header.version = kIndexFormatVersion;
  header.byte_order = kByteOrder;
  header.dim = static_cast<std::uint32_t>(options.dim);
  if (lists != nullptr) {
    header.lists = static_cast<std::uint32_t>(lists->coder().lists());
    header.front = static_cast<std::uint32_t>(lists->coder().projection().front);
    header.back = static_cast<std::uint32_t>(lists->coder().projection().back);
  }
  header.probes = static_cast<std::uint32_t>(effort.probes);
  header.candidates = static_cast<std::uint32_t>(effort.candidates);
  header.rerank = static_cast<std::uint32_t>(effort.rerank);
  header.doubt = effort.doubt;
  header.wanted_recall = options.wanted_recall;
  header.label_bytes = static_cast<std::uint32_t>(options.label.size());
  std::ranges::copy(options.label, header.label);
  return header;
}

// A file that takes the place of `path` only when all of it is on the disk.
template <typename Fill>
Result<void> WriteWhole(core::FileSystem& files, const std::string& path, const Fill& fill) {
  const std::string temporary = path + ".tmp";
  const auto write = [&]() -> Result<void> {
    ASSAY_ASSIGN(const auto file, files.Create(temporary));
    ASSAY_TRY(fill(*file));
    ASSAY_TRY(file->Sync());
    return files.Rename(temporary, path);
  };
  if (Result<void> written = write(); !written) {
    (void)files.Remove(temporary);  // the first error is the one to tell
    return written;
  }
  const std::size_t slash = path.rfind('/');
  return files.SyncDirectory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

// Takes values off the front of bytes; once they are too few, all is empty and `ok` false.
class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  std::vector<T> Take(std::uint64_t count) {
    if (count > rest_.size() / sizeof(T)) {
      ok_ = false;
      return {};
    }
    std::vector<T> values(count);
    if (count > 0) std::memcpy(static_cast<void*>(values.data()), rest_.data(), count * sizeof(T));
    rest_.remove_prefix(count * sizeof(T));
    return values;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::unexpected<Error> Damaged(std::string_view part) {
  return Fail(Code::kDataLoss, fmt::format("the vector index's {} damaged or cut", part));
}

Result<Header> ReadHeader(std::string_view bytes) {
  Header header;
  if (bytes.size() < kRowsBegin || !bytes.starts_with(kMagic)) {
    return Fail(Code::kDataLoss, "not a vector index");
  }
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (header.byte_order != kByteOrder) {
    return Fail(Code::kFailedPrecondition, "a vector index of a machine with another byte order");
  }
  if (header.version != kIndexFormatVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("a vector index of format {}, this program reads format {}: build it "
                            "anew",
                            header.version, kIndexFormatVersion));
  }
  if (HashOf(header) != header.header_hash) return Damaged("header is");
  const std::uint64_t dims = std::uint64_t{header.front} + header.back;
  const bool shapes = header.dim >= 1 && header.dim <= kMaxDim && header.rows <= kMaxIndexRows &&
                      header.own_ids <= 1 && header.label_bytes <= kMaxLabelBytes &&
                      header.front % kGroupDims == 0 && header.back % kGroupDims == 0 &&
                      dims <= header.dim && header.lists <= header.rows &&
                      (header.lists == 0 || (header.front > 0 && header.probes > 0 &&
                                             header.candidates > 0 && header.rerank > 0)) &&
                      header.wanted_recall > 0 && header.wanted_recall <= 1;
  if (!shapes) return Fail(Code::kDataLoss, "the vector index's header makes no sense");
  return header;
}

// The parts behind the rows. Their checksum is right, but their author need not be.
Result<LiveIndex::Loaded> DecodeCodes(const Header& header, std::string_view bytes) {
  Cursor cursor(bytes);
  LiveIndex::Loaded loaded;
  if (header.own_ids == 1) loaded.ids = cursor.Take<std::uint64_t>(header.rows);
  std::vector<std::uint64_t> sorted = loaded.ids;
  std::ranges::sort(sorted);
  if (std::ranges::adjacent_find(sorted) != sorted.end()) return Damaged("ids are");
  if (header.lists > 0) {
    Projection projection;
    projection.dim = header.dim;
    projection.front = header.front;
    projection.back = header.back;
    const std::size_t dims = projection.dims();
    projection.directions = cursor.Take<float>(dims * header.dim);
    std::vector<float> centroids = cursor.Take<float>(dims * header.lists);
    const auto counts = cursor.Take<std::uint32_t>(header.lists);
    if (!cursor.ok()) return Damaged("lists are");
    std::vector<Lists::List> lists(header.lists);
    std::vector<bool> seen(header.rows);
    for (std::size_t l = 0; l < lists.size(); ++l) {
      lists[l].slots = cursor.Take<std::uint32_t>(counts[l]);
      for (const std::uint32_t row : lists[l].slots) {
        if (row >= header.rows || seen[row]) return Damaged("lists are");
        seen[row] = true;
      }
    }
    const std::size_t back_bytes = header.back == 0 ? 0 : sizeof(float) + header.back / 2;
    for (std::size_t l = 0; l < lists.size() && cursor.ok(); ++l) {
      const std::size_t blocks = (std::size_t{counts[l]} + kBlockRows - 1) / kBlockRows;
      lists[l].blocks = cursor.Take<Line>(blocks * BlockBytes(header.front) / sizeof(Line));
      lists[l].back = cursor.Take<std::uint8_t>(counts[l] * back_bytes);
    }
    if (!cursor.ok()) return Damaged("codes are");
    loaded.lists = std::make_unique<Lists>(
        std::make_shared<const Coder>(std::move(projection), std::move(centroids)));
    loaded.lists->Restore(std::move(lists), header.rows);
    loaded.effort = {header.probes, header.candidates, header.rerank, header.doubt};
    loaded.calibrated_recall = header.calibrated_recall;
  }
  if (!cursor.at_end()) return Damaged("codes are");
  return loaded;
}

}  // namespace

void LiveIndex::Restore(Loaded loaded, std::span<const float> rows,
                        std::shared_ptr<const void> keep) {
  const GatedLock::Write hold(lock_);
  rows_.SetBase(rows, std::move(loaded.ids), std::move(keep));
  lists_ = std::move(loaded.lists);
  effort_ = loaded.effort;
  calibrated_recall_ = loaded.calibrated_recall;
  optimized_rows_ = lists_ ? rows_.size() : 0;
}

Result<void> LiveIndex::Save(core::FileSystem& files, const std::string& path) const {
  const GatedLock::Read hold(lock_);
  std::vector<std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < rows_.slots(); ++slot) {
    if (rows_.IsLive(slot)) slots.push_back(slot);
  }
  const auto bytes_of = [&](std::uint32_t slot) {
    return std::string_view(reinterpret_cast<const char*>(rows_.Row(slot)),
                            options_.dim * sizeof(float));
  };
  std::vector<std::uint32_t> row_of(rows_.slots(), kNoSlot);
  std::vector<std::uint64_t> ids;
  bool own_ids = false;
  core::Hasher row_hash;
  for (const std::uint32_t slot : slots) {
    row_of[slot] = static_cast<std::uint32_t>(ids.size());
    own_ids = own_ids || rows_.IdOf(slot) != ids.size();
    ids.push_back(rows_.IdOf(slot));
    row_hash.Add(bytes_of(slot));
  }
  if (!own_ids) ids.clear();
  const std::string codes = EncodeCodes(ids, lists_.get(), row_of);
  Header header = MakeHeader(options_, lists_.get(), effort_);
  header.rows = static_cast<std::uint32_t>(slots.size());
  header.own_ids = own_ids ? 1 : 0;
  header.calibrated_recall = calibrated_recall_;
  header.row_hash = row_hash.Digest64();
  header.code_hash = core::HashBytes64(codes);
  header.code_bytes = codes.size();
  header.header_hash = HashOf(header);
  return WriteWhole(files, path, [&](core::WritableFile& file) -> Result<void> {
    std::string piece(reinterpret_cast<const char*>(&header), sizeof(header));
    piece.resize(kRowsBegin);
    for (const std::uint32_t slot : slots) {
      piece += bytes_of(slot);
      if (piece.size() < kPieceBytes) continue;
      ASSAY_TRY(file.Append(piece));
      piece.clear();
    }
    ASSAY_TRY(file.Append(piece));
    return file.Append(codes);
  });
}

Result<std::unique_ptr<Index>> OpenIndexBytes(std::string_view bytes, std::string_view label,
                                              Verify verify, std::shared_ptr<const void> keep) {
  ASSAY_ASSIGN(const Header header, ReadHeader(bytes));
  const std::string own_label(header.label, header.label_bytes);
  if (!label.empty() && label != own_label) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("a vector index of '{}', not of '{}': build it anew from those vectors",
                            own_label, label));
  }
  const std::uint64_t row_bytes = std::uint64_t{header.rows} * header.dim * sizeof(float);
  if (bytes.size() - kRowsBegin < row_bytes) return Damaged("rows are");
  if (bytes.size() - kRowsBegin - row_bytes != header.code_bytes) return Damaged("codes are");
  const std::string_view rows = bytes.substr(kRowsBegin, row_bytes);
  const std::string_view codes = bytes.substr(kRowsBegin + row_bytes);
  if (core::HashBytes64(codes) != header.code_hash) return Damaged("codes are");
  if (verify == Verify::kContent && core::HashBytes64(rows) != header.row_hash) {
    return Damaged("rows are");
  }
  ASSAY_ASSIGN(LiveIndex::Loaded loaded, DecodeCodes(header, codes));
  auto index = std::make_unique<LiveIndex>(
      IndexOptions{.dim = header.dim, .label = own_label, .wanted_recall = header.wanted_recall});
  index->Restore(std::move(loaded),
                 {reinterpret_cast<const float*>(rows.data()), rows.size() / sizeof(float)},
                 std::move(keep));
  return index;
}

}  // namespace internal

Result<std::unique_ptr<Index>> Index::FromBytes(std::string_view bytes, std::string_view label,
                                                Verify verify) {
  return internal::OpenIndexBytes(bytes, label, verify, nullptr);
}

Result<std::unique_ptr<Index>> Index::Open(core::FileSystem& files, const std::string& path,
                                           std::string_view label, Verify verify) {
  ASSAY_ASSIGN(std::shared_ptr<core::MappedFile> mapped, files.Map(path));
  const std::string_view bytes = mapped->bytes();
  Result<std::unique_ptr<Index>> index =
      internal::OpenIndexBytes(bytes, label, verify, std::move(mapped));
  if (!index) return Fail(index.error().code, fmt::format("{}: {}", path, index.error().message));
  return index;
}

}  // namespace assay::vector
