#include <atomic>
#include <thread>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "crash_fs.h"
#include "experiments/store/store_internal.h"
#include "experiments/store/tone_settings.h"
#include "fake_clock.h"

namespace assay::gateway {
namespace {

constexpr char kPath[] = "data/tone.log";

class ExperimentStoreTest : public ::testing::Test {
 protected:
  ExperimentStoreTest() { EXPECT_TRUE(files_.MakeDirectories("data")); }

  void Open(const ExperimentSettings& settings = Tone()) {
    store_.reset();
    auto opened = ExperimentStore::Open(files_, kPath, clock_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = *std::move(opened);
    arms_ = store_->Define(settings);
  }
  void Expose(std::size_t variant, const std::string& unit) {
    store_->NoteExposure(arms_[variant], UnitHash("acme", unit), RequestHash("acme", "r-" + unit));
  }
  Result<RecordedOutcome> Tell(const std::string& unit, double value) {
    return store_->Record(
        {.tenant = "acme", .request_id = {}, .unit = unit, .values = {{"solved", value}}});
  }

  testing::CrashFs files_;
  testing::FakeClock clock_;
  std::unique_ptr<ExperimentStore> store_;
  std::vector<std::uint16_t> arms_;
};

TEST_F(ExperimentStoreTest, CountsAUnitOnceAndAnOutcomeOnce) {
  Open();
  for (int i = 0; i < 3; ++i) Expose(0, "ann");
  Expose(1, "bob");
  EXPECT_EQ(Tell("ann", 1)->recorded, 1U);
  EXPECT_EQ(Tell("ann", 1)->repeated, 1U);
  EXPECT_EQ(Tell("ann", 0).error().code, Code::kAlreadyExists);
  EXPECT_EQ(Tell("eve", 1).error().code, Code::kNotFound);
  const ExperimentReport report = store_->Report();
  EXPECT_EQ(report.variants[0].units, 1);
  EXPECT_EQ(report.variants[1].units, 1);
  EXPECT_EQ(report.outcomes, 1U);
  EXPECT_EQ(report.variants[0].outcomes[0].state().n, 1);
}

TEST_F(ExperimentStoreTest, OtherTenantsUnitsAndRequestsAreNotThere) {
  Open();
  Expose(0, "ann");
  for (const auto& [request, unit] : {std::pair("r-ann", ""), {"", "ann"}}) {
    const ReportedOutcome outcome{
        .tenant = "rival", .request_id = request, .unit = unit, .values = {{"solved", 1}}};
    EXPECT_EQ(store_->Record(outcome).error().code, Code::kNotFound);
  }
}

TEST_F(ExperimentStoreTest, ACrashAtAnyStepLosesNoAcknowledgedOutcome) {
  for (std::uint64_t stop = 0; stop < 60; ++stop) {
    SCOPED_TRACE(stop);
    files_.Crash({});
    if (files_.Stat(kPath)) {
      ASSERT_TRUE(files_.Remove(kPath));
    }
    ASSERT_TRUE(files_.MakeDirectories("data"));
    files_.StopAfter(stop);
    std::size_t acknowledged = 0;
    auto opened = ExperimentStore::Open(files_, kPath, clock_);
    if (opened) {
      store_ = *std::move(opened);
      arms_ = store_->Define(Tone());
      for (int i = 0; i < 8; ++i) {
        const std::string unit = fmt::format("u{}", i);
        Expose(static_cast<std::size_t>(i % 2), unit);
        if (i == 3) store_->Tick();
        if (Tell(unit, i)) ++acknowledged;
      }
    }
    store_.reset();
    files_.Crash({.names_survive = stop % 2 == 0, .unsynced_bytes = stop % 7 * 9});
    ASSERT_TRUE(files_.MakeDirectories("data"));
    Open();
    const ExperimentReport report = store_->Report();
    EXPECT_GE(report.outcomes, acknowledged);
    EXPECT_EQ(report.variants[0].outcomes[0].state().n + report.variants[1].outcomes[0].state().n,
              static_cast<std::int64_t>(report.outcomes));
    for (std::size_t i = 0; i < acknowledged; ++i) {
      const auto again = Tell(fmt::format("u{}", i), static_cast<double>(i));
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(again->repeated, 1U);
    }
    store_.reset();
  }
}

TEST_F(ExperimentStoreTest, AFailedDiskIsToldAndTheSameOutcomeCanBeReportedAgain) {
  for (std::uint64_t at = 0; at < 6; ++at) {
    SCOPED_TRACE(at);
    if (files_.Stat(kPath)) {
      ASSERT_TRUE(files_.Remove(kPath));
    }
    Open();
    Expose(0, "ann");
    files_.FailOperation(at);
    std::size_t refused = 0;
    while (!Tell("ann", 1)) ASSERT_LT(++refused, 5U);
    Open();
    EXPECT_EQ(store_->Report().outcomes, 1U);
    EXPECT_EQ(Tell("ann", 1)->repeated, 1U);
    store_.reset();
  }
}

TEST_F(ExperimentStoreTest, AChangedVariantBeginsAnewAndTheOldOneIsFoundAgain) {
  Open();
  Expose(0, "ann");
  Expose(1, "bob");
  ASSERT_TRUE(Tell("ann", 1));
  ASSERT_TRUE(Tell("bob", 1));
  ExperimentSettings changed = Tone();
  changed.variants[1].system = "Be very warm.";
  Open(changed);
  ExperimentReport report = store_->Report();
  EXPECT_EQ(report.outcomes, 1U);
  EXPECT_EQ(report.set_aside, 1U);
  EXPECT_EQ(report.variants[1].units, 0);
  ExperimentSettings more_share = Tone();
  more_share.variants[1].share = 3;
  arms_ = store_->Define(more_share);
  report = store_->Report();
  EXPECT_EQ(report.outcomes, 2U) << "a share is no part of what a variant is";
  EXPECT_EQ(report.variants[1].units, 1);
}

TEST_F(ExperimentStoreTest, AUnitThatComesBackToAChangedVariantCountsThere) {
  Open();
  Expose(1, "bob");
  ASSERT_TRUE(Tell("bob", 1));
  ExperimentSettings changed = Tone();
  changed.variants[1].system = "Be very warm.";
  arms_ = store_->Define(changed);
  Expose(1, "bob");
  for (int restart = 0; restart < 2; ++restart) {
    const ExperimentReport report = store_->Report();
    EXPECT_EQ(report.variants[1].units, 1);
    EXPECT_EQ(report.set_aside, 1U) << "what was reported of the old variant stays with it";
    store_->Tick();
    Open(changed);
  }
  const ReportedOutcome rating{
      .tenant = "acme", .request_id = "r-bob", .unit = {}, .values = {{"solved", 0}}};
  EXPECT_EQ(store_->Record(rating)->variant, "warm");
  arms_ = store_->Define(Tone());
  EXPECT_EQ(store_->Report().variants[1].units, 0) << "no unit counts for two versions";
}

TEST_F(ExperimentStoreTest, StopsAndMeasuresOutlastARestart) {
  Open();
  EXPECT_TRUE(store_->running());
  store_->NoteFinished(arms_[0], {.measures = {12.5, 0, 20, 0.001}});
  store_->NoteFinished(arms_[0], {.measures = {std::nan(""), 1, 0, 0}});
  ASSERT_TRUE(store_->SetStopped(true));
  Open();
  EXPECT_FALSE(store_->running());
  const MeasureSums sums = store_->Report().variants[0].measures;
  EXPECT_EQ(sums[static_cast<std::size_t>(Measure::kLatency)].state().n, 1);
  EXPECT_EQ(sums[static_cast<std::size_t>(Measure::kError)].state().mean, 0.5);
  ASSERT_TRUE(store_->SetStopped(false));
  ExperimentSettings off = Tone();
  off.enabled = false;
  Open(off);
  EXPECT_FALSE(store_->running()) << "the settings count too";
}

TEST_F(ExperimentStoreTest, ADamagedLogIsNamedAndLeftAsItIs) {
  Open();
  for (int i = 0; i < 20; ++i) {
    Expose(0, fmt::format("u{}", i));
    ASSERT_TRUE(Tell(fmt::format("u{}", i), 1));
  }
  store_.reset();
  std::string bytes = *files_.Contents(kPath);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  files_.Plant(kPath, bytes);
  const auto opened = ExperimentStore::Open(files_, kPath, clock_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kDataLoss);
  EXPECT_NE(opened.error().message.find(kPath), std::string::npos);
  EXPECT_EQ(*files_.Contents(kPath), bytes);
}

TEST_F(ExperimentStoreTest, ManyThreadsNoteAndReportAtOnce) {
  Open();
  constexpr int kThreads = 4;
  constexpr int kUnits = 200;
  std::atomic<int> told{0};  // a lone counter, read after the threads have ended
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kUnits; ++i) {
        const std::string unit = fmt::format("t{}-{}", t, i);
        Expose(static_cast<std::size_t>(i % 2), unit);
        store_->NoteFinished(arms_[0], {.measures = {1, 0, 1, 0}});
        if (Tell(unit, i % 3)) told.fetch_add(1, std::memory_order_relaxed);
        if (i % 50 == 0) {
          store_->Tick();
          (void)store_->Report();
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(told.load(), kThreads * kUnits);
  const ExperimentReport report = store_->Report();
  EXPECT_EQ(report.outcomes, static_cast<std::uint64_t>(kThreads * kUnits));
  EXPECT_EQ(report.variants[0].units + report.variants[1].units, kThreads * kUnits);
  EXPECT_EQ(report.lost, 0U);
}

#if !defined(__SANITIZE_THREAD__)  // a minute there, in one thread
TEST_F(ExperimentStoreTest, ALongLogIsWrittenAnewAndAFullDiskKeepsNothingFromStarting) {
  Open();
  Expose(0, "ann");
  ASSERT_TRUE(Tell("ann", 1));
  for (std::uint64_t request = 1; request <= 4'000'000; ++request) {  // 18 bytes each
    store_->NoteExposure(arms_[0], UnitHash("acme", "ann"), request);
    if (request % 10'000 == 0) store_->Tick();
  }
  store_.reset();
  const std::uint64_t size_bytes = files_.Stat(kPath)->size_bytes;
  ASSERT_GT(size_bytes, 64'000'000U);
  const auto is_whole = [&] {
    const ExperimentReport report = store_->Report();
    return report.variants[0].units == 1 && report.outcomes == 1 && report.lost == 0;
  };
  files_.SetCapacity(size_bytes);
  Open();
  EXPECT_TRUE(is_whole());
  EXPECT_EQ(files_.Stat(kPath)->size_bytes, size_bytes);
  files_.SetCapacity(4 * size_bytes);
  Open();
  EXPECT_TRUE(is_whole());
  EXPECT_LT(files_.Stat(kPath)->size_bytes, size_bytes / 2);
}
#endif

TEST_F(ExperimentStoreTest, TheHistoryIsThatOfTheOutcomesAndStaysShort) {
  Open();
  for (int i = 0; i < 3000; ++i) {
    const std::string unit = fmt::format("u{}", i);
    Expose(static_cast<std::size_t>(i % 2), unit);
    ASSERT_TRUE(Tell(unit, i % 5));
  }
  const std::vector<HistoryPoint> before = store_->Report().history;
  EXPECT_GT(before.size(), 50U);
  EXPECT_LT(before.size(), 200U);
  Open();
  const std::vector<HistoryPoint> after = store_->Report().history;
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].outcomes, before[i].outcomes);
    EXPECT_NEAR(after[i].effect, before[i].effect, 1e-12);
  }
}

TEST_F(ExperimentStoreTest, TheHistoryOfWhatTheGatewayMeasuresGoesWithItsRequests) {
  ExperimentSettings settings = Tone();
  settings.metrics.resize(2);
  settings.metrics[1].name = "latency_ms";
  settings.metrics[1].direction = OutcomeDirection::kDecrease;
  Open(settings);
  const auto serve = [&](double slower_ms) {
    for (int i = 0; i < 100; ++i) {
      for (std::size_t v = 0; v < 2; ++v) {
        const double latency_ms = 20 + i % 7 + (v == 1 ? slower_ms : 0);
        store_->NoteFinished(arms_[v], {.measures = {latency_ms, 0, 20, 0.001}});
      }
    }
    store_->Tick();
  };
  for (int i = 0; i < 20; ++i) serve(i < 10 ? 0 : 8);
  store_->Tick();  // no request since: no point
  const std::vector<HistoryPoint> points = store_->Report().history;
  ASSERT_GT(points.size(), 10U);
  ASSERT_LE(points.size(), 20U);
  for (const HistoryPoint& point : points) {
    EXPECT_EQ(point.metric, 1U) << "no outcome was told";
    EXPECT_EQ(point.outcomes % 200, 0U);
  }
  EXPECT_NEAR(points.front().effect, 0, 1e-9);
  EXPECT_GT(points.back().effect, 3);
  Open(settings);
  store_->Tick();
  EXPECT_EQ(store_->Report().history.size(), 1U) << "only how it stands";
}

}  // namespace
}  // namespace assay::gateway
