#include "assay/cache/entry.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/cache/tier.h"

namespace assay::cache {
namespace {

const EntryInfo kInfo{.stored_ms = 1'700'000'000'000,
                      .expires_ms = 1'700'000'600'000,
                      .prompt_tokens = 12,
                      .completion_tokens = 34,
                      .cost_nanousd = -5,
                      .upstream_us = 987'654};
const EntryText kText{.tenant = "acme",
                      .route = "fast",
                      .model = "m-1",
                      .content_type = "application/json",
                      .body = R"({"answer":42})",
                      .request = "q",
                      .verdict = "supported"};

EntryRef MakeEntry(const EntryText& text = kText) {
  return Entry::Make({1, 2}, kInfo, text).value();
}

std::string BytesOf(const Entry& entry) {
  std::string bytes;
  AppendEntryBytes(entry, bytes);
  return bytes;
}

// Gives damaged bytes a right checksum, so that what lies behind it is reached.
void Seal(std::string& bytes) {
  const std::uint32_t crc = core::Crc32c(std::string_view(bytes).substr(12));
  for (std::size_t i = 0; i < 4; ++i) bytes[8 + i] = static_cast<char>(crc >> (8 * i));
}

TEST(Entry, KeepsWhatItWasMadeOf) {
  const EntryRef entry = MakeEntry();
  EXPECT_EQ(entry->key(), (Key{1, 2}));
  EXPECT_EQ(entry->info(), kInfo);
  EXPECT_EQ(entry->text(), kText);
  EXPECT_EQ(entry->asks(), 0U);
}

TEST(Entry, CountsTheAllocatorsOverhead) {
  const std::string body(1000, 'x');
  const EntryRef entry = MakeEntry({.body = body});
  EXPECT_GE(entry->footprint_bytes(), 1000 + sizeof(Entry));
  EXPECT_LE(entry->footprint_bytes(), 1000 + sizeof(Entry) + 256);
}

TEST(Entry, ExpiresAtItsTimeAndNotBefore) {
  const EntryRef entry = MakeEntry();
  EXPECT_FALSE(entry->ExpiredAt(kInfo.expires_ms - 1));
  EXPECT_TRUE(entry->ExpiredAt(kInfo.expires_ms));
  const EntryRef eternal = Entry::Make({}, {.expires_ms = kNeverExpires}, {}).value();
  EXPECT_FALSE(eternal->ExpiredAt(kNeverExpires - 1));
}

TEST(Entry, RefusesTextsAboveTheLimit) {
  const std::string half(kMaxEntryBytes / 2 + 1, ' ');
  const auto entry = Entry::Make({}, {}, {.body = half, .request = half});
  ASSERT_FALSE(entry.has_value());
  EXPECT_EQ(entry.error().code, Code::kOutOfRange);
}

TEST(EntryRef, SharesOneEntryAmongThreadsAndFreesItOnce) {
  // The address sanitizer sees a free too many or too few, the thread sanitizer a race.
  EntryRef shared = MakeEntry();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([mine = shared] {
      for (int i = 0; i < 10'000; ++i) {
        EntryRef copy = mine;
        EntryRef moved = std::move(copy);
        EXPECT_EQ(moved->body(), kText.body);
        moved = mine;
      }
    });
  }
  shared = nullptr;
  for (std::thread& thread : threads) thread.join();
}

TEST(EntryRef, SurvivesAssignmentToItself) {
  EntryRef entry = MakeEntry();
  const EntryRef& same = entry;
  entry = same;
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->text(), kText);
}

TEST(EntryRef, OfALeaseGivesItBackAndCountsItsCopies) {
  const EntryRef owner = MakeEntry();
  Lease lease{owner.get()};
  EntryRef copy;
  {
    EntryRef borrowed = EntryRef::Borrow(owner.get(), lease);
    const EntryRef moved = std::move(borrowed);
    copy = moved;
    EXPECT_EQ(lease.load(), owner.get());
  }
  EXPECT_EQ(lease.load(), nullptr);
  EXPECT_EQ(copy->text(), kText);

  lease.store(owner.get());
  EntryRef borrowed = EntryRef::Borrow(owner.get(), lease);
  const EntryRef counted = EntryRef::Adopt(borrowed.Release());
  EXPECT_EQ(lease.load(), nullptr);
  EXPECT_EQ(counted->text(), kText);
}

TEST(Entry, CountsAsksExactlyAtFirstAndRoughlyLater) {
  const EntryRef entry = MakeEntry();
  std::atomic<std::uint32_t> spare{0};
  for (std::uint32_t i = 1; i <= 64; ++i) {
    entry->CountAsk(i, spare);
    EXPECT_EQ(entry->asks(), i);
    EXPECT_EQ(entry->heat(), std::min(i, Entry::kMaxHeat));
  }
  entry->SetHeat(1);
  for (std::uint32_t i = 0; i < 1600; ++i) entry->CountAsk(i, spare);
  EXPECT_EQ(entry->asks(), 1664U);
  EXPECT_EQ(entry->heat(), Entry::kMaxHeat);
  entry->SetHeat(0);
  EXPECT_EQ(entry->asks(), 1664U);
  EXPECT_EQ(entry->heat(), 0U);
}

TEST(EntryBytes, ComeBackAsTheSameEntry) {
  for (const EntryText& text :
       {kText, EntryText{}, EntryText{.body = std::string_view("\0\xff", 2)}}) {
    const EntryRef entry = MakeEntry(text);
    const std::string bytes = BytesOf(*entry);
    const auto again = EntryFromBytes(bytes);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    EXPECT_EQ((*again)->key(), entry->key());
    EXPECT_EQ((*again)->info(), entry->info());
    EXPECT_EQ((*again)->text(), entry->text());
  }
}

TEST(EntryBytes, AreTheDocumentedOnes) {
  const std::string bytes = BytesOf(*MakeEntry({.body = "ab"}));
  ASSERT_EQ(bytes.size(), kEntryHeaderBytes + 2);
  EXPECT_EQ(bytes.substr(0, 8), std::string("AENT\1\0\0\0", 8));
  EXPECT_EQ(bytes.substr(16, 16), std::string("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(bytes.substr(80, 20), std::string(16, '\0') + std::string("\2\0\0\0", 4));
  EXPECT_EQ(bytes.substr(112), "ab");
}

TEST(EntryBytes, AreAppended) {
  std::string bytes = "before";
  AppendEntryBytes(*MakeEntry(), bytes);
  ASSERT_TRUE(bytes.starts_with("before"));
  EXPECT_TRUE(EntryFromBytes(std::string_view(bytes).substr(6)).has_value());
}

TEST(EntryBytes, AreRefusedAtEveryCutAndEveryChangedByte) {
  const std::string whole = BytesOf(*MakeEntry());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto cut = EntryFromBytes(std::string_view(whole).substr(0, size));
    ASSERT_FALSE(cut.has_value()) << size;
    EXPECT_EQ(cut.error().code, Code::kDataLoss);
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    const auto read = EntryFromBytes(changed);
    ASSERT_FALSE(read.has_value()) << at;
    const bool version = at == 4 || at == 5;
    EXPECT_EQ(read.error().code, version ? Code::kFailedPrecondition : Code::kDataLoss) << at;
  }
  EXPECT_EQ(EntryFromBytes(whole + "x").error().code, Code::kDataLoss);
}

TEST(EntryBytes, WithLengthsThatDoNotFitAreRefused) {
  for (const std::size_t text : {0U, 4U, 6U}) {
    std::string bytes = BytesOf(*MakeEntry());
    bytes[80 + text * 4 + 3] = '\x7f';
    Seal(bytes);
    const auto read = EntryFromBytes(bytes);
    ASSERT_FALSE(read.has_value());
    EXPECT_EQ(read.error().code, Code::kDataLoss);
  }
  std::string longer = BytesOf(*MakeEntry()) + "x";
  Seal(longer);
  EXPECT_EQ(EntryFromBytes(longer).error().code, Code::kDataLoss);
}

TEST(ExpiryMs, LiesBetweenTheTtlAndTheJitterBelowIt) {
  core::SeededRng rng(3);
  std::int64_t least = INT64_MAX;
  std::int64_t most = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::int64_t at = ExpiryMs(5'000, 1'000, 0.2, rng);
    least = std::min(least, at);
    most = std::max(most, at);
  }
  EXPECT_GE(least, 5'800);
  EXPECT_LT(least, 5'820);
  EXPECT_LE(most, 6'000);
  EXPECT_GT(most, 5'980);
  EXPECT_EQ(ExpiryMs(5'000, 1'000, 0.0, rng), 6'000);
  EXPECT_EQ(ExpiryMs(5'000, 0, 0.2, rng), kNeverExpires);
  EXPECT_EQ(ExpiryMs(5'000, INT64_MAX, 0.0, rng), kNeverExpires);
  EXPECT_EQ(ExpiryMs(5'000, 1, 1.0, rng), 5'001);
}

TEST(Filter, MatchesWhatFitsAllItsFields) {
  const EntryRef entry = MakeEntry();
  EXPECT_TRUE(Filter{}.Matches(*entry));
  EXPECT_TRUE((Filter{.tenant = "acme", .route = "fast", .model = "m-1"}).Matches(*entry));
  EXPECT_FALSE((Filter{.tenant = "acme", .model = "m-2"}).Matches(*entry));
  EXPECT_FALSE((Filter{.tenant = ""}).Matches(*entry));
  EXPECT_TRUE((Filter{.stored_before_ms = kInfo.stored_ms + 1}).Matches(*entry));
  EXPECT_FALSE((Filter{.stored_before_ms = kInfo.stored_ms}).Matches(*entry));
  EXPECT_TRUE((Filter{.expires_before_ms = kInfo.expires_ms + 1}).Matches(*entry));
  EXPECT_FALSE((Filter{.expires_before_ms = kInfo.expires_ms}).Matches(*entry));
  const EntryRef eternal = Entry::Make({}, {.expires_ms = kNeverExpires}, {}).value();
  EXPECT_TRUE(Filter{}.Matches(*eternal));
}

}  // namespace
}  // namespace assay::cache
