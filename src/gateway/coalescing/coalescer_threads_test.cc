#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "coalescing/coalescer.h"
#include "fake_upstream.h"
#include "upstream/http/http_provider.h"
#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

using testing::FakeUpstream;
using testing::Gate;

constexpr core::Hash128 kKey = {1, 2};

class IoThreads {
 public:
  explicit IoThreads(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      contexts.push_back(std::make_unique<asio::io_context>(1));
      guards.emplace_back(contexts.back()->get_executor());
    }
    for (auto& context : contexts) threads.emplace_back([&context] { context->run(); });
  }
  ~IoThreads() {
    for (auto& context : contexts) context->stop();
    for (std::thread& thread : threads) thread.join();
  }

  std::vector<std::unique_ptr<asio::io_context>> contexts;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards;
  std::vector<std::thread> threads;
};

// Looks again and again, at most 20 seconds.
template <typename Condition>
bool Eventually(Condition condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

TEST(CoalescerThreadsTest, SixtyFourCallersAtOnceMakeOneUpstreamCall) {
  for (const bool stream : {false, true}) {
    FakeUpstream upstream;
    const auto gate = std::make_shared<Gate>();
    const auto step =
        stream ? testing::steps::Stream({"Paris", "."}) : testing::steps::Answer("Paris.");
    upstream.Script({testing::steps::After(gate, step)});
    HttpProviderOptions options;
    options.url = upstream.url();
    const auto made = MakeHttpProvider(std::move(options));
    ASSERT_TRUE(made);
    Provider& provider = **made;
    Coalescer coalescer;
    const Coalescer::Call call =
        [&provider](ChunkSink* sink) -> asio::awaitable<Result<UpstreamReply>> {
      UpstreamRequest request;
      request.body = "{}";
      co_return co_await provider.Send(request, "", sink);
    };
    std::atomic<int> answered = 0;
    std::vector<CollectingSink> sinks(64);
    std::vector<std::string> bodies(64);
    IoThreads io(3);
    for (std::size_t i = 0; i < sinks.size(); ++i) {
      asio::co_spawn(*io.contexts[i % 3], coalescer.Ask(kKey, call, stream ? &sinks[i] : nullptr),
                     [&, i](const std::exception_ptr&, Result<CoalescedReply> value) {
                       if (value) bodies[i] = stream ? sinks[i].text : value->reply->body;
                       ++answered;
                     });
    }
    EXPECT_TRUE(gate->WaitArrived());
    EXPECT_TRUE(Eventually([&] { return coalescer.Stats().followers == 63; }));
    gate->Open();
    EXPECT_TRUE(Eventually([&] { return answered == 64; }));
    EXPECT_EQ(upstream.calls(), 1U);
    EXPECT_FALSE(bodies[0].empty());
    EXPECT_TRUE(
        std::ranges::all_of(bodies, [&](const std::string& body) { return body == bodies[0]; }));
  }
}

struct Client {
  explicit Client(asio::io_context& on) : context(on) {}

  asio::io_context& context;
  CollectingSink sink;
  asio::cancellation_signal leave;
};

// Callers come and leave at random on three threads; every call that is made ends, and nobody is
// forgotten.
TEST(CoalescerThreadsTest, RandomComingAndLeavingLosesNobody) {
  constexpr std::size_t kCallers = 600;
  Coalescer coalescer;
  std::atomic<std::size_t> ended = 0;
  std::atomic<std::size_t> wrong = 0;
  const Coalescer::Call call = [](ChunkSink* sink) -> asio::awaitable<Result<UpstreamReply>> {
    const auto executor = co_await asio::this_coro::executor;
    const UpstreamHead head{200, "text/event-stream", ""};
    Result<void> taken = co_await sink->Head(head);
    for (int i = 0; i < 20; ++i) {
      co_await asio::post(executor, asio::use_awaitable);
      taken = co_await sink->Chunk("0123456789");
      if (!taken) co_return std::unexpected(taken.error());
    }
    UpstreamReply reply;
    reply.streamed = true;
    co_return reply;
  };
  std::vector<std::unique_ptr<Client>> clients;
  IoThreads io(3);
  core::SeededRng rng(11);
  for (std::size_t i = 0; i < kCallers; ++i) {
    clients.push_back(std::make_unique<Client>(*io.contexts[rng.Below(3)]));
    Client& client = *clients.back();
    const core::Hash128 key = {0, rng.Below(4)};
    const bool leaves = rng.Below(3) == 0;
    asio::post(client.context, [&, key, leaves] {
      asio::co_spawn(client.context, coalescer.Ask(key, call, &client.sink),
                     asio::bind_cancellation_slot(
                         client.leave.slot(), [&, leaves](const std::exception_ptr& problem,
                                                          Result<CoalescedReply> value) {
                           const bool whole = value && client.sink.text.size() == 200;
                           if (problem || (!leaves && !whole)) ++wrong;
                           ++ended;
                         }));
      if (leaves)
        asio::post(client.context, [&] { client.leave.emit(asio::cancellation_type::terminal); });
    });
  }
  EXPECT_TRUE(Eventually([&] { return ended == kCallers; }));
  EXPECT_TRUE(Eventually([&] { return coalescer.Stats().in_flight == 0; }));
  EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace assay::gateway
