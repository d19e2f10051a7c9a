// CheckClaims: the claims of an answer against the route's documents, off the I/O thread.
// Threads: everything here is called on the I/O thread of the exchange; judging runs on the compute
// pool. A full pool never fails an answer: it is then served as "unchecked".
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>

#include "assay/core/result.h"
#include "assay/gateway/answer_checker.h"

#include "server/compute_pool_internal.h"
#include "sse/chat_stream.h"
#include "sse/reader.h"
#include "upstream/provider.h"

namespace assay::gateway {

inline constexpr std::string_view kUnchecked = "unchecked";  // an x-assay-verdict

// What a check found, in the form in which a reply carries it.
struct CheckOutcome {
  std::string verdict;  // the value of x-assay-verdict
  std::vector<ClaimVerdict> claims;
};

// The texts of all choices of a chat.completion or text_completion, blank lines between them; empty
// for anything else, tool calls included.
[[nodiscard]] std::string AnswerTextOf(std::string_view answer_json);

// The text of the last message of the user in a chat request; empty where there is none.
[[nodiscard]] std::string QuestionOf(std::string_view request_json);

// Checks a finished JSON answer to `request_json`. The coroutine goes on when the verdict is there.
[[nodiscard]] boost::asio::awaitable<CheckOutcome> CheckAnswer(const AnswerChecker& checker,
                                                               ComputePool& compute,
                                                               std::string_view request_json,
                                                               std::string_view answer_json);

// Passes a stream on, whole events at a time, and puts an `assay.verdict` event behind the events
// that finished a sentence as soon as its claims are judged; the last one, with the summary, goes
// out before [DONE]. Before it the judge, where there is one, is asked about the uncertain claims;
// those of which it says something come once more, with its verdict. Their data is a chunk without
// text, so that clients which look at no event type see nothing new:
//
//   event: assay.verdict
//   data: {"id":...,"object":"chat.completion.chunk",...,"choices":[{"index":0,"delta":{},
//          "finish_reason":null}],"assay":{"claim":{"text",...,"verdict",...,"evidence":[...]}}}
//   data: {...,"assay":{"summary":{"supported",...}}}
class CheckingSink final : public ChunkSink {
 public:
  // `text` collects the same chunks, each before this sink sees it; the stream answers
  // `request_json`. All must outlive the sink.
  CheckingSink(ChunkSink& next, const ChatStreamAssembler& text, const AnswerChecker& checker,
               ComputePool& compute, std::string_view request_json);
  ~CheckingSink() override;

  boost::asio::awaitable<Result<void>> Head(const UpstreamHead& head) override;
  boost::asio::awaitable<Result<void>> Chunk(std::string_view bytes) override;

  // After the stream's end; "unchecked" for one that broke.
  [[nodiscard]] CheckOutcome TakeOutcome();

 private:
  struct Judging;
  using Judged = Result<std::vector<CheckedClaim>>;

  void TakeNewText(bool ended);
  static void Judge(const std::shared_ptr<Judging>& judging, ComputePool& compute);
  static void TakeJudged(const std::shared_ptr<Judging>& judging, Judged judged, bool ended,
                         ComputePool& compute);
  boost::asio::awaitable<Result<void>> SendVerdicts(bool last);
  boost::asio::awaitable<void> AskJudgeOnce(std::string& events);
  void AppendClaim(const CheckedClaim& claim, std::string& events) const;
  void AppendEvent(std::string_view member, std::string_view json, std::string& events) const;

  ChunkSink& next_;
  const ChatStreamAssembler& text_;
  const AnswerChecker& checker_;
  ComputePool& compute_;
  std::string_view request_json_;
  SseReader reader_;
  std::string held_;             // bytes of an event that is not finished
  std::string preface_;          // the members of every event, taken from the stream's first chunk
  std::size_t seen_ = 0;         // bytes of the text that were handed on
  bool sentence_ended_ = false;  // by the text that is not handed on yet
  std::shared_ptr<Judging> judging_;
};

}  // namespace assay::gateway
