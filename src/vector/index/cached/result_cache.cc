#include <array>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "assay/core/hash.h"
#include "assay/vector/index.h"

namespace assay::vector {
namespace {

constexpr std::size_t kShards = 16;  // a power of two, more than threads that meet by chance
// Of libstdc++: a node of the list, one of the map with its bucket, and malloc's words.
constexpr std::size_t kEntryBytes = 160;

std::size_t BytesOf(const std::vector<Neighbor>& result) {
  return kEntryBytes + result.capacity() * sizeof(Neighbor);
}

}  // namespace

// All that is in has been found at one version of the index.
class ResultCache::Shard {
 public:
  explicit Shard(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  bool Find(const core::Hash128& key, std::uint64_t version, std::vector<Neighbor>& result) {
    const std::lock_guard hold(mutex_);
    const auto found = version == version_ ? places_.find(key) : places_.end();
    if (found == places_.end()) {
      ++counts_.misses;
      return false;
    }
    ++counts_.hits;
    entries_.splice(entries_.begin(), entries_, found->second);
    result = found->second->result;
    return true;
  }

  // `version`: of the index before the search began.
  void Keep(const core::Hash128& key, std::uint64_t version, const std::vector<Neighbor>& result) {
    const std::lock_guard hold(mutex_);
    if (version < version_) return;
    if (version > version_) {
      entries_.clear();
      places_.clear();
      counts_.bytes = 0;
      version_ = version;
    }
    if (BytesOf(result) > max_bytes_ || places_.contains(key)) return;
    entries_.push_front({key, result});
    places_[key] = entries_.begin();
    counts_.bytes += BytesOf(entries_.front().result);
    while (counts_.bytes > max_bytes_) {
      counts_.bytes -= BytesOf(entries_.back().result);
      places_.erase(entries_.back().key);
      entries_.pop_back();
    }
  }

  Counts counts() const {
    const std::lock_guard hold(mutex_);
    Counts counts = counts_;
    counts.entries = entries_.size();
    return counts;
  }

 private:
  struct Entry {
    core::Hash128 key;
    std::vector<Neighbor> result;
  };

  const std::size_t max_bytes_;
  mutable std::mutex mutex_;  // guards all below
  std::uint64_t version_ = 0;
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<core::Hash128, std::list<Entry>::iterator> places_;
  Counts counts_;
};

ResultCache::ResultCache(const Index& index, std::size_t max_bytes) : index_(index) {
  for (std::size_t i = 0; i < kShards; ++i) {
    shards_.push_back(std::make_unique<Shard>(max_bytes / kShards));
  }
}

ResultCache::~ResultCache() = default;

Result<std::vector<Neighbor>> ResultCache::Search(std::span<const float> query, std::size_t k) {
  const core::Hash128 key =
      core::HashBytes128({reinterpret_cast<const char*>(query.data()), query.size_bytes()}, k);
  Shard& shard = *shards_[key.high % kShards];
  // Taken before the search: whatever changes from here on makes this version the past.
  const std::uint64_t version = index_.version();
  std::vector<Neighbor> result;
  if (shard.Find(key, version, result)) return result;
  ASSAY_ASSIGN(result, index_.Search(query, k));
  shard.Keep(key, version, result);
  return result;
}

ResultCache::Counts ResultCache::counts() const {
  Counts sum;
  for (const auto& shard : shards_) {
    const Counts one = shard->counts();
    sum.hits += one.hits;
    sum.misses += one.misses;
    sum.entries += one.entries;
    sum.bytes += one.bytes;
  }
  return sum;
}

}  // namespace assay::vector
