// Keeping the log tidy: expired entries, the oldest segment, the checkpoint.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "disk/store.h"

namespace assay::cache {

using disk::Item;
using disk::RecordHeader;

namespace {

// A checkpoint writes the whole index, so it waits for a share of it to change; a start then reads
// at most so many records from the log.
constexpr std::uint64_t kLeastRecordsToCheckpoint = 32'768;
constexpr std::uint64_t kShareToCheckpoint = 8;
constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

void DiskTier::Store::Sweep() {
  const std::int64_t now_ns = options_.clock->monotonic_ns();
  const Lock lock(append_mutex_);
  if (now_ns - last_sweep_ns_ < options_.sweep_every_ms * kNsPerMs) return;
  last_sweep_ns_ = now_ns;
  const std::int64_t now_ms = NowMs();
  const auto over = [now_ms](const Item& item) { return item.expires_ms <= now_ms; };
  for (const Item& item : index_.EraseWhere(over)) {
    Forget(item);
    expired_.fetch_add(1, std::memory_order_relaxed);
  }
}

bool DiskTier::Store::WantsCollection() const {
  if (segments_.size() < 2) return false;
  // Room for one more segment, so that putting never waits for the collector.
  if (total_bytes_ + options_.segment_bytes > options_.max_bytes) return true;
  return total_bytes_ - live_bytes_ > std::max(total_bytes_ / 2, options_.segment_bytes);
}

bool DiskTier::Store::WantsCheckpoint() const {
  return records_since_checkpoint_ >=
         std::max<std::uint64_t>(kLeastRecordsToCheckpoint, index_.size() / kShareToCheckpoint);
}

Result<bool> DiskTier::Store::CopyRecord(const Item& item, std::string& buffer) {
  const Result<std::optional<std::string_view>> payload = ReadRecord(item, buffer);
  if (!payload) {
    DropDamaged(item, payload.error().message);
    return false;
  }
  if (!*payload) return false;
  buffer.resize(static_cast<std::size_t>(item.record_bytes()));
  RecordHeader header;
  std::memcpy(&header, buffer.data(), sizeof(header));
  const Lock lock(append_mutex_);
  const std::optional<Item> now = index_.Find(item.key, false);
  if (!now || !now->SamePlace(item)) return false;
  ASSAY_TRY(AppendRecord(header, buffer));
  details_.copied_bytes += buffer.size();
  return true;
}

bool DiskTier::Store::CollectOldest() {
  std::uint32_t id = 0;
  std::uint64_t budget_bytes = 0;
  bool for_room = false;
  {
    const Lock lock(append_mutex_);
    if (!Usable() || !WantsCollection()) return false;
    const Segment& oldest = segments_.begin()->second;
    if (oldest.id == active_segment_) return false;
    id = oldest.id;
    for_room = total_bytes_ + options_.segment_bytes > options_.max_bytes;
    // Where room is needed, only what was read gets a second chance, and at most half of it.
    budget_bytes = for_room ? oldest.file_bytes / 2 : oldest.file_bytes;
  }
  std::vector<Item> items;
  std::vector<bool> read;
  index_.Collect([id](const Item& item) { return item.segment == id; }, items, &read);
  const std::int64_t now_ms = NowMs();
  std::string buffer;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool keep = items[i].expires_ms > now_ms && (!for_room || read[i]) &&
                      items[i].record_bytes() <= budget_bytes;
    if (!keep) continue;
    const Result<bool> copied = CopyRecord(items[i], buffer);
    if (!copied) return false;
    if (*copied) budget_bytes -= items[i].record_bytes();
  }
  // The copies must be on the disk before their originals go.
  if (!Flush()) return false;
  const Lock lock(append_mutex_);
  if (!segments_.contains(id)) return true;
  if (const Result<void> removed = RemoveSegment(id); !removed) {
    TurnOff(removed.error());
    return false;
  }
  return true;
}

void DiskTier::Store::MaybeCheckpoint(bool closing) {
  disk::LogPlace place;
  {
    const Lock lock(append_mutex_);
    if (!WantsCheckpoint() && !(closing && records_since_checkpoint_ > 0)) return;
    records_since_checkpoint_ = 0;
    if (segments_.empty()) return;
    const Segment& last = segments_.rbegin()->second;
    place = {.segment = last.id, .offset = last.file_bytes, .next_sequence = next_sequence_};
  }
  const std::string path = fmt::format("{}/{}", options_.folder, disk::kCheckpointName);
  const Result<void> written =
      disk::WriteCheckpoint(files_, path, index_, place, [this] { return Flush(); });
  if (!written) {
    errors_.fetch_add(1, std::memory_order_relaxed);
    return;  // the next start reads more of the log
  }
  const Lock lock(append_mutex_);
  ++details_.checkpoints;
}

void DiskTier::Store::Maintain() {
  const Lock collecting(collect_mutex_);
  Sweep();
  std::size_t most = 0;
  {
    const Lock lock(append_mutex_);
    most = segments_.size();
  }
  for (std::size_t i = 0; i < most && CollectOldest(); ++i) {
  }
  MaybeCheckpoint(false);
}

void DiskTier::Store::MaintainLoop() {
  Lock lock(append_mutex_);
  while (!stopping_) {
    maintain_asked_.wait_for(lock, std::chrono::milliseconds(options_.sweep_every_ms),
                             [&] { return stopping_ || maintain_wanted_; });
    maintain_wanted_ = false;
    if (stopping_) break;
    lock.unlock();
    Maintain();
    lock.lock();
  }
}

}  // namespace assay::cache
