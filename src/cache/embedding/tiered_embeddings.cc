#include "assay/cache/embedding/tiered_embeddings.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/core/record_file.h"
#include "assay/vector/float_codec.h"

#include "embedding/memory_tiers_internal.h"

namespace assay::cache {
namespace {

using embedding::Index;
using embedding::kNone;
using embedding::MemoryTiers;
using embedding::Node;
using embedding::Place;

constexpr core::RecordFileKind kKind = {.tag = "embtiers", .version = kEmbeddingTiersVersion};
constexpr std::size_t kDimBytes = 4;
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kCheckBytes = 4;
constexpr std::size_t kMaxDim = 65'536;
// Counts are halved after so many look-ups a row in memory: seldom enough that the counts of a
// steady stream are exact where it matters, often enough that yesterday's favourites leave.
constexpr std::uint64_t kLookupsPerRow = 64;

std::string OwnerRecord(std::string_view provider_name, std::size_t dim) {
  std::string record(kDimBytes, '\0');
  const auto dim32 = static_cast<std::uint32_t>(dim);
  std::memcpy(record.data(), &dim32, kDimBytes);
  return record.append(provider_name);
}

std::uint32_t CheckOf(std::string_view key_bytes, std::string_view encoded) {
  return core::Crc32c(encoded, core::Crc32c(key_bytes));
}

std::array<char, kKeyBytes> BytesOf(const core::Hash128& key) {
  std::array<char, kKeyBytes> bytes{};
  std::memcpy(bytes.data(), &key.high, 8);
  std::memcpy(bytes.data() + 8, &key.low, 8);
  return bytes;
}

bool Decode(std::string_view encoded, std::span<float> out) {
  const auto block = vector::FloatBlock::Open(encoded);
  return block && block->dim() == out.size() && block->rows() == 1 && block->Decode(0, out);
}

}  // namespace

class TieredEmbeddings::Impl {
 public:
  static Result<std::unique_ptr<Impl>> Open(core::FileSystem& files, const std::string& folder,
                                            std::string_view provider_name, std::size_t dim,
                                            const EmbeddingTierOptions& options) {
    if (dim == 0 || dim > kMaxDim) {
      return Fail(Code::kOutOfRange, fmt::format("embeddings of {} dimensions", dim));
    }
    ASSAY_TRY(files.MakeDirectories(folder));
    ASSAY_ASSIGN(core::FolderLock lock,
                 core::FolderLock::Take(files, folder, "the embedding cache",
                                        "wait for it, or name another folder"));
    const std::string path = folder + "/embeddings.log";
    ASSAY_ASSIGN(core::RecordWriter writer, core::RecordWriter::Open(files, path, kKind));
    const std::string owner = OwnerRecord(provider_name, dim);
    if (writer.next_sequence() == 1) {
      ASSAY_TRY(writer.Append(owner));
      ASSAY_TRY(writer.Sync());
    }
    auto impl = std::unique_ptr<Impl>(new Impl(std::move(lock), std::move(writer), dim, options));
    ASSAY_TRY(impl->ReadLog(files, path, owner));
    ASSAY_ASSIGN(impl->reader_, files.OpenRead(path));
    return impl;
  }

  [[nodiscard]] std::size_t dim() const { return dim_; }

  bool Get(const core::Hash128& key, std::span<float> out) {
    if (out.size() != dim_) return false;
    thread_local std::string encoded;
    std::uint32_t number = kNone;
    Place place = Place::kDisk;
    bool deserves = false;
    Node node;
    {
      const std::scoped_lock lock(mutex_);
      ++stats_.lookups;
      number = index_.Find(key);
      if (number == kNone) return false;
      CountAsk(number);
      node = index_[number];
      place = node.place;
      if (place == Place::kHot) {
        ++stats_.hot_hits;
        std::ranges::copy(tiers_.HotRow(number), out.begin());
        return true;
      }
      if (place != Place::kDisk) {
        encoded.assign(tiers_.CompressedRow(number));
        deserves = tiers_.Deserves(number);
      }
    }
    if (place == Place::kDisk) return GetFromDisk(number, node, encoded, out);
    if (!Decode(encoded, out)) return false;  // cannot be: it was checked when it came from disk
    std::optional<std::uint32_t> left;
    Node left_node;
    {
      const std::scoped_lock lock(mutex_);
      ++stats_.compressed_hits;
      // Another thread may have moved the row meanwhile.
      const Place now = index_[number].place;
      if (deserves && (now == Place::kSmall || now == Place::kMain)) {
        left = tiers_.MakeHot(number, out);
        ++stats_.promotions;
        if (left) left_node = index_[*left];
      }
    }
    if (left) Demote(*left, left_node, encoded);
    return true;
  }

  Result<void> Put(const core::Hash128& key, std::span<const float> row) {
    if (row.size() != dim_) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("an embedding of {} dimensions for a cache of {}", row.size(), dim_));
    }
    {
      const std::scoped_lock lock(mutex_);
      if (index_.Find(key) != kNone) return {};
    }
    ASSAY_ASSIGN(const std::string encoded, vector::EncodeFloatBlock(row, dim_));
    const std::array<char, kKeyBytes> key_bytes = BytesOf(key);
    const std::scoped_lock write_lock(write_mutex_);
    {
      const std::scoped_lock lock(mutex_);  // a second writer of the same key came first
      if (index_.Find(key) != kNone) return {};
    }
    const std::uint32_t check = CheckOf({key_bytes.data(), kKeyBytes}, encoded);
    payload_.assign(key_bytes.data(), kKeyBytes);
    payload_.append(reinterpret_cast<const char*>(&check), kCheckBytes);
    payload_.append(encoded);
    const std::uint64_t offset = writer_.size_bytes();
    ASSAY_TRY(writer_.Append(payload_));
    const std::scoped_lock lock(mutex_);
    stats_.disk_bytes = writer_.size_bytes();
    const std::uint32_t number = index_.Add({.key = key,
                                             .offset = offset + core::kRecordHeaderBytes,
                                             .size = static_cast<std::uint32_t>(encoded.size())});
    tiers_.Insert(number, encoded, Place::kSmall);
    return {};
  }

  Result<void> Sync() {
    const std::scoped_lock write_lock(write_mutex_);
    return writer_.Sync();
  }

  [[nodiscard]] EmbeddingTierStats stats() const {
    const std::scoped_lock lock(mutex_);
    EmbeddingTierStats stats = stats_;
    stats.rows = index_.size();
    stats.hot_rows = tiers_.hot_rows();
    stats.hot_bytes = tiers_.hot_bytes();
    stats.compressed_rows = tiers_.compressed_rows();
    stats.compressed_bytes = tiers_.compressed_bytes();
    stats.index_bytes = index_.size_bytes();
    return stats;
  }

 private:
  Impl(core::FolderLock lock, core::RecordWriter writer, std::size_t dim,
       const EmbeddingTierOptions& options)
      : lock_(std::move(lock)),
        writer_(std::move(writer)),
        dim_(dim),
        tiers_(index_, dim, options.hot_bytes, options.compressed_bytes) {}

  Result<void> ReadLog(core::FileSystem& files, const std::string& path, std::string_view owner) {
    ASSAY_ASSIGN(core::RecordReader reader, core::RecordReader::Open(files, path, kKind));
    stats_.disk_bytes = writer_.size_bytes();
    while (true) {
      ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
      if (!record) return {};
      if (record->sequence == 1) {
        if (record->payload == owner) continue;
        return Fail(
            Code::kFailedPrecondition,
            fmt::format("'{}' holds the embeddings of '{}', or of another dimension; name "
                        "another folder for '{}'",
                        path, record->payload.substr(std::min(kDimBytes, record->payload.size())),
                        owner.substr(kDimBytes)));
      }
      if (record->payload.size() <= kKeyBytes + kCheckBytes) {
        return Fail(Code::kDataLoss,
                    fmt::format("'{}': record {} is too short", path, record->sequence));
      }
      Node node;
      std::memcpy(&node.key.high, record->payload.data(), 8);
      std::memcpy(&node.key.low, record->payload.data() + 8, 8);
      node.offset = record->offset + core::kRecordHeaderBytes;
      node.size = static_cast<std::uint32_t>(record->payload.size() - kKeyBytes - kCheckBytes);
      if (index_.Find(node.key) == kNone) index_.Add(node);
    }
  }

  // Requires: mutex_ is held.
  void CountAsk(std::uint32_t number) {
    std::uint16_t& asked = index_[number].asked;
    if (asked < std::numeric_limits<std::uint16_t>::max()) ++asked;
    const std::uint64_t resident = tiers_.hot_rows() + tiers_.compressed_rows() + 1;
    if (++asks_since_aging_ >= kLookupsPerRow * resident) {
      index_.Age();
      asks_since_aging_ = 0;
    }
  }

  // The encoded row, checked; empty when the disk does not have it any more.
  bool ReadEncoded(const Node& node, std::string& encoded) const {
    thread_local std::string payload;
    payload.resize(kKeyBytes + kCheckBytes + node.size);
    const auto got = reader_->ReadAt(node.offset, payload);
    if (!got || *got != payload.size()) return false;
    const std::string_view view(payload);
    std::uint32_t check = 0;
    std::memcpy(&check, payload.data() + kKeyBytes, kCheckBytes);
    const std::array<char, kKeyBytes> key_bytes = BytesOf(node.key);
    encoded.assign(view.substr(kKeyBytes + kCheckBytes));
    return view.starts_with(std::string_view(key_bytes.data(), kKeyBytes)) &&
           check == CheckOf(view.substr(0, kKeyBytes), encoded);
  }

  bool GetFromDisk(std::uint32_t number, const Node& node, std::string& encoded,
                   std::span<float> out) {
    const bool good = ReadEncoded(node, encoded) && Decode(encoded, out);
    const std::scoped_lock lock(mutex_);
    ++(good ? stats_.disk_hits : stats_.damaged);
    if (good && index_[number].place == Place::kDisk) {
      tiers_.Insert(number, encoded, Place::kSmall);
    }
    return good;
  }

  // A row that was hot goes to the compressed tier; it is on disk in that form already.
  void Demote(std::uint32_t number, const Node& node, std::string& encoded) {
    if (!ReadEncoded(node, encoded)) return;
    const std::scoped_lock lock(mutex_);
    if (index_[number].place == Place::kDisk) tiers_.Insert(number, encoded, Place::kMain);
  }

  core::FolderLock lock_;
  std::mutex write_mutex_;  // guards writer_ and payload_; taken before mutex_
  core::RecordWriter writer_;
  std::string payload_;
  std::unique_ptr<core::ReadableFile> reader_;
  std::size_t dim_;
  mutable std::mutex mutex_;  // guards all below
  Index index_;
  MemoryTiers tiers_;
  EmbeddingTierStats stats_;
  std::uint64_t asks_since_aging_ = 0;
};

TieredEmbeddings::TieredEmbeddings(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TieredEmbeddings::~TieredEmbeddings() = default;

Result<std::unique_ptr<TieredEmbeddings>> TieredEmbeddings::Open(
    core::FileSystem& files, const std::string& folder, std::string_view provider_name,
    std::size_t dim, const EmbeddingTierOptions& options) {
  ASSAY_ASSIGN(std::unique_ptr<Impl> impl, Impl::Open(files, folder, provider_name, dim, options));
  return std::unique_ptr<TieredEmbeddings>(new TieredEmbeddings(std::move(impl)));
}

std::size_t TieredEmbeddings::dim() const {
  return impl_->dim();
}
bool TieredEmbeddings::Get(const core::Hash128& key, std::span<float> out) {
  return impl_->Get(key, out);
}
Result<void> TieredEmbeddings::Put(const core::Hash128& key, std::span<const float> row) {
  return impl_->Put(key, row);
}
Result<void> TieredEmbeddings::Sync() {
  return impl_->Sync();
}
EmbeddingTierStats TieredEmbeddings::stats() const {
  return impl_->stats();
}

}  // namespace assay::cache
