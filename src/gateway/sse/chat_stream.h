// sse/chat_stream.h: a streamed completion as one JSON answer, and back.
// Room: gateway (private).  Threads: one at a time.
// Source: OpenAI API reference, "The chat completion chunk object"; the merge rules are those that
// its clients follow: text is joined, lists with an `index` are merged by it, everything else is
// replaced.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "assay/core/result.h"

#include "upstream/provider.h"

namespace assay::gateway {

// Collects the bytes of an SSE body into the finished answer (chat.completion or text_completion)
// with content, refusal, tool calls, n > 1, logprobs, finish reasons, usage, and fields it does not
// know.
class ChatStreamAssembler {
 public:
  explicit ChatStreamAssembler(std::size_t limit_bytes = 16UL << 20);
  ChatStreamAssembler(ChatStreamAssembler&&) noexcept;
  ChatStreamAssembler& operator=(ChatStreamAssembler&&) noexcept;
  ~ChatStreamAssembler();

  // Bytes of the body, cut anywhere. After the first fault the stream counts as broken and the rest
  // is ignored.
  void Feed(std::string_view bytes);

  // The finished JSON answer. Call it only when the body ended as HTTP says it must.
  // Errors: kDataLoss when the stream is broken: no [DONE], a choice without finish_reason, no
  // choice at all, invalid JSON, an error event, more than the limit.
  [[nodiscard]] Result<std::string> Finish();

  [[nodiscard]] TokenUsage usage() const;
  [[nodiscard]] bool broken() const;
  // Text of choice 0 so far (content or text), for sentence by sentence checks. Valid until the
  // next Feed().
  [[nodiscard]] std::string_view text() const;
  // True when the bytes so far end between two events, so that another event may be put there.
  [[nodiscard]] bool at_boundary() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Writes a finished JSON answer as the events that a stream of it would have had, [DONE] included:
// the role, the text, tool calls, finish reasons, and the usage when `include_usage`. One event per
// choice holds all of its text. Errors: kInvalidArgument when `answer` is not a chat.completion or
// text_completion.
[[nodiscard]] Result<std::string> ReplayAsStream(std::string_view answer, bool include_usage);

// One event: "event: TYPE\n" (left out when `type` is empty), "data: ..." for each line, and the
// blank line.
void AppendSseEvent(std::string& out, std::string_view type, std::string_view data);

}  // namespace assay::gateway
