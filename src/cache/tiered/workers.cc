#include "tiered/workers.h"

#include <algorithm>
#include <limits>
#include <unordered_set>
#include <utility>

namespace assay::cache {
namespace {

// What a waiting erasure counts for; it holds no entry.
constexpr std::size_t kEraseBytes = 64;
// Erasures take no room from entries, but they are bounded too.
constexpr std::size_t kMoreErasures = 16;

std::size_t BytesOf(const EntryRef& entry) {
  return entry ? entry->footprint_bytes() : kEraseBytes;
}

}  // namespace

TieredCache::Workers::Workers(MemoryCache& memory, const std::vector<std::unique_ptr<Tier>>& lower,
                              const TieredOptions& options)
    : memory_(memory), lower_(lower), options_(options) {
  if (lower_.empty()) return;
  for (std::size_t i = 0; i < std::max<std::size_t>(options_.lookup_threads, 1); ++i) {
    threads_.emplace_back([this] { LookupLoop(); });
  }
  threads_.emplace_back([this] { WriteLoop(); });
}

TieredCache::Workers::~Workers() {
  std::deque<Lookup> left;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    left = std::exchange(lookups_, {});
  }
  lookup_asked_.notify_all();
  write_asked_.notify_all();
  for (const Lookup& lookup : left) lookup.found(nullptr, {});
  for (std::thread& thread : threads_) thread.join();
}

// ---- lookups ----

void TieredCache::Workers::Look(const Key& key, std::string tenant, std::int64_t now_ms,
                                Found found) {
  if (lower_.empty()) return found(nullptr, {});
  std::unique_lock lock(mutex_);
  if (stopping_ || lookups_.size() >= options_.lookup_queue) {
    lock.unlock();
    lookups_dropped_.fetch_add(1, std::memory_order_relaxed);
    return found(nullptr, {});
  }
  lookups_.push_back({key, std::move(tenant), now_ms, std::move(found)});
  lock.unlock();
  lookup_asked_.notify_one();
}

void TieredCache::Workers::LookupLoop() {
  std::unique_lock lock(mutex_);
  while (true) {
    lookup_asked_.wait(lock, [&] { return stopping_ || !lookups_.empty(); });
    if (lookups_.empty()) return;
    const Lookup lookup = std::move(lookups_.front());
    lookups_.pop_front();
    lock.unlock();
    Answer(lookup);
    lock.lock();
  }
}

std::optional<EntryRef> TieredCache::Workers::Waiting(const Key& key) const {
  const std::scoped_lock lock(mutex_);
  if (const auto found = writes_.find(key); found != writes_.end()) return found->second.entry;
  if (writing_ && writing_->first == key) return writing_->second.entry;
  return std::nullopt;
}

void TieredCache::Workers::Answer(const Lookup& lookup) {
  std::uint64_t version = 0;
  {
    Stripe& stripe = StripeOf(lookup.key);
    const std::scoped_lock lock(stripe.mutex);
    version = stripe.version;
  }
  const auto serves = [&](const EntryRef& entry) {
    if (!entry || entry->ExpiredAt(lookup.now_ms)) return false;
    if (entry->tenant() == lookup.tenant) return true;
    CountTenantRefused();
    return false;
  };
  // Newer than whatever the tiers hold.
  if (const std::optional<EntryRef> waiting = Waiting(lookup.key)) {
    const bool good = serves(*waiting);
    lookup.found(good ? *waiting : nullptr, good ? "memory" : std::string_view());
    return;
  }
  for (std::size_t i = 0; i < lower_.size(); ++i) {
    const Result<EntryRef> found = lower_[i]->Get(lookup.key, lookup.now_ms);
    if (!found || !serves(*found)) continue;  // the tier itself counts and tells its failures
    Promote(*found, lookup.now_ms, i, version);
    lookup.found(*found, lower_[i]->name());
    return;
  }
  lookup.found(nullptr, {});
}

void TieredCache::Workers::Promote(const EntryRef& entry, std::int64_t now_ms, std::size_t found_in,
                                   std::uint64_t version) {
  Stripe& stripe = StripeOf(entry->key());
  const std::scoped_lock lock(stripe.mutex);
  if (stripe.version != version) return;
  memory_.Put(entry, now_ms);
  if (found_in > 0) Enqueue(entry->key(), {entry, now_ms, found_in, 0, nullptr});
  promotions_.fetch_add(1, std::memory_order_relaxed);
}

// ---- writes ----

void TieredCache::Workers::Put(EntryRef entry, std::int64_t now_ms,
                               std::shared_ptr<const void> until_written) {
  Stripe& stripe = StripeOf(entry->key());
  const std::scoped_lock lock(stripe.mutex);
  ++stripe.version;
  memory_.Put(entry, now_ms);
  const Key key = entry->key();
  if (lower_.empty()) return;
  Enqueue(key, {std::move(entry), now_ms, lower_.size(), 0, std::move(until_written)});
}

void TieredCache::Workers::Erase(const Key& key) {
  Stripe& stripe = StripeOf(key);
  const std::scoped_lock lock(stripe.mutex);
  ++stripe.version;
  memory_.Erase(key);
  if (!lower_.empty()) Enqueue(key, {nullptr, 0, lower_.size(), 0, nullptr});
}

void TieredCache::Workers::Enqueue(const Key& key, Write write) {
  std::shared_ptr<const void> replaced;  // let go of without the lock
  {
    const std::scoped_lock lock(mutex_);
    const auto before = writes_.find(key);
    const std::size_t freed = before == writes_.end() ? 0 : before->second.bytes;
    if (before != writes_.end()) write.tiers = std::max(write.tiers, before->second.tiers);
    if (write.entry && (writes_.size() >= options_.write_entries ||
                        waiting_bytes_ - freed + BytesOf(write.entry) > options_.write_bytes)) {
      writes_dropped_.fetch_add(1, std::memory_order_relaxed);
      if (write.tiers < lower_.size()) return;  // only a copy upwards
      write.entry = nullptr;  // what the tiers hold of it is out of date, so that must go at least
    }
    if (!write.entry && before == writes_.end() &&
        writes_.size() >= options_.write_entries * kMoreErasures) {
      writes_dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    write.bytes = BytesOf(write.entry);
    waiting_bytes_ += write.bytes - freed;
    if (before == writes_.end()) {
      write_order_.push_back(key);
      writes_.emplace(key, std::move(write));
      ++enqueued_;
    } else {
      replaced = std::exchange(before->second, std::move(write)).until_written;
    }
  }
  write_asked_.notify_one();
}

void TieredCache::Workers::DoWrite(const Key& key, const Write& write) {
  for (std::size_t i = 0; i < write.tiers; ++i) {
    std::optional<Error> error;
    if (write.entry) {
      if (Result<void> put = lower_[i]->Put(write.entry, write.now_ms); !put) error = put.error();
    } else if (Result<bool> erased = lower_[i]->Erase(key); !erased) {
      error = erased.error();
    }
    if (!error) continue;
    write_errors_.fetch_add(1, std::memory_order_relaxed);
    const std::scoped_lock lock(mutex_);
    if (!write_error_) write_error_ = std::move(error);
  }
}

// Everything that waits is written also when the cache is being closed.
void TieredCache::Workers::WriteLoop() {
  std::unique_lock lock(mutex_);
  while (true) {
    write_asked_.wait(lock, [&] { return stopping_ || !write_order_.empty(); });
    if (write_order_.empty()) return;
    const Key key = write_order_.front();
    write_order_.pop_front();
    const auto found = writes_.find(key);
    writing_.emplace(key, std::move(found->second));
    writes_.erase(found);
    lock.unlock();
    DoWrite(key, writing_->second);
    writing_->second.until_written.reset();
    lock.lock();
    waiting_bytes_ -= writing_->second.bytes;
    writing_.reset();
    ++done_;
    written_.notify_all();
  }
}

Result<void> TieredCache::Workers::Flush() {
  std::optional<Error> error;
  {
    std::unique_lock lock(mutex_);
    const std::uint64_t ticket = enqueued_;
    written_.wait(lock, [&] { return done_ >= ticket; });
    error = std::exchange(write_error_, std::nullopt);
  }
  for (const auto& tier : lower_) {
    if (Result<void> synced = tier->Sync(); !synced && !error) error = synced.error();
  }
  if (error) return std::unexpected(*std::move(error));
  return {};
}

// ---- everything at once ----

Result<std::uint64_t> TieredCache::Workers::Purge(const Filter& filter) {
  // Whoever read a tier before now must not store what it found.
  const auto move_on = [&] {
    for (Stripe& stripe : stripes_) {
      const std::scoped_lock lock(stripe.mutex);
      ++stripe.version;
    }
  };
  move_on();
  std::uint64_t most = memory_.Purge(filter);
  {
    std::unique_lock lock(mutex_);
    std::uint64_t waiting = 0;
    for (auto& [key, write] : writes_) {
      if (!write.entry || !filter.Matches(*write.entry)) continue;
      // Stays as an erasure: an older entry of the key, which need not match, is out of date.
      waiting_bytes_ -= write.bytes - kEraseBytes;
      write = {nullptr, write.now_ms, lower_.size(), kEraseBytes};
      ++waiting;
    }
    most = std::max(most, waiting);
    // The one that is being written comes before the purge of its tier or is waited for.
    if (writing_) {
      const std::uint64_t ticket = done_ + 1;
      written_.wait(lock, [&] { return done_ >= ticket; });
    }
  }
  std::optional<Error> error;
  for (const auto& tier : lower_) {
    const Result<std::uint64_t> purged = tier->Purge(filter);
    if (purged) {
      most = std::max(most, *purged);
    } else if (!error) {
      error = purged.error();
    }
  }
  // Whoever read a tier while it was purged must not either, and what got up meanwhile goes.
  move_on();
  memory_.Purge(filter);
  if (error) return std::unexpected(*std::move(error));
  return most;
}

Result<void> TieredCache::Workers::ForEach(std::int64_t now_ms, const Tier::Visitor& visit) {
  std::unordered_set<Key> seen;
  bool goes_on = true;
  const auto once = [&](const EntryRef& entry) {
    if (seen.insert(entry->key()).second) goes_on = visit(entry);
    return goes_on;
  };
  std::vector<EntryRef> waiting;
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& [key, write] : writes_) {
      if (!write.entry) {
        seen.insert(key);
      } else if (!write.entry->ExpiredAt(now_ms)) {
        waiting.push_back(write.entry);
      }
    }
    if (writing_ && writing_->second.entry && !writing_->second.entry->ExpiredAt(now_ms)) {
      waiting.push_back(writing_->second.entry);
    }
  }
  memory_.ForEach(now_ms, once);
  for (const EntryRef& entry : waiting) {
    if (goes_on) once(entry);
  }
  for (const auto& tier : lower_) {
    if (goes_on) ASSAY_TRY(tier->ForEach(now_ms, once));
  }
  return {};
}

void TieredCache::Workers::FillStats(TieredStats& stats) const {
  stats.lookups_dropped = lookups_dropped_.load(std::memory_order_relaxed);
  stats.writes_dropped = writes_dropped_.load(std::memory_order_relaxed);
  stats.write_errors = write_errors_.load(std::memory_order_relaxed);
  stats.promotions = promotions_.load(std::memory_order_relaxed);
  stats.tenant_refused = tenant_refused_.load(std::memory_order_relaxed);
  const std::scoped_lock lock(mutex_);
  stats.lookups_waiting = lookups_.size();
  stats.writes_waiting = writes_.size() + (writing_ ? 1 : 0);
}

}  // namespace assay::cache
