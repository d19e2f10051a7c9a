// coalescing/shared_work.h: what several coroutines want at once is done by the first of them.
// Room: gateway (private).  Threads: safe, one short lock; a seat belongs to its coroutine.
#pragma once
#include <algorithm>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "assay/core/hash.h"

#include "coroutine/signal_internal.h"

namespace assay::gateway {

template <typename T>
class SharedWork {
 public:
  using Found = std::shared_ptr<const T>;  // null: who did the work left before its end
  using Waiter = std::shared_ptr<HandOver<Found>>;

  // A coroutine's part in a work, until it is destroyed.
  class Seat {
   public:
    Seat(SharedWork& of, core::Hash128 key, Waiter waiter)
        : of_(of), key_(key), waiter_(std::move(waiter)) {
      leads_ = of_.Enter(key_, waiter_);
    }
    Seat(const Seat&) = delete;
    Seat& operator=(const Seat&) = delete;
    ~Seat() {
      if (leads_) {
        End(nullptr);
      } else {
        of_.Leave(key_, waiter_);
      }
    }

    // True: this one does the work and calls End(). False: its waiter is given what comes of it.
    [[nodiscard]] bool leads() const { return leads_; }
    // Once; gives it to all who wait. Whoever comes later leads a work of its own.
    void End(const Found& found) {
      if (!std::exchange(leads_, false)) return;
      for (Waiter& each : of_.Close(key_)) HandOver<Found>::Give(std::move(each), found);
    }

   private:
    SharedWork& of_;
    core::Hash128 key_;
    Waiter waiter_;
    bool leads_ = false;
  };

 private:
  struct KeyHash {
    std::size_t operator()(const core::Hash128& key) const { return key.low; }
  };

  // True for the first.
  bool Enter(core::Hash128 key, const Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    const auto [place, first] = waiting_.try_emplace(key);
    if (!first) place->second.push_back(waiter);
    return first;
  }
  std::vector<Waiter> Close(core::Hash128 key) {
    const std::scoped_lock lock(mutex_);
    auto node = waiting_.extract(key);
    return std::move(node.mapped());
  }
  void Leave(core::Hash128 key, const Waiter& waiter) {
    const std::scoped_lock lock(mutex_);
    if (const auto place = waiting_.find(key); place != waiting_.end()) {
      std::erase(place->second, waiter);
    }
  }

  std::mutex mutex_;
  std::unordered_map<core::Hash128, std::vector<Waiter>, KeyHash> waiting_;  // under mutex_
};

}  // namespace assay::gateway
