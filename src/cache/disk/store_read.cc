// Looking up and reading records.
#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "disk/store.h"

namespace assay::cache {

using disk::Item;
using disk::RecordHeader;

namespace {

constexpr int kTries = 8;  // a record that moves while it is looked up is found at its new place
constexpr std::size_t kKeptBufferBytes = std::size_t{1} << 20;

}  // namespace

std::shared_ptr<const core::ReadableFile> DiskTier::Store::ReaderOf(std::uint32_t segment) const {
  const std::shared_lock lock(segments_mutex_);
  const auto found = segments_.find(segment);
  return found == segments_.end() ? nullptr : found->second.reader;
}

Result<std::optional<std::string_view>> DiskTier::Store::ReadRecord(const Item& item,
                                                                    std::string& buffer) {
  const std::shared_ptr<const core::ReadableFile> reader = ReaderOf(item.segment);
  if (reader == nullptr) return std::nullopt;
  const auto size = static_cast<std::size_t>(item.record_bytes());
  if (buffer.size() < size) buffer.resize(size);
  ASSAY_ASSIGN(const std::size_t got,
               reader->ReadAt(item.offset(), std::span(buffer.data(), size)));
  const auto damaged = [&](std::string_view what) {
    return Fail(Code::kDataLoss, fmt::format("the record at offset {} of '{}' is damaged ({})",
                                             item.offset(), PathOf(item.segment), what));
  };
  if (got < size) return damaged("cut off");
  RecordHeader header;
  std::memcpy(&header, buffer.data(), sizeof(header));
  if (!disk::IsHeaderAt(header, item.segment, item.offset()) || header.key() != item.key ||
      header.payload_bytes != item.payload_bytes) {
    return damaged("header");
  }
  const std::string_view body =
      std::string_view(buffer).substr(sizeof(header), size - sizeof(header));
  if (core::Crc32c(body) != header.payload_crc) return damaged("checksum");
  return body.substr(0, header.payload_bytes);
}

void DiskTier::Store::DropDamaged(const Item& item, const std::string& why) {
  errors_.fetch_add(1, std::memory_order_relaxed);
  const Lock lock(append_mutex_);
  const std::optional<Item> now = index_.Find(item.key, false);
  if (!now || !now->SamePlace(item)) return;
  index_.Erase(item.key);
  Forget(item);
  ++details_.damaged;
  Tell(DiskEvent::Kind::kDamage, why + "; its entry is dropped");
}

Result<EntryRef> DiskTier::Store::ReadEntry(const Item& item, bool& moved) {
  static thread_local std::string buffer;
  moved = false;
  const Result<std::optional<std::string_view>> payload = ReadRecord(item, buffer);
  if (!payload) {
    DropDamaged(item, payload.error().message);
    return std::unexpected(payload.error());
  }
  if (!*payload) {
    moved = true;
    return nullptr;
  }
  Result<EntryRef> entry = codec_.Read(item.key, **payload);
  if (buffer.capacity() > kKeptBufferBytes) buffer = std::string();
  if (entry) return entry;
  Error error = std::move(entry).error();
  error.message =
      fmt::format("'{}' at offset {}: {}", PathOf(item.segment), item.offset(), error.message);
  if (error.code == Code::kDataLoss) {
    DropDamaged(item, error.message);
  } else {
    errors_.fetch_add(1, std::memory_order_relaxed);
  }
  return std::unexpected(std::move(error));
}

Result<EntryRef> DiskTier::Store::Get(const Key& key, std::int64_t now_ms) {
  for (int tries = 0; tries < kTries; ++tries) {
    const std::optional<Item> item = index_.Find(key, true);
    if (!item || item->expires_ms <= now_ms) break;
    bool moved = false;
    ASSAY_ASSIGN(EntryRef entry, ReadEntry(*item, moved));
    if (moved) continue;
    hits_.fetch_add(1, std::memory_order_relaxed);
    return entry;
  }
  misses_.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

Result<void> DiskTier::Store::ForEach(std::int64_t now_ms, const Visitor& visit) {
  for (std::size_t shard = 0; shard < disk::Index::kShards; ++shard) {
    for (const Item& seen : index_.CopyShard(shard)) {
      std::optional<Item> item = seen;
      for (int tries = 0; tries < kTries && item && item->expires_ms > now_ms; ++tries) {
        bool moved = false;
        const Result<EntryRef> entry = ReadEntry(*item, moved);
        if (!entry && entry.error().code != Code::kDataLoss) return std::unexpected(entry.error());
        if (!entry) break;  // damaged: told by on_event, and the others are still there
        if (!moved) {
          if (!visit(*entry)) return {};
          break;
        }
        item = index_.Find(seen.key, false);
      }
    }
  }
  return {};
}

TierStats DiskTier::Store::Stats() const {
  TierStats stats;
  stats.size_bytes = live_bytes_.load(std::memory_order_relaxed);
  stats.entries = index_.size();
  stats.capacity_bytes = options_.max_bytes;
  stats.hits = hits_.load(std::memory_order_relaxed);
  stats.misses = misses_.load(std::memory_order_relaxed);
  stats.puts = puts_.load(std::memory_order_relaxed);
  stats.evictions = evictions_.load(std::memory_order_relaxed);
  stats.expired = expired_.load(std::memory_order_relaxed);
  stats.errors = errors_.load(std::memory_order_relaxed);
  return stats;
}

DiskStats DiskTier::Store::Details() const {
  const Lock lock(append_mutex_);
  DiskStats stats = details_;
  stats.segments = segments_.size();
  stats.file_bytes = total_bytes_;
  stats.live_bytes = live_bytes_;
  stats.off = off_;
  return stats;
}

}  // namespace assay::cache
