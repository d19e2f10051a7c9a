#include "disk/index.h"

#include <algorithm>
#include <bit>

namespace assay::cache::disk {
namespace {

// Keys are hashes, but tests and other callers may count: mixed once more (Fibonacci hashing).
std::uint64_t Mixed(const Key& key) {
  std::uint64_t mixed = (key.low ^ std::rotl(key.high, 32)) * 0x9E3779B97F4A7C15U;
  return mixed ^ mixed >> 32;
}

constexpr std::size_t kLeastSlots = 64;
constexpr int kShardShift = 60;  // the mixed key's first four bits

}  // namespace

std::size_t Index::ShardOf(const Key& key) {
  return static_cast<std::size_t>(Mixed(key) >> kShardShift);
}

std::size_t Index::Shard::SlotOf(const Key& key) const {
  const std::size_t mask = table.size() - 1;
  std::size_t slot = static_cast<std::size_t>(Mixed(key)) & mask;
  while (table[slot] != kEmpty && items[table[slot]].key != key) slot = (slot + 1) & mask;
  return slot;
}

void Index::Shard::Grow(std::size_t items_wanted) {
  if (!table.empty() && items_wanted * 4 <= table.size() * 3) return;
  std::size_t slots = std::max(kLeastSlots, table.size());
  while (items_wanted * 4 > slots * 3) slots *= 2;
  table.assign(slots, kEmpty);
  const std::size_t mask = slots - 1;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::size_t slot = static_cast<std::size_t>(Mixed(items[i].key)) & mask;
    while (table[slot] != kEmpty) slot = (slot + 1) & mask;
    table[slot] = static_cast<std::uint32_t>(i);
  }
}

// Closes the gap in the table by moving later members of the run back (Knuth, TAOCP 3, 6.4,
// algorithm R), and the one in the array by moving the last item there.
void Index::Shard::EraseAt(std::size_t slot) {
  const std::size_t mask = table.size() - 1;
  const std::uint32_t number = table[slot];
  const auto last = static_cast<std::uint32_t>(items.size() - 1);
  if (number != last) {
    table[SlotOf(items[last].key)] = number;
    items[number] = items[last];
    marks[number] = marks[last];
    // The moved item's key stands twice in the array now, so its slot is found before this.
  }
  items.pop_back();
  marks.pop_back();
  std::size_t gap = slot;
  for (std::size_t next = (gap + 1) & mask; table[next] != kEmpty; next = (next + 1) & mask) {
    const std::size_t home = static_cast<std::size_t>(Mixed(items[table[next]].key)) & mask;
    if (((next - home) & mask) >= ((next - gap) & mask)) {
      table[gap] = table[next];
      gap = next;
    }
  }
  table[gap] = kEmpty;
}

std::optional<Item> Index::Find(const Key& key, bool mark) const {
  const Shard& shard = shards_[ShardOf(key)];
  const std::shared_lock lock(shard.mutex);
  if (shard.table.empty()) return std::nullopt;
  const std::uint32_t number = shard.table[shard.SlotOf(key)];
  if (number == kEmpty) return std::nullopt;
  if (mark) {
    // Partner: the other readers here, and Collect; changes of the array hold the lock alone.
    const std::atomic_ref<std::uint8_t> marked(shard.marks[number]);
    if (marked.load(std::memory_order_relaxed) == 0) marked.store(1, std::memory_order_relaxed);
  }
  return shard.items[number];
}

std::vector<Item> Index::CopyShard(std::size_t shard) const {
  const std::shared_lock lock(shards_[shard].mutex);
  return shards_[shard].items;
}

void Index::Collect(const Condition& condition, std::vector<Item>& items,
                    std::vector<bool>* read) const {
  for (const Shard& shard : shards_) {
    const std::shared_lock lock(shard.mutex);
    for (std::size_t i = 0; i < shard.items.size(); ++i) {
      if (!condition(shard.items[i])) continue;
      items.push_back(shard.items[i]);
      if (read == nullptr) continue;
      const std::atomic_ref<std::uint8_t> marked(shard.marks[i]);
      read->push_back(marked.load(std::memory_order_relaxed) != 0);
    }
  }
}

std::optional<Item> Index::Insert(const Item& item) {
  Shard& shard = shards_[ShardOf(item.key)];
  const std::scoped_lock lock(shard.mutex);
  shard.Grow(shard.items.size() + 1);
  const std::size_t slot = shard.SlotOf(item.key);
  if (const std::uint32_t number = shard.table[slot]; number != kEmpty) {
    const Item before = shard.items[number];
    shard.items[number] = item;
    shard.marks[number] = 0;
    return before;
  }
  shard.table[slot] = static_cast<std::uint32_t>(shard.items.size());
  shard.items.push_back(item);
  shard.marks.push_back(0);
  size_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

std::optional<Item> Index::Erase(const Key& key) {
  Shard& shard = shards_[ShardOf(key)];
  const std::scoped_lock lock(shard.mutex);
  if (shard.table.empty()) return std::nullopt;
  const std::size_t slot = shard.SlotOf(key);
  if (shard.table[slot] == kEmpty) return std::nullopt;
  const Item before = shard.items[shard.table[slot]];
  shard.EraseAt(slot);
  size_.fetch_sub(1, std::memory_order_relaxed);
  return before;
}

std::vector<Item> Index::EraseWhere(const Condition& condition) {
  std::vector<Item> erased;
  for (Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    for (std::size_t i = 0; i < shard.items.size();) {
      if (!condition(shard.items[i])) {
        ++i;
        continue;
      }
      erased.push_back(shard.items[i]);
      shard.EraseAt(shard.SlotOf(shard.items[i].key));
      size_.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  return erased;
}

bool Index::LoadShard(std::size_t number, std::span<const Item> items) {
  Shard& shard = shards_[number];
  const std::scoped_lock lock(shard.mutex);
  shard.Grow(items.size());  // still empty: sets the table's size
  if (shard.table.empty()) return items.empty();
  shard.items.assign(items.begin(), items.end());
  shard.marks.assign(items.size(), 0);
  // The slots with a part of each key beside its number: so taken slots are told apart without a
  // look at their items, which are not in the processor's cache.
  struct Place {
    std::uint32_t number = kEmpty;
    std::uint32_t tag = 0;
  };
  std::vector<Place> places(shard.table.size());
  const std::size_t mask = places.size() - 1;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::uint64_t mixed = Mixed(items[i].key);
    if (static_cast<std::size_t>(mixed >> kShardShift) != number) return false;
    const auto tag = static_cast<std::uint32_t>(mixed >> 24);
    std::size_t slot = static_cast<std::size_t>(mixed) & mask;
    for (; places[slot].number != kEmpty; slot = (slot + 1) & mask) {
      if (places[slot].tag == tag && items[places[slot].number].key == items[i].key) return false;
    }
    places[slot] = {.number = static_cast<std::uint32_t>(i), .tag = tag};
  }
  std::ranges::transform(places, shard.table.begin(), &Place::number);
  size_.fetch_add(items.size(), std::memory_order_relaxed);
  return true;
}

void Index::Clear() {
  for (Shard& shard : shards_) {
    const std::scoped_lock lock(shard.mutex);
    shard.items.clear();
    shard.marks.clear();
    shard.table.clear();
  }
  size_.store(0, std::memory_order_relaxed);
}

}  // namespace assay::cache::disk
