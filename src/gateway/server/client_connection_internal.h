// One client's connection: reads requests, keeps their answers in order, enforces the time limits.
// A connection that waits for a request holds no buffer.
// Threads: its I/O thread only.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io_thread_internal.h"

namespace assay::gateway {

class ClientConnection final : public ReplyStream,
                               public std::enable_shared_from_this<ClientConnection> {
 public:
  ClientConnection(IoThread& thread, int fd);  // takes the socket over
  ~ClientConnection() override;

  void Start();
  // What epoll says of the socket, edge-triggered.
  void OnEvents(std::uint32_t events);
  // Goes on with what waited for its turn.
  void Resume();
  // Called now and then: closes the connection when it is past its limit.
  void CheckTime(std::int64_t now_ms);
  // No further request after the one that is being answered.
  void Drain();
  void Close();
  // Of IoThread::SendAll.
  [[nodiscard]] std::string_view unsent() const {
    return closed_ ? std::string_view() : std::string_view(output_).substr(sent_);
  }
  void NoteSent(int bytes);  // negative: nothing went
  void FinishSend();         // sends the rest, if any, and goes on

  // ReplyStream
  void Answer(const AnswerHead& head, std::string_view body) override;
  [[nodiscard]] std::shared_ptr<ReplyStream> Defer(std::function<void()> on_gone) override;
  void Begin(const AnswerHead& head) override;
  void Write(std::string_view bytes) override;
  void End() override;
  void Abort() override;
  [[nodiscard]] std::size_t unsent_bytes() const override { return output_.size() - sent_; }
  void WhenDrained(std::function<void()> done) override;
  [[nodiscard]] bool gone() const override { return closed_; }
  [[nodiscard]] boost::asio::any_io_executor executor() override;
  [[nodiscard]] std::shared_ptr<void> HoldThread() override { return thread_.Hold(); }
  [[nodiscard]] std::size_t thread_index() const override { return thread_.index(); }
  [[nodiscard]] std::string peer() const override;

 private:
  friend class IoThread;  // the list's links
  enum class State : std::uint8_t {
    kIdle,      // no byte of a request has come
    kHead,      // in the middle of a head
    kBody,      // in the middle of a body
    kHandling,  // inside RequestSink::OnRequest
    kDeferred,  // a stage works on the answer
    kClosing,   // the last answer is on its way
    kLinger,    // all is sent; what the client still sends is dropped, so that it reads the answer
  };
  struct ChunkedBody {
    std::string head;
    std::string body;
    ChunkDecoder decoder;
  };

  void SetState(State state, std::int64_t limit_ms);
  void Read();
  void OnEndOfInput(bool broken);
  void OnBytes(std::string_view bytes);
  [[nodiscard]] std::size_t ReadAhead() const;
  void Process();
  void ResumeSoon();
  // Takes whole requests from the front of `bytes`; returns how many bytes it took.
  [[nodiscard]] std::size_t Take(std::string_view bytes);
  // One step of Take, which adds what it took; false when more bytes must come first.
  [[nodiscard]] bool TakeRequest(std::string_view bytes, std::size_t& taken);
  [[nodiscard]] bool TakeChunks(std::string_view bytes, std::size_t& taken);
  void Handle(RequestView& request);
  void Refuse(const ParseError& error);
  void RefusePlainHttp();
  void AppendHead(const AnswerHead& head);
  void FinishRequest();
  // Writes what it can; waits for the rest.
  void Flush();
  void FlushSoon();
  void GiveBackOutput();

  IoThread& thread_;
  int fd_;
  SocketStream stream_;
  std::shared_ptr<ClientConnection> self_;  // the thread's, until it is closed
  std::shared_ptr<void> hold_;              // while a stage works on the answer
  State state_ = State::kIdle;
  bool closed_ = false;
  bool in_batch_ = false;   // inside Take: answers are written together afterwards
  bool readable_ = false;   // the socket may hold bytes, for which no event will come
  bool keep_alive_ = true;  // after the request that is being answered
  bool http_1_0_ = false;
  bool head_only_ = false;              // HEAD: no body is sent
  bool streaming_ = false;              // between Begin and End
  bool peer_ended_ = false;             // epoll said that behind the bytes comes an end
  bool end_of_input_ = false;           // the client has finished sending
  bool resuming_ = false;               // Resume will be called
  bool sending_ = false;                // FinishSend will be called
  std::int64_t limit_at_ms_ = 0;        // of the state; 0: none
  std::int64_t write_limit_at_ms_ = 0;  // while the client takes nothing; 0: none
  std::string input_;                   // bytes that are not taken yet; empty while idle
  std::size_t searched_ = 0;            // of input_, without the end of a head
  std::size_t wanted_ = 0;              // bytes of the whole request, once its length is known
  std::unique_ptr<ChunkedBody> chunks_;
  std::string output_;
  std::size_t sent_ = 0;  // bytes of output_ that are gone
  std::function<void()> on_gone_;
  std::function<void()> on_drained_;
  ClientConnection* next_ = nullptr;
  ClientConnection* previous_ = nullptr;
};

}  // namespace assay::gateway
