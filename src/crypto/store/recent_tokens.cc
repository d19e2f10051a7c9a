#include <algorithm>

#include "store/recent_tokens_internal.h"

namespace assay::crypto {

RecentTokens& RecentTokens::OfThisThread() {
  thread_local RecentTokens tokens;
  return tokens;
}

RecentTokens::~RecentTokens() {
  for (Entry& entry : entries_) Wipe(entry.token);
}

bool RecentTokens::Holds(std::uint64_t store, const Mac& hash, std::string_view token) const {
  const Entry& entry = entries_[PlaceOf(hash)];
  return entry.store == store && entry.hash == hash &&
         ConstantTimeEqual(std::string_view(entry.token.data(), entry.token.size()), token);
}

void RecentTokens::Note(std::uint64_t store, const Mac& hash, std::string_view token) {
  Entry& entry = entries_[PlaceOf(hash)];
  entry.store = store;
  entry.hash = hash;
  std::ranges::copy(token, entry.token.begin());
}

}  // namespace assay::crypto
