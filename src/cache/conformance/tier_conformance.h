// The tests that every Tier passes. A test program links assay_cache_conformance and says
//
//   INSTANTIATE_TEST_SUITE_P(Disk, TierConformance,
//                            ::testing::Values(TierCase{.name = "disk", .open = &OpenDisk}),
//                            &NameOfTierCase);
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/tier.h"

#include "fake_clock.h"

namespace assay::cache::testing {

// A tier with what it stands on (a folder, a server), which goes away with it.
class TierUnderTest {
 public:
  virtual ~TierUnderTest() = default;
  [[nodiscard]] virtual Tier& tier() = 0;
  // Closes and opens the tier again, as a new process would. Only asked of a durable one.
  virtual void Reopen() {}
};

struct TierCase {
  std::string name;
  // An empty tier with room for at least 64 MiB, so that it has no reason to evict.
  std::function<std::unique_ptr<TierUnderTest>()> open;
  bool durable = false;                // what was put before Sync() is there after Reopen()
  bool counts_entries = true;          // Stats().entries is known
  std::uint64_t operations = 100'000;  // of the random test against the model
};

// An entry whose texts follow from key and version, so that a reader can tell whether they belong
// together. `size_bytes` of the body is chosen by both when it is SIZE_MAX.
[[nodiscard]] EntryRef MakeEntry(std::uint64_t key, std::uint64_t version, std::int64_t stored_ms,
                                 std::int64_t expires_ms, std::size_t size_bytes = SIZE_MAX);
[[nodiscard]] Key KeyOf(std::uint64_t key);
// The version in an entry of MakeEntry; fails the test when the texts are not those of it.
[[nodiscard]] std::uint64_t CheckedVersion(std::uint64_t key, const Entry& entry);

// What a tier without eviction must hold: the slow and obvious twin.
class TierModel {
 public:
  void Put(const EntryRef& entry, std::int64_t now_ms);
  [[nodiscard]] EntryRef Get(const Key& key, std::int64_t now_ms) const;
  void Erase(const Key& key) { entries_.erase(key); }
  void Purge(const Filter& filter);
  // Sorted by key, without expired ones.
  [[nodiscard]] std::vector<EntryRef> All(std::int64_t now_ms) const;

 private:
  std::map<Key, EntryRef> entries_;
};

class TierConformance : public ::testing::TestWithParam<TierCase> {
 protected:
  static constexpr std::int64_t kHour = 3'600'000;
  void SetUp() override { under_test_ = GetParam().open(); }
  [[nodiscard]] Tier& tier() { return under_test_->tier(); }
  void Reopen() { under_test_->Reopen(); }
  [[nodiscard]] std::int64_t now_ms() const { return clock_.wall_ns() / 1'000'000; }
  void AdvanceMs(std::int64_t by_ms) { clock_.Advance(by_ms * 1'000'000); }

  void Put(const EntryRef& entry);
  [[nodiscard]] EntryRef Get(const Key& key);
  [[nodiscard]] std::vector<EntryRef> All();  // sorted by key

 private:
  assay::testing::FakeClock clock_{1'700'000'000'000'000'000};
  std::unique_ptr<TierUnderTest> under_test_;
};

[[nodiscard]] std::string NameOfTierCase(const ::testing::TestParamInfo<TierCase>& info);

// Whether two entries are equal in all that is stored.
[[nodiscard]] ::testing::AssertionResult SameEntry(const EntryRef& left, const EntryRef& right);

}  // namespace assay::cache::testing
