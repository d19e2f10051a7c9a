// Gateways on a server of Redis, for the tests of this folder.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "assay/cache/redis_tier.h"

namespace assay::gateway::testing {

inline constexpr std::int64_t kPatienceMs = 30'000;

// Connected when it returns.
inline std::unique_ptr<cache::RedisTier> OpenTier(const std::string& url,
                                                  std::int64_t answer_timeout_ms = kPatienceMs) {
  cache::RedisOptions options;
  options.url = url;
  options.answer_timeout_ms = answer_timeout_ms;
  options.first_backoff_ms = 5;
  options.longest_backoff_ms = 20;
  auto tier = cache::RedisTier::Create(options).value();
  EXPECT_TRUE(tier->WaitUntilUp(kPatienceMs));
  return tier;
}

}  // namespace assay::gateway::testing
