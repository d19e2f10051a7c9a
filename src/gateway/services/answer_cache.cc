#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/cache/compressed_tier.h"
#include "assay/cache/disk_tier.h"
#include "assay/cache/redis_tier.h"
#include "assay/core/file_system.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/key_ring.h"

#include "services/answer_cache_internal.h"

namespace assay::gateway {
namespace {

using LowerTiers = std::vector<std::unique_ptr<cache::Tier>>;
using SealerRef = std::shared_ptr<const crypto::Sealer>;

// So that any password stands in a URL (RFC 3986, 2.1).
std::string PercentEncoded(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain) {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

Result<SealerRef> LoadSealer(const std::string& key_file) {
  if (key_file.empty()) return SealerRef();
  ASSAY_ASSIGN(const crypto::KeyRing ring, crypto::KeyRing::Load(key_file));
  ASSAY_ASSIGN(crypto::Sealer sealer, crypto::Sealer::Create(ring, cache::kSealPurpose));
  return std::make_shared<const crypto::Sealer>(std::move(sealer));
}

std::string_view KindName(cache::DiskEvent::Kind kind) {
  switch (kind) {
    case cache::DiskEvent::Kind::kTornTail:
      return "torn_tail";
    case cache::DiskEvent::Kind::kDamage:
      return "damage";
    case cache::DiskEvent::Kind::kOff:
      return "off";
    case cache::DiskEvent::Kind::kBack:
      return "back";
  }
  return "";
}

Result<void> AddDisk(const DiskTierSettings& settings, SealerRef sealer, telemetry::Log* log,
                     LowerTiers& lower) {
  cache::DiskOptions options;
  options.folder = settings.folder;
  options.max_bytes = static_cast<std::uint64_t>(settings.size_bytes);
  options.durable_puts = settings.sync;
  options.sealer = std::move(sealer);
  options.on_event = [log](const cache::DiskEvent& event) {
    if (log == nullptr) return;
    const bool good = event.kind == cache::DiskEvent::Kind::kBack;
    log->Write(good ? telemetry::Level::kInfo : telemetry::Level::kWarn, "cache_disk",
               {{"kind", KindName(event.kind)}, {"message", event.message}});
  };
  ASSAY_ASSIGN(auto disk, cache::DiskTier::Open(core::FileSystem::Real(), std::move(options)));
  lower.push_back(std::move(disk));
  return {};
}

Result<void> AddRedis(const RedisTierSettings& settings, const Environment& environment,
                      SealerRef sealer, telemetry::Log* log, LowerTiers& lower) {
  cache::RedisOptions options;
  ASSAY_ASSIGN(options.url, RedisUrl(settings, environment));
  options.key_prefix = settings.prefix;
  options.answer_timeout_ms = settings.time_ms;
  options.first_backoff_ms = settings.retry_after_ms;
  options.longest_backoff_ms = settings.retry_after_ms;
  options.sealer = std::move(sealer);
  options.on_change = [log](bool up, const std::string& message) {
    if (log == nullptr) return;
    log->Write(up ? telemetry::Level::kInfo : telemetry::Level::kWarn, "cache_redis",
               {{"up", up}, {"message", message}});
  };
  ASSAY_ASSIGN(auto redis, cache::RedisTier::Create(std::move(options)));
  lower.push_back(std::move(redis));
  return {};
}

}  // namespace

Result<std::string> RedisUrl(const RedisTierSettings& settings, const Environment& environment) {
  ASSAY_ASSIGN(const auto addresses, cache::RedisAddress::ParseList(settings.url));
  ASSAY_ASSIGN(const auto password, ReadSecret(settings.password, environment));
  if (!password) return settings.url;
  const cache::RedisAddress& first = addresses.front();
  if (!first.socket_path.empty()) {
    return Fail(Code::kInvalidArgument,
                "cache.redis.password is not sent over a Unix socket; leave it out");
  }
  std::string hosts;
  for (const cache::RedisAddress& address : addresses) {
    const bool is_ipv6 = address.host.contains(':');
    hosts += fmt::format("{}{}{}{}:{}", hosts.empty() ? "" : ",", is_ipv6 ? "[" : "", address.host,
                         is_ipv6 ? "]" : "", address.port);
  }
  return fmt::format("{}://{}:{}@{}/{}", first.tls ? "rediss" : "redis", PercentEncoded(first.user),
                     PercentEncoded(*password), hosts, first.database);
}

Result<std::unique_ptr<cache::TieredCache>> OpenCache(const CacheSettings& settings,
                                                      const Environment& environment,
                                                      telemetry::Log* log) {
  cache::MemoryCacheOptions memory_options;
  memory_options.capacity_bytes = static_cast<std::size_t>(settings.memory.size_bytes);
  if (settings.memory.max_entries > 0) {
    memory_options.max_entries = static_cast<std::size_t>(settings.memory.max_entries);
  }
  ASSAY_ASSIGN(auto memory, cache::MemoryCache::Create(memory_options));
  ASSAY_ASSIGN(const SealerRef sealer, LoadSealer(settings.sealing_key_file));
  LowerTiers lower;
  if (settings.compressed.enabled) {
    cache::CompressedTierOptions options;
    options.capacity_bytes = static_cast<std::size_t>(settings.compressed.size_bytes);
    options.level = static_cast<int>(settings.compressed.level);
    ASSAY_ASSIGN(auto compressed, cache::CompressedTier::Create(options));
    lower.push_back(std::move(compressed));
  }
  if (settings.disk.enabled()) ASSAY_TRY(AddDisk(settings.disk, sealer, log, lower));
  if (settings.redis.enabled()) {
    ASSAY_TRY(AddRedis(settings.redis, environment, sealer, log, lower));
  }
  return std::make_unique<cache::TieredCache>(std::move(memory), std::move(lower),
                                              cache::TieredOptions{});
}

cache::RedisTier* RedisOf(const cache::TieredCache& cache) {
  for (const auto& tier : cache.lower()) {
    if (auto* const redis = dynamic_cast<cache::RedisTier*>(tier.get())) return redis;
  }
  return nullptr;
}

CacheTier TierOf(std::string_view name) {
  if (name == "memory") return CacheTier::kMemory;
  if (name == "zstd" || name == "compressed") return CacheTier::kCompressed;
  if (name == "disk") return CacheTier::kDisk;
  return name == "redis" ? CacheTier::kRedis : CacheTier::kNone;
}

}  // namespace assay::gateway
