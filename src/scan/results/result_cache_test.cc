#include "assay/scan/result_cache.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crash_fs.h"
#include "fake_clock.h"

namespace assay::scan {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNowMs = 1'700'000'000'000;
const std::string kPath = "cache/assay/scan.results";

TargetSet Targets(std::vector<std::string> hosts, std::vector<std::uint16_t> ports = {80, 443}) {
  return *TargetSet::Create({.hosts = std::move(hosts), .ports = std::move(ports)});
}

core::Hash128 KeyOf(const TargetSet& targets) {
  return ResultKey(targets, {}, IdentifyOptions{});
}

Findings Some(std::int64_t begun_ms = kNowMs) {
  Findings findings;
  Service service;
  service.address = *Address::Parse("fe80::1");
  service.port = 11'434;
  service.kind = ServiceKind::kOllama;
  service.openai = true;
  service.version = "0.5.7 \"x\"\n";
  service.models = {{"llama3.2:3b", 131'072}, {"größe", 0}};
  service.connect_ns = 12'345;
  Service other;
  other.kind = ServiceKind::kPostgres;
  other.tls = true;
  findings.services = {service, other};
  findings.targets = 1'000;
  findings.refused = 980;
  findings.silent = 17;
  findings.unreachable = 1;
  findings.tries = 1'017;
  findings.most_at_once = 17;
  findings.took_ns = 8'000'000;
  findings.begun_ms = begun_ms;
  return findings;
}

class ResultCacheTest : public ::testing::Test {
 protected:
  assay::testing::CrashFs files_;
  assay::testing::FakeClock clock_{kNowMs * kNsPerMs};
  ResultCache cache_{files_, kPath, clock_};
  const core::Hash128 key_ = KeyOf(Targets({"10.0.0.0/24"}));
};

TEST_F(ResultCacheTest, FindsWhatWasStoredUntilItIsTooOld) {
  EXPECT_FALSE(cache_.Find(key_, 1'000)->has_value()) << "there is no file yet";
  ASSERT_TRUE(cache_.Store(key_, Some()));
  clock_.Advance(1'000 * kNsPerMs);
  const auto found = cache_.Find(key_, 1'000);
  ASSERT_TRUE(found && *found);
  EXPECT_EQ((*found)->findings, Some());
  EXPECT_EQ((*found)->age_ms, 1'000);
  clock_.Advance(kNsPerMs);
  EXPECT_FALSE(cache_.Find(key_, 1'000)->has_value());
  EXPECT_TRUE(cache_.Find(key_, 1'001)->has_value());
  clock_.SetWall((kNowMs - 1) * kNsPerMs);
  EXPECT_FALSE(cache_.Find(key_, 1'000'000)->has_value()) << "the clock was set back";
}

TEST_F(ResultCacheTest, KnowsOneQuestionFromAnother) {
  const TargetSet targets = Targets({"10.0.0.0/24"});
  EXPECT_EQ(KeyOf(targets), KeyOf(Targets({"10.0.0.0-199", "10.0.0.128/25"})));
  EXPECT_NE(KeyOf(targets), KeyOf(Targets({"10.0.0.0/25"})));
  EXPECT_NE(KeyOf(targets), KeyOf(Targets({"10.0.0.0/24"}, {80})));
  EXPECT_NE(KeyOf(targets), ResultKey(targets, {.timeout_ms = 7}, IdentifyOptions{}));
  EXPECT_NE(KeyOf(targets), ResultKey(targets, {.retries = 7}, IdentifyOptions{}));
  EXPECT_NE(KeyOf(targets), ResultKey(targets, {}, IdentifyOptions{.timeout_ms = 7}));
  EXPECT_NE(KeyOf(targets), ResultKey(targets, {}, std::nullopt)) << "nothing was asked";
  EXPECT_EQ(KeyOf(targets),
            ResultKey(targets, {.in_flight = 7, .per_second = 7}, IdentifyOptions{.threads = 7}));
}

TEST_F(ResultCacheTest, KeepsOneResultOfEachKeyAndForgetsTheOldest) {
  std::vector<core::Hash128> keys;
  for (std::uint16_t port = 1; port <= kMaxCachedResults + 1; ++port) {
    keys.push_back(KeyOf(Targets({"10.0.0.1"}, {port})));
    ASSERT_TRUE(cache_.Store(keys.back(), Some(kNowMs - port)));
  }
  EXPECT_FALSE(cache_.Find(keys[0], 1'000'000)->has_value());
  EXPECT_TRUE(cache_.Find(keys[1], 1'000'000)->has_value());
  ASSERT_TRUE(cache_.Store(keys[1], Some(kNowMs)));
  EXPECT_EQ(cache_.Find(keys[1], 1'000)->value().findings.begun_ms, kNowMs);
  EXPECT_TRUE(cache_.Find(keys[2], 1'000'000)->has_value());
}

TEST_F(ResultCacheTest, ReadsNoDamagedFileAndBeginsItAnew) {
  ASSERT_TRUE(cache_.Store(key_, Some()));
  const std::string whole = *files_.Contents(kPath);
  for (std::size_t size : {whole.size() - 1, whole.size() / 2, std::size_t{40}, std::size_t{19}}) {
    files_.Plant(kPath, whole.substr(0, size));
    EXPECT_EQ(cache_.Find(key_, 1'000).error().code, Code::kDataLoss) << size;
  }
  for (std::size_t at = 19; at < whole.size(); at += 7) {
    std::string turned = whole;
    turned[at] = static_cast<char>(turned[at] ^ 0x10);
    files_.Plant(kPath, turned);
    const auto found = cache_.Find(key_, 1'000);
    ASSERT_FALSE(found) << at;
    EXPECT_EQ(found.error().code, Code::kDataLoss) << at;
    EXPECT_NE(found.error().message.find(kPath), std::string::npos);
  }
  ASSERT_TRUE(cache_.Store(key_, Some()));
  EXPECT_EQ(*files_.Contents(kPath), whole);
}

TEST_F(ResultCacheTest, LeavesAFileOfAnotherKindAlone) {
  files_.Plant(kPath, "my notes\n");
  EXPECT_EQ(cache_.Find(key_, 1'000).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(cache_.Store(key_, Some()).error().code, Code::kFailedPrecondition);
  EXPECT_EQ(*files_.Contents(kPath), "my notes\n");
  files_.Plant(kPath, std::string(kMaxResultFileBytes + 1'000, 'x'));
  EXPECT_EQ(cache_.Store(key_, Some()).error().code, Code::kFailedPrecondition);
  files_.Plant(kPath, "");
  EXPECT_TRUE(cache_.Store(key_, Some())) << "an empty file holds nothing to lose";
}

TEST_F(ResultCacheTest, HoldsTheOldOrTheNewResultsWhereverThePowerFails) {
  ASSERT_TRUE(cache_.Store(key_, Some(kNowMs - 5)));
  const std::uint64_t before = files_.operations();
  ASSERT_TRUE(cache_.Store(key_, Some(kNowMs - 5)));
  const std::uint64_t steps = files_.operations() - before;
  for (std::uint64_t stop = 0; stop < steps; ++stop) {
    ASSERT_TRUE(cache_.Store(key_, Some(kNowMs - 5)));
    files_.StopAfter(stop);
    EXPECT_FALSE(cache_.Store(key_, Some(kNowMs))) << stop;
    files_.Crash({.names_survive = stop % 2 == 0, .unsynced_bytes = stop});
    const auto found = cache_.Find(key_, 1'000);
    ASSERT_TRUE(found && *found) << stop;
    EXPECT_TRUE((*found)->age_ms == 0 || (*found)->age_ms == 5);
  }
}

TEST_F(ResultCacheTest, RefusesAResultThatNoFileHolds) {
  Findings large = Some();
  large.services[0].version.assign(kMaxResultFileBytes, 'v');
  EXPECT_EQ(cache_.Store(key_, large).error().code, Code::kOutOfRange);
  large.services[0].version.assign(kMaxResultFileBytes - 5'000, 'v');
  ASSERT_TRUE(cache_.Store(KeyOf(Targets({"10.0.0.1"})), Some()));
  ASSERT_TRUE(cache_.Store(key_, large));
  EXPECT_TRUE(cache_.Find(key_, 1'000)->has_value());
  ASSERT_TRUE(cache_.Store(KeyOf(Targets({"10.0.0.2"})), large));
  EXPECT_FALSE(cache_.Find(key_, 1'000)->has_value()) << "there is room for one such result";
}

}  // namespace
}  // namespace assay::scan
