#include "assay/cache/tier.h"

#include <algorithm>

namespace assay::cache {

bool Filter::Matches(const Entry& entry) const {
  if (tenant && *tenant != entry.tenant()) return false;
  if (route && *route != entry.route()) return false;
  if (model && *model != entry.model()) return false;
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::max();
  if (stored_before_ms != kAny && entry.info().stored_ms >= stored_before_ms) return false;
  return expires_before_ms == kAny || entry.info().expires_ms < expires_before_ms;
}

Result<void> Tier::GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                            std::span<EntryRef> out) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Result<EntryRef> found = Get(keys[i], now_ms);
    if (!found) {
      std::ranges::fill(out, EntryRef());
      return std::unexpected(std::move(found).error());
    }
    out[i] = *std::move(found);
  }
  return {};
}

}  // namespace assay::cache
