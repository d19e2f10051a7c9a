#include <algorithm>

#include "assay/cache/upkeep.h"

namespace assay::cache {

std::vector<EntryRef> RefreshPolicy::Due(MemoryCache& memory, std::int64_t now_ms) {
  const std::scoped_lock lock(mutex_);
  std::erase_if(asked_ms_, [&](const auto& asked) {
    return now_ms - asked.second >= options_.give_up_after_ms || now_ms < asked.second;
  });
  std::vector<EntryRef> due;
  if (asked_ms_.size() >= options_.max_at_once) return due;
  const std::size_t room = options_.max_at_once - asked_ms_.size();
  // More than there is room for: some of them are not due after all, or being asked already.
  constexpr std::size_t kCandidates = 1024;
  for (const EntryRef& entry :
       memory.AboutToExpire(now_ms, options_.at_most_before_ms, options_.min_asks, kCandidates)) {
    const EntryInfo& info = entry->info();
    const auto life_ms = static_cast<double>(info.expires_ms - info.stored_ms);
    const auto left_ms = static_cast<double>(info.expires_ms - now_ms);
    const double due_ms =
        std::max(life_ms * options_.last_share, static_cast<double>(options_.at_least_before_ms));
    if (entry->request().empty() || left_ms > due_ms) continue;
    if (!asked_ms_.emplace(entry->key(), now_ms).second) continue;
    due.push_back(entry);
    if (due.size() == room) break;
  }
  return due;
}

void RefreshPolicy::Done(const Key& key) {
  const std::scoped_lock lock(mutex_);
  asked_ms_.erase(key);
}

}  // namespace assay::cache
