#include "assay/crypto/aead.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/crypto/key_ring.h"
#include "assay/crypto/secret.h"

#include "primitives/vectors_test_support.h"

namespace assay::crypto {
namespace {

AeadNonce NonceFrom(std::string_view bytes) {
  AeadNonce nonce{};
  std::memcpy(nonce.data(), bytes.data(), nonce.size());
  return nonce;
}

// The header's part that must never repeat: key identifier, salt and counter.
std::string NonceOf(std::string_view sealed) {
  return std::string(sealed.substr(4, kSealedHeaderBytes - 4));
}

TEST(AeadKey, AgreesWithWycheproof) {
  ASSAY_NEED_DATA("wycheproof/aes_gcm_test.json", file);
  std::size_t run = 0;
  std::size_t other_keys = 0;
  std::size_t other_nonces = 0;
  const std::size_t all = testing::ForEachVector(file, [&](const auto& group, const auto& test) {
    SCOPED_TRACE(test.at("tcId").as_int64());
    auto key = AeadKey::Create(testing::Bytes(test, "key"));
    if (group.at("keySize").as_int64() != 256) {
      ASSERT_FALSE(key);
      EXPECT_EQ(key.error().code, Code::kInvalidArgument);
      ++other_keys;
      return;
    }
    ASSERT_TRUE(key);
    if (group.at("ivSize").as_int64() != 96) {  // the type AeadNonce does not let them in
      ++other_nonces;
      return;
    }
    ++run;
    const AeadNonce nonce = NonceFrom(testing::Bytes(test, "iv"));
    const std::string aad = testing::Bytes(test, "aad");
    const std::string plain = testing::Bytes(test, "msg");
    const std::string sealed = testing::Bytes(test, "ct") + testing::Bytes(test, "tag");
    std::string opened(plain.size(), 'x');
    const auto result = key->Open(nonce, aad, sealed, opened);
    ASSERT_EQ(result.has_value(), testing::IsValid(test));
    if (!result) {
      EXPECT_EQ(result.error().code, Code::kDataLoss);
      EXPECT_EQ(opened, std::string(plain.size(), '\0')) << "not genuine, yet given out";
      return;
    }
    EXPECT_EQ(opened, plain);
    std::string again(sealed.size(), 'x');
    ASSERT_TRUE(key->Seal(nonce, aad, plain, again));
    EXPECT_EQ(again, sealed);
  });
  EXPECT_EQ(all, 316U);
  EXPECT_EQ(run, 66U);
  EXPECT_EQ(run + other_keys + other_nonces, all);
}

TEST(AeadKey, RefusesRoomOfAnotherSize) {
  const auto key = AeadKey::Create(std::string(32, 'k'));
  ASSERT_TRUE(key);
  std::string out(20, '\0');
  EXPECT_EQ(key->Seal({}, "", "abc", out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(key->Open({}, "", "short", out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(AeadKey::Create("short").error().code, Code::kInvalidArgument);
}

class SealerTest : public ::testing::Test {
 protected:
  Sealer Make(std::string_view purpose = "test") { return *Sealer::Create(ring_, purpose); }
  KeyRing ring_ = KeyRing::Generate();
};

TEST_F(SealerTest, OpensWhatItSealed) {
  const Sealer sealer = Make();
  for (const std::size_t size : {0U, 1U, 15U, 16U, 17U, 1024U, 70'000U}) {
    const std::string plain = RandomText(size);
    const auto sealed = sealer.Seal("aad", plain);
    ASSERT_TRUE(sealed);
    EXPECT_EQ(sealed->size(), size + kSealedOverheadBytes);
    const auto opened = sealer.Open("aad", *sealed);
    ASSERT_TRUE(opened);
    EXPECT_EQ(*opened, plain);
  }
}

TEST_F(SealerTest, RefusesEveryChangedBit) {
  const Sealer sealer = Make();
  const std::string sealed = *sealer.Seal("aad", "the answer");
  for (std::size_t at = 0; at < sealed.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = sealed;
      changed[at] = static_cast<char>(changed[at] ^ (1 << bit));
      EXPECT_FALSE(sealer.Open("aad", changed)) << "byte " << at << ", bit " << bit;
    }
  }
}

TEST_F(SealerTest, RefusesEveryCutAndWhatIsAdded) {
  const Sealer sealer = Make();
  const std::string sealed = *sealer.Seal("aad", "the answer");
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    const auto opened = sealer.Open("aad", sealed.substr(0, size));
    ASSERT_FALSE(opened) << size;
    EXPECT_EQ(opened.error().code, Code::kDataLoss);
  }
  EXPECT_FALSE(sealer.Open("aad", sealed + '\0'));
}

TEST_F(SealerTest, RefusesAnotherAadPurposeOrRing) {
  const Sealer sealer = Make();
  const std::string sealed = *sealer.Seal("entry 1", "the answer");
  EXPECT_EQ(sealer.Open("entry 2", sealed).error().code, Code::kDataLoss);
  EXPECT_EQ(Make("other").Open("entry 1", sealed).error().code, Code::kDataLoss);
  const Sealer stranger = *Sealer::Create(KeyRing::Generate(), "test");
  EXPECT_EQ(stranger.Open("entry 1", sealed).error().code, Code::kDataLoss);
}

TEST_F(SealerTest, OpensWhatEarlierRunsAndOlderKeysSealed) {
  const std::string old = *Make().Seal("aad", "old");
  ASSERT_TRUE(ring_.Rotate());
  const Sealer rotated = Make();
  const std::string fresh = *rotated.Seal("aad", "new");
  EXPECT_EQ(*Sealer::KeyIdOf(old), 1U);
  EXPECT_EQ(*Sealer::KeyIdOf(fresh), 2U);
  EXPECT_EQ(*rotated.Open("aad", old), "old");
  EXPECT_EQ(*rotated.Open("aad", fresh), "new");
  ASSERT_TRUE(ring_.Remove(1));
  EXPECT_EQ(Make().Open("aad", old).error().code, Code::kNotFound);
  EXPECT_EQ(*Make().Open("aad", fresh), "new");
}

TEST_F(SealerTest, TakesAFreshKeyBeforeTheLimitOfMessages) {
  constexpr std::uint64_t kLimit = 10;
  const Sealer sealer = *Sealer::CreateForTest(ring_, "test", kLimit);
  std::map<std::string, std::uint64_t> messages_of_salt;
  std::vector<std::string> all;
  for (int i = 0; i < 95; ++i) {
    all.push_back(*sealer.Seal("", "x"));
    ++messages_of_salt[all.back().substr(8, 16)];
  }
  EXPECT_EQ(messages_of_salt.size(), 10U);
  for (const auto& [salt, messages] : messages_of_salt) EXPECT_LE(messages, kLimit);
  for (const std::string& sealed : all) EXPECT_EQ(*sealer.Open("", sealed), "x");
}

TEST_F(SealerTest, NeverRepeatsANonceOverThreadsSealersAndBatches) {
  constexpr int kEach = 2000;
  std::vector<Sealer> sealers;
  sealers.push_back(Make());
  sealers.push_back(Make());
  sealers.push_back(*Sealer::CreateForTest(ring_, "test", 100));
  std::vector<std::vector<std::string>> sealed(6);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < sealed.size(); ++t) {
    threads.emplace_back([&, t] {
      const Sealer& sealer = sealers[t % sealers.size()];
      for (int i = 0; i < kEach; ++i) sealed[t].push_back(*sealer.Seal("", "x"));
      std::vector<std::string> batch(90);
      const std::vector<SealItem> items(batch.size(), SealItem{"", "y"});
      ASSERT_TRUE(sealer.SealBatch(items, batch));
      for (std::string& one : batch) sealed[t].push_back(std::move(one));
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::set<std::string> nonces;
  for (const auto& list : sealed) {
    for (const std::string& one : list) EXPECT_TRUE(nonces.insert(NonceOf(one)).second);
  }
  EXPECT_EQ(nonces.size(), sealed.size() * (kEach + 90));
}

#if !defined(__SANITIZE_THREAD__)  // which does not follow a fork of a process with threads
TEST_F(SealerTest, AForkedProcessSealsUnderAKeyOfItsOwn) {
  const Sealer sealer = Make();
  const std::string before = *sealer.Seal("", "x");
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const auto sealed = sealer.Seal("", "x");
    const bool good = sealed && ::write(ends[1], sealed->data(), sealed->size()) ==
                                    static_cast<ssize_t>(sealed->size());
    ::_exit(good ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  std::string theirs(kSealedOverheadBytes + 1, '\0');
  ASSERT_EQ(::read(ends[0], theirs.data(), theirs.size()), static_cast<ssize_t>(theirs.size()));
  ::close(ends[0]);
  ::close(ends[1]);
  const std::string ours = *sealer.Seal("", "x");
  EXPECT_EQ(before.substr(8, 16), ours.substr(8, 16));
  EXPECT_NE(theirs.substr(8, 16), ours.substr(8, 16)) << "two processes count on from one number";
  EXPECT_EQ(*sealer.Open("", theirs), "x");
}
#endif

TEST_F(SealerTest, BatchesAgreeWithSingleCallsAndNameTheFirstBadItem) {
  const Sealer sealer = Make();
  constexpr std::size_t kItems = 300;
  std::vector<std::string> plain;
  std::vector<std::string> aads;
  for (std::size_t i = 0; i < kItems; ++i) {
    plain.push_back(RandomText(i));
    aads.push_back(std::to_string(i));
  }
  std::vector<SealItem> items;
  for (std::size_t i = 0; i < kItems; ++i) items.push_back({aads[i], plain[i]});
  std::vector<std::string> sealed(kItems);
  ASSERT_TRUE(sealer.SealBatch(items, sealed));
  for (std::size_t i = 0; i < kItems; ++i) EXPECT_EQ(*sealer.Open(aads[i], sealed[i]), plain[i]);
  for (std::size_t i = 0; i < kItems; ++i) items[i].bytes = sealed[i];
  std::vector<std::string> opened(kItems);
  ASSERT_TRUE(sealer.OpenBatch(items, opened));
  EXPECT_EQ(opened, plain);
  sealed[77].back() ^= 1;
  items[77].bytes = sealed[77];
  EXPECT_EQ(sealer.OpenBatch(items, opened).error().code, Code::kDataLoss);
  opened.pop_back();
  EXPECT_EQ(sealer.OpenBatch(items, opened).error().code, Code::kInvalidArgument);
}

TEST_F(SealerTest, SaysThatBytesOfALaterVersionAreNotDamaged) {
  std::string sealed = *Make().Seal("", "x");
  sealed[0] = 2;
  EXPECT_EQ(Make().Open("", sealed).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(Sealer::Create(KeyRing(), "test").error().code, Code::kFailedPrecondition);
}

}  // namespace
}  // namespace assay::crypto
