// What a stored entry looks like, and what becomes of one that was changed, moved or sealed.
#include "payload/payload.h"

#include <gtest/gtest.h>

#include "assay/crypto/key_ring.h"

#include "conformance/tier_conformance.h"

namespace assay::cache {
namespace {

using testing::KeyOf;
using testing::MakeEntry;
using testing::SameEntry;

constexpr std::int64_t kNowMs = 1'700'000'000'000;

std::shared_ptr<const crypto::Sealer> SealerOf(const crypto::KeyRing& ring) {
  return std::make_shared<const crypto::Sealer>(crypto::Sealer::Create(ring, "cache").value());
}

std::string PayloadOf(const PayloadCodec& codec, const Entry& entry) {
  std::string payload;
  EXPECT_TRUE(codec.Append(entry, payload));
  return payload;
}

EntryRef LongEntry(std::uint64_t key) {
  const std::string body(10'000, 'a');
  return Entry::Make(KeyOf(key), {.stored_ms = kNowMs, .expires_ms = kNeverExpires},
                     {.tenant = "acme",
                      .route = "r",
                      .model = "m",
                      .content_type = "c",
                      .body = body,
                      .request = "secret question",
                      .verdict = ""})
      .value();
}

TEST(Payload, ComesBackPlainCompressedAndSealed) {
  const auto sealer = SealerOf(crypto::KeyRing::Generate());
  for (const auto& [from_bytes, with] :
       {std::pair(SIZE_MAX, std::shared_ptr<const crypto::Sealer>()), std::pair(SIZE_MAX, sealer),
        std::pair(std::size_t{0}, std::shared_ptr<const crypto::Sealer>()),
        std::pair(std::size_t{0}, sealer)}) {
    const PayloadCodec codec(from_bytes, with);
    for (const EntryRef& entry :
         {LongEntry(1), MakeEntry(2, 3, kNowMs, kNeverExpires), MakeEntry(4, 5, 0, 1, 0)}) {
      const std::string payload = PayloadOf(codec, *entry);
      EXPECT_TRUE(SameEntry(codec.Read(entry->key(), payload).value(), entry));
    }
    const std::string payload = PayloadOf(codec, *LongEntry(1));
    EXPECT_EQ(payload.size() < 1'000, from_bytes == 0);
    EXPECT_EQ(payload.find("secret question") == std::string::npos, with != nullptr);
  }
}

TEST(Payload, IsRefusedUnderAnotherKeyAndWhenAnyByteChanged) {
  for (const bool sealed : {false, true}) {
    const PayloadCodec codec(0, sealed ? SealerOf(crypto::KeyRing::Generate()) : nullptr);
    const EntryRef entry = LongEntry(1);
    const std::string good = PayloadOf(codec, *entry);
    EXPECT_EQ(codec.Read(KeyOf(2), good).error().code, Code::kDataLoss);
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (const char flip : {'\x01', '\x40'}) {
        std::string bad = good;
        bad[at] = static_cast<char>(bad[at] ^ flip);
        const Result<EntryRef> read = codec.Read(entry->key(), bad);
        // What zstd itself ignores does no harm: the entry's own checksum holds.
        if (read) {
          ASSERT_TRUE(SameEntry(*read, entry)) << at;
        }
      }
      ASSERT_FALSE(codec.Read(entry->key(), good.substr(0, at))) << at;
    }
  }
}

TEST(Payload, SealedUnderAnOldKeyIsReadAfterRotationAndNotAfterItsRemoval) {
  crypto::KeyRing ring = crypto::KeyRing::Generate();
  const EntryRef entry = LongEntry(1);
  const std::string old = PayloadOf(PayloadCodec(0, SealerOf(ring)), *entry);
  ASSERT_TRUE(ring.Rotate());
  const PayloadCodec rotated(0, SealerOf(ring));
  EXPECT_TRUE(SameEntry(rotated.Read(entry->key(), old).value(), entry));
  const std::string fresh = PayloadOf(rotated, *entry);
  ASSERT_TRUE(ring.Remove(1));
  const PayloadCodec removed(0, SealerOf(ring));
  EXPECT_EQ(removed.Read(entry->key(), old).error().code, Code::kNotFound);
  EXPECT_TRUE(SameEntry(removed.Read(entry->key(), fresh).value(), entry));
  EXPECT_EQ(PayloadCodec(0, nullptr).Read(entry->key(), fresh).error().code,
            Code::kFailedPrecondition);
}

}  // namespace
}  // namespace assay::cache
