#include <utility>
#include <vector>

#include "assay/cache/disk_tier.h"
#include "assay/core/file_system.h"

#include "services/answer_cache_internal.h"

namespace assay::gateway {

Result<std::unique_ptr<cache::TieredCache>> OpenCache(const CacheSettings& settings) {
  cache::MemoryCacheOptions memory_options;
  memory_options.capacity_bytes = static_cast<std::size_t>(settings.memory.size_bytes);
  if (settings.memory.max_entries > 0) {
    memory_options.max_entries = static_cast<std::size_t>(settings.memory.max_entries);
  }
  ASSAY_ASSIGN(auto memory, cache::MemoryCache::Create(memory_options));
  std::vector<std::unique_ptr<cache::Tier>> lower;
  if (settings.disk.enabled()) {
    cache::DiskOptions options;
    options.folder = settings.disk.folder;
    options.max_bytes = static_cast<std::uint64_t>(settings.disk.size_bytes);
    options.durable_puts = settings.disk.sync;
    ASSAY_ASSIGN(auto disk, cache::DiskTier::Open(core::FileSystem::Real(), std::move(options)));
    lower.push_back(std::move(disk));
  }
  return std::make_unique<cache::TieredCache>(std::move(memory), std::move(lower),
                                              cache::TieredOptions{});
}

CacheTier TierOf(std::string_view name) {
  if (name == "memory") return CacheTier::kMemory;
  if (name == "zstd" || name == "compressed") return CacheTier::kCompressed;
  if (name == "disk") return CacheTier::kDisk;
  return name == "redis" ? CacheTier::kRedis : CacheTier::kNone;
}

}  // namespace assay::gateway
