#include "conformance/tier_conformance.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/core/hash.h"

namespace assay::cache::testing {
namespace {

std::size_t SizeOf(std::uint64_t key, std::uint64_t version) {
  const std::uint64_t dice = (key * 31 + version) * 0x9E3779B97F4A7C15U >> 40;
  if (dice % 64 == 0) return 0;
  if (dice % 256 == 1) return 40'000;
  return dice % 800;
}

// Bytes of every value, zeros included.
std::string BodyOf(std::uint64_t key, std::uint64_t version, std::size_t size_bytes) {
  std::string body = fmt::format("{}:{}:", key, version);
  std::uint64_t state = key * 1'000'003 + version;
  while (body.size() < size_bytes) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    body.push_back(static_cast<char>(state >> 56));
  }
  return body;
}

}  // namespace

Key KeyOf(std::uint64_t key) {
  return core::HashBytes128(std::to_string(key));
}

EntryRef MakeEntry(std::uint64_t key, std::uint64_t version, std::int64_t stored_ms,
                   std::int64_t expires_ms, std::size_t size_bytes) {
  if (size_bytes == SIZE_MAX) size_bytes = SizeOf(key, version);
  const std::string body = BodyOf(key, version, size_bytes);
  const std::string tenant = fmt::format("tenant-{}", key % 3);
  const std::string route = fmt::format("route-{}", key % 5);
  const std::string model = fmt::format("model-{}", key % 7);
  const std::string request = key % 4 == 0 ? fmt::format("ask {}", key) : "";
  return Entry::Make(KeyOf(key),
                     {.stored_ms = stored_ms,
                      .expires_ms = expires_ms,
                      .prompt_tokens = key,
                      .completion_tokens = version,
                      .cost_nanousd = static_cast<std::int64_t>(size_bytes),
                      .upstream_us = 7},
                     {.tenant = tenant,
                      .route = route,
                      .model = model,
                      .content_type = "application/json",
                      .body = body,
                      .request = request,
                      .verdict = version % 2 == 0 ? "supported" : ""})
      .value();
}

std::uint64_t CheckedVersion(std::uint64_t key, const Entry& entry) {
  const std::uint64_t version = entry.info().completion_tokens;
  EXPECT_EQ(entry.key(), KeyOf(key));
  EXPECT_EQ(entry.info().prompt_tokens, key);
  EXPECT_EQ(entry.body(),
            BodyOf(key, version, static_cast<std::size_t>(entry.info().cost_nanousd)));
  return version;
}

void TierModel::Put(const EntryRef& entry, std::int64_t now_ms) {
  entries_.erase(entry->key());
  if (!entry->ExpiredAt(now_ms)) entries_.emplace(entry->key(), entry);
}

EntryRef TierModel::Get(const Key& key, std::int64_t now_ms) const {
  const auto found = entries_.find(key);
  if (found == entries_.end() || found->second->ExpiredAt(now_ms)) return nullptr;
  return found->second;
}

void TierModel::Purge(const Filter& filter) {
  std::erase_if(entries_, [&](const auto& pair) { return filter.Matches(*pair.second); });
}

std::vector<EntryRef> TierModel::All(std::int64_t now_ms) const {
  std::vector<EntryRef> all;
  for (const auto& [key, entry] : entries_) {
    if (!entry->ExpiredAt(now_ms)) all.push_back(entry);
  }
  return all;
}

void TierConformance::Put(const EntryRef& entry) {
  const Result<void> put = tier().Put(entry, now_ms());
  ASSERT_TRUE(put.has_value()) << put.error().message;
}

EntryRef TierConformance::Get(const Key& key) {
  Result<EntryRef> found = tier().Get(key, now_ms());
  if (!found) {
    ADD_FAILURE() << found.error().message;
    return nullptr;
  }
  return *std::move(found);
}

std::vector<EntryRef> TierConformance::All() {
  std::vector<EntryRef> all;
  const Result<void> done = tier().ForEach(now_ms(), [&](const EntryRef& entry) {
    all.push_back(entry);
    return true;
  });
  EXPECT_TRUE(done.has_value()) << done.error().message;
  std::ranges::sort(all, {}, [](const EntryRef& entry) { return entry->key(); });
  return all;
}

std::string NameOfTierCase(const ::testing::TestParamInfo<TierCase>& info) {
  return info.param.name;
}

::testing::AssertionResult SameEntry(const EntryRef& left, const EntryRef& right) {
  if (!left || !right) {
    if (!left && !right) return ::testing::AssertionSuccess();
    return ::testing::AssertionFailure() << (left ? "the second" : "the first") << " is null";
  }
  if (left->key() == right->key() && left->info() == right->info() &&
      left->text() == right->text()) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure()
         << core::ToHex(left->key()) << " version " << left->info().completion_tokens << " against "
         << core::ToHex(right->key()) << " version " << right->info().completion_tokens;
}

}  // namespace assay::cache::testing
