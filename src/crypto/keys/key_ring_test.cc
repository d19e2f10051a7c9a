#include "assay/crypto/key_ring.h"

#include <set>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::crypto {
namespace {

constexpr Argon2Params kQuick = {.memory_kib = 64, .passes = 1};

class KeyRingTest : public ::testing::Test {
 protected:
  assay::testing::TempDir dir_;
  std::string path_ = dir_.File("secret.keys");
  assay::testing::FakeClock clock_{1'763'740'800'123'456'789};
};

void ExpectSame(const KeyRing& a, const KeyRing& b) {
  ASSERT_EQ(a.keys().size(), b.keys().size());
  for (std::size_t i = 0; i < a.keys().size(); ++i) {
    EXPECT_EQ(a.keys()[i].id, b.keys()[i].id);
    EXPECT_EQ(a.keys()[i].created_ms, b.keys()[i].created_ms);
    EXPECT_EQ(a.keys()[i].secret.view(), b.keys()[i].secret.view());
  }
}

TEST_F(KeyRingTest, IsReadAsItWasSaved) {
  KeyRing ring = KeyRing::Generate(clock_);
  ASSERT_EQ(*ring.Rotate(clock_), 2U);
  ASSERT_EQ(*ring.Rotate(clock_), 3U);
  ASSERT_TRUE(ring.Remove(2));
  ASSERT_TRUE(ring.Save(path_));
  const auto loaded = KeyRing::Load(path_);
  ASSERT_TRUE(loaded) << loaded.error().message;
  ExpectSame(ring, *loaded);
  EXPECT_EQ(loaded->keys()[0].created_ms, 1'763'740'800'123);
}

TEST_F(KeyRingTest, NeverUsesAnIdentifierAgainAndKeepsTheNewest) {
  KeyRing ring = KeyRing::Generate(clock_);
  ASSERT_TRUE(ring.Rotate(clock_));
  EXPECT_EQ(ring.Remove(2).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(ring.Remove(9).error().code, Code::kNotFound);
  for (std::uint32_t id = 3; id <= kMaxRingKeys; ++id) EXPECT_EQ(*ring.Rotate(clock_), id);
  EXPECT_EQ(ring.Rotate(clock_).error().code, Code::kResourceExhausted);
  ASSERT_TRUE(ring.Remove(1));
  EXPECT_EQ(*ring.Rotate(clock_), kMaxRingKeys + 1);
  std::set<std::string> secrets;
  for (const KeyRing::Key& key : ring.keys()) secrets.emplace(key.secret.view());
  EXPECT_EQ(secrets.size(), ring.keys().size());
}

TEST_F(KeyRingTest, IsRefusedWhenOthersMayReadIt) {
  ASSERT_TRUE(KeyRing::Generate(clock_).Save(path_));
  ASSERT_EQ(::chmod(path_.c_str(), 0640), 0);
  EXPECT_EQ(KeyRing::Load(path_).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(KeyRing::LoadOrCreate(path_).error().code, Code::kFailedPrecondition);
}

TEST_F(KeyRingTest, IsSealedUnderAPassphrase) {
  KeyRing ring = KeyRing::Generate(clock_);
  ASSERT_TRUE(ring.Rotate(clock_));
  const auto first = ring.ToText("open sesame", kQuick);
  const auto second = ring.ToText("open sesame", kQuick);
  ASSERT_TRUE(first);
  EXPECT_NE(first->view(), second->view()) << "neither salt nor nonce is fresh";
  EXPECT_EQ(first->view().find("open sesame"), std::string::npos);
  const auto read = KeyRing::Parse(first->view(), "f", "open sesame");
  ASSERT_TRUE(read) << read.error().message;
  ExpectSame(ring, *read);
  EXPECT_EQ(KeyRing::Parse(first->view(), "f", "wrong").error().code, Code::kUnauthenticated);
  EXPECT_EQ(KeyRing::Parse(first->view(), "f").error().code, Code::kFailedPrecondition);
}

TEST_F(KeyRingTest, RefusesEveryChangedByteOfItsFile) {
  KeyRing ring = KeyRing::Generate(clock_);
  ASSERT_TRUE(ring.Rotate(clock_));
  for (const std::string_view passphrase : {"", "p"}) {
    const std::string text(ring.ToText(passphrase, kQuick)->view());
    for (std::size_t at = 0; at < text.size(); ++at) {
      std::string changed = text;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      const auto read = KeyRing::Parse(changed, "f", passphrase);
      ASSERT_FALSE(read) << "byte " << at << " of\n" << text;
      EXPECT_EQ(read.error().message.find(text.substr(30, 20)), std::string::npos)
          << "the error shows the file's content";
      EXPECT_FALSE(KeyRing::Parse(text.substr(0, at), "f", passphrase)) << "cut at " << at;
    }
  }
}

TEST_F(KeyRingTest, NamesFileAndLineOfDamage) {
  const std::string text(KeyRing::Generate(clock_).ToText()->view());
  std::string changed = text;
  changed[text.find("key 1") + 4] = '0';
  const auto read = KeyRing::Parse(changed, "the file", "");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kDataLoss);
  EXPECT_TRUE(read.error().message.starts_with("the file:2:")) << read.error().message;
}

TEST_F(KeyRingTest, OfManyThatMakeTheFileAllUseTheSameKeys) {
  std::vector<std::thread> threads;
  std::vector<std::string> secrets(8);
  for (std::string& secret : secrets) {
    threads.emplace_back([&] {
      const auto ring = KeyRing::LoadOrCreate(path_);
      ASSERT_TRUE(ring) << ring.error().message;
      secret = ring->keys()[0].secret.view();
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::string& secret : secrets) EXPECT_EQ(secret, secrets[0]);
}

TEST_F(KeyRingTest, GivesEachPurposeAKeyOfItsOwn) {
  KeyRing ring = KeyRing::Generate(clock_);
  ASSERT_TRUE(ring.Rotate(clock_));
  const std::string audit(ring.Derive(1, "audit")->view());
  EXPECT_EQ(audit.size(), kRingKeyBytes);
  EXPECT_EQ(ring.Derive(1, "audit")->view(), audit);
  EXPECT_NE(ring.Derive(1, "other")->view(), audit);
  EXPECT_NE(ring.Derive(2, "audit")->view(), audit);
  EXPECT_NE(ring.Derive(1, "audit", "salt")->view(), audit);
  EXPECT_EQ(ring.Derive(3, "audit").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace assay::crypto
