// The Redis tier under the tests of every tier, on a real redis-server.
#include <memory>

#include <gtest/gtest.h>

#include "assay/cache/redis_tier.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/key_ring.h"

#include "conformance/tier_conformance.h"
#include "redis_test_support.h"

namespace assay::cache::testing {
namespace {

// One server for the whole program: a tier has a prefix of its own, with all that is special.
RedisServer& SharedServer() {
  static RedisServer server;
  return server;
}

class RedisUnderTest final : public TierUnderTest {
 public:
  explicit RedisUnderTest(std::shared_ptr<const crypto::Sealer> sealer) {
    static int number = 0;
    RedisOptions options;
    options.url = SharedServer().url();
    options.key_prefix = "as*[?]\\say:" + std::to_string(++number) + ":";
    options.answer_timeout_ms = 30'000;  // a busy machine is no dead server
    options.first_backoff_ms = 5;
    options.sealer = std::move(sealer);
    tier_ = RedisTier::Create(options).value();
    EXPECT_TRUE(tier_->WaitUntilUp(30'000));
  }
  Tier& tier() override { return *tier_; }

 private:
  std::unique_ptr<RedisTier> tier_;
};

std::unique_ptr<TierUnderTest> OpenPlain() {
  return std::make_unique<RedisUnderTest>(nullptr);
}

std::unique_ptr<TierUnderTest> OpenSealed() {
  return std::make_unique<RedisUnderTest>(std::make_shared<const crypto::Sealer>(
      crypto::Sealer::Create(crypto::KeyRing::Generate(), "cache").value()));
}

std::vector<TierCase> Cases() {
  if (!HaveRedisServer()) return {};
  return {
      TierCase{.name = "redis", .open = &OpenPlain, .counts_entries = false, .operations = 10'000},
      TierCase{.name = "redis_sealed",
               .open = &OpenSealed,
               .counts_entries = false,
               .operations = 2'000}};
}

TEST(RedisConformance, NeedsARedisServer) {
  if (!HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed (scripts/setup.sh)";
}

INSTANTIATE_TEST_SUITE_P(Redis, TierConformance, ::testing::ValuesIn(Cases()), &NameOfTierCase);

}  // namespace
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(TierConformance);
}  // namespace assay::cache::testing
