// The bound on calls in flight of one upstream.
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "fake_upstream.h"
#include "upstream/http/http_provider.h"
#include "upstream/route_client.h"
#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

using testing::FakeUpstream;
using testing::Gate;
namespace steps = testing::steps;

// Calls that run beside each other on one context.
class InFlightTest : public ::testing::Test {
 protected:
  std::shared_ptr<Upstream> MakeUpstream(const FakeUpstream& server, LimiterOptions limits) {
    HttpProviderOptions options;
    options.name = "upstream-" + std::to_string(upstreams_.size());
    options.url = server.url();
    auto provider = MakeHttpProvider(std::move(options));
    EXPECT_TRUE(provider);
    upstreams_.push_back(
        std::make_shared<Upstream>(std::move(*provider), limits, BreakerOptions{}));
    return upstreams_.back();
  }
  std::shared_ptr<RouteClient> Route(std::vector<RouteTarget> targets) {
    auto route = RouteClient::Make("route", {}, std::move(targets));
    EXPECT_TRUE(route) << route.error().message;
    return *route;
  }

  struct Sent {
    asio::cancellation_signal cancel;
    std::optional<Result<UpstreamReply>> reply;
  };

  std::unique_ptr<Sent> Start(RouteClient& route) {
    auto sent = std::make_unique<Sent>();
    asio::co_spawn(context_, route.Send(request_, nullptr),
                   asio::bind_cancellation_slot(
                       sent->cancel.slot(),
                       [to = sent.get()](const std::exception_ptr&, Result<UpstreamReply> reply) {
                         to->reply.emplace(std::move(reply));
                       }));
    return sent;
  }
  // What the server's thread does is no event of the context, so the condition is looked at again
  // and again.
  template <typename Condition>
  void RunUntil(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!condition() && std::chrono::steady_clock::now() < end) {
      context_.restart();
      context_.run_one_for(std::chrono::milliseconds(1));
    }
    ASSERT_TRUE(condition()) << "not within a minute";
  }
  void RunUntilWaiting(std::uint64_t count) {
    RunUntil([&] { return upstreams_[0]->Stats().waiting == count; });
  }

  asio::io_context context_{1};
  UpstreamRequest request_;
  FakeUpstream server_;
  FakeUpstream spare_;
  std::vector<std::shared_ptr<Upstream>> upstreams_;
};

TEST_F(InFlightTest, CallsAboveTheBoundWaitForOneToEnd) {
  const auto route = Route({{MakeUpstream(server_, {.max_in_flight = 1}), "", 1}});
  const auto gate = std::make_shared<Gate>();
  server_.Script({steps::After(gate, steps::Answer("first"))});
  const auto first = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto second = Start(*route);
  const auto third = Start(*route);
  RunUntilWaiting(2);
  RunUntil([&] { return server_.calls() == 1; });
  EXPECT_EQ(upstreams_[0]->Stats().in_flight, 1U);
  EXPECT_EQ(server_.calls(), 1U);
  gate->Open();
  RunUntil([&] { return first->reply && second->reply && third->reply; });
  for (const auto* sent : {first.get(), second.get(), third.get()}) {
    ASSERT_TRUE(*sent->reply);
    EXPECT_EQ((*sent->reply)->status, 200);
    EXPECT_EQ((*sent->reply)->attempts, 1U);
  }
  EXPECT_EQ(server_.connections(), 1U) << "one after the other";
  const UpstreamStats stats = upstreams_[0]->Stats();
  EXPECT_EQ(stats.calls, 3U);
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(stats.waiting, 0U);
  EXPECT_EQ(stats.refused, 0U);
}

TEST_F(InFlightTest, WhenTheLineIsFullCallsAreRefusedInWords) {
  const auto route =
      Route({{MakeUpstream(server_, {.max_waiting = 1, .max_in_flight = 1}), "", 1}});
  const auto gate = std::make_shared<Gate>();
  server_.Script({steps::After(gate, steps::Answer())});
  const auto first = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto second = Start(*route);
  RunUntilWaiting(1);
  const auto refused = Start(*route);
  RunUntil([&] { return refused->reply.has_value(); });
  ASSERT_TRUE(*refused->reply);
  EXPECT_EQ((*refused->reply)->status, 429);
  EXPECT_GT((*refused->reply)->retry_after_ms, 0);
  EXPECT_NE((*refused->reply)->body.find(R"("code":"upstream_busy")"), std::string::npos);
  gate->Open();
  RunUntil([&] { return first->reply && second->reply; });
  EXPECT_EQ((*first->reply)->status, 200);
  EXPECT_EQ((*second->reply)->status, 200);
  EXPECT_EQ(upstreams_[0]->Stats().breaker, BreakerState::kClosed);
  EXPECT_EQ(upstreams_[0]->Stats().failures, 0U);
}

TEST_F(InFlightTest, NobodyWaitsLongerThanAllowed) {
  const auto route =
      Route({{MakeUpstream(server_, {.max_wait_ms = 1, .max_in_flight = 1}), "", 1}});
  const auto gate = std::make_shared<Gate>();
  server_.Script({steps::After(gate, steps::Answer())});
  const auto first = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto late = Start(*route);
  RunUntil([&] { return late->reply.has_value(); });
  ASSERT_TRUE(*late->reply);
  EXPECT_EQ((*late->reply)->status, 429);
  EXPECT_EQ(upstreams_[0]->Stats().waiting, 0U);
  EXPECT_EQ(upstreams_[0]->Stats().refused, 1U);
  gate->Open();
  RunUntil([&] { return first->reply.has_value(); });
  const auto again = Start(*route);
  RunUntil([&] { return again->reply.has_value(); });
  EXPECT_EQ((*again->reply)->status, 200);
}

TEST_F(InFlightTest, OneThatIsCancelledInLineLeavesIt) {
  const auto route = Route({{MakeUpstream(server_, {.max_in_flight = 1}), "", 1}});
  const auto gate = std::make_shared<Gate>();
  server_.Script({steps::After(gate, steps::Answer())});
  const auto first = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto leaving = Start(*route);
  const auto next = Start(*route);
  RunUntilWaiting(2);
  leaving->cancel.emit(asio::cancellation_type::terminal);
  RunUntil([&] { return leaving->reply.has_value(); });
  EXPECT_FALSE(*leaving->reply);
  EXPECT_EQ(upstreams_[0]->Stats().waiting, 1U);
  gate->Open();
  RunUntil([&] { return first->reply && next->reply; });
  EXPECT_EQ((*next->reply)->status, 200);
  EXPECT_EQ(server_.calls(), 2U);
  EXPECT_EQ(upstreams_[0]->Stats().in_flight, 0U);
}

TEST_F(InFlightTest, WhoEndsTheCallInFlightLetsTheNextOneGo) {
  const auto route = Route({{MakeUpstream(server_, {.max_in_flight = 1}), "", 1}});
  server_.Script({steps::Never()});
  const auto stuck = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto next = Start(*route);
  RunUntilWaiting(1);
  RunUntil([&] { return server_.calls() == 1; });  // so that no later call takes its answer
  stuck->cancel.emit(asio::cancellation_type::terminal);
  RunUntil([&] { return stuck->reply && next->reply; });
  EXPECT_EQ((*next->reply)->status, 200);
}

TEST_F(InFlightTest, AFreeUpstreamIsAskedInsteadOfABusyOne) {
  const auto route = Route(
      {{MakeUpstream(server_, {.max_in_flight = 1}), "", 1}, {MakeUpstream(spare_, {}), "", 1}});
  const auto gate = std::make_shared<Gate>();
  server_.Script({steps::After(gate, steps::Answer())});
  const auto first = Start(*route);
  RunUntil([&] { return upstreams_[0]->Stats().in_flight == 1; });
  const auto other = Start(*route);
  RunUntil([&] { return other->reply.has_value(); });
  EXPECT_EQ((*other->reply)->upstream, "upstream-1");
  gate->Open();
  RunUntil([&] { return first->reply.has_value(); });
}

// Places are taken, waited for, given up and given back from many threads at once.
TEST(UpstreamPlacesTest, NeverMoreThanTheBoundFromManyThreads) {
  class NoProvider final : public Provider {
   public:
    asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest&, std::string_view,
                                                ChunkSink*) override {
      co_return Fail(Code::kUnavailable, "nobody asks it");
    }
    [[nodiscard]] std::string_view name() const override { return "none"; }
  };
  constexpr int kBound = 3;
  constexpr int kRounds = 2'000;
  Upstream upstream(std::make_unique<NoProvider>(), {.max_in_flight = kBound}, {});
  std::atomic<int> running{0};  // partner: the other threads; a lone number
  std::atomic<int> most{0};     // the same
  std::atomic<int> sent{0};     // the same
  const auto work = [&](std::uint64_t seed) {
    core::SeededRng rng(seed);
    for (int i = 0; i < kRounds; ++i) {
      Upstream::Ticket ticket = upstream.Admit(0);
      if (!upstream.Begin(ticket)) {
        auto woken = std::make_shared<std::promise<void>>();
        auto turn = woken->get_future();
        auto waiter = std::make_shared<Upstream::Waiter>();
        waiter->wake = [woken] { woken->set_value(); };
        if (!upstream.Queue(ticket, waiter)) {
          upstream.Leave(ticket);
          continue;
        }
        const bool patient = rng.NextU64() % 4 != 0;
        if (!patient && rng.NextU64() % 2 == 0) {
          upstream.Leave(ticket);
          continue;
        }
        if (patient) turn.wait();
        if (!upstream.EndQueue(ticket)) {
          EXPECT_FALSE(patient);
          upstream.Leave(ticket);
          continue;
        }
      }
      const int now = running.fetch_add(1) + 1;
      for (int seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      sent.fetch_add(1);
      running.fetch_sub(1);
      upstream.Finish(ticket, Outcome::kGood, 0, 1'000, -1);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) threads.emplace_back(work, seed);
  }
  EXPECT_LE(most.load(), kBound);
  EXPECT_GT(sent.load(), kRounds);
  const UpstreamStats stats = upstream.Stats();
  EXPECT_EQ(stats.in_flight, 0U);
  EXPECT_EQ(stats.waiting, 0U);
  EXPECT_EQ(stats.calls, static_cast<std::uint64_t>(sent.load()));
}

}  // namespace
}  // namespace assay::gateway
