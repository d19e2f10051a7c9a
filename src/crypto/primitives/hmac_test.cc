#include "assay/crypto/hmac.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "primitives/vectors_test_support.h"

namespace assay::crypto {
namespace {

TEST(HmacKey, AgreesWithWycheproof) {
  ASSAY_NEED_DATA("wycheproof/hmac_sha256_test.json", file);
  const std::size_t all = testing::ForEachVector(file, [](const auto& group, const auto& test) {
    SCOPED_TRACE(test.at("tcId").as_int64());
    const auto key = HmacKey::Create(testing::Bytes(test, "key"));
    ASSERT_TRUE(key);
    const std::string message = testing::Bytes(test, "msg");
    const std::string tag = testing::Bytes(test, "tag");
    const Mac mac = key->Sign(message);
    // Some groups cut the tag to 128 bits.
    const auto tag_bytes = static_cast<std::size_t>(group.at("tagSize").as_int64()) / 8;
    EXPECT_EQ(ConstantTimeEqual(ViewOf(mac).substr(0, tag_bytes), tag), testing::IsValid(test));
    EXPECT_EQ(key->Verify(message, tag), testing::IsValid(test) && tag_bytes == kMacBytes);
    EXPECT_EQ(key->Sign(message.substr(0, message.size() / 2), message.substr(message.size() / 2)),
              mac);
  });
  EXPECT_EQ(all, 174U);
}

TEST(HmacKey, AgreesWithRfc4231) {
  const auto key = HmacKey::Create("Jefe");
  ASSERT_TRUE(key);
  EXPECT_EQ(testing::ToHex(ViewOf(key->Sign("what do ya want for nothing?"))),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(HmacKey, TakesAnEmptyKeyAndMessage) {
  const auto key = HmacKey::Create("");
  ASSERT_TRUE(key);
  EXPECT_EQ(testing::ToHex(ViewOf(key->Sign(""))),
            "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(HmacKey, BatchesAndThreadsAgreeWithSingleCalls) {
  const auto key = HmacKey::Create("k");
  ASSERT_TRUE(key);
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < 400; ++i) texts.push_back(RandomText(i));
  const std::vector<std::string_view> messages(texts.begin(), texts.end());
  std::vector<Mac> macs(messages.size());
  ASSERT_TRUE(key->SignBatch(messages, macs));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (std::size_t i = 0; i < messages.size(); ++i) EXPECT_EQ(key->Sign(messages[i]), macs[i]);
    });
  }
  for (std::thread& thread : threads) thread.join();
  macs.pop_back();
  EXPECT_EQ(key->SignBatch(messages, macs).error().code, Code::kInvalidArgument);
}

TEST(DeriveKey, AgreesWithWycheproof) {
  ASSAY_NEED_DATA("wycheproof/hkdf_sha256_test.json", file);
  const std::size_t all = testing::ForEachVector(file, [](const auto&, const auto& test) {
    SCOPED_TRACE(test.at("tcId").as_int64());
    const auto size = static_cast<std::size_t>(test.at("size").as_int64());
    const auto derived = DeriveKey(testing::Bytes(test, "ikm"), testing::Bytes(test, "salt"),
                                   testing::Bytes(test, "info"), size);
    ASSERT_EQ(derived.has_value(), testing::IsValid(test));
    if (derived) {
      EXPECT_EQ(testing::ToHex(derived->view()), testing::ToHex(testing::Bytes(test, "okm")));
    } else {
      EXPECT_EQ(derived.error().code, Code::kOutOfRange);
    }
  });
  EXPECT_EQ(all, 86U);
}

}  // namespace
}  // namespace assay::crypto
