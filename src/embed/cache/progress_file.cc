#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <fmt/format.h>

#include "assay/core/record_file.h"
#include "assay/embed/embedding_cache.h"

#include "cache/file_lock.h"

namespace assay::embed {
namespace {

constexpr core::RecordFileKind kKind = {.tag = "embedprg", .version = kProgressFileVersion};
constexpr std::size_t kKeyBytes = 16;
constexpr std::size_t kDimBytes = 4;

// docs/formats/embedding-progress.md: the first record says whose vectors these are.
std::string OwnerRecord(std::string_view provider_name, std::size_t dim) {
  std::string record(kDimBytes, '\0');
  const auto dim32 = static_cast<std::uint32_t>(dim);
  std::memcpy(record.data(), &dim32, kDimBytes);
  return record.append(provider_name);
}

std::string Describe(std::string_view owner) {
  std::uint32_t dim = 0;
  if (owner.size() < kDimBytes) return "nobody";
  std::memcpy(&dim, owner.data(), kDimBytes);
  return fmt::format("'{}' with {} dimensions", owner.substr(kDimBytes), dim);
}

}  // namespace

core::Hash128 EmbeddingKey(std::string_view provider_name, std::string_view text) {
  core::Hasher hasher;
  hasher.Add(provider_name);
  hasher.Add(std::string_view("\0", 1));
  hasher.Add(text);
  return hasher.Digest128();
}

class ProgressFile::Impl {
 public:
  static Result<std::unique_ptr<Impl>> Open(core::FileSystem& files, const std::string& path,
                                            std::string_view provider_name, std::size_t dim) {
    ASSAY_ASSIGN(internal::FileLock lock, internal::FileLock::Take(files, path));
    ASSAY_ASSIGN(core::RecordWriter writer, core::RecordWriter::Open(files, path, kKind));
    const std::string owner = OwnerRecord(provider_name, dim);
    if (writer.next_sequence() == 1) {
      ASSAY_TRY(writer.Append(owner));
      ASSAY_TRY(writer.Sync());
    }
    auto impl = std::unique_ptr<Impl>(new Impl(std::move(lock), std::move(writer), dim));
    ASSAY_TRY(impl->ReadRecords(files, path, owner));
    ASSAY_ASSIGN(impl->reader_, files.OpenRead(path));
    return impl;
  }

  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t rows() const {
    const std::scoped_lock lock(mutex_);
    return places_.size();
  }

  bool Get(const core::Hash128& key, std::span<float> out) {
    if (out.size() != dim_) return false;
    std::uint64_t place = 0;
    {
      const std::scoped_lock lock(mutex_);
      const auto found = places_.find(key);
      if (found == places_.end()) return false;
      place = found->second;
    }
    const std::span<char> bytes(reinterpret_cast<char*>(out.data()), out.size_bytes());
    const auto got = reader_->ReadAt(place, bytes);
    return got && *got == bytes.size();
  }

  Result<void> Put(const core::Hash128& key, std::span<const float> row) {
    if (row.size() != dim_) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("a vector of {} dimensions for a file of {}", row.size(), dim_));
    }
    const std::scoped_lock lock(mutex_);
    if (places_.contains(key)) return {};
    payload_.resize(kKeyBytes + row.size_bytes());
    std::memcpy(payload_.data(), &key.high, 8);
    std::memcpy(payload_.data() + 8, &key.low, 8);
    std::memcpy(payload_.data() + kKeyBytes, row.data(), row.size_bytes());
    const std::uint64_t offset = writer_.size_bytes();
    ASSAY_TRY(writer_.Append(payload_));
    places_.emplace(key, offset + core::kRecordHeaderBytes + kKeyBytes);
    return {};
  }

  Result<void> Sync() {
    const std::scoped_lock lock(mutex_);
    return writer_.Sync();
  }

 private:
  Impl(internal::FileLock lock, core::RecordWriter writer, std::size_t dim)
      : lock_(std::move(lock)), writer_(std::move(writer)), dim_(dim) {}

  Result<void> ReadRecords(core::FileSystem& files, const std::string& path,
                           std::string_view owner) {
    ASSAY_ASSIGN(core::RecordReader reader, core::RecordReader::Open(files, path, kKind));
    while (true) {
      ASSAY_ASSIGN(const std::optional<core::Record> record, reader.Next());
      if (!record) return {};
      if (record->sequence == 1) {
        if (record->payload == owner) continue;
        return Fail(Code::kFailedPrecondition,
                    fmt::format("'{}' holds the vectors of {}, not of {}; remove it, or name "
                                "another file",
                                path, Describe(record->payload), Describe(owner)));
      }
      if (record->payload.size() != kKeyBytes + dim_ * sizeof(float)) {
        return Fail(Code::kDataLoss, fmt::format("'{}': record {} has {} bytes; remove the file",
                                                 path, record->sequence, record->payload.size()));
      }
      core::Hash128 key;
      std::memcpy(&key.high, record->payload.data(), 8);
      std::memcpy(&key.low, record->payload.data() + 8, 8);
      places_.emplace(key, record->offset + core::kRecordHeaderBytes + kKeyBytes);
    }
  }

  internal::FileLock lock_;
  mutable std::mutex mutex_;  // guards writer_, places_ and payload_
  core::RecordWriter writer_;
  std::unordered_map<core::Hash128, std::uint64_t> places_;  // of the vectors in the file
  std::string payload_;
  std::unique_ptr<core::ReadableFile> reader_;
  std::size_t dim_;
};

ProgressFile::ProgressFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ProgressFile::~ProgressFile() = default;

Result<std::unique_ptr<ProgressFile>> ProgressFile::Open(core::FileSystem& files,
                                                         const std::string& path,
                                                         std::string_view provider_name,
                                                         std::size_t dim) {
  ASSAY_ASSIGN(std::unique_ptr<Impl> impl, Impl::Open(files, path, provider_name, dim));
  return std::unique_ptr<ProgressFile>(new ProgressFile(std::move(impl)));
}

std::size_t ProgressFile::dim() const {
  return impl_->dim();
}
std::size_t ProgressFile::rows() const {
  return impl_->rows();
}
bool ProgressFile::Get(const core::Hash128& key, std::span<float> out) {
  return impl_->Get(key, out);
}
Result<void> ProgressFile::Put(const core::Hash128& key, std::span<const float> row) {
  return impl_->Put(key, row);
}
Result<void> ProgressFile::Sync() {
  return impl_->Sync();
}

}  // namespace assay::embed
