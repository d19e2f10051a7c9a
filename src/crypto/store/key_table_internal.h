// key_table_internal.h: the keys in memory, read without locks.
// Room: crypto.  Threads: Find, Admit and Charge from any thread; everything else by one at a time,
// who holds the store's lock.
//
// Records are never freed while the store lives, so readers need neither locks nor counts of
// references; a key's attributes do not change but for its revocation. What remains of replaced
// tables and records is bounded by twice the keys ever seen.
#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "assay/core/result.h"
#include "assay/crypto/grant.h"
#include "assay/crypto/hmac.h"

namespace assay::crypto {

inline constexpr std::int64_t kNever = INT64_MAX;

// Counters of one key in one window of its budget. `own` is of this process, `others` what the
// database had beyond it at the last synchronization, `elsewhere` what all processes on all
// machines had beyond it as far as the store was told. Budgets are held against `own` and the
// larger of the two, for what `others` counts is part of `elsewhere`, or on its way there.
struct WindowCounters {
  struct Atomics {
    std::atomic<std::uint64_t> requests{0};
    std::atomic<std::uint64_t> tokens{0};
    std::atomic<std::uint64_t> cost_nanousd{0};
    // Counters alone, which order nothing else: relaxed throughout.
    [[nodiscard]] Usage Load() const;
    void Store(const Usage& usage);
  };
  // The window, as two atomics: Roll writes begin last (release), readers read it first (acquire);
  // it empties the window by a begin of kNever before it changes anything.
  std::atomic<std::int64_t> begin_ms{kNever};
  std::atomic<std::int64_t> end_ms{INT64_MIN};
  Atomics own;
  Atomics others;
  Atomics elsewhere;
  [[nodiscard]] Usage Sum() const;
  Usage collected;    // of `own`: on the way to the database or there; guarded by KeyUsage::mutex
  bool fresh = true;  // `others` is not yet read from the database; guarded as above
};

// What one window has used and the database does not have yet.
using UsageDeltas = std::map<std::pair<std::string, std::int64_t>, Usage>;  // by id, begin_ms

// Two windows take turns: the running one, and the one before, whose last charges may still come.
class KeyUsage {
 public:
  // The window that holds `now_ms`. A lock is taken only when a new one begins.
  [[nodiscard]] WindowCounters& At(Period period, std::int64_t now_ms);
  // Moves what was not collected before into `deltas`.
  void Collect(std::string_view id, UsageDeltas& deltas);
  // Sets what other processes have used in the window, given the database's sum over all, which
  // holds what this process has collected.
  void SetSum(WindowCounters& window, std::int64_t begin_ms, const Usage& sum);
  // Sets what is known from elsewhere of the window that begins then, if there is one.
  void SetElsewhere(std::int64_t begin_ms, const Usage& elsewhere);
  [[nodiscard]] bool IsFresh(const WindowCounters& window);

 private:
  WindowCounters& Roll(const Window& window);
  static void CollectInto(WindowCounters& window, Usage& delta);

  std::array<WindowCounters, 2> windows_;
  std::atomic<unsigned> running_{0};  // index of the window to try first; a hint, orders nothing
  std::mutex mutex_;
  std::vector<std::pair<std::int64_t, Usage>> rolled_;  // collected when their place was needed
};

struct KeyRecord {
  KeyId id;
  std::string name;
  std::string tenant;
  ScopeSet scopes;
  std::int64_t created_ms = 0;
  std::int64_t expires_ms = kNever;
  Budget budget;
  Mac hash{};
  std::uint32_t hash_key = 0;
  const HmacKey* hasher = nullptr;  // null: of a key that this process's ring does not hold
  std::shared_ptr<KeyUsage> usage;
  // kNever while it is valid. Written by the store (release), read by Authenticate (acquire).
  mutable std::atomic<std::int64_t> revoked_ms{kNever};

  [[nodiscard]] bool SameAttributes(const KeyRecord& other) const;
};

class KeyTable {
 public:
  KeyTable();
  [[nodiscard]] const KeyRecord* Find(const KeyId& id) const;
  // Adds the record, or puts it in the place of the one with its identifier.
  const KeyRecord* Put(std::unique_ptr<KeyRecord> record);
  [[nodiscard]] std::vector<const KeyRecord*> All() const;  // oldest first
  [[nodiscard]] std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  using Slot = std::atomic<const KeyRecord*>;  // written by Put (release), read by Find (acquire)
  struct Slots {
    explicit Slots(std::size_t capacity) : mask(capacity - 1), at(new Slot[capacity]()) {}
    std::size_t mask;
    std::unique_ptr<Slot[]> at;
  };
  static Slot& Place(const Slots& slots, const KeyId& id);

  std::atomic<const Slots*> slots_;  // written by Put (release), read by Find (acquire)
  std::vector<std::unique_ptr<Slots>> all_slots_;
  std::vector<std::unique_ptr<KeyRecord>> records_;
  std::atomic<std::size_t> size_{0};  // a figure for people, orders nothing
};

}  // namespace assay::crypto
