// cache.cc: assay.cache.MemoryCache.
#include <limits>

#include "assay/cache/memory_cache.h"

#include "support.h"

namespace assay::python {
namespace {

using cache::MemoryCache;

std::int64_t NowMs() {
  return core::Clock::Real().wall_ns() / 1'000'000;
}

cache::Key KeyOf(const nb::bytes& key) {
  return core::HashBytes128(ViewOf(key));
}

nb::object ValueOf(const cache::EntryRef& entry) {
  if (!entry) return nb::none();
  return BytesOf(entry->body());
}

bool Put(MemoryCache& cache, const nb::bytes& key, const nb::bytes& value, std::int64_t ttl_ms,
         const std::string& tenant, const std::string& route, const std::string& model,
         std::optional<std::int64_t> now_ms) {
  const std::int64_t now = now_ms.value_or(NowMs());
  cache::EntryInfo info;
  info.stored_ms = now;
  info.expires_ms = ttl_ms <= 0 || ttl_ms > std::numeric_limits<std::int64_t>::max() - now
                        ? cache::kNeverExpires
                        : now + ttl_ms;
  const cache::EntryText text{
      .tenant = tenant, .route = route, .model = model, .body = ViewOf(value)};
  return cache.Put(Take(cache::Entry::Make(KeyOf(key), info, text)), now);
}

nb::list GetMany(MemoryCache& cache, const std::vector<nb::bytes>& keys,
                 std::optional<std::int64_t> now_ms) {
  std::vector<cache::Key> hashes;
  hashes.reserve(keys.size());
  for (const nb::bytes& key : keys) hashes.push_back(KeyOf(key));
  std::vector<cache::EntryRef> found(keys.size());
  cache.GetBatch(hashes, now_ms.value_or(NowMs()), found);
  nb::list out;
  for (const cache::EntryRef& entry : found) out.append(ValueOf(entry));
  return out;
}

cache::Filter FilterOf(std::optional<std::string> tenant, std::optional<std::string> route,
                       std::optional<std::string> model) {
  cache::Filter filter;
  filter.tenant = std::move(tenant);
  filter.route = std::move(route);
  filter.model = std::move(model);
  return filter;
}

void BindStats(nb::module_& module) {
  using cache::TierStats;
  nb::class_<TierStats>(module, "Stats", "Counts since the cache was made.")
      .def_ro("entries", &TierStats::entries, "Now.")
      .def_ro("size_bytes", &TierStats::size_bytes, "All that counts against the capacity, now.")
      .def_ro("capacity_bytes", &TierStats::capacity_bytes)
      .def_ro("hits", &TierStats::hits)
      .def_ro("misses", &TierStats::misses)
      .def_ro("puts", &TierStats::puts)
      .def_ro("evictions", &TierStats::evictions, "For lack of room.")
      .def_ro("expired", &TierStats::expired);
}

}  // namespace

void BindCache(nb::module_& module) {
  BindStats(module);
  const auto now = nb::arg("now_ms") = nb::none();
  nb::class_<MemoryCache>(
      module, "MemoryCache",
      "Bytes under keys, in memory; reads take no lock (S3-FIFO). Safe for many\n"
      "threads. Times are Unix milliseconds; None is now.")
      .def(nb::new_([](std::size_t capacity_bytes, std::optional<std::size_t> max_entries,
                       std::size_t shards) {
             cache::MemoryCacheOptions options;
             options.capacity_bytes = capacity_bytes;
             if (max_entries) options.max_entries = *max_entries;
             options.shards = shards;
             return Take(MemoryCache::Create(options));
           }),
           nb::arg("capacity_bytes") = std::size_t{512} << 20, nb::arg("max_entries") = nb::none(),
           nb::arg("shards") = 0, "Raises InvalidArgument when a bound is 0.")
      .def(
          "put", Put, nb::arg("key"), nb::arg("value"), nb::arg("ttl_ms") = 0,
          nb::arg("tenant") = "", nb::arg("route") = "", nb::arg("model") = "", now,
          "Stores a value in place of any before it; ttl_ms <= 0 never expires. False when it was\n"
          "not stored: expired, or above half of a shard's bytes.")
      .def(
          "get",
          [](MemoryCache& cache, const nb::bytes& key, std::optional<std::int64_t> now_ms) {
            return ValueOf(cache.Get(KeyOf(key), now_ms.value_or(NowMs())));
          },
          nb::arg("key"), now,
          nb::sig("def get(self, key: bytes, now_ms: int | None = None) -> bytes | None"),
          "The value, or None when there is none or it is expired. O(1).")
      .def("get_many", GetMany, nb::arg("keys"), now,
           nb::sig("def get_many(self, keys: collections.abc.Sequence[bytes], now_ms: int | None = "
                   "None) "
                   "-> list[bytes | None]"),
           "get for each key, their memory fetched at once.")
      .def(
          "erase", [](MemoryCache& cache, const nb::bytes& key) { return cache.Erase(KeyOf(key)); },
          nb::arg("key"), "True when an entry was there.")
      .def(
          "purge",
          [](MemoryCache& cache, std::optional<std::string> tenant,
             std::optional<std::string> route, std::optional<std::string> model) {
            const auto filter = FilterOf(std::move(tenant), std::move(route), std::move(model));
            return Unlocked([&] { return cache.Purge(filter); });
          },
          nb::arg("tenant") = nb::none(), nb::arg("route") = nb::none(),
          nb::arg("model") = nb::none(), "Removes what fits all that is given; returns how many.")
      .def(
          "remove_expired",
          [](MemoryCache& cache, std::optional<std::int64_t> now_ms) {
            return cache.RemoveExpired(now_ms.value_or(NowMs()));
          },
          now, "Returns how many.")
      .def("stats", &MemoryCache::Stats)
      .def("__len__", [](const MemoryCache& cache) { return cache.Stats().entries; });
}

}  // namespace assay::python
