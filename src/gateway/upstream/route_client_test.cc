#include "upstream/route_client.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "fake_clock.h"
#include "fake_upstream.h"
#include "sse/chat_stream.h"
#include "upstream/answer.h"
#include "upstream/http/http_provider.h"
#include "upstream/policy/latency_window.h"
#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

using testing::FakeUpstream;
using testing::Gate;
namespace steps = testing::steps;

constexpr std::int64_t kMs = 1'000'000;

class RouteClientTest : public ::testing::Test {
 protected:
  std::shared_ptr<Upstream> MakeUpstream(const FakeUpstream& server, LimiterOptions limits = {},
                                         BreakerOptions breaker = {}) {
    HttpProviderOptions options;
    options.name = "upstream-" + std::to_string(upstreams_.size());
    options.url = server.url();
    options.first_byte_timeout_ms = first_byte_ms_;
    auto provider = MakeHttpProvider(std::move(options), *clock_);
    EXPECT_TRUE(provider);
    upstreams_.push_back(
        std::make_shared<Upstream>(std::move(*provider), limits, breaker, *clock_));
    return upstreams_.back();
  }
  std::shared_ptr<RouteClient> Route(std::vector<RouteTarget> targets) {
    auto route = RouteClient::Make("route", options_, std::move(targets), *clock_, rng_);
    EXPECT_TRUE(route) << route.error().message;
    return *route;
  }
  std::shared_ptr<RouteClient> RouteTo(const FakeUpstream& server) {
    return Route({{MakeUpstream(server), "", 1}});
  }
  Result<UpstreamReply> Ask(RouteClient& route, ChunkSink* sink = nullptr) {
    UpstreamRequest request;
    request.body = R"({"model":"m"})";
    request.model_offset = 9;
    request.model_bytes = 3;
    request.token_estimate = tokens_;
    return RunCall(context_, route.Send(request, sink));
  }

  // Just enough calls for a quantile. One more could be hedged already, and its second call reach a
  // server after the test has given that a script for another.
  void LearnLatencies(RouteClient& route) {
    for (std::size_t i = 0; i < LatencyWindow::kMinimum; ++i) ASSERT_TRUE(Ask(route));
  }

  asio::io_context context_{1};
  core::SeededRng rng_{1};
  core::Clock* clock_ = &core::Clock::Real();
  RouteClientOptions options_{.max_attempts = 3, .backoff_base_ms = 1, .backoff_max_ms = 50};
  std::int64_t first_byte_ms_ = 20'000;
  std::uint32_t tokens_ = 0;
  FakeUpstream server_;
  FakeUpstream spare_;
  std::vector<std::shared_ptr<Upstream>> upstreams_;
};

TEST_F(RouteClientTest, AnswersWithUsageUpstreamAndModel) {
  const auto route = Route({{MakeUpstream(server_), "large", 1}});
  const auto reply = Ask(*route);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->usage, (TokenUsage{20, 8, 28}));
  EXPECT_EQ(reply->upstream, "upstream-0");
  EXPECT_EQ(reply->model, "large");
  EXPECT_EQ(reply->attempts, 1U);
  EXPECT_EQ(server_.requests().at(0).body, R"({"model":"large"})");
  const UpstreamStats stats = upstreams_[0]->Stats();
  EXPECT_EQ(stats.calls, 1U);
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_GT(stats.latency_ms, 0);
}

TEST_F(RouteClientTest, ServerErrorsAreAskedAgain) {
  server_.Script({steps::Error(500), steps::Error(503)});
  const auto reply = Ask(*RouteTo(server_));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->attempts, 3U);
  EXPECT_EQ(upstreams_[0]->Stats().failures, 2U);
}

TEST_F(RouteClientTest, WhenAllCallsFailTheLastAnswerIsPassedOn) {
  server_.Script({steps::Error(500), steps::Error(500), steps::Error(502)});
  const auto reply = Ask(*RouteTo(server_));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 502);
  EXPECT_FALSE(reply->body.empty());
  EXPECT_EQ(server_.calls(), 3U);
}

TEST_F(RouteClientTest, AWrongRequestIsNotAskedAgain) {
  server_.Script({steps::Error(400)});
  const auto reply = Ask(*RouteTo(server_));
  EXPECT_EQ(reply->status, 400);
  EXPECT_EQ(server_.calls(), 1U);
  EXPECT_EQ(upstreams_[0]->Stats().failures, 0U);
}

TEST_F(RouteClientTest, InvalidJsonIsAFailedCall) {
  server_.Script({steps::Raw(R"({"id":"x","choices":[{"mess)"), steps::Raw("{}")});
  EXPECT_EQ(Ask(*RouteTo(server_))->body, "{}");
  server_.Script({steps::Raw("{"), steps::Raw("{"), steps::Raw("{")});
  const auto reply = Ask(*RouteTo(server_));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kDataLoss);
}

TEST_F(RouteClientTest, FailoverGoesToTheNextUpstreamAtOnce) {
  options_.backoff_base_ms = options_.backoff_max_ms = 60'000;  // would be seen
  server_.Script({[](FakeUpstream::Call& call) { call.Reset(); }});
  const auto route = Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 1}});
  const auto reply = Ask(*route);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->upstream, "upstream-1");
  EXPECT_EQ(reply->attempts, 2U);
  EXPECT_EQ(Ask(*route)->upstream, "upstream-0") << "the order stands";
}

TEST_F(RouteClientTest, AnUpstreamThatNeverAnswersIsLeftForTheNext) {
  testing::FakeClock clock;
  clock_ = &clock;
  first_byte_ms_ = 1'000;
  server_.Script({[&](FakeUpstream::Call& call) {
    clock.Advance(1'000 * kMs);
    call.WaitClosed();
  }});
  const auto reply = Ask(*Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 1}}));
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->upstream, "upstream-1");
}

TEST_F(RouteClientTest, TheDeadlineHoldsForAllCallsTogether) {
  testing::FakeClock clock;
  clock_ = &clock;
  options_.deadline_ms = 5'000;
  const auto late = [&](FakeUpstream::Call& call) {
    clock.Advance(3'000 * kMs);
    call.Send(500, "{}");
  };
  server_.Script({late, late, late});
  const auto reply = Ask(*RouteTo(server_));
  EXPECT_EQ(server_.calls(), 2U);
  EXPECT_TRUE(!reply || reply->status == 500);
}

TEST_F(RouteClientTest, AShortRetryAfterIsWaitedFor) {
  server_.Script({steps::Error(429, "Retry-After-Ms: 30\r\n")});
  const auto begin = std::chrono::steady_clock::now();
  const auto reply = Ask(*RouteTo(server_));
  EXPECT_EQ(reply->status, 200);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(29));
  EXPECT_EQ(upstreams_[0]->Stats().rate_limited, 1U);
}

TEST_F(RouteClientTest, ALongRetryAfterIsTheClientsToWaitForAndHoldsOthersBack) {
  testing::FakeClock clock(784'111'777'000 * kMs);  // Sun, 06 Nov 1994 08:49:37 GMT
  clock_ = &clock;
  server_.Script({steps::Error(429, "Retry-After: Sun, 06 Nov 1994 08:50:37 GMT\r\n")});
  const auto route = RouteTo(server_);
  const auto reply = Ask(*route);
  EXPECT_EQ(reply->status, 429);
  EXPECT_EQ(reply->retry_after_ms, 60'000);
  EXPECT_EQ(reply->upstream, "upstream-0");
  const auto refused = Ask(*route);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->upstream, "") << "Assay's own answer";
  EXPECT_EQ(refused->retry_after_ms, 60'000);
  EXPECT_TRUE(refused->body.starts_with(R"({"error":{"message":")")) << refused->body;
  EXPECT_TRUE(CheckJsonAnswer(refused->body));
  EXPECT_EQ(server_.calls(), 1U);
  clock.Advance(60'000 * kMs);
  EXPECT_EQ(Ask(*route)->status, 200);
}

TEST_F(RouteClientTest, ALimitedUpstreamGivesWayToAnother) {
  server_.Script({steps::Error(429, "Retry-After: 60\r\n")});
  const auto route = Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 1}});
  EXPECT_EQ(Ask(*route)->upstream, "upstream-1");
  EXPECT_EQ(Ask(*route)->upstream, "upstream-1");
  EXPECT_EQ(server_.calls(), 1U);
}

TEST_F(RouteClientTest, CallsAboveTheRateAreRefusedWithTheTimeToWait) {
  testing::FakeClock clock;
  clock_ = &clock;
  const auto route =
      Route({{MakeUpstream(server_, {.requests_per_minute = 10, .max_wait_ms = 1'000}), "", 1}});
  EXPECT_EQ(Ask(*route)->status, 200);
  const auto refused = Ask(*route);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->retry_after_ms, 6'000);
  clock.Advance(6'000 * kMs);
  EXPECT_EQ(Ask(*route)->status, 200);
}

TEST_F(RouteClientTest, AShortWaitForTheRateIsWaited) {
  const auto route =
      Route({{MakeUpstream(server_, {.requests_per_minute = 3'000}), "", 1}});  // one in 20 ms
  tokens_ = 1;
  for (int i = 0; i < 300; ++i) (void)upstreams_[0]->Admit(0);
  EXPECT_EQ(Ask(*route)->status, 200);
}

TEST_F(RouteClientTest, TokensUsedCountAgainstTheRate) {
  testing::FakeClock clock;
  clock_ = &clock;
  tokens_ = 10;
  const auto route =
      Route({{MakeUpstream(server_, {.tokens_per_minute = 280, .max_wait_ms = 1'000}), "", 1}});
  EXPECT_EQ(Ask(*route)->status, 200);  // the bucket holds 28; 28 were used
  const auto refused = Ask(*route);
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->retry_after_ms, 2'143) << "10 tokens at 280 a minute";
}

TEST_F(RouteClientTest, AnOpenBreakerAsksNobody) {
  testing::FakeClock clock;
  clock_ = &clock;
  options_.max_attempts = 1;
  const BreakerOptions breaker{.failure_share = 0.5, .min_calls = 3, .open_ms = 1'000};
  const auto route = Route({{MakeUpstream(server_, {}, breaker), "", 1}});
  server_.Script({steps::Error(500), steps::Error(500), steps::Error(500)});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Ask(*route)->status, 500);
  EXPECT_EQ(upstreams_[0]->Stats().breaker, BreakerState::kOpen);
  const auto refused = Ask(*route);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnavailable);
  EXPECT_EQ(server_.calls(), 3U);
  clock.Advance(1'000 * kMs);
  EXPECT_EQ(Ask(*route)->status, 200);
  EXPECT_EQ(Ask(*route)->status, 200);
  EXPECT_EQ(upstreams_[0]->Stats().breaker, BreakerState::kClosed);
}

TEST_F(RouteClientTest, WeightsAreShares) {
  options_.balance = Balance::kWeighted;
  const auto route = Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 3}});
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(Ask(*route));
  EXPECT_NEAR(static_cast<double>(spare_.calls()), 150, 25);  // four standard deviations
}

TEST_F(RouteClientTest, AStreamIsAskedAgainOnlyWhileTheClientHasSeenNothing) {
  server_.Script({steps::Error(500), steps::Stream({"Pa", "ris"})});
  CollectingSink good;
  const auto route = RouteTo(server_);
  const auto reply = Ask(*route, &good);
  ASSERT_TRUE(reply);
  EXPECT_TRUE(reply->streamed);
  EXPECT_EQ(reply->attempts, 2U);
  for (const steps::Break how : {steps::Break::kReset, steps::Break::kCut}) {
    server_.Script({steps::BrokenStream(how)});
    const std::size_t before = server_.calls();
    CollectingSink sink;
    const auto broken = Ask(*route, &sink);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().code, Code::kDataLoss);
    EXPECT_EQ(sink.heads, 1);
    EXPECT_EQ(server_.calls(), before + 1);
  }
}

TEST_F(RouteClientTest, AStreamThatEndsWellButIsNotWholeCannotBeStored) {
  for (const steps::Break how : {steps::Break::kInvalidJson, steps::Break::kNoDone}) {
    server_.Script({steps::BrokenStream(how)});
    CollectingSink sink;
    ASSERT_TRUE(Ask(*RouteTo(server_), &sink));
    ChatStreamAssembler assembler;
    assembler.Feed(sink.text);
    EXPECT_FALSE(assembler.Finish());
  }
}

TEST_F(RouteClientTest, ACancelledCallGivesItsPlaceBack) {
  const auto route = RouteTo(server_);
  asio::cancellation_signal signal;
  server_.Script({[&](FakeUpstream::Call& call) {
    asio::post(context_, [&] { signal.emit(asio::cancellation_type::terminal); });
    call.WaitClosed();
  }});
  UpstreamRequest request;
  request.body = "{}";
  std::optional<Result<UpstreamReply>> reply;
  asio::co_spawn(context_, route->Send(request, nullptr),
                 asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& problem,
                                                                 Result<UpstreamReply> value) {
                   EXPECT_FALSE(problem);
                   reply.emplace(std::move(value));
                 }));
  while (!reply && context_.run_one() > 0) {
  }
  EXPECT_EQ(reply->error().code, Code::kUnavailable);
  EXPECT_EQ(server_.calls(), 1U);
  EXPECT_EQ(upstreams_[0]->Stats().in_flight, 0U);
  EXPECT_EQ(upstreams_[0]->Stats().failures, 0U) << "the client's wish is not the upstream's fault";
}

TEST_F(RouteClientTest, ALateAnswerIsHedged) {
  options_.hedge_quantile = 0.9;
  const auto route = Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 1}});
  LearnLatencies(*route);
  EXPECT_EQ(upstreams_[1]->Stats().hedges_won, 0U);
  const auto before = upstreams_[1]->Stats().hedges;
  server_.Script({steps::Never()});
  const auto reply = Ask(*route);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->upstream, "upstream-1");
  EXPECT_EQ(upstreams_[1]->Stats().hedges, before + 1);
  EXPECT_EQ(upstreams_[1]->Stats().hedges_won, 1U);
  EXPECT_EQ(upstreams_[0]->Stats().in_flight, 0U) << "the late call was cancelled";
}

TEST_F(RouteClientTest, ACancelledHedgeEndsBothCalls) {
  options_.hedge_quantile = 0.5;
  const auto route = Route({{MakeUpstream(server_), "", 1}, {MakeUpstream(spare_), "", 1}});
  LearnLatencies(*route);
  asio::cancellation_signal signal;
  server_.Script({steps::Never()});
  spare_.Script({[&](FakeUpstream::Call& call) {
    asio::post(context_, [&] { signal.emit(asio::cancellation_type::terminal); });
    call.WaitClosed();
  }});
  UpstreamRequest request;
  request.body = "{}";
  std::optional<Result<UpstreamReply>> reply;
  asio::co_spawn(context_, route->Send(request, nullptr),
                 asio::bind_cancellation_slot(
                     signal.slot(), [&](const std::exception_ptr&, Result<UpstreamReply> value) {
                       reply.emplace(std::move(value));
                     }));
  while (!reply && context_.run_one() > 0) {
  }
  EXPECT_FALSE(*reply);
  EXPECT_EQ(upstreams_[0]->Stats().in_flight + upstreams_[1]->Stats().in_flight, 0U);
}

TEST(RouteClientOptionsTest, WrongOptionsAreRefused) {
  EXPECT_EQ(RouteClient::Make("r", {}, {}).error().code, Code::kInvalidArgument);
  EXPECT_FALSE(RouteClient::Make("r", {}, {RouteTarget{}}));
}

TEST(CheckJsonAnswerTest, TakesTheUsageOutAndRefusesWhatIsNotJson) {
  EXPECT_EQ(*CheckJsonAnswer(std::string(steps::AnswerJson("x"))), (TokenUsage{20, 8, 28}));
  EXPECT_EQ(*CheckJsonAnswer(std::string_view(R"({"usage":{"prompt_tokens":3,"total_tokens":3}})")),
            (TokenUsage{3, 0, 3}));
  EXPECT_EQ(*CheckJsonAnswer(std::string_view("[]")), TokenUsage{});
  EXPECT_EQ(*CheckJsonAnswer(std::string_view(R"({"usage":null})")), TokenUsage{});
  for (const char* text : {"", "{", "{\"a\":1}x", "nul", "{\"a\":\"\xff\"}"}) {
    EXPECT_FALSE(CheckJsonAnswer(std::string_view(text))) << text;
  }
}

}  // namespace
}  // namespace assay::gateway
