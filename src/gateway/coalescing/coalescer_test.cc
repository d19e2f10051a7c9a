#include "coalescing/coalescer.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

constexpr core::Hash128 kKey = {1, 2};
constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// Where a coroutine waits until the test lets it go on. Used on one io_context.
class Latch {
 public:
  explicit Latch(asio::io_context& context)
      : timer_(context, asio::steady_timer::time_point::max()) {}
  asio::awaitable<void> Wait() {
    if (!open_) co_await timer_.async_wait(kAwait);
  }
  void Open() {
    open_ = true;
    timer_.cancel();
  }

 private:
  asio::steady_timer timer_;
  bool open_ = false;
};

// One caller: its sink, its way to leave, and what it got.
struct Caller {
  explicit Caller(asio::io_context& on) : context(on) {}

  void Ask(Coalescer& coalescer, Coalescer::Call call, bool stream, core::Hash128 key = kKey) {
    asio::co_spawn(
        context, coalescer.Ask(key, std::move(call), stream ? &sink : nullptr),
        asio::bind_cancellation_slot(
            leave.slot(), [this](const std::exception_ptr& problem, Result<CoalescedReply> value) {
              EXPECT_FALSE(problem);
              result.emplace(std::move(value));
            }));
  }
  void Leave() { leave.emit(asio::cancellation_type::terminal); }

  asio::io_context& context;
  CollectingSink sink;
  asio::cancellation_signal leave;
  std::optional<Result<CoalescedReply>> result;
};

// Two io_contexts that the test runs by hand, in one thread: every step is decided.
class CoalescerTest : public ::testing::Test {
 protected:
  void RunAll() {
    while (a_.poll() + b_.poll() > 0) {
      a_.restart();
      b_.restart();
    }
    a_.restart();
    b_.restart();
  }

  // Streams `pieces`, waiting at the latch before each but the first; counts its calls.
  Coalescer::Call Streaming(const std::vector<std::string>& pieces,
                            std::vector<std::unique_ptr<Latch>>& latches) {
    return [this, pieces, &latches](ChunkSink* sink) -> asio::awaitable<Result<UpstreamReply>> {
      ++calls_;
      const UpstreamHead head{200, "text/event-stream", "id"};
      Result<void> taken = co_await sink->Head(head);
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (i > 0) co_await latches[i - 1]->Wait();
        taken = co_await sink->Chunk(pieces[i]);
        if (!taken) co_return std::unexpected(taken.error());
      }
      UpstreamReply reply;
      reply.status = 200;
      reply.streamed = true;
      co_return reply;
    };
  }
  Coalescer::Call Answering(const std::string& body, Latch& latch) {
    return [this, body, &latch](ChunkSink*) -> asio::awaitable<Result<UpstreamReply>> {
      ++calls_;
      co_await latch.Wait();
      UpstreamReply reply;
      reply.status = 200;
      reply.body = body;
      co_return reply;
    };
  }
  static Coalescer::Call Never() {
    return [](ChunkSink*) -> asio::awaitable<Result<UpstreamReply>> {
      ADD_FAILURE() << "a second call was made";
      co_return Fail(Code::kInternal, "a second call");
    };
  }

  asio::io_context a_{1};
  asio::io_context b_{1};
  Coalescer coalescer_;
  int calls_ = 0;
};

TEST_F(CoalescerTest, FollowersOfAJsonAnswerShareIt) {
  Latch latch(a_);
  Caller leader(a_), same(a_), other(b_), different(b_);
  Latch second(b_);
  leader.Ask(coalescer_, Answering("answer", latch), false);
  RunAll();
  same.Ask(coalescer_, Never(), false);
  other.Ask(coalescer_, Never(), false);
  different.Ask(coalescer_, Answering("another", second), false, {1, 3});
  RunAll();
  EXPECT_FALSE(leader.result || same.result || other.result);
  EXPECT_EQ(coalescer_.Stats().in_flight, 2U);
  latch.Open();
  second.Open();
  RunAll();
  EXPECT_EQ(calls_, 2);
  ASSERT_TRUE(leader.result && same.result && other.result && different.result);
  EXPECT_TRUE((*leader.result)->leader);
  EXPECT_FALSE((*same.result)->leader);
  EXPECT_EQ((*leader.result)->reply->body, "answer");
  EXPECT_EQ((*same.result)->reply, (*leader.result)->reply) << "shared, not copied";
  EXPECT_EQ((*other.result)->reply, (*leader.result)->reply);
  EXPECT_EQ((*different.result)->reply->body, "another");
  EXPECT_EQ(coalescer_.Stats().followers, 2U);
  EXPECT_EQ(coalescer_.Stats().in_flight, 0U);
}

TEST_F(CoalescerTest, ALaterQuestionIsAskedAnew) {
  Latch latch(a_);
  latch.Open();
  Caller first(a_), second(a_);
  first.Ask(coalescer_, Answering("1", latch), false);
  RunAll();
  second.Ask(coalescer_, Answering("2", latch), false);
  RunAll();
  EXPECT_EQ(calls_, 2);
  EXPECT_EQ((*second.result)->reply->body, "2");
}

TEST_F(CoalescerTest, FollowersOfAStreamGetTheTokensSoFarAndThenTheRest) {
  std::vector<std::unique_ptr<Latch>> latches;
  for (int i = 0; i < 3; ++i) latches.push_back(std::make_unique<Latch>(a_));
  Caller leader(a_), late(b_), later(a_);
  leader.Ask(coalescer_, Streaming({"one ", "two ", "three ", "four"}, latches), true);
  RunAll();
  EXPECT_EQ(leader.sink.text, "one ");
  latches[0]->Open();
  RunAll();
  late.Ask(coalescer_, Never(), true);
  RunAll();
  EXPECT_EQ(late.sink.status, 200);
  EXPECT_EQ(late.sink.content_type, "text/event-stream");
  EXPECT_EQ(late.sink.text, "one two ");
  EXPECT_EQ(late.sink.chunks.size(), 1U) << "what it missed comes at once";
  latches[1]->Open();
  RunAll();
  EXPECT_EQ(leader.sink.text, "one two three ");
  EXPECT_EQ(late.sink.text, "one two three ");
  later.Ask(coalescer_, Never(), true);
  latches[2]->Open();
  RunAll();
  for (const Caller* caller : {&leader, &late, &later}) {
    EXPECT_EQ(caller->sink.text, "one two three four");
    EXPECT_EQ(caller->sink.heads, 1);
    ASSERT_TRUE(caller->result && *caller->result);
  }
  EXPECT_EQ(calls_, 1);
}

TEST_F(CoalescerTest, WhenTheLeadersClientLeavesTheFollowersKeepTheCall) {
  std::vector<std::unique_ptr<Latch>> latches;
  latches.push_back(std::make_unique<Latch>(a_));
  Caller leader(a_), follower(b_);
  leader.Ask(coalescer_, Streaming({"one ", "two"}, latches), true);
  RunAll();
  follower.Ask(coalescer_, Never(), true);
  RunAll();
  leader.Leave();
  RunAll();
  ASSERT_TRUE(leader.result);
  EXPECT_EQ(leader.result->error().code, Code::kUnavailable);
  latches[0]->Open();
  RunAll();
  ASSERT_TRUE(follower.result && *follower.result);
  EXPECT_EQ(follower.sink.text, "one two");
  EXPECT_EQ(leader.sink.text, "one ");
  EXPECT_EQ(coalescer_.Stats().cancelled, 0U);
}

TEST_F(CoalescerTest, TheCallIsCancelledWhenNobodyIsLeftAndTheNextOneAsksAnew) {
  bool cancelled = false;
  const Coalescer::Call waiting = [&](ChunkSink*) -> asio::awaitable<Result<UpstreamReply>> {
    asio::steady_timer timer(co_await asio::this_coro::executor,
                             asio::steady_timer::time_point::max());
    auto [error] = co_await timer.async_wait(kAwait);
    cancelled = error == asio::error::operation_aborted;
    co_return Fail(Code::kUnavailable, "cancelled");
  };
  Caller leader(a_), follower(b_), next(b_);
  leader.Ask(coalescer_, waiting, false);
  RunAll();
  follower.Ask(coalescer_, Never(), false);
  RunAll();
  leader.Leave();
  RunAll();
  EXPECT_FALSE(cancelled);
  follower.Leave();
  // Asked before the cancelled call has ended: it must not be joined.
  Latch latch(b_);
  latch.Open();
  b_.poll();
  b_.restart();
  next.Ask(coalescer_, Answering("new", latch), false);
  RunAll();
  EXPECT_TRUE(cancelled);
  EXPECT_EQ(coalescer_.Stats().cancelled, 1U);
  EXPECT_EQ(coalescer_.Stats().in_flight, 0U);
  ASSERT_TRUE(next.result && *next.result);
  EXPECT_EQ((*next.result)->reply->body, "new");
}

// An executor that runs nothing at once lets the caller leave before the call has begun.
TEST_F(CoalescerTest, ACallThatHasNotBegunIsGivenUpToo) {
  const asio::any_io_executor later =
      asio::require(a_.get_executor(), asio::execution::blocking.never);
  Latch latch(a_);
  asio::cancellation_signal leave;
  std::optional<Result<CoalescedReply>> result;
  asio::co_spawn(later, coalescer_.Ask(kKey, Answering("unread", latch), nullptr),
                 asio::bind_cancellation_slot(leave.slot(), [&](const std::exception_ptr& problem,
                                                                Result<CoalescedReply> value) {
                   EXPECT_FALSE(problem);
                   result.emplace(std::move(value));
                 }));
  a_.poll_one();
  EXPECT_EQ(coalescer_.Stats().in_flight, 1U);
  EXPECT_EQ(calls_, 0) << "the call is to begin later";
  leave.emit(asio::cancellation_type::terminal);
  RunAll();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->error().code, Code::kUnavailable);
  EXPECT_EQ(coalescer_.Stats().cancelled, 1U);
  EXPECT_EQ(coalescer_.Stats().in_flight, 0U);
}

// A sink whose client reads nothing until the test lets it.
class SlowSink final : public ChunkSink {
 public:
  explicit SlowSink(asio::io_context& context) : latch(context) {}
  asio::awaitable<Result<void>> Head(const UpstreamHead&) override { co_return Result<void>(); }
  asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    text += bytes;
    co_await latch.Wait();
    co_return Result<void>();
  }
  Latch latch;
  std::string text;
};

TEST_F(CoalescerTest, ASlowFollowerHoldsNobodyBack) {
  std::vector<std::unique_ptr<Latch>> latches;
  for (int i = 0; i < 2; ++i) latches.push_back(std::make_unique<Latch>(a_));
  Caller leader(a_);
  leader.Ask(coalescer_, Streaming({"one ", "two ", "three"}, latches), true);
  RunAll();
  SlowSink slow(b_);
  std::optional<Result<CoalescedReply>> slow_result;
  asio::co_spawn(b_, coalescer_.Ask(kKey, Never(), &slow),
                 [&](const std::exception_ptr&, Result<CoalescedReply> value) {
                   slow_result.emplace(std::move(value));
                 });
  RunAll();
  latches[0]->Open();
  latches[1]->Open();
  RunAll();
  EXPECT_TRUE(leader.result && *leader.result) << "the call is over";
  EXPECT_EQ(leader.sink.text, "one two three");
  EXPECT_FALSE(slow_result);
  slow.latch.Open();
  RunAll();
  ASSERT_TRUE(slow_result && *slow_result);
  EXPECT_EQ(slow.text, "one two three");
}

TEST_F(CoalescerTest, AnErrorOfOneSinkIsThatCallersAlone) {
  std::vector<std::unique_ptr<Latch>> latches;
  for (int i = 0; i < 2; ++i) latches.push_back(std::make_unique<Latch>(a_));
  Caller leader(a_), follower(b_);
  leader.sink.on_chunk = [](std::string_view bytes) -> Result<void> {
    if (bytes == "two ") return Fail(Code::kUnavailable, "gone");
    return {};
  };
  leader.Ask(coalescer_, Streaming({"one ", "two ", "three"}, latches), true);
  RunAll();
  follower.Ask(coalescer_, Never(), true);
  RunAll();
  latches[0]->Open();
  RunAll();
  ASSERT_TRUE(leader.result);
  EXPECT_EQ(leader.result->error().message, "gone");
  latches[1]->Open();
  RunAll();
  ASSERT_TRUE(follower.result && *follower.result);
  EXPECT_EQ(follower.sink.text, "one two three");
}

TEST_F(CoalescerTest, AllGetTheErrorOfTheCall) {
  Latch latch(a_);
  Caller leader(a_), follower(b_);
  leader.Ask(
      coalescer_,
      [&](ChunkSink*) -> asio::awaitable<Result<UpstreamReply>> {
        co_await latch.Wait();
        co_return Fail(Code::kDeadlineExceeded, "too late");
      },
      false);
  RunAll();
  follower.Ask(coalescer_, Never(), false);
  RunAll();
  latch.Open();
  RunAll();
  EXPECT_EQ(leader.result->error().message, "too late");
  EXPECT_EQ(follower.result->error().code, Code::kDeadlineExceeded);
}

TEST_F(CoalescerTest, AStreamAboveTheLimitFailsInsteadOfGrowing) {
  Coalescer small(10);
  std::vector<std::unique_ptr<Latch>> latches;
  latches.push_back(std::make_unique<Latch>(a_));
  latches[0]->Open();
  Caller leader(a_);
  leader.Ask(small, Streaming({"0123456789", "x"}, latches), true);
  RunAll();
  EXPECT_EQ(leader.sink.text, "0123456789");
  EXPECT_EQ(leader.result->error().code, Code::kResourceExhausted);
}

TEST_F(CoalescerTest, AStreamAndAnAnswerAreDifferentCalls) {
  std::vector<std::unique_ptr<Latch>> none;
  Latch latch(a_);
  latch.Open();
  Caller stream(a_), whole(a_);
  stream.Ask(coalescer_, Streaming({"x"}, none), true);
  whole.Ask(coalescer_, Answering("y", latch), false);
  RunAll();
  EXPECT_EQ(calls_, 2);
}

TEST_F(CoalescerTest, WhenTheLeadersIoContextEndsTheFollowersAreTold) {
  auto dying = std::make_unique<asio::io_context>(1);
  auto leader = std::make_unique<Caller>(*dying);
  leader->Ask(
      coalescer_,
      [](ChunkSink*) -> asio::awaitable<Result<UpstreamReply>> {
        asio::steady_timer timer(co_await asio::this_coro::executor,
                                 asio::steady_timer::time_point::max());
        co_await timer.async_wait(kAwait);
        co_return Fail(Code::kInternal, "unreachable");
      },
      false);
  dying->poll();
  Caller follower(b_);
  follower.Ask(coalescer_, Never(), false);
  RunAll();
  dying.reset();
  RunAll();
  ASSERT_TRUE(follower.result);
  EXPECT_EQ(follower.result->error().code, Code::kUnavailable);
  EXPECT_FALSE(leader->result);
}

}  // namespace
}  // namespace assay::gateway
