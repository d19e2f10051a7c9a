#include <algorithm>
#include <string>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/core/file_system.h"
#include "assay/gateway/answer_checker.h"

#include "checks/check_claims_internal.h"
#include "static_encoder_fixture.h"
#include "temp_dir.h"

namespace assay::gateway {
namespace {

constexpr std::string_view kHandbook =
    "# Leave\n\nFull-time employees receive 27 days of paid annual leave per calendar year.\n"
    "Hotel costs are refunded up to 140 euros a night.\n";

constexpr std::string_view kRequest =
    R"({"messages":[{"role":"user","content":"What do employees get?"}]})";

std::string Chunk(std::string_view delta, std::string_view finish_reason = "null") {
  return "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"created\":7,\"model\":\"m\","
         "\"choices\":[{\"index\":0,\"delta\":" +
         std::string(delta) + ",\"finish_reason\":" + std::string(finish_reason) + "}]}\n\n";
}

std::string Stream() {
  std::string stream = Chunk(R"({"role":"assistant","content":""})");
  for (const std::string_view piece :
       {"Full-time employees receive 27", " days of paid annual leave per calendar year",
        ". Hotel costs are", " refunded up to 200 euros a night."}) {
    stream += Chunk("{\"content\":\"" + std::string(piece) + "\"}");
  }
  return stream + Chunk("{}", "\"stop\"") + "data: [DONE]\n\n";
}

class RecordingSink final : public ChunkSink {
 public:
  asio::awaitable<Result<void>> Head(const UpstreamHead&) override { co_return Result<void>{}; }
  asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    received += bytes;
    co_return Result<void>{};
  }
  std::string received;
};

struct Event {
  std::string type;
  std::string data;
};

std::vector<Event> EventsOf(std::string_view bytes) {
  std::vector<Event> events;
  SseReader reader;
  const auto read = reader.Feed(bytes, [&](const SseEvent& event, std::size_t) {
    events.push_back({std::string(event.type), std::string(event.data)});
    return true;
  });
  EXPECT_TRUE(read);
  EXPECT_TRUE(reader.at_boundary());
  return events;
}

class CheckClaimsTest : public testing::StaticEncoderTest {
 protected:
  void SetUp() override {
    StaticEncoderTest::SetUp();
    if (IsSkipped()) return;
    ASSERT_TRUE(
        core::WriteFileAtomically(core::FileSystem::Real(), folder_.File("leave.md"), kHandbook));
    AnswerCheckerOptions options;
    options.documents = {folder_.path()};
    options.encoder = encoder_.get();
    auto checker = AnswerChecker::Open(core::FileSystem::Real(), std::move(options));
    ASSERT_TRUE(checker) << checker.error().message;
    checker_ = *std::move(checker);
  }

  // What a client gets of `stream` when it comes in pieces of `step` bytes and `queue` checks may
  // wait.
  std::string Run(std::string_view stream, std::size_t step, CheckOutcome& outcome,
                  std::size_t queue = 16) {
    asio::io_context io;
    ComputePool compute(1, queue);  // gone before `io`: a check that nobody waits for answers to it
    RecordingSink client;
    ChatStreamAssembler text;
    CheckingSink sink(client, text, *checker_, compute, kRequest);
    bool finished = false;
    asio::co_spawn(
        io,
        [&]() -> asio::awaitable<void> {
          EXPECT_TRUE(co_await sink.Head(
              {.status = 200, .content_type = "text/event-stream", .request_id = ""}));
          for (std::size_t i = 0; i < stream.size(); i += step) {
            const std::string_view piece = stream.substr(i, step);
            text.Feed(piece);
            EXPECT_TRUE(co_await sink.Chunk(piece));
          }
          finished = true;
        },
        [](const std::exception_ptr& failed) { EXPECT_FALSE(failed); });
    io.run();
    EXPECT_TRUE(finished);
    outcome = sink.TakeOutcome();
    return client.received;
  }

  testing::TempDir folder_;
  std::unique_ptr<AnswerChecker> checker_;
};

TEST_F(CheckClaimsTest, EveryCutOfAStreamGivesTheSameVerdictsAndTheSameChunks) {
  const std::string stream = Stream();
  for (const std::size_t step :
       {std::size_t{1}, std::size_t{13}, std::size_t{170}, stream.size()}) {
    CheckOutcome outcome;
    const std::vector<Event> events = EventsOf(Run(stream, step, outcome));
    std::string passed_on;
    std::vector<boost::json::value> verdicts;
    for (const Event& event : events) {
      if (event.type == "assay.verdict") {
        verdicts.push_back(boost::json::parse(event.data));
      } else {
        passed_on += "data: " + event.data + "\n\n";
      }
    }
    EXPECT_EQ(passed_on, stream) << step;
    ASSERT_EQ(verdicts.size(), 3U) << step;
    EXPECT_EQ(verdicts[0].at("assay").at("claim").at("verdict"), "supported");
    EXPECT_EQ(verdicts[1].at("assay").at("claim").at("verdict"), "contradicted");
    EXPECT_EQ(verdicts[1].at("assay").at("claim").at("evidence").at(0).at("file"), "leave.md");
    EXPECT_EQ(verdicts[2].at("assay").at("summary").at("contradicted"), 1);
    EXPECT_EQ(events.back().data, "[DONE]");
    EXPECT_EQ(outcome.verdict, "contradicted");
    ASSERT_EQ(outcome.claims.size(), 2U);
    ASSERT_FALSE(outcome.claims[1].evidence.empty());
    const ClaimEvidence& best = outcome.claims[1].evidence[0];
    const boost::json::value& sent =
        verdicts[1].at("assay").at("claim").at("evidence").at(0);  // the client saw the same
    EXPECT_EQ(best.file, "leave.md");
    EXPECT_EQ(best.line, sent.at("line").to_number<std::uint32_t>());
    EXPECT_EQ(best.text, sent.at("text").as_string());
    EXPECT_NEAR(best.score, sent.at("score").to_number<double>(), 1e-4);
    EXPECT_GT(best.score, 0);
    EXPECT_LE(outcome.claims[1].evidence.size(), kKeptEvidence);
  }
}

TEST_F(CheckClaimsTest, AVerdictEventReadsAsAChunkWithoutText) {
  CheckOutcome outcome;
  for (const Event& event : EventsOf(Run(Stream(), 1000, outcome))) {
    if (event.data == "[DONE]") continue;
    const boost::json::value chunk = boost::json::parse(event.data);
    EXPECT_EQ(chunk.at("id"), "c-1");
    EXPECT_EQ(chunk.at("object"), "chat.completion.chunk");
    EXPECT_EQ(chunk.at("model"), "m");
    EXPECT_TRUE(chunk.at("choices").at(0).at("delta").is_object());
  }
}

TEST_F(CheckClaimsTest, AFullComputePoolServesTheStreamUnchecked) {
  CheckOutcome outcome;
  const std::string received = Run(Stream(), 50, outcome, 0);  // refuses everything
  EXPECT_EQ(outcome.verdict, kUnchecked);
  const std::vector<Event> events = EventsOf(received);
  EXPECT_EQ(events.back().data, "[DONE]");
  EXPECT_EQ(std::count_if(events.begin(), events.end(),
                          [](const Event& event) { return event.type == "message"; }),
            7);
}

TEST_F(CheckClaimsTest, AStreamThatBreaksIsUnchecked) {
  const std::string stream = Stream();
  CheckOutcome outcome;
  (void)Run(std::string_view(stream).substr(0, stream.size() / 2), 20, outcome);
  EXPECT_EQ(outcome.verdict, kUnchecked);
}

TEST_F(CheckClaimsTest, AFinishedAnswerIsCheckedInAllItsChoices) {
  asio::io_context io;
  ComputePool compute(1, 16);
  CheckOutcome outcome;
  const std::string answer =
      R"({"choices":[{"message":{"content":"Full-time employees receive 27 days of paid annual leave per calendar year."}},
          {"message":{"content":"Hotel costs are refunded up to 200 euros a night."}}]})";
  asio::co_spawn(
      io,
      [&]() -> asio::awaitable<void> {
        outcome = co_await CheckAnswer(*checker_, compute, kRequest, answer);
      },
      [](const std::exception_ptr& failed) { EXPECT_FALSE(failed); });
  io.run();
  EXPECT_EQ(outcome.verdict, "contradicted");
  EXPECT_EQ(outcome.claims.size(), 2U);
}

TEST(QuestionTest, TheLastMessageOfTheUserIsTheQuestion) {
  EXPECT_EQ(QuestionOf(kRequest), "What do employees get?");
  EXPECT_EQ(QuestionOf(R"({"messages":[{"role":"user","content":"A?"},
      {"role":"assistant","content":"B."},
      {"role":"user","content":[{"type":"text","text":"C?"},{"type":"image_url"}]}]})"),
            "C?");
  EXPECT_EQ(QuestionOf(R"({"prompt":"A?"})"), "");
  EXPECT_EQ(QuestionOf(R"({"messages":[3,{"role":4},{"role":"user"}]})"), "");
}

TEST(AnswerTextTest, WhatIsNoTextAnswerHasNoText) {
  EXPECT_EQ(AnswerTextOf("{"), "");
  EXPECT_EQ(AnswerTextOf("[]"), "");
  EXPECT_EQ(AnswerTextOf(R"({"choices":3})"), "");
  EXPECT_EQ(AnswerTextOf(R"({"choices":[{"message":{"content":null,"tool_calls":[]}}]})"), "");
  EXPECT_EQ(AnswerTextOf(R"({"choices":[{"text":"a"},{"text":"b"}]})"), "a\n\nb");
}

}  // namespace
}  // namespace assay::gateway
