#include "assay/cache/memory_cache.h"

#include "services/answer_cache_internal.h"

namespace assay::gateway {
namespace {

class MemoryAnswerCache final : public AnswerCache {
 public:
  explicit MemoryAnswerCache(std::unique_ptr<cache::MemoryCache> memory)
      : memory_(std::move(memory)) {}

  cache::EntryRef GetMemory(const cache::Key& key, std::int64_t now_ms) override {
    return memory_->Get(key, now_ms);
  }
  bool has_lower_tiers() const override { return false; }
  void GetLower(const cache::Key&, std::int64_t, std::function<void(LowerHit)> done) override {
    done({});
  }
  void Put(const cache::EntryRef& entry, std::int64_t now_ms) override {
    (void)memory_->Put(entry, now_ms);  // false: too large for the cache, which is no error
  }
  Result<std::uint64_t> Purge(const cache::Filter& filter) override {
    return memory_->Purge(filter);
  }
  std::vector<std::pair<std::string, cache::TierStats>> Stats() const override {
    return {{"memory", memory_->Stats()}};
  }
  Result<void> Sync() override { return {}; }

 private:
  std::unique_ptr<cache::MemoryCache> memory_;
};

}  // namespace

Result<std::unique_ptr<AnswerCache>> AnswerCache::Open(const CacheSettings& settings) {
  cache::MemoryCacheOptions options;
  options.capacity_bytes = static_cast<std::size_t>(settings.memory.size_bytes);
  if (settings.memory.max_entries > 0) {
    options.max_entries = static_cast<std::size_t>(settings.memory.max_entries);
  }
  ASSAY_ASSIGN(auto memory, cache::MemoryCache::Create(options));
  return std::make_unique<MemoryAnswerCache>(std::move(memory));
}

}  // namespace assay::gateway
