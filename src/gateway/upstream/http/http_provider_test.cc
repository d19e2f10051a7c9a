#include "upstream/http/http_provider.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <gtest/gtest.h>

#include "fake_clock.h"
#include "fake_upstream.h"
#include "upstream/upstream_test_support.h"

namespace assay::gateway {
namespace {

using testing::FakeUpstream;
using testing::Gate;
namespace steps = testing::steps;

constexpr std::string_view kQuestion =
    R"({"model":"m","messages":[{"role":"user","content":"?"}]})";

UpstreamRequest Question() {
  UpstreamRequest request;
  request.body = kQuestion;
  return request;
}

class HttpProviderTest : public ::testing::Test {
 protected:
  static HttpProviderOptions Options(const FakeUpstream& upstream) {
    HttpProviderOptions options;
    options.name = "fake";
    options.url = upstream.url();
    return options;
  }
  static std::unique_ptr<Provider> Make(HttpProviderOptions options,
                                        core::Clock& clock = core::Clock::Real()) {
    auto provider = MakeHttpProvider(std::move(options), clock);
    EXPECT_TRUE(provider) << provider.error().message;
    return std::move(*provider);
  }
  Result<UpstreamReply> Ask(Provider& provider, ChunkSink* sink = nullptr) {
    return Ask(provider, Question(), sink);
  }
  Result<UpstreamReply> Ask(Provider& provider, const UpstreamRequest& request,
                            ChunkSink* sink = nullptr) {
    return RunCall(context_, provider.Send(request, "", sink));
  }

  asio::io_context context_{1};
  FakeUpstream upstream_;
};

TEST_F(HttpProviderTest, PassesAJsonAnswerOnAsItCame) {
  const auto provider = Make(Options(upstream_));
  const auto reply = Ask(*provider);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(reply->content_type, "application/json");
  EXPECT_EQ(reply->body, steps::AnswerJson("The capital of France is Paris."));
  EXPECT_GE(reply->body.capacity(), reply->body.size() + 64);
  EXPECT_FALSE(reply->streamed);
  EXPECT_GT(reply->first_byte_ns, 0);
  EXPECT_GE(reply->total_ns, reply->first_byte_ns);
}

TEST_F(HttpProviderTest, SendsTheRequestByteForByteWithItsKeyAndTrace) {
  HttpProviderOptions options = Options(upstream_);
  options.api_key = crypto::SecretString::Copy("sk-secret-123");
  options.headers = {{"openai-organization", "org-1"}};
  const auto provider = Make(std::move(options));
  UpstreamRequest request = Question();
  request.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  request.request_id = "req-1";
  ASSERT_TRUE(Ask(*provider, request));
  const FakeUpstream::Call seen = upstream_.requests().at(0);
  EXPECT_EQ(seen.method, "POST");
  EXPECT_EQ(seen.path, "/v1/chat/completions");
  EXPECT_EQ(seen.body, kQuestion);
  EXPECT_EQ(seen.Header("authorization"), "Bearer sk-secret-123");
  EXPECT_EQ(seen.Header("openai-organization"), "org-1");
  EXPECT_EQ(seen.Header("traceparent"), request.traceparent);
  EXPECT_EQ(seen.Header("x-request-id"), "req-1");
  EXPECT_EQ(seen.Header("host"), "127.0.0.1:" + std::to_string(upstream_.port()));
  EXPECT_EQ(seen.Header("content-type"), "application/json");
}

TEST_F(HttpProviderTest, PutsTheUpstreamsModelInTheRequestsPlace) {
  const auto provider = Make(Options(upstream_));
  UpstreamRequest request = Question();
  request.model_offset = kQuestion.find(R"("m")");
  request.model_bytes = 3;
  ASSERT_TRUE(RunCall(context_, provider->Send(request, R"(large "model")", nullptr)));
  EXPECT_EQ(upstream_.requests().at(0).body,
            R"({"model":"large \"model\"","messages":[{"role":"user","content":"?"}]})");
}

TEST_F(HttpProviderTest, ALargeRequestIsSentWholeHoweverOftenTheSocketIsFull) {
  const auto provider = Make(Options(upstream_));
  std::string body = R"({"model":"m","messages":[{"role":"user","content":")";
  for (int i = 0; i < 400'000; ++i) body += std::to_string(i);  // 2.3 MB
  body += R"("}]})";
  UpstreamRequest request = Question();
  request.body = body;
  request.model_offset = body.find(R"("m")");
  request.model_bytes = 3;
  ASSERT_TRUE(RunCall(context_, provider->Send(request, "other", nullptr)));
  body.replace(request.model_offset, 3, R"("other")");
  EXPECT_TRUE(upstream_.requests().at(0).body == body);
}

TEST_F(HttpProviderTest, HeaderValuesFromOutsideCannotSplitTheHead) {
  const auto provider = Make(Options(upstream_));
  UpstreamRequest request = Question();
  request.request_id = "1\r\nx-evil: 1";
  ASSERT_TRUE(Ask(*provider, request));
  EXPECT_EQ(upstream_.requests().at(0).Header("x-evil"), "");
  EXPECT_EQ(upstream_.requests().at(0).Header("x-request-id"), "");
}

TEST_F(HttpProviderTest, KeepsTheConnectionForTheNextCalls) {
  const auto provider = Make(Options(upstream_));
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Ask(*provider));
  EXPECT_EQ(upstream_.calls(), 5U);
  EXPECT_EQ(upstream_.connections(), 1U);
}

TEST_F(HttpProviderTest, AsksAgainOnAFreshConnectionWhenTheIdleOneWasClosed) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({[](FakeUpstream::Call& call) {
    call.Send(200, "{}");
    call.Close();
  }});
  ASSERT_TRUE(Ask(*provider));
  const auto reply = Ask(*provider);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->status, 200);
  EXPECT_EQ(upstream_.connections(), 2U);
}

TEST_F(HttpProviderTest, AFreshConnectionThatClosesIsAnErrorNotALoop) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({[](FakeUpstream::Call& call) { call.Close(); }});
  const auto reply = Ask(*provider);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
  EXPECT_EQ(upstream_.calls(), 1U);
}

TEST_F(HttpProviderTest, ATimeoutMessageOnAnIdleConnectionIsNoAnswer) {
  const auto provider = Make(Options(upstream_));
  ASSERT_TRUE(Ask(*provider));
  upstream_.Script({[](FakeUpstream::Call& call) {
    call.Send(408, "", "Connection: close\r\n");
    call.Close();
  }});
  const auto reply = Ask(*provider);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 200);
}

TEST_F(HttpProviderTest, OldConnectionsAreNotUsedAgain) {
  testing::FakeClock clock;
  HttpProviderOptions options = Options(upstream_);
  options.idle_timeout_ms = 1'000;
  const auto provider = Make(std::move(options), clock);
  ASSERT_TRUE(Ask(*provider));
  clock.Advance(999'000'000);
  ASSERT_TRUE(Ask(*provider));
  EXPECT_EQ(upstream_.connections(), 1U);
  clock.Advance(1'000'000'000);
  ASSERT_TRUE(Ask(*provider));
  EXPECT_EQ(upstream_.connections(), 2U);
}

TEST_F(HttpProviderTest, AnyStatusIsAReplyAndRetryAfterIsRead) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({steps::Error(429, "Retry-After: 7\r\n"), steps::Error(500), steps::Error(404)});
  const auto limited = Ask(*provider);
  ASSERT_TRUE(limited);
  EXPECT_EQ(limited->status, 429);
  EXPECT_EQ(limited->retry_after_ms, 7'000);
  EXPECT_EQ(Ask(*provider)->status, 500);
  EXPECT_EQ(Ask(*provider)->retry_after_ms, -1);
}

TEST_F(HttpProviderTest, TheFirstTokenLeavesBeforeTheUpstreamHasSentTheSecond) {
  const auto provider = Make(Options(upstream_));
  const auto gate = std::make_shared<Gate>();
  upstream_.Script({[gate](FakeUpstream::Call& call) {
    call.BeginStream();
    call.Event("first");
    if (!gate->Arrive()) return call.Close();  // nobody passed the first token on
    call.Event("second");
    call.EndStream();
  }});
  CollectingSink sink;
  sink.on_chunk = [&](std::string_view bytes) {
    if (bytes == "data: first\n\n") gate->Open();
    return Result<void>();
  };
  const auto reply = Ask(*provider, &sink);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(reply->streamed);
  EXPECT_TRUE(reply->body.empty());
  EXPECT_EQ(sink.heads, 1);
  EXPECT_EQ(sink.status, 200);
  EXPECT_EQ(sink.content_type, "text/event-stream");
  EXPECT_EQ(sink.text, "data: first\n\ndata: second\n\n");
}

TEST_F(HttpProviderTest, AnErrorAnswerNeverReachesTheSink) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({steps::Error(500)});
  CollectingSink sink;
  const auto reply = Ask(*provider, &sink);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 500);
  EXPECT_FALSE(reply->streamed);
  EXPECT_FALSE(reply->body.empty());
  EXPECT_EQ(sink.heads, 0);
}

TEST_F(HttpProviderTest, AStreamThatBreaksIsAnError) {
  for (const steps::Break how : {steps::Break::kCut, steps::Break::kReset}) {
    const auto provider = Make(Options(upstream_));
    upstream_.Script({steps::BrokenStream(how)});
    CollectingSink sink;
    const auto reply = Ask(*provider, &sink);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, Code::kDataLoss);
  }
}

TEST_F(HttpProviderTest, AnErrorOfTheSinkEndsTheCallAndClosesTheConnection) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({steps::BrokenStream(steps::Break::kStall)});
  CollectingSink sink;
  sink.on_chunk = [](std::string_view) -> Result<void> {
    return Fail(Code::kUnavailable, "the client is gone");
  };
  const auto reply = Ask(*provider, &sink);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().message, "the client is gone");
}

// Time is the test's: the deadline's tick sees the clock that the upstream moves.
TEST_F(HttpProviderTest, AnUpstreamThatNeverAnswersEndsAtTheFirstByteLimit) {
  testing::FakeClock clock;
  HttpProviderOptions options = Options(upstream_);
  options.first_byte_timeout_ms = 1'000;
  const auto provider = Make(std::move(options), clock);
  upstream_.Script({[&](FakeUpstream::Call& call) {
    clock.Advance(1'000'000'000);
    call.WaitClosed();
  }});
  const auto reply = Ask(*provider);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
}

TEST_F(HttpProviderTest, AStreamThatGoesSilentEndsAtTheGapLimit) {
  testing::FakeClock clock;
  HttpProviderOptions options = Options(upstream_);
  options.gap_timeout_ms = 1'000;
  const auto provider = Make(std::move(options), clock);
  upstream_.Script({steps::BrokenStream(steps::Break::kStall)});
  CollectingSink sink;
  sink.on_chunk = [&](std::string_view) {
    if (sink.text.find(" capital") == std::string::npos) return Result<void>();
    // After the last chunk: the limit starts when the next read begins, so the clock moves during
    // that read.
    asio::post(context_, [&] { clock.Advance(1'000'000'000); });
    return Result<void>();
  };
  const auto reply = Ask(*provider, &sink);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
}

TEST_F(HttpProviderTest, TheRequestsOwnDeadlineEndsTheCall) {
  testing::FakeClock clock;
  const auto provider = Make(Options(upstream_), clock);
  upstream_.Script({[&](FakeUpstream::Call& call) {
    clock.Advance(5'000'000);
    call.WaitClosed();
  }});
  UpstreamRequest request = Question();
  request.deadline_ns = 5'000'000;
  const auto reply = Ask(*provider, request);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kDeadlineExceeded);
}

TEST_F(HttpProviderTest, CancellingTheCallClosesTheConnection) {
  const auto provider = Make(Options(upstream_));
  asio::cancellation_signal signal;
  const auto gate = std::make_shared<Gate>();
  upstream_.Script({[this, gate, &signal](FakeUpstream::Call& call) {
    asio::post(context_, [&] { signal.emit(asio::cancellation_type::terminal); });
    call.WaitClosed();  // returns because the caller closed
    gate->Arrive();
  }});
  const UpstreamRequest request = Question();
  std::optional<Result<UpstreamReply>> reply;
  asio::co_spawn(context_, provider->Send(request, "", nullptr),
                 asio::bind_cancellation_slot(signal.slot(), [&](const std::exception_ptr& problem,
                                                                 Result<UpstreamReply> value) {
                   EXPECT_FALSE(problem);
                   reply.emplace(std::move(value));
                 }));
  while (!reply && context_.run_one() > 0) {
  }
  ASSERT_FALSE(*reply);
  EXPECT_EQ(reply->error().code, Code::kUnavailable);
  EXPECT_TRUE(gate->WaitArrived());
  gate->Open();
}

TEST_F(HttpProviderTest, NobodyListeningIsUnavailable) {
  HttpProviderOptions options;
  {
    const FakeUpstream gone;
    options.url = gone.url();
  }
  const auto provider = Make(std::move(options));
  const auto reply = Ask(*provider);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnavailable);
}

TEST_F(HttpProviderTest, ANameIsLookedUp) {
  HttpProviderOptions options = Options(upstream_);
  options.url = "http://localhost:" + std::to_string(upstream_.port()) + "/v1/";
  const auto provider = Make(std::move(options));
  const auto reply = Ask(*provider);
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(upstream_.requests().at(0).path, "/v1/chat/completions");
}

TEST_F(HttpProviderTest, AnswersOfAnyFramingAreRead) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({
      [](FakeUpstream::Call& call) {
        call.Write(
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        call.Write("3;x=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: 1\r\n\r\n");
      },
      [](FakeUpstream::Call& call) {
        call.Write("HTTP/1.0 200 OK\r\n\r\nuntil the end");
        call.Close();
      },
      [](FakeUpstream::Call& call) { call.Write("HTTP/1.1 204 No Content\r\n\r\n"); },
  });
  EXPECT_EQ(Ask(*provider)->body, "abcde");
  EXPECT_EQ(Ask(*provider)->body, "until the end");
  EXPECT_EQ(Ask(*provider)->status, 204);
  EXPECT_EQ(upstream_.connections(), 2U);
}

TEST_F(HttpProviderTest, LargeAnswersComeWhole) {
  const auto provider = Make(Options(upstream_));
  const std::string large(3'000'000, 'x');
  upstream_.Script({steps::Raw(large)});
  EXPECT_EQ(Ask(*provider)->body, large);
}

TEST_F(HttpProviderTest, AnAnswerAboveTheLimitIsRefused) {
  HttpProviderOptions options = Options(upstream_);
  options.max_answer_bytes = 100;
  const auto provider = Make(std::move(options));
  upstream_.Script({steps::Raw(std::string(101, 'x')), [](FakeUpstream::Call& call) {
                      call.BeginStream();
                      call.Chunk(std::string(60, 'x'));
                      call.Chunk(std::string(60, 'x'));
                      call.EndStream();
                    }});
  EXPECT_EQ(Ask(*provider).error().code, Code::kResourceExhausted);
  EXPECT_EQ(Ask(*provider).error().code, Code::kResourceExhausted);
}

TEST_F(HttpProviderTest, WhatIsNotHttpIsDataLoss) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({[](FakeUpstream::Call& call) {
    call.Write("SSH-2.0-OpenSSH_9.2\r\n");
    call.Close();
  }});
  EXPECT_EQ(Ask(*provider).error().code, Code::kDataLoss);
}

TEST_F(HttpProviderTest, AnIoContextMayEndWithCallsInFlight) {
  const auto provider = Make(Options(upstream_));
  upstream_.Script({steps::Never()});
  const UpstreamRequest request = Question();
  auto context = std::make_unique<asio::io_context>(1);
  asio::co_spawn(*context, provider->Send(request, "", nullptr),
                 [](const std::exception_ptr&, auto) {});
  while (upstream_.calls() == 0) context->run_one();
  context.reset();  // must neither crash nor leak
}

TEST(HttpProviderOptionsTest, WrongOptionsAreRefusedWithoutShowingTheKey) {
  HttpProviderOptions options;
  options.url = "http://127.0.0.1/v1";
  options.api_key = crypto::SecretString::Copy("sk secret");
  const auto provider = MakeHttpProvider(std::move(options));
  ASSERT_FALSE(provider);
  EXPECT_EQ(provider.error().code, Code::kInvalidArgument);
  EXPECT_EQ(provider.error().message.find("secret"), std::string::npos);

  HttpProviderOptions header;
  header.url = "http://127.0.0.1/v1";
  header.headers = {{"x-a", "1\r\nx-b: 2"}};
  EXPECT_FALSE(MakeHttpProvider(std::move(header)));
  HttpProviderOptions ca;
  ca.url = "https://127.0.0.1/v1";
  ca.ca_file = "/nonexistent.pem";
  EXPECT_EQ(MakeHttpProvider(std::move(ca)).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::gateway
