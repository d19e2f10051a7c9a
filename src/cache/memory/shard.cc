#include <algorithm>
#include <functional>
#include <utility>

#include "memory/shard_internal.h"

namespace assay::cache::memory {
namespace {

constexpr std::size_t kFirstBuckets = 4;
// Chosen on the traces of docs/cache_hit_ratios.md.
constexpr std::uint32_t kAsksForMain = 1;  // that save an entry at the end of the small queue
constexpr double kLeastShare = 0.01;       // of the small queue
constexpr double kMostShare = 0.98;
constexpr double kShareStep = 2.0;  // entries that a ghost moves between the queues
constexpr std::size_t kSweptPerPut = 2;
constexpr std::size_t kRetiredCount = 8;  // that wait before the pins are looked at
constexpr std::size_t kRetiredBytes = std::size_t{64} << 10;

}  // namespace

Shard::~Shard() {
  for (const Node& node : nodes_) {
    if (node.entry != nullptr) retired_.push_back({.entry = node.entry, .table = nullptr});
  }
  Reclaim();
  // What is left is leased by somebody who outlives the cache.
  for (const Retired& old : retired_) {
    if (old.entry != nullptr) Epochs::AddOrphan(old.entry);
  }
  Epochs::DropOrphans();
  delete table_.load(std::memory_order_relaxed);
}

void Shard::Init(std::size_t capacity_bytes, std::size_t max_entries) {
  capacity_bytes_ = capacity_bytes;
  max_entries_ = max_entries;
  table_.store(new Table(kFirstBuckets), std::memory_order_release);
}

bool Shard::Put(EntryRef entry, std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  Sweep(now_ms, kSweptPerPut);
  const std::uint32_t place = table_.load(std::memory_order_relaxed)->Locate(entry->key());
  const bool fits = entry->footprint_bytes() <= capacity_bytes_ / 2;
  if (entry->ExpiredAt(now_ms) || !fits) {
    if (place != Table::kNone) Remove(place);
    return false;
  }
  ++puts_;
  if (place != Table::kNone) {
    Replace(place, std::move(entry));
  } else {
    Insert(std::move(entry));
  }
  while (OverBudget()) EvictOne();
  return true;
}

bool Shard::Erase(const Key& key) {
  const std::scoped_lock lock(mutex_);
  const std::uint32_t place = table_.load(std::memory_order_relaxed)->Locate(key);
  if (place == Table::kNone) return false;
  Remove(place);
  return true;
}

bool Shard::Erase(const Entry& entry) {
  const std::scoped_lock lock(mutex_);
  const Table& table = *table_.load(std::memory_order_relaxed);
  const std::uint32_t place = table.Locate(entry.key());
  if (place == Table::kNone || nodes_[table.NodeAt(place)].entry != &entry) return false;
  Remove(place);
  return true;
}

std::size_t Shard::RemoveExpired(std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  const std::uint64_t before = expired_;
  Sweep(now_ms, nodes_.size());
  return static_cast<std::size_t>(expired_ - before);
}

void Shard::AddStats(TierStats& stats) const {
  const std::scoped_lock lock(mutex_);
  stats.entries += small_.entries + main_.entries;
  stats.size_bytes += small_.size_bytes + main_.size_bytes + OverheadBytes();
  stats.puts += puts_;
  stats.evictions += evictions_;
  stats.expired += expired_;
}

// ---- the queues ----

std::size_t Shard::OverheadBytes() const {
  return sizeof(Shard) + table_.load(std::memory_order_relaxed)->size_bytes() +
         nodes_.capacity() * sizeof(Node) + small_ghosts_.size_bytes() + main_ghosts_.size_bytes();
}

bool Shard::OverBudget() const {
  const std::uint64_t entries = small_.entries + main_.entries;
  if (entries > max_entries_) return true;
  return entries > 1 && small_.size_bytes + main_.size_bytes + OverheadBytes() > capacity_bytes_;
}

void Shard::Enqueue(std::uint32_t number, Place place) {
  Queue& queue = QueueOf(place);
  Node& node = nodes_[number];
  node.place = place;
  node.newer = kNone;
  node.older = queue.newest;
  (queue.newest == kNone ? queue.oldest : nodes_[queue.newest].newer) = number;
  queue.newest = number;
  ++queue.entries;
  queue.size_bytes += node.entry->footprint_bytes();
}

void Shard::Dequeue(std::uint32_t number) {
  Node& node = nodes_[number];
  Queue& queue = QueueOf(node.place);
  (node.newer == kNone ? queue.newest : nodes_[node.newer].older) = node.older;
  (node.older == kNone ? queue.oldest : nodes_[node.older].newer) = node.newer;
  --queue.entries;
  queue.size_bytes -= node.entry->footprint_bytes();
}

std::uint32_t Shard::NewNode(const Entry* entry) {
  std::uint32_t number = free_node_;
  if (number == kNone) {
    number = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_node_ = nodes_[number].older;
  }
  entry->SetHeat(0);
  nodes_[number] = {.entry = entry};
  return number;
}

void Shard::Insert(EntryRef entry) {
  const std::uint64_t entries = small_.entries + main_.entries;
  if (entries >= table_.load(std::memory_order_relaxed)->fair_entries()) GrowTable();
  Table& table = *table_.load(std::memory_order_relaxed);
  const bool returns = Returns(*entry);
  const Entry* raw = entry.Release();
  const std::uint32_t number = NewNode(raw);
  Enqueue(number, returns ? Place::kMain : Place::kSmall);
  table.Set(table.Claim(raw->key()), *raw, number);
}

void Shard::Replace(std::uint32_t place, EntryRef entry) {
  Table& table = *table_.load(std::memory_order_relaxed);
  const std::uint32_t number = table.NodeAt(place);
  Node& node = nodes_[number];
  const Entry* old = node.entry;
  // The queues go by the question, so a new answer keeps what was counted for the old one.
  entry->SetHeat(old->heat());
  QueueOf(node.place).size_bytes += entry->footprint_bytes();
  QueueOf(node.place).size_bytes -= old->footprint_bytes();
  node.entry = entry.Release();
  table.Set(place, *node.entry, number);
  Retire({.entry = old, .table = nullptr});
}

void Shard::Remove(std::uint32_t place) {
  Table& table = *table_.load(std::memory_order_relaxed);
  const std::uint32_t number = table.NodeAt(place);
  Dequeue(number);
  table.Clear(place);
  const Entry* old = std::exchange(nodes_[number].entry, nullptr);
  nodes_[number].place = Place::kFree;
  nodes_[number].older = free_node_;
  free_node_ = number;
  Retire({.entry = old, .table = nullptr});
}

void Shard::RemoveNode(std::uint32_t number) {
  Remove(table_.load(std::memory_order_relaxed)->Locate(nodes_[number].entry->key()));
}

bool Shard::Returns(const Entry& entry) {
  const std::uint64_t entries = std::max<std::uint64_t>(small_.entries + main_.entries, 1);
  const double step = kShareStep / static_cast<double>(entries);
  if (small_ghosts_.Take(entry.key(), entries)) {
    small_share_ = std::min(small_share_ + step, kMostShare);
    return true;
  }
  if (main_ghosts_.Take(entry.key(), entries)) {
    small_share_ = std::max(small_share_ - step, kLeastShare);
    return true;
  }
  return false;
}

void Shard::EvictOne() {
  const auto above_share = [this](std::uint64_t part, std::size_t whole) {
    return static_cast<double>(part) > small_share_ * static_cast<double>(whole);
  };
  const bool small_is_full =
      above_share(small_.entries, max_entries_) || above_share(small_.size_bytes, capacity_bytes_);
  // The newest entry is never the one to go.
  if (main_.entries == 0 || (small_is_full && small_.entries > 1)) {
    EvictFromSmall();
  } else {
    EvictFromMain();
  }
}

void Shard::EvictFromSmall() {
  const std::uint32_t number = small_.oldest;
  Node& node = nodes_[number];
  if (node.entry->heat() >= kAsksForMain) {
    Dequeue(number);
    node.entry->SetHeat(0);
    Enqueue(number, Place::kMain);
    return;
  }
  small_ghosts_.Add(node.entry->key(), small_.entries + main_.entries);
  ++evictions_;
  RemoveNode(number);
}

void Shard::EvictFromMain() {
  const std::uint32_t number = main_.oldest;
  const Entry& entry = *nodes_[number].entry;
  const std::uint32_t heat = entry.heat();
  if (heat == 0) {
    main_ghosts_.Add(entry.key(), small_.entries + main_.entries);
    ++evictions_;
    RemoveNode(number);
    return;
  }
  Dequeue(number);
  entry.SetHeat(heat - 1);
  Enqueue(number, Place::kMain);
}

// ---- memory ----

void Shard::Sweep(std::int64_t now_ms, std::size_t nodes) {
  for (nodes = std::min(nodes, nodes_.size()); nodes > 0; --nodes) {
    hand_ = hand_ + 1 < nodes_.size() ? hand_ + 1 : 0;
    const Node& node = nodes_[hand_];
    if (node.entry == nullptr || !node.entry->ExpiredAt(now_ms)) continue;
    ++expired_;
    RemoveNode(static_cast<std::uint32_t>(hand_));
  }
}

void Shard::GrowTable() {
  Table* old = table_.load(std::memory_order_relaxed);
  auto grown = std::make_unique<Table>(old->buckets() * 2);
  for (std::uint32_t number = 0; number < nodes_.size(); ++number) {
    const Entry* entry = nodes_[number].entry;
    if (entry != nullptr) grown->Set(grown->Claim(entry->key()), *entry, number);
  }
  // Shows the new table with all entries; partner: table().
  table_.store(grown.release(), std::memory_order_seq_cst);
  Retire({.entry = nullptr, .table = std::unique_ptr<Table>(old)});
}

void Shard::Retire(Retired retired) {
  retired.stamp = Epochs::Stamp();
  retired_bytes_ += retired.size_bytes();
  retired_.push_back(std::move(retired));
  if (retired_.size() >= kept_retired_ + kRetiredCount ||
      retired_bytes_ >= kept_bytes_ + kRetiredBytes) {
    Reclaim();
  }
}

void Shard::Reclaim() {
  const std::uint64_t oldest = Epochs::OldestPinned();
  const std::vector<const Entry*> leases = Epochs::Leases();  // after the pins
  std::erase_if(retired_, [&](const Retired& old) {
    if (old.stamp >= oldest) return false;
    if (std::ranges::binary_search(leases, old.entry, std::less<>())) return false;
    retired_bytes_ -= old.size_bytes();
    if (old.entry != nullptr) (void)EntryRef::Adopt(old.entry);
    return true;
  });
  kept_retired_ = retired_.size();
  kept_bytes_ = retired_bytes_;
}

}  // namespace assay::cache::memory
