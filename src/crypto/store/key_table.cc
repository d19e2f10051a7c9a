#include <algorithm>
#include <cstring>
#include <tuple>

#include "store/key_table_internal.h"

namespace assay::crypto {
namespace {

constexpr std::size_t kFirstCapacity = 64;  // a power of two

std::size_t HashOf(const KeyId& id) {
  std::uint64_t value = 0;
  static_assert(sizeof(value) == sizeof(id.text));
  std::memcpy(&value, id.text.data(), sizeof(value));
  // Identifiers are random text; Fibonacci hashing (Knuth, TAOCP 3, 6.4) spreads its bits.
  return static_cast<std::size_t>((value * 0x9e3779b97f4a7c15U) >> 20);
}

Usage Minus(const Usage& a, const Usage& b) {
  const auto minus = [](std::uint64_t x, std::uint64_t y) { return x > y ? x - y : 0; };
  return {minus(a.requests, b.requests), minus(a.tokens, b.tokens),
          minus(a.cost_nanousd, b.cost_nanousd)};
}

}  // namespace

Usage WindowCounters::Atomics::Load() const {
  return {requests.load(std::memory_order_relaxed), tokens.load(std::memory_order_relaxed),
          cost_nanousd.load(std::memory_order_relaxed)};
}

void WindowCounters::Atomics::Store(const Usage& usage) {
  requests.store(usage.requests, std::memory_order_relaxed);
  tokens.store(usage.tokens, std::memory_order_relaxed);
  cost_nanousd.store(usage.cost_nanousd, std::memory_order_relaxed);
}

Usage WindowCounters::Sum() const {
  const Usage of_own = own.Load();
  const Usage a = others.Load();
  const Usage b = elsewhere.Load();
  return {of_own.requests + std::max(a.requests, b.requests),
          of_own.tokens + std::max(a.tokens, b.tokens),
          of_own.cost_nanousd + std::max(a.cost_nanousd, b.cost_nanousd)};
}

WindowCounters& KeyUsage::At(Period period, std::int64_t now_ms) {
  const unsigned running = running_.load(std::memory_order_relaxed);
  for (const unsigned place : {running, running ^ 1U}) {
    WindowCounters& window = windows_[place];
    if (window.begin_ms.load(std::memory_order_acquire) <= now_ms &&
        now_ms < window.end_ms.load(std::memory_order_relaxed)) {
      return window;
    }
  }
  return Roll(WindowAt(period, now_ms));
}

WindowCounters& KeyUsage::Roll(const Window& window) {
  const std::lock_guard lock(mutex_);
  for (WindowCounters& there : windows_) {  // another thread was faster
    if (there.begin_ms.load(std::memory_order_relaxed) == window.begin_ms) return there;
  }
  // The place of the older of the two, also when the clock was set back.
  const unsigned place = running_.load(std::memory_order_relaxed) ^ 1U;
  WindowCounters& taken = windows_[place];
  const std::int64_t old_begin_ms = taken.begin_ms.exchange(kNever, std::memory_order_acq_rel);
  if (old_begin_ms != kNever) {
    Usage delta;
    CollectInto(taken, delta);
    if (delta != Usage{}) rolled_.emplace_back(old_begin_ms, delta);
  }
  taken.own.Store({});
  taken.others.Store({});
  taken.elsewhere.Store({});
  taken.collected = {};
  taken.fresh = true;
  taken.end_ms.store(window.end_ms, std::memory_order_relaxed);
  taken.begin_ms.store(window.begin_ms, std::memory_order_release);
  running_.store(place, std::memory_order_relaxed);
  return taken;
}

void KeyUsage::CollectInto(WindowCounters& window, Usage& delta) {
  const Usage own = window.own.Load();
  delta = Minus(own, window.collected);
  window.collected = own;
}

void KeyUsage::Collect(std::string_view id, UsageDeltas& deltas) {
  const auto add = [&](std::int64_t begin_ms, const Usage& delta) {
    if (delta == Usage{}) return;
    Usage& sum = deltas[{std::string(id), begin_ms}];
    sum.requests += delta.requests;
    sum.tokens += delta.tokens;
    sum.cost_nanousd += delta.cost_nanousd;
  };
  const std::lock_guard lock(mutex_);
  for (const auto& [begin_ms, delta] : rolled_) add(begin_ms, delta);
  rolled_.clear();
  for (WindowCounters& window : windows_) {
    const std::int64_t begin_ms = window.begin_ms.load(std::memory_order_relaxed);
    if (begin_ms == kNever) continue;
    Usage delta;
    CollectInto(window, delta);
    add(begin_ms, delta);
  }
}

void KeyUsage::SetSum(WindowCounters& window, std::int64_t begin_ms, const Usage& sum) {
  const std::lock_guard lock(mutex_);
  if (window.begin_ms.load(std::memory_order_relaxed) != begin_ms) return;  // it is another by now
  window.others.Store(Minus(sum, window.collected));
  window.fresh = false;
}

void KeyUsage::SetElsewhere(std::int64_t begin_ms, const Usage& elsewhere) {
  const std::lock_guard lock(mutex_);
  for (WindowCounters& window : windows_) {
    if (window.begin_ms.load(std::memory_order_relaxed) == begin_ms) {
      window.elsewhere.Store(elsewhere);
    }
  }
}

bool KeyUsage::IsFresh(const WindowCounters& window) {
  const std::lock_guard lock(mutex_);
  return window.fresh;
}

bool KeyRecord::SameAttributes(const KeyRecord& other) const {
  const auto tie = [](const KeyRecord& r) {
    return std::tie(r.id, r.name, r.tenant, r.scopes, r.created_ms, r.expires_ms, r.budget, r.hash,
                    r.hash_key);
  };
  return tie(*this) == tie(other);
}

KeyTable::KeyTable() {
  all_slots_.push_back(std::make_unique<Slots>(kFirstCapacity));
  slots_.store(all_slots_.back().get(), std::memory_order_release);
}

// The slot that holds the identifier, or the empty one where it would be. At most half of the slots
// are taken, so there is one.
KeyTable::Slot& KeyTable::Place(const Slots& slots, const KeyId& id) {
  for (std::size_t i = HashOf(id);; ++i) {
    Slot& slot = slots.at[i & slots.mask];
    const KeyRecord* const record = slot.load(std::memory_order_acquire);
    if (record == nullptr || record->id == id) return slot;
  }
}

const KeyRecord* KeyTable::Find(const KeyId& id) const {
  return Place(*slots_.load(std::memory_order_acquire), id).load(std::memory_order_acquire);
}

const KeyRecord* KeyTable::Put(std::unique_ptr<KeyRecord> record) {
  const KeyRecord* const added = record.get();
  records_.push_back(std::move(record));
  const Slots* slots = slots_.load(std::memory_order_relaxed);
  const bool known = Find(added->id) != nullptr;
  if (!known && (size() + 1) * 2 > slots->mask + 1) {
    auto larger = std::make_unique<Slots>((slots->mask + 1) * 2);
    for (std::size_t i = 0; i <= slots->mask; ++i) {
      const KeyRecord* const old = slots->at[i].load(std::memory_order_relaxed);
      if (old != nullptr) Place(*larger, old->id).store(old, std::memory_order_relaxed);
    }
    slots = larger.get();
    all_slots_.push_back(std::move(larger));
    slots_.store(slots, std::memory_order_release);
  }
  Place(*slots, added->id).store(added, std::memory_order_release);
  if (!known) size_.fetch_add(1, std::memory_order_relaxed);
  return added;
}

std::vector<const KeyRecord*> KeyTable::All() const {
  const Slots* const slots = slots_.load(std::memory_order_acquire);
  std::vector<const KeyRecord*> all;
  for (std::size_t i = 0; i <= slots->mask; ++i) {
    if (const KeyRecord* record = slots->at[i].load(std::memory_order_acquire)) {
      all.push_back(record);
    }
  }
  std::ranges::sort(all, [](const KeyRecord* a, const KeyRecord* b) {
    return std::tie(a->created_ms, a->id.text) < std::tie(b->created_ms, b->id.text);
  });
  return all;
}

}  // namespace assay::crypto
