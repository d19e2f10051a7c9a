#include "assay/claims/verdict_cache.h"

#include <array>
#include <bit>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "cache/clock_map_internal.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMostEntries = std::size_t{1} << 30;
constexpr std::size_t kBatchBlock = 32;  // look-ups in flight; a core tracks 10 to 48 line fills

// The claim is hashed with a seed that stands for what it was judged against.
std::uint64_t SeedOf(const corpus::IndexVersion& index, std::uint64_t verifier) {
  const std::array<std::uint64_t, 3> words = {index.high, index.low, verifier};
  const auto bytes = std::bit_cast<std::array<char, sizeof(words)>>(words);
  return core::HashBytes64({bytes.data(), bytes.size()});
}

}  // namespace

struct VerdictCache::Impl {
  explicit Impl(std::size_t max_entries) : map(max_entries) {}
  cache::ClockMap<Judgement> map;
};

Result<std::unique_ptr<VerdictCache>> VerdictCache::Create(const VerdictCacheOptions& options) {
  if (options.max_entries == 0) {
    return Fail(Code::kInvalidArgument, "verdict cache: max_entries must be at least 1");
  }
  if (options.max_entries > kMostEntries) {
    return Fail(Code::kOutOfRange, fmt::format("verdict cache: max_entries {} is above {}",
                                               options.max_entries, kMostEntries));
  }
  return std::unique_ptr<VerdictCache>(
      new VerdictCache(std::make_unique<Impl>(options.max_entries)));
}

VerdictCache::VerdictCache(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VerdictCache::~VerdictCache() = default;

std::optional<Judgement> VerdictCache::Find(std::string_view claim,
                                            const corpus::IndexVersion& index,
                                            std::uint64_t verifier) {
  const Reader reader = Read();
  const Judgement* found = reader.Find(claim, index, verifier);
  return found == nullptr ? std::nullopt : std::optional<Judgement>(*found);
}

void VerdictCache::Put(std::string_view claim, const corpus::IndexVersion& index,
                       std::uint64_t verifier, const Judgement& judgement) {
  impl_->map.Put(core::HashBytes128(claim, SeedOf(index, verifier)), judgement);
}

VerdictCacheStats VerdictCache::stats() const {
  const auto counts = impl_->map.counts();
  return {counts.entries, counts.insertions, counts.evictions};
}

VerdictCache::Reader::Reader(const VerdictCache& cache)
    : cache_(cache), pin_(cache.impl_->map.Pin()) {}
VerdictCache::Reader::~Reader() {
  cache_.impl_->map.Unpin(pin_);
}

const Judgement* VerdictCache::Reader::Find(std::string_view claim,
                                            const corpus::IndexVersion& index,
                                            std::uint64_t verifier) const {
  return cache_.impl_->map.Find(core::HashBytes128(claim, SeedOf(index, verifier)));
}

void VerdictCache::Reader::FindBatch(std::span<const std::string_view> claims,
                                     const corpus::IndexVersion& index, std::uint64_t verifier,
                                     std::span<const Judgement*> out) const {
  const auto& map = cache_.impl_->map;
  const std::uint64_t seed = SeedOf(index, verifier);
  std::array<core::Hash128, kBatchBlock> keys;
  for (std::size_t first = 0; first < claims.size(); first += kBatchBlock) {
    const std::size_t n = std::min(kBatchBlock, claims.size() - first);
    for (std::size_t i = 0; i < n; ++i) {
      keys[i] = core::HashBytes128(claims[first + i], seed);
      map.PrefetchSet(keys[i]);
    }
    for (std::size_t i = 0; i < n; ++i) map.PrefetchNode(keys[i]);
    for (std::size_t i = 0; i < n; ++i) out[first + i] = map.Find(keys[i]);
  }
}

}  // namespace assay::claims
