#include "assay/telemetry/metrics.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "assay/core/check.h"

#include "fake_clock.h"

namespace assay::telemetry {
namespace {

using internal::BucketOf;
using internal::BucketUpper;

// One line of the exposition format.
struct Sample {
  std::string name;
  std::map<std::string, std::string> labels;
  double value = 0;
};

// Reads `{a="b",c="d"}`; nothing where it breaks the format's rules.
std::optional<std::map<std::string, std::string>> ReadLabels(std::string_view& rest) {
  std::map<std::string, std::string> labels;
  rest.remove_prefix(1);
  while (!rest.starts_with('}')) {
    const std::size_t equals = rest.find("=\"");
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name(rest.substr(0, equals));
    rest.remove_prefix(equals + 2);
    std::string value;
    while (!rest.empty() && rest[0] != '"') {
      if (rest[0] == '\n') return std::nullopt;
      if (rest[0] == '\\') {
        rest.remove_prefix(1);
        if (rest.empty() || std::string_view("\\\"n").find(rest[0]) == std::string_view::npos) {
          return std::nullopt;
        }
        value += rest[0] == 'n' ? '\n' : rest[0];
      } else {
        value += rest[0];
      }
      rest.remove_prefix(1);
    }
    if (rest.empty() || !labels.emplace(name, value).second) return std::nullopt;
    rest.remove_prefix(1);
    if (rest.starts_with(',')) rest.remove_prefix(1);
  }
  rest.remove_prefix(1);
  return labels;
}

// A strict reader of the whole page: every sample belongs to the family whose HELP and TYPE stand
// right above, families come once.
class Page {
 public:
  explicit Page(const std::string& text) {
    std::set<std::string> families;
    std::string family;
    std::string type;
    EXPECT_TRUE(text.empty() || text.ends_with('\n'));
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      std::string_view line(text.data() + at, end - at);
      at = end + 1;
      if (line.starts_with("# HELP ")) {
        family = line.substr(7, line.find(' ', 7) - 7);
        EXPECT_TRUE(families.insert(family).second) << family << " comes twice";
        type.clear();
        continue;
      }
      if (line.starts_with("# TYPE ")) {
        type = line.substr(7 + family.size() + 1);
        EXPECT_EQ(line.substr(7, family.size()), family);
        types[family] = type;
        continue;
      }
      ReadSample(line, family, type);
    }
  }

  [[nodiscard]] double Value(const std::string& name,
                             const std::map<std::string, std::string>& labels = {}) const {
    for (const Sample& sample : samples) {
      if (sample.name == name && sample.labels == labels) return sample.value;
    }
    ADD_FAILURE() << "there is no sample " << name;
    return std::nan("");
  }

  std::vector<Sample> samples;
  std::map<std::string, std::string> types;

 private:
  void ReadSample(std::string_view line, const std::string& family, const std::string& type) {
    Sample sample;
    const std::size_t name_end = line.find_first_of("{ ");
    ASSERT_NE(name_end, std::string_view::npos) << line;
    sample.name = line.substr(0, name_end);
    line.remove_prefix(name_end);
    if (line.starts_with('{')) {
      auto labels = ReadLabels(line);
      ASSERT_TRUE(labels) << "broken labels";
      sample.labels = *std::move(labels);
    }
    ASSERT_TRUE(line.starts_with(' ')) << line;
    const std::string number(line.substr(1));
    std::size_t used = 0;
    sample.value = number == "+Inf" ? INFINITY : std::stod(number, &used);
    EXPECT_TRUE(number == "+Inf" || used == number.size()) << number;
    const std::string ending = sample.name.substr(std::min(family.size(), sample.name.size()));
    EXPECT_TRUE(sample.name.starts_with(family)) << sample.name << " stands below " << family;
    EXPECT_TRUE(type == "histogram" ? ending == "_bucket" || ending == "_sum" || ending == "_count"
                                    : ending.empty())
        << sample.name;
    samples.push_back(std::move(sample));
  }
};

std::uint64_t bugs = 0;

TEST(Buckets, CoverEveryValueWithoutGapOrOverlap) {
  for (std::uint32_t bucket = 1; bucket < internal::kBuckets; ++bucket) {
    ASSERT_EQ(BucketOf(BucketUpper(bucket)), bucket);
    ASSERT_EQ(BucketOf(BucketUpper(bucket - 1) + 1), bucket);
  }
  EXPECT_EQ(BucketOf(-5), 0U);
  EXPECT_EQ(BucketOf(0), 0U);
  EXPECT_EQ(BucketOf(1), 0U);
  EXPECT_EQ(BucketOf(INT64_MAX), internal::kBuckets - 1);
  EXPECT_EQ(BucketUpper(internal::kBuckets - 1), internal::kMaxValue);
}

TEST(Metrics, CountersSumWhatAllThreadsAdded) {
  Metrics metrics;
  const Counter counter = metrics.AddCounter("requests_total", "Requests.");
  constexpr int kThreads = 8;
  constexpr int kAdds = 20'000;
  for (int round = 0; round < 3; ++round) {  // later threads take the slots of earlier ones
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < kAdds; ++j) counter.Add();
      });
    }
    (void)metrics.PrometheusText();  // reads while they add
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(Page(metrics.PrometheusText()).Value("requests_total"), 3.0 * kThreads * kAdds);
}

TEST(Metrics, MoreThreadsThanSlotsLoseNothing) {
  Metrics metrics;
  const Counter counter = metrics.AddCounter("x_total", "X.");
  constexpr int kThreads = 200;
  std::atomic<int> ready = 0;  // partner: each thread; all hold a slot at once
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      counter.Add();
      ready.fetch_add(1);
      ready.notify_all();
      for (int seen = ready.load(); seen < kThreads; seen = ready.load()) ready.wait(seen);
      for (int j = 0; j < 100; ++j) counter.Add();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Page(metrics.PrometheusText()).Value("x_total"), 101.0 * kThreads);
}

TEST(Metrics, TheSameNameAndLabelsAreTheSameSeries) {
  Metrics metrics;
  metrics.AddCounter("a_total", "A.", {{"x", "1"}, {"y", "2"}}).Add(2);
  metrics.AddCounter("a_total", "A.", {{"y", "2"}, {"x", "1"}}).Add(3);
  metrics.AddCounter("a_total", "A.", {{"x", "1"}, {"y", "3"}}).Add(7);
  const Page page(metrics.PrometheusText());
  EXPECT_EQ(page.Value("a_total", {{"x", "1"}, {"y", "2"}}), 5);
  EXPECT_EQ(page.Value("a_total", {{"x", "1"}, {"y", "3"}}), 7);
  EXPECT_EQ(page.samples.size(), 2U);
}

TEST(Metrics, GaugesAndCallbacksShowTheirValue) {
  Metrics metrics;
  const Gauge gauge = metrics.AddGauge("queue_length", "Waiting.");
  gauge.Set(5);
  gauge.Add(-7);
  metrics.AddCallback("cache_bytes", "Bytes.", {{"tier", "memory"}}, [] { return 1.5e9; });
  metrics.AddCallback("evicted_total", "Evicted.", {}, [] { return 12.0; }, true);
  const Page page(metrics.PrometheusText());
  EXPECT_EQ(page.Value("queue_length"), -2);
  EXPECT_EQ(page.types.at("queue_length"), "gauge");
  EXPECT_EQ(page.Value("cache_bytes", {{"tier", "memory"}}), 1.5e9);
  EXPECT_EQ(page.Value("evicted_total"), 12);
  EXPECT_EQ(page.types.at("evicted_total"), "counter");
}

TEST(Metrics, LabelValuesAndHelpAreEscaped) {
  Metrics metrics;
  const std::string nasty = "a\\b\"c\nd}{,=";
  metrics.AddCounter("n_total", "first\nsecond \\ \"third\"", {{"l", nasty}}).Add();
  const std::string text = metrics.PrometheusText();
  EXPECT_EQ(Page(text).Value("n_total", {{"l", nasty}}), 1);
  EXPECT_TRUE(text.starts_with("# HELP n_total first\\nsecond \\\\ \"third\"\n")) << text;
}

TEST(Metrics, HistogramBucketsAreCumulativeAndExact) {
  Metrics metrics;
  const Histogram histogram = metrics.AddHistogram("latency_seconds", "Latency.", {{"route", "r"}});
  std::mt19937_64 random(7);  // any seed will do
  std::vector<std::int64_t> values = {0, 1, 1'024, 1'025, 2'048, std::int64_t{1} << 36};
  for (int i = 0; i < 5'000; ++i)
    values.push_back(static_cast<std::int64_t>(random() % (1ULL << (10 + i % 28))));
  double sum = 0;
  for (const std::int64_t value : values) {
    histogram.ObserveNs(value);
    sum += static_cast<double>(value);
  }
  const Page page(metrics.PrometheusText());
  EXPECT_EQ(page.types.at("latency_seconds"), "histogram");
  EXPECT_EQ(page.Value("latency_seconds_count", {{"route", "r"}}),
            static_cast<double>(values.size()));
  EXPECT_NEAR(page.Value("latency_seconds_sum", {{"route", "r"}}), sum / 1e9, sum / 1e9 * 1e-12);
  int lines = 0;
  for (const Sample& sample : page.samples) {
    if (sample.name != "latency_seconds_bucket") continue;
    ++lines;
    EXPECT_EQ(sample.labels.at("route"), "r");
    const std::string& le = sample.labels.at("le");
    const double border = le == "+Inf" ? INFINITY : std::stod(le);
    const auto below = std::ranges::count_if(
        values, [&](std::int64_t v) { return static_cast<double>(v) / 1e9 <= border; });
    EXPECT_EQ(sample.value, static_cast<double>(below)) << "le=" << le;
  }
  EXPECT_EQ(lines, 28);
  EXPECT_NE(metrics.PrometheusText().find("le=\"1.024e-06\""), std::string::npos);
}

TEST(Metrics, QuantilesAreWithinTheBucketWidth) {
  Metrics metrics;
  const Histogram histogram = metrics.AddHistogram("h_seconds", "H.");
  std::vector<double> values;
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> distribution(13, 1.5);
  for (int i = 0; i < 20'000; ++i) values.push_back(std::floor(distribution(random)) + 100);
  for (const double value : values) histogram.ObserveNs(static_cast<std::int64_t>(value));
  std::ranges::sort(values);
  const auto snapshot = metrics.Snapshot();
  const SeriesSnapshot* series = snapshot.Find("h_seconds");
  ASSERT_NE(series, nullptr);
  const auto exact = [&](double q) {
    return values[static_cast<std::size_t>(q * 20'000) - 1] / 1e9;
  };
  EXPECT_NEAR(series->p50, exact(0.5), exact(0.5) * 0.017);
  EXPECT_NEAR(series->p95, exact(0.95), exact(0.95) * 0.017);
  EXPECT_NEAR(series->p99, exact(0.99), exact(0.99) * 0.017);
}

TEST(Metrics, ALabelThatGrowsWithoutBoundEndsInOneSeries) {
  Metrics metrics;
  for (int i = 0; i < 1'000; ++i) {
    metrics.AddCounter("by_model_total", "Models.", {{"model", std::to_string(i)}}).Add();
  }
  const Page page(metrics.PrometheusText());
  EXPECT_EQ(page.samples.size(), Metrics::kMaxSeriesPerFamily);
  EXPECT_EQ(page.Value("by_model_total", {{"model", "other"}}),
            1'000 - static_cast<double>(Metrics::kMaxSeriesPerFamily) + 1);
}

TEST(Metrics, MisuseIsABugThatForgetsAndGoesOn) {
  const auto before = core::SetBugHandler([](const core::BugReport&) { ++bugs; });
  bugs = 0;
  Metrics metrics;
  metrics.AddCounter("same_total", "S.").Add();
  metrics.AddGauge("same_total", "S.").Set(9);
  metrics.AddCounter("no name", "S.").Add();
  metrics.AddCounter("ok_total", "S.", {{"le", "1"}}).Add();
  metrics.AddHistogram("ok_seconds", "S.", {{"a-b", "1"}}).ObserveNs(5);
  core::SetBugHandler(before);
  EXPECT_EQ(bugs, 4U);
  EXPECT_EQ(Page(metrics.PrometheusText()).samples.size(), 1U);
  Counter().Add();
  Gauge().Set(1);
  Histogram().ObserveNs(1);
}

TEST(Metrics, SnapshotsShowRatesBySecondAndByMinute) {
  testing::FakeClock clock;
  Metrics metrics(clock);
  const Counter counter = metrics.AddCounter("c_total", "C.");
  const Histogram histogram = metrics.AddHistogram("h_seconds", "H.");
  const Gauge gauge = metrics.AddGauge("g", "G.");
  constexpr int kTicks = 60 * 61;
  for (int tick = 0; tick < kTicks; ++tick) {
    counter.Add(static_cast<std::uint64_t>(tick < 60 ? 10 : 20));
    gauge.Set(tick);
    for (int i = 0; i < 4; ++i) histogram.ObserveNs(tick % 2 == 0 ? 1'000'000 : 2'000'000);
    clock.Advance(1'000'000'000);
    metrics.Tick();
  }
  const auto snapshot = metrics.Snapshot();
  const SeriesSnapshot* c = snapshot.Find("c_total");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c->total, 60 * 10 + (kTicks - 60) * 20);
  ASSERT_EQ(c->seconds.size(), kSecondsKept);
  ASSERT_EQ(c->minutes.size(), kMinutesKept);
  EXPECT_DOUBLE_EQ(c->seconds.back().value, 20);
  EXPECT_DOUBLE_EQ(c->minutes.front().value, 20) << "the first minute has left the ring";
  const SeriesSnapshot* h = snapshot.Find("h_seconds");
  EXPECT_DOUBLE_EQ(h->seconds.back().value, 4);
  EXPECT_NEAR(h->seconds.back().p50, 2e-3, 2e-3 * 0.017);
  EXPECT_NEAR(h->seconds[kSecondsKept - 2].p99, 1e-3, 1e-3 * 0.017);
  EXPECT_NEAR(h->minutes.back().p99, 2e-3, 2e-3 * 0.017);
  EXPECT_DOUBLE_EQ(snapshot.Find("g")->seconds.back().value, kTicks - 1);
  EXPECT_EQ(snapshot.Find("none"), nullptr);
  EXPECT_EQ(snapshot.unix_ms, clock.wall_ns() / 1'000'000);
}

}  // namespace
}  // namespace assay::telemetry
