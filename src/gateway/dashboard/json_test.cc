#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "dashboard/json_internal.h"
#include "dashboard/request_check_internal.h"
#include "dashboard/sessions_internal.h"
#include "fake_clock.h"

namespace assay::gateway::dashboard {
namespace {

namespace json = boost::json;
using telemetry::IntervalPoint;
using telemetry::SeriesKind;
using telemetry::SeriesSnapshot;

SeriesSnapshot Series(std::string name, std::vector<std::pair<std::string, std::string>> labels,
                      std::vector<IntervalPoint> minutes) {
  SeriesSnapshot series;
  series.name = std::move(name);
  series.labels = std::move(labels);
  series.minutes = std::move(minutes);
  return series;
}

TEST(TrafficJsonTest, SumsSeriesAndAlignsThemAtTheirEnd) {
  telemetry::MetricsSnapshot metrics;
  metrics.unix_ms = 600'000;
  metrics.series = {
      Series("assay_exchanges_total", {{"source", "memory"}}, {{.value = 8}, {.value = 6}}),
      Series("assay_exchanges_total", {{"source", "upstream"}}, {{.value = 2}}),
      Series("assay_exchanges_total", {{"source", "error"}}, {{.value = 1}, {.value = 0}}),
      Series("assay_exchange_seconds", {},
             {{.value = 0}, {.value = 8, .p50 = 0.00003, .p95 = 0.2, .p99 = 1.5}}),
      Series("assay_saved_usd_total", {}, {{.value = 0.5}, {.value = 0.25}}),
      Series("assay_tokens_total", {{"kind", "prompt"}}, {{.value = 10}, {.value = 20}}),
      Series("assay_claims_total", {{"verdict", "contradicted"}}, {{.value = 0}, {.value = 3}}),
      Series("assay_other_total", {}, {{}, {}, {}, {}}),
  };
  const json::value traffic = json::parse(TrafficJson(metrics, Range::kHour));
  EXPECT_EQ(traffic.at("step_ms").to_number<int>(), 60'000);
  const json::array& points = traffic.at("points").as_array();
  ASSERT_EQ(points.size(), 2U);
  EXPECT_EQ(points[0].at("t").to_number<int>(), 540'000);
  EXPECT_EQ(points[0].at("requests").to_number<double>(), 9);
  EXPECT_EQ(points[0].at("errors").to_number<double>(), 1);
  EXPECT_EQ(points[0].at("answered").at("upstream").to_number<double>(), 0);
  EXPECT_TRUE(points[0].at("p50_us").is_null());
  EXPECT_EQ(points[1].at("t").to_number<int>(), 600'000);
  EXPECT_EQ(points[1].at("requests").to_number<double>(), 8);
  EXPECT_EQ(points[1].at("answered").at("memory").to_number<double>(), 6);
  EXPECT_EQ(points[1].at("answered").at("upstream").to_number<double>(), 2);
  EXPECT_NEAR(points[1].at("p50_us").to_number<double>(), 30, 1e-6);
  EXPECT_NEAR(points[1].at("p99_us").to_number<double>(), 1.5e6, 1e-6);
  EXPECT_EQ(points[1].at("saved_nanousd").to_number<double>(), 0.25e9);
  EXPECT_EQ(points[1].at("prompt_tokens").to_number<double>(), 20);
  EXPECT_EQ(points[1].at("verdicts").at("contradicted").to_number<double>(), 3);
  EXPECT_EQ(json::parse(TrafficJson(metrics, Range::kMinutes)).at("points").as_array().size(), 0U);
}

TEST(ExchangeJsonTest, SaysWhatAnswered) {
  telemetry::ExchangeRecord record;
  const auto source = [&] {
    return std::string(json::parse(ExchangeJson(record)).at("source").as_string());
  };
  record.cache = "disk";
  EXPECT_EQ(source(), "disk");
  record.cache = "miss";
  EXPECT_EQ(source(), "");
  record.upstream = "gpu";
  EXPECT_EQ(source(), "upstream");
  record.coalesced = true;
  EXPECT_EQ(source(), "coalesced");
}

TEST(ExchangeJsonTest, CarriesSpansClaimsAndTexts) {
  telemetry::ExchangeRecord record;
  record.spans = {{.name = "reply", .start_us = 5, .end_us = 9, .detail = "d"}};
  record.claims_json = R"([{"text":"A </script> claim","verdict":"supported"}])";
  record.question = "Why?";
  const json::value exchange = json::parse(ExchangeJson(record));
  EXPECT_EQ(exchange.at("spans").at(0).at("duration_us").to_number<int>(), 4);
  EXPECT_EQ(exchange.at("claims").at(0).at("text").as_string(), "A </script> claim");
  EXPECT_EQ(exchange.at("question").as_string(), "Why?");
  EXPECT_TRUE(exchange.at("answer").is_null());
}

TEST(ExchangeJsonTest, AHitInMemoryIsOneSpan) {
  telemetry::ExchangeRecord record;
  record.cache = "memory";
  record.total_us = 17;
  const json::value spans = json::parse(ExchangeJson(record)).at("spans");
  ASSERT_EQ(spans.as_array().size(), 1U);
  EXPECT_EQ(spans.at(0).at("name").as_string(), "exact_lookup");
  EXPECT_EQ(spans.at(0).at("duration_us").to_number<int>(), 17);
  record.cache = "miss";
  EXPECT_TRUE(json::parse(ExchangeJson(record)).at("spans").as_array().empty());
}

TEST(ExchangeJsonTest, DamagedClaimsAreLeftOut) {
  telemetry::ExchangeRecord record;
  for (const std::string damaged : {"", "{", "{\"a\":1}", "[1"}) {
    record.claims_json = damaged;
    EXPECT_TRUE(json::parse(ExchangeJson(record)).at("claims").as_array().empty()) << damaged;
  }
}

TEST(CookieTest, IsFoundByItsWholeNameOnly) {
  EXPECT_EQ(CookieValue("a=1; assay_session=xyz; b=2", "assay_session"), "xyz");
  EXPECT_EQ(CookieValue("xassay_session=1", "assay_session"), "");
  EXPECT_EQ(CookieValue("assay_session", "assay_session"), "");
  EXPECT_EQ(CookieValue("assay_session=", "assay_session"), "");
  EXPECT_EQ(CookieValue("", "assay_session"), "");
}

TEST(PeerTest, LosesItsPort) {
  EXPECT_EQ(AddressOf("10.0.0.3:52114"), "10.0.0.3");
  EXPECT_EQ(AddressOf("[::1]:80"), "::1");
  EXPECT_EQ(AddressOf(""), "");
}

TEST(SessionTableTest, KeepsABoundedNumberAndTellsTokensApart) {
  assay::testing::FakeClock clock;
  SessionTable sessions(clock, 1000);
  const std::string first = sessions.Open("hash");
  clock.Advance(1);
  std::string last;
  for (std::size_t i = 0; i < SessionTable::kMaxSessions; ++i) last = sessions.Open("hash");
  EXPECT_EQ(sessions.size(), SessionTable::kMaxSessions);
  EXPECT_FALSE(sessions.Find(first));
  ASSERT_TRUE(sessions.Find(last));
  std::string forged = last;
  forged.back() = forged.back() == 'a' ? 'b' : 'a';
  EXPECT_FALSE(sessions.Find(forged));
  sessions.Close(forged);
  EXPECT_TRUE(sessions.Find(last));
  sessions.Close(last);
  EXPECT_FALSE(sessions.Find(last));
}

TEST(LoginGateTest, HoldsBackOnePeerAndAllOfThemTogether) {
  assay::testing::FakeClock clock;
  LoginGate gate(clock);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(gate.Enter("a"), 0);
  EXPECT_EQ(gate.Enter("a"), 30);
  gate.Succeeded("a");
  EXPECT_EQ(gate.Enter("a"), 0);
  for (int i = 0; i < 24; ++i) EXPECT_EQ(gate.Enter("peer " + std::to_string(i)), 0);
  EXPECT_EQ(gate.Enter("one more"), 2);
  clock.Advance(2'000'000'000);
  EXPECT_EQ(gate.Enter("one more"), 0);
}

}  // namespace
}  // namespace assay::gateway::dashboard
