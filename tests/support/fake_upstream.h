// fake_upstream.h: a scriptable OpenAI-compatible upstream for tests: a true HTTP/1.1 server on a
// free loopback port. Threads: one per connection; everything public may be called from any thread.
//
//   FakeUpstream upstream;
//   upstream.Script({steps::Error(500), steps::Answer("Paris")});   // one step per request, then
//   the default one
//   ... ask upstream.url() ...
//   EXPECT_EQ(upstream.calls(), 2);
//
// A Gate lets a test and the upstream wait for each other, so that no test needs to sleep.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace assay::testing {

// One meeting point: the upstream arrives and waits, the test lets it pass. Gives up after 20
// seconds.
class Gate {
 public:
  // The upstream: says that it is here, and waits. False when nobody opened in time.
  bool Arrive();
  // The test: waits until the upstream is here. False when it did not come in time.
  [[nodiscard]] bool WaitArrived();
  // The test: lets the upstream go on (now, or when it comes).
  void Open();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool arrived_ = false;
  bool open_ = false;
};

class FakeUpstream {
 public:
  // One request as it came, and the ways to answer it. Writes to a closed connection are ignored.
  class Call {
   public:
    std::string method;
    std::string path;
    std::string head;  // all header lines
    std::string body;
    std::size_t connection = 0;  // which connection it came on, from 0

    // A header's value; empty when absent. `lower` is in lower case.
    [[nodiscard]] std::string Header(std::string_view lower) const;

    void Write(std::string_view bytes);
    // A whole answer with its length. `headers`: "name: value\r\n"...
    void Send(int status, std::string_view answer, std::string_view headers = {},
              std::string_view content_type = "application/json");
    void BeginStream();  // 200, text/event-stream, chunked
    void Chunk(std::string_view bytes);
    void Event(std::string_view data);  // "data: ...\n\n" as one chunk
    void EndStream();
    void Reset();       // closes with a TCP reset
    void Close();       // closes in an orderly way, whatever was promised
    void WaitClosed();  // returns when the other side has closed

   private:
    friend class FakeUpstream;
    int socket_ = -1;
    bool keep_alive_ = true;
  };
  using Step = std::function<void(Call&)>;

  FakeUpstream();  // answers every request that no step is left for with steps::Answer
  explicit FakeUpstream(Step default_step);
  FakeUpstream(FakeUpstream&&) = delete;
  ~FakeUpstream();  // closes all connections

  void Script(std::vector<Step> steps);

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::string url() const;  // http://127.0.0.1:PORT/v1
  [[nodiscard]] std::size_t calls() const;
  [[nodiscard]] std::size_t connections() const;  // accepted so far
  // Copies of the requests so far, in the order in which they came.
  [[nodiscard]] std::vector<Call> requests() const;
  // Waits until so many requests came; false after 20 seconds.
  [[nodiscard]] bool WaitForCalls(std::size_t count) const;

 private:
  struct Server;
  std::unique_ptr<Server> server_;
};

namespace steps {

// A chat.completion with this content.
[[nodiscard]] std::string AnswerJson(std::string_view content);
// A chat.completion.chunk whose choice 0 has this delta (JSON) and finish reason (JSON, or null).
[[nodiscard]] std::string ChunkJson(std::string_view delta,
                                    std::string_view finish_reason = "null");

[[nodiscard]] FakeUpstream::Step Answer(std::string content = "The capital of France is Paris.");
// Exactly these bytes as the body.
[[nodiscard]] FakeUpstream::Step Raw(std::string body, int status = 200, std::string headers = {});
// An error in the OpenAI shape.
[[nodiscard]] FakeUpstream::Step Error(int status, std::string headers = {});
// A whole stream of these pieces, with finish_reason, usage and [DONE].
[[nodiscard]] FakeUpstream::Step Stream(std::vector<std::string> pieces);
// Waits at the gate, then does the step.
[[nodiscard]] FakeUpstream::Step After(std::shared_ptr<Gate> gate, FakeUpstream::Step step);
// Never answers; ends when the caller gives up.
[[nodiscard]] FakeUpstream::Step Never();

enum class Break { kCut, kReset, kInvalidJson, kNoDone, kStall };
// A stream that breaks after two pieces: orderly close, TCP reset, an event that is not JSON (then
// a normal end), an end without finish_reason and [DONE], or silence until the caller gives up.
[[nodiscard]] FakeUpstream::Step BrokenStream(Break how);

}  // namespace steps
}  // namespace assay::testing
