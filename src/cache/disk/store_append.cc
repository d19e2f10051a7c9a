// The end of the log: records, segments, flushes, and what happens when the disk does not take
// them.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <limits>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"
#include "assay/core/hash.h"

#include "disk/store.h"

namespace assay::cache {

using disk::Item;
using disk::RecordHeader;

namespace {

constexpr std::int64_t kFirstBackoffNs = 1'000'000'000;
constexpr std::int64_t kLongestBackoffNs = 60'000'000'000;
constexpr std::size_t kKeptBufferBytes = std::size_t{1} << 20;

}  // namespace

Result<void> DiskTier::Store::Usable() const {
  if (options_.read_only) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("the cache in '{}' was opened for reading only", options_.folder));
  }
  if (!off_ || options_.clock->monotonic_ns() >= retry_at_ns_) return {};
  const bool full = off_error_.code == Code::kResourceExhausted;
  return Fail(full ? Code::kResourceExhausted : Code::kUnavailable,
              fmt::format("the cache in '{}' stores nothing for now: {}", options_.folder,
                          off_error_.message));
}

void DiskTier::Store::TurnOff(const Error& error) {
  backoff_ns_ = std::clamp(backoff_ns_ * 2, kFirstBackoffNs, kLongestBackoffNs);
  retry_at_ns_ = options_.clock->monotonic_ns() + backoff_ns_;
  off_error_ = error;
  if (std::exchange(off_, true)) return;
  Tell(DiskEvent::Kind::kOff,
       fmt::format("the cache in '{}' stores nothing for now ({}); what it has is served, and it "
                   "tries again by itself",
                   options_.folder, error.message));
}

void DiskTier::Store::TurnOn() {
  if (!std::exchange(off_, false)) return;
  backoff_ns_ = 0;
  Tell(DiskEvent::Kind::kBack, fmt::format("the cache in '{}' stores again", options_.folder));
}

// ---- segments ----

Result<void> DiskTier::Store::NewSegment() {
  Segment segment;
  if (std::exchange(reuse_last_, false)) {
    const std::string path = PathOf(last_segment_);
    Segment& last = segments_.at(last_segment_);
    ASSAY_ASSIGN(active_, files_.OpenAppend(path));
    if (active_->size_bytes() == last.file_bytes && last.file_bytes < options_.segment_bytes) {
      ASSAY_ASSIGN(last.flusher, files_.OpenAppend(path));
      last.dirty = true;
      active_segment_ = last_segment_;
      return {};
    }
    active_.reset();
  }
  segment.id = ++last_segment_;
  const std::string path = PathOf(segment.id);
  const disk::SegmentHeader header = disk::MakeSegmentHeader(segment.id, next_sequence_);
  const auto make = [&]() -> Result<std::unique_ptr<core::WritableFile>> {
    ASSAY_ASSIGN(std::unique_ptr<core::WritableFile> file, files_.Create(path));
    ASSAY_TRY(file->Append(core::BytesOf(header)));
    ASSAY_ASSIGN(segment.reader, files_.OpenRead(path));
    ASSAY_ASSIGN(segment.flusher, files_.OpenAppend(path));
    return file;
  };
  Result<std::unique_ptr<core::WritableFile>> file = make();
  if (!file) {
    // Best effort: a file without records does no harm.
    static_cast<void>(files_.Remove(path));
    return std::unexpected(std::move(file).error());
  }
  active_ = *std::move(file);
  active_segment_ = segment.id;
  segment.file_bytes = sizeof(header);
  segment.dirty = true;
  total_bytes_ += segment.file_bytes;
  names_dirty_ = true;
  const std::scoped_lock lock(segments_mutex_);
  segments_.emplace(segment.id, std::move(segment));
  return {};
}

void DiskTier::Store::AbandonActive() {
  if (active_ == nullptr) return;
  active_.reset();
  const auto found = segments_.find(std::exchange(active_segment_, 0));
  Segment& segment = found->second;
  const std::string path = PathOf(segment.id);
  // Best effort both: what remains is a tail without a whole record.
  if (segment.file_bytes == sizeof(disk::SegmentHeader) && files_.Remove(path)) {
    total_bytes_ -= segment.file_bytes;
    const std::scoped_lock lock(segments_mutex_);
    segments_.erase(found);
    return;
  }
  if (files_.Truncate(path, segment.file_bytes)) return;
  if (const Result<core::FileStat> stat = files_.Stat(path)) {
    total_bytes_ += stat->size_bytes - segment.file_bytes;
    segment.file_bytes = stat->size_bytes;
  }
}

Result<void> DiskTier::Store::EnsureRoom(std::uint64_t record_bytes) {
  if (active_ != nullptr &&
      segments_.at(active_segment_).file_bytes + record_bytes > options_.segment_bytes) {
    active_.reset();
    active_segment_ = 0;
  }
  if (active_ == nullptr) ASSAY_TRY(NewSegment());
  return {};
}

bool DiskTier::Store::OverLimit(std::uint64_t more_bytes) const {
  return total_bytes_ + more_bytes + sizeof(disk::SegmentHeader) > options_.max_bytes;
}

Result<void> DiskTier::Store::RemoveSegment(std::uint32_t id) {
  ASSAY_TRY(files_.Remove(PathOf(id)));
  // Segments must vanish in their order, for an older one can hold what a younger one erases.
  if (!files_.SyncDirectory(options_.folder)) names_dirty_ = true;
  for (const Item& item : index_.EraseWhere([id](const Item& one) { return one.segment == id; })) {
    live_bytes_ -= item.record_bytes();
    const bool over = item.expires_ms <= NowMs();
    (over ? expired_ : evictions_).fetch_add(1, std::memory_order_relaxed);
  }
  total_bytes_ -= segments_.at(id).file_bytes;
  const std::scoped_lock lock(segments_mutex_);
  segments_.erase(id);
  return {};
}

// Never the youngest: what was put last would go first.
Result<void> DiskTier::Store::DropOldest() {
  if (segments_.size() > 1 && segments_.begin()->first != active_segment_) {
    return RemoveSegment(segments_.begin()->first);
  }
  return Fail(Code::kResourceExhausted,
              fmt::format("the cache in '{}' has no older part to give up", options_.folder));
}

void DiskTier::Store::Forget(const Item& item) {
  live_bytes_ -= item.record_bytes();
  if (const auto found = segments_.find(item.segment); found != segments_.end()) {
    found->second.live_bytes -= item.record_bytes();
  }
}

// ---- records ----

Result<void> DiskTier::Store::WriteRecord(RecordHeader& header, std::string& record) {
  ASSAY_TRY(EnsureRoom(record.size()));
  Segment& segment = segments_.at(active_segment_);
  header.sequence = next_sequence_;
  header.header_crc = disk::HeaderCrc(header, segment.id, segment.file_bytes);
  std::memcpy(record.data(), &header, sizeof(header));
  if (Result<void> written = active_->Append(record); !written) {
    AbandonActive();
    return written;
  }
  segment.file_bytes += record.size();
  segment.dirty = true;
  total_bytes_ += record.size();
  details_.appended_bytes += record.size();
  ++next_sequence_;
  ++records_since_checkpoint_;
  return {};
}

Result<void> DiskTier::Store::WriteOrMakeRoom(RecordHeader& header, std::string& record) {
  ASSAY_TRY(Usable());
  const auto write = [&]() -> Result<void> {
    while (OverLimit(record.size()) && segments_.size() > 1) ASSAY_TRY(DropOldest());
    Result<void> written = WriteRecord(header, record);
    // The disk is shared: it can be full before this cache's own bound is met.
    if (!written && written.error().code == Code::kResourceExhausted && DropOldest()) {
      written = WriteRecord(header, record);
    }
    return written;
  };
  Result<void> written = write();
  if (written) {
    TurnOn();
  } else {
    TurnOff(written.error());
  }
  return written;
}

Result<void> DiskTier::Store::AppendErase(const Key& key) {
  if (index_.Find(key, false)) return {};  // put again meanwhile: that record takes its place
  RecordHeader header{};
  header.key_high = key.high;
  header.key_low = key.low;
  header.payload_crc = core::Crc32c({});
  std::string record(sizeof(header), '\0');
  ASSAY_TRY(WriteOrMakeRoom(header, record));
  unflushed_erases_.push_back(key);
  return {};
}

Result<void> DiskTier::Store::AppendPendingErases() {
  while (!pending_erases_.empty()) {
    ASSAY_TRY(AppendErase(pending_erases_.back()));
    pending_erases_.pop_back();
  }
  return {};
}

Result<void> DiskTier::Store::AppendRecord(RecordHeader header, std::string& record) {
  ASSAY_TRY(AppendPendingErases());
  ASSAY_TRY(WriteOrMakeRoom(header, record));
  Segment& segment = segments_.at(active_segment_);
  const Item item = {.key = header.key(),
                     .stored_ms = header.stored_ms,
                     .expires_ms = header.expires_ms,
                     .segment = segment.id,
                     .offset_units = static_cast<std::uint32_t>(
                         (segment.file_bytes - record.size()) / disk::kAlignBytes),
                     .payload_bytes = header.payload_bytes,
                     .tenant_tag = header.tenant_tag,
                     .route_tag = header.route_tag,
                     .model_tag = header.model_tag};
  segment.live_bytes += record.size();
  live_bytes_ += record.size();
  if (const std::optional<Item> before = index_.Insert(item)) Forget(*before);
  return {};
}

// ---- the tier's calls ----

Result<void> DiskTier::Store::Put(const EntryRef& entry, std::int64_t now_ms) {
  const auto refuse = [&](Error error) -> Result<void> {
    errors_.fetch_add(1, std::memory_order_relaxed);
    return std::unexpected(std::move(error));
  };
  if (entry->ExpiredAt(now_ms)) {
    ASSAY_TRY(Erase(entry->key()));
    return {};
  }
  {
    const Lock lock(append_mutex_);
    if (Result<void> usable = Usable(); !usable) return refuse(std::move(usable).error());
  }
  static thread_local std::string record;
  record.assign(sizeof(RecordHeader), '\0');
  if (Result<void> coded = codec_.Append(*entry, record); !coded) {
    return refuse(std::move(coded).error());
  }
  RecordHeader header{};
  header.payload_bytes = static_cast<std::uint32_t>(record.size() - sizeof(RecordHeader));
  record.resize(disk::RecordBytes(header.payload_bytes), '\0');
  if (record.size() + sizeof(disk::SegmentHeader) > options_.segment_bytes) {
    ASSAY_TRY(Erase(entry->key()));
    return {};
  }
  header.payload_crc = core::Crc32c(std::string_view(record).substr(sizeof(RecordHeader)));
  header.key_high = entry->key().high;
  header.key_low = entry->key().low;
  header.stored_ms = entry->info().stored_ms;
  header.expires_ms = entry->info().expires_ms;
  header.tenant_tag = TagOf(entry->tenant());
  header.route_tag = TagOf(entry->route());
  header.model_tag = TagOf(entry->model());
  bool tidy = false;
  {
    const Lock lock(append_mutex_);
    if (Result<void> done = AppendRecord(header, record); !done) {
      return refuse(std::move(done).error());
    }
    tidy = WantsCollection() || WantsCheckpoint();
    maintain_wanted_ = maintain_wanted_ || tidy;
  }
  puts_.fetch_add(1, std::memory_order_relaxed);
  if (record.capacity() > kKeptBufferBytes) record = std::string();
  if (tidy && options_.background) maintain_asked_.notify_one();
  if (tidy && !options_.background) Maintain();
  return options_.durable_puts ? Sync() : Result<void>{};
}

Result<bool> DiskTier::Store::Erase(const Key& key) {
  const Lock lock(append_mutex_);
  if (options_.read_only) ASSAY_TRY(Usable());
  const std::optional<Item> before = index_.Erase(key);
  if (!before) return false;
  Forget(*before);
  if (Result<void> written = AppendErase(key); !written) {
    pending_erases_.push_back(key);
    errors_.fetch_add(1, std::memory_order_relaxed);
    return std::unexpected(std::move(written).error());
  }
  return true;
}

Result<std::uint64_t> DiskTier::Store::Purge(const Filter& filter) {
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  const auto tag = [](const std::optional<std::string>& text) {
    return text ? std::optional(TagOf(*text)) : std::nullopt;
  };
  const auto tenant = tag(filter.tenant);
  const auto route = tag(filter.route);
  const auto model = tag(filter.model);
  const Lock lock(append_mutex_);
  if (options_.read_only) ASSAY_TRY(Usable());
  const std::vector<Item> erased = index_.EraseWhere([&](const Item& item) {
    return (!tenant || *tenant == item.tenant_tag) && (!route || *route == item.route_tag) &&
           (!model || *model == item.model_tag) &&
           (filter.stored_before_ms == kAny || item.stored_ms < filter.stored_before_ms) &&
           (filter.expires_before_ms == kAny || item.expires_ms < filter.expires_before_ms);
  });
  Result<void> written;
  for (const Item& item : erased) {
    Forget(item);
    if (written) written = AppendErase(item.key);
    if (!written) pending_erases_.push_back(item.key);
  }
  if (!written) {
    errors_.fetch_add(1, std::memory_order_relaxed);
    return std::unexpected(std::move(written).error());
  }
  return erased.size();
}

// ---- flushing ----

// The system may have thrown away what a failed flush did not write, and says so only once; what it
// still shows is written again elsewhere. With flush_mutex_ held.
Result<void> DiskTier::Store::RescueSuspects() {
  std::set<std::uint32_t> suspects;
  {
    const Lock lock(append_mutex_);
    if (suspects_.empty() && pending_erases_.empty()) return {};
    ASSAY_TRY(Usable());
    ASSAY_TRY(AppendPendingErases());
    suspects = suspects_;
  }
  std::vector<Item> items;
  index_.Collect([&](const Item& item) { return suspects.contains(item.segment); }, items, nullptr);
  std::string buffer;
  for (const Item& item : items) ASSAY_TRY(CopyRecord(item, buffer));
  const Lock lock(append_mutex_);
  for (const std::uint32_t id : suspects) suspects_.erase(id);
  return {};
}

Result<void> DiskTier::Store::Flush() {
  const Lock flushing(flush_mutex_);
  ASSAY_TRY(RescueSuspects());
  std::vector<std::pair<std::uint32_t, std::shared_ptr<core::WritableFile>>> files;
  std::vector<Key> erases;
  std::uint64_t target = 0;
  bool names = false;
  {
    const Lock lock(append_mutex_);
    for (auto& [id, segment] : segments_) {
      if (std::exchange(segment.dirty, false)) files.emplace_back(id, segment.flusher);
    }
    names = std::exchange(names_dirty_, false);
    erases = std::exchange(unflushed_erases_, {});
    target = next_sequence_;
  }
  Result<void> flushed;
  for (const auto& [id, file] : files) {
    if (flushed) flushed = file->Sync();
  }
  if (names && flushed) flushed = files_.SyncDirectory(options_.folder);
  const Lock lock(append_mutex_);
  if (flushed) {
    flushed_below_ = std::max(flushed_below_, target);
    if (!files.empty()) ++details_.flushes;
    for (auto& [id, segment] : segments_) {
      if (id != active_segment_ && !segment.dirty) segment.flusher.reset();
    }
  } else {
    // Nobody knows what is in the files now: the log goes on in a new one.
    failed_below_ = target;
    flush_error_ = flushed.error();
    names_dirty_ = names_dirty_ || names;
    for (const auto& [id, file] : files) suspects_.insert(id);
    pending_erases_.insert(pending_erases_.end(), erases.begin(), erases.end());
    active_.reset();
    active_segment_ = 0;
    TurnOff(flushed.error());
  }
  flush_done_.notify_all();
  return flushed;
}

Result<void> DiskTier::Store::Sync() {
  if (options_.read_only) return {};
  if (!options_.background) return Flush();
  Lock lock(append_mutex_);
  if (!pending_erases_.empty() || !suspects_.empty()) {
    lock.unlock();
    return Flush();
  }
  const std::uint64_t ticket = next_sequence_;
  if (flushed_below_ >= ticket) return {};
  flush_wanted_ = true;
  flush_asked_.notify_one();
  flush_done_.wait(
      lock, [&] { return flushed_below_ >= ticket || failed_below_ >= ticket || stopping_; });
  if (flushed_below_ >= ticket) return {};
  if (failed_below_ >= ticket) return std::unexpected(flush_error_);
  return Fail(Code::kUnavailable,
              fmt::format("the cache in '{}' is being closed", options_.folder));
}

void DiskTier::Store::FlushLoop() {
  Lock lock(append_mutex_);
  while (!stopping_) {
    const auto wanted = [&] { return stopping_ || flush_wanted_; };
    flush_asked_.wait_for(lock, std::chrono::milliseconds(options_.flush_every_ms), wanted);
    const bool something = std::max(flushed_below_, failed_below_) < next_sequence_;
    flush_wanted_ = false;
    if (stopping_ || !something) continue;
    lock.unlock();
    static_cast<void>(Flush());  // told to those who wait, and by TurnOff
    lock.lock();
  }
}

}  // namespace assay::cache
