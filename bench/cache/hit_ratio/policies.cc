#include "policies.h"

#include <algorithm>
#include <array>
#include <bit>
#include <iterator>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <utility>

#include "assay/cache/memory_cache.h"
#include "assay/core/hash.h"

namespace assay::bench {
namespace {

// The shipped cache, bounded by entries.
class Assay final : public Policy {
 public:
  Assay(std::size_t entries, std::size_t distinct)
      : cache_(cache::MemoryCache::Create(
                   {.capacity_bytes = std::size_t{1} << 40, .max_entries = entries, .shards = 1})
                   .value()) {
    for (std::size_t i = 0; i < distinct; ++i) {
      const auto bytes = std::bit_cast<std::array<char, sizeof(i)>>(i);
      keys_.push_back(core::HashBytes128({bytes.data(), bytes.size()}));
    }
  }
  bool Access(TraceKey key) override {
    if (cache_->Get(keys_[key], 0)) return true;
    cache_->Put(cache::Entry::Make(keys_[key], {.expires_ms = cache::kNeverExpires}, {}).value(),
                0);
    return false;
  }

 private:
  std::unique_ptr<cache::MemoryCache> cache_;
  std::vector<cache::Key> keys_;
};

// Keys in the order of their last use, newest first, with the place of each.
class Recency {
 public:
  explicit Recency(std::size_t distinct) : places_(distinct), there_(distinct, false) {}
  [[nodiscard]] bool Has(TraceKey key) const { return there_[key]; }
  [[nodiscard]] std::size_t size() const { return keys_.size(); }
  [[nodiscard]] TraceKey oldest() const { return keys_.back(); }
  void Add(TraceKey key) {
    keys_.push_front(key);
    places_[key] = keys_.begin();
    there_[key] = true;
  }
  void Touch(TraceKey key) { keys_.splice(keys_.begin(), keys_, places_[key]); }
  void Remove(TraceKey key) {
    keys_.erase(places_[key]);
    there_[key] = false;
  }
  TraceKey RemoveOldest() {
    const TraceKey key = keys_.back();
    Remove(key);
    return key;
  }

 private:
  std::list<TraceKey> keys_;
  std::vector<std::list<TraceKey>::iterator> places_;
  std::vector<bool> there_;
};

class Lru final : public Policy {
 public:
  Lru(std::size_t entries, std::size_t distinct) : entries_(entries), keys_(distinct) {}
  bool Access(TraceKey key) override {
    if (keys_.Has(key)) {
      keys_.Touch(key);
      return true;
    }
    if (keys_.size() == entries_) keys_.RemoveOldest();
    keys_.Add(key);
    return false;
  }

 private:
  std::size_t entries_;
  Recency keys_;
};

// Least frequently used of those that are cached; of equals the least recently used.
class Lfu final : public Policy {
 public:
  Lfu(std::size_t entries, std::size_t distinct) : entries_(entries), uses_(distinct) {}
  bool Access(TraceKey key) override {
    ++now_;
    Use& use = uses_[key];
    const bool hit = use.count != 0;
    if (hit) {
      order_.erase({use.count, use.last, key});
    } else if (order_.size() == entries_) {
      uses_[std::get<2>(*order_.begin())].count = 0;
      order_.erase(order_.begin());
    }
    ++use.count;
    use.last = now_;
    order_.insert({use.count, use.last, key});
    return hit;
  }

 private:
  struct Use {
    std::uint64_t count = 0;
    std::uint64_t last = 0;
  };
  std::size_t entries_;
  std::uint64_t now_ = 0;
  std::vector<Use> uses_;
  std::set<std::tuple<std::uint64_t, std::uint64_t, TraceKey>> order_;
};

// Megiddo and Modha, FAST 2003, figure 4.
class Arc final : public Policy {
 public:
  Arc(std::size_t entries, std::size_t distinct)
      : c_(entries), t1_(distinct), t2_(distinct), b1_(distinct), b2_(distinct) {}
  bool Access(TraceKey key) override {
    if (t1_.Has(key)) {
      t1_.Remove(key);
      t2_.Add(key);
      return true;
    }
    if (t2_.Has(key)) {
      t2_.Touch(key);
      return true;
    }
    if (b1_.Has(key)) {
      p_ = std::min(c_, p_ + std::max<std::size_t>(b2_.size() / b1_.size(), 1));
      Replace(false);
      b1_.Remove(key);
      t2_.Add(key);
    } else if (b2_.Has(key)) {
      p_ -= std::min(p_, std::max<std::size_t>(b1_.size() / b2_.size(), 1));
      Replace(true);
      b2_.Remove(key);
      t2_.Add(key);
    } else {
      MakeRoom();
      t1_.Add(key);
    }
    return false;
  }

 private:
  void MakeRoom() {
    if (t1_.size() + b1_.size() == c_) {
      if (t1_.size() < c_) {
        b1_.RemoveOldest();
        Replace(false);
      } else {
        t1_.RemoveOldest();
      }
    } else if (t1_.size() + t2_.size() + b1_.size() + b2_.size() >= c_) {
      if (t1_.size() + t2_.size() + b1_.size() + b2_.size() == 2 * c_) b2_.RemoveOldest();
      if (t1_.size() + t2_.size() >= c_) Replace(false);
    }
  }
  void Replace(bool asked_in_b2) {
    if (t1_.size() != 0 && (t1_.size() > p_ || (asked_in_b2 && t1_.size() == p_))) {
      b1_.Add(t1_.RemoveOldest());
    } else if (t2_.size() != 0) {
      b2_.Add(t2_.RemoveOldest());
    } else {
      b1_.Add(t1_.RemoveOldest());
    }
  }

  std::size_t c_;
  std::size_t p_ = 0;
  Recency t1_, t2_, b1_, b2_;
};

// Zhang, Yang et al., NSDI 2024.
class Sieve final : public Policy {
 public:
  Sieve(std::size_t entries, std::size_t distinct)
      : entries_(entries), there_(distinct, false), visited_(distinct, false) {}
  bool Access(TraceKey key) override {
    if (there_[key]) {
      visited_[key] = true;
      return true;
    }
    if (keys_.size() == entries_) Evict();
    keys_.push_front(key);
    there_[key] = true;
    return false;
  }

 private:
  void Evict() {
    if (hand_ == keys_.end()) hand_ = std::prev(keys_.end());
    while (visited_[*hand_]) {
      visited_[*hand_] = false;
      hand_ = hand_ == keys_.begin() ? std::prev(keys_.end()) : std::prev(hand_);
    }
    there_[*hand_] = false;
    const auto next = hand_ == keys_.begin() ? keys_.end() : std::prev(hand_);
    keys_.erase(hand_);
    hand_ = next;
  }

  std::size_t entries_;
  std::list<TraceKey> keys_;
  std::list<TraceKey>::iterator hand_ = keys_.end();
  std::vector<bool> there_;
  std::vector<bool> visited_;
};

template <typename P>
std::unique_ptr<Policy> Make(std::size_t entries, std::size_t distinct) {
  return std::make_unique<P>(entries, distinct);
}

constexpr PolicyKind kPolicies[] = {
    {"assay", &Make<Assay>}, {"LRU", &Make<Lru>},     {"LFU", &Make<Lfu>},
    {"ARC", &Make<Arc>},     {"SIEVE", &Make<Sieve>},
};

}  // namespace

std::span<const PolicyKind> Policies() {
  return kPolicies;
}

std::uint64_t BeladyHits(std::span<const TraceKey> trace, std::size_t entries,
                         std::size_t distinct) {
  constexpr std::size_t kNever = std::numeric_limits<std::size_t>::max();
  std::vector<std::size_t> next(trace.size());
  std::vector<std::size_t> seen(distinct, kNever);
  for (std::size_t i = trace.size(); i-- > 0;) {
    next[i] = seen[trace[i]];
    seen[trace[i]] = i;
  }
  std::set<std::pair<std::size_t, TraceKey>> cached;  // by next use
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < trace.size(); ++i) {
    const auto found = cached.find({i, trace[i]});
    if (found != cached.end()) {
      ++hits;
      cached.erase(found);
    } else if (cached.size() == entries) {
      // A key that is needed later than all others is not kept at all.
      if (std::prev(cached.end())->first < next[i]) continue;
      cached.erase(std::prev(cached.end()));
    }
    cached.insert({next[i], trace[i]});
  }
  return hits;
}

}  // namespace assay::bench
