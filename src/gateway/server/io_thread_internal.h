// One thread of the server: its event loops, its listening sockets and its connections.
// Method: clients' sockets are registered once, edge-triggered, with an epoll of the thread's own,
// so a hit costs a read and a write, and a share of one wait. Everything else (upstreams, timers,
// posted calls) is Asio's. While the thread holds no work of Asio's (Hold), it waits in its own
// epoll and looks after Asio's every tick; otherwise it waits in Asio's, which then also watches
// the thread's own epoll.
// Threads: everything runs on the thread itself, but Post and Stop, which are for all.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "coroutine/event_socket_internal.h"
#include "reply_stream_internal.h"
#include "send_batch_internal.h"
#include "stream_internal.h"

namespace assay::gateway {

class ClientConnection;

// What a client may ask of the server.
struct ServerLimits {
  ParseLimits parse;
  std::int64_t header_time_ms = 10'000;
  std::int64_t body_time_ms = 60'000;
  std::int64_t idle_time_ms = 75'000;
  std::int64_t write_time_ms = 60'000;
  std::size_t max_connections = 20'000;
};

// What all threads of a server share. Everything but the counters is constant while they run.
struct ServerShared {
  RequestSink* sink = nullptr;
  ServerLimits limits;  // at the start; each thread has its own, which a reload replaces
  std::shared_ptr<TlsContext> tls;  // the same
  // Counted by all threads; lone numbers, no order needed.
  std::atomic<std::size_t> connections{0};
  std::atomic<std::uint64_t> accepted{0};
  std::atomic<bool> draining{false};  // partner: the threads, told by a posted call as well
};

// Bytes of one read. Larger bodies take several.
inline constexpr std::size_t kReadBytes = 64 << 10;

// "127.0.0.1:9000", "[::1]:9000".
[[nodiscard]] std::string AddressText(const boost::asio::ip::tcp::endpoint& endpoint);

class IoThread {
 public:
  IoThread(ServerShared& shared, std::size_t index);
  ~IoThread();
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  // Before Run: listens on `endpoint`, together with the other threads (SO_REUSEPORT). Returns the
  // port. Errors: kUnavailable (in use), kPermissionDenied, kInvalidArgument.
  [[nodiscard]] Result<std::uint16_t> Listen(const boost::asio::ip::tcp::endpoint& endpoint);

  // SO_REUSEPORT would let two gateways share a port in silence: refused when another program
  // listens there. Errors: as Listen.
  [[nodiscard]] static Result<void> CheckFree(const boost::asio::ip::tcp::endpoint& endpoint);

  void Run();   // until Stop
  void Stop();  // from any thread
  // Runs `call` on the thread soon; from any thread.
  void Post(std::function<void()> call);
  // Closes the listening sockets and idle connections; the others end with their answers.
  void Drain();
  void SetTls(std::shared_ptr<TlsContext> tls) { tls_ = std::move(tls); }
  // From the next request, and the next wait of a connection.
  void SetLimits(const ServerLimits& limits) { limits_ = limits; }

  // While one of these lives, operations of Asio's on context() make progress at once; without one
  // they wait for the next tick. Every coroutine on the context holds one.
  [[nodiscard]] std::shared_ptr<void> Hold();

  [[nodiscard]] boost::asio::io_context& context() { return context_; }
  [[nodiscard]] ServerShared& shared() { return shared_; }
  [[nodiscard]] const ServerLimits& limits() const { return limits_; }
  [[nodiscard]] const std::shared_ptr<TlsContext>& tls() const { return tls_; }
  [[nodiscard]] std::size_t index() const { return index_; }
  // Monotonic; of the last events or tick, which is exact enough for limits of a connection.
  [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }
  // "date: ...\r\n", made anew each second.
  [[nodiscard]] std::string_view date_field() const { return date_field_; }

  // Buffers that a connection borrows while it works, so that idle ones hold none.
  [[nodiscard]] char* read_buffer() { return read_buffer_.get(); }
  [[nodiscard]] std::string TakeBuffer();
  void GiveBuffer(std::string buffer);
  [[nodiscard]] RequestView& request() { return request_; }

  // For connections. The thread owns what is added until it is removed and the events at hand are
  // done with.
  void Add(const std::shared_ptr<ClientConnection>& connection);
  void Remove(ClientConnection& connection);
  // Calls connection.FinishSend() before the thread waits again, when most of what it has to send
  // has gone together with what others had.
  void SendSoon(ClientConnection& connection);
  // Calls connection.Resume() before the thread waits again.
  void ResumeSoon(std::shared_ptr<ClientConnection> connection);

 private:
  struct Listener;
  struct Holder;
  void WaitInOwn();
  void WaitInAsio();
  void WatchOwnByAsio();
  // Takes the events that are there, or waits for the first one.
  void TakeEvents(int timeout_ms);
  void Accept(Listener& listener);
  void RefuseConnection(int fd);
  void SendAll();
  void SendTogether(std::span<ClientConnection* const> connections);
  void ResumeAll();
  void TickLater();
  void Tick();
  void MakeDate();
  void ReadClock();

  ServerShared& shared_;
  ServerLimits limits_;
  std::size_t index_;
  int epoll_fd_;
  int wake_fd_;
  std::size_t held_ = 0;
  bool watched_by_asio_ = false;
  std::int64_t next_poll_ms_ = 0;
  std::int64_t now_ms_ = 0;
  std::atomic<bool> stopped_{false};  // partner: Stop, which writes to wake_fd_ after it
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  boost::asio::steady_timer timer_;
  boost::asio::posix::stream_descriptor own_;  // epoll_fd_, for Asio
  SocketEvents& sockets_;                      // to upstreams, a service of context_
  std::shared_ptr<TlsContext> tls_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  std::unique_ptr<char[]> read_buffer_;
  std::vector<std::string> buffers_;
  std::string date_field_;
  std::int64_t date_s_ = 0;
  RequestView request_;
  std::unique_ptr<SendBatch> send_batch_;   // null: each answer is sent on its own
  std::vector<ClientConnection*> to_send_;  // removed ones are alive until removed_ is emptied
  std::vector<ClientConnection*> sending_;  // of SendAll
  int polled_ = 0;                          // handlers of Asio's since answers were sent
  std::vector<std::shared_ptr<ClientConnection>> resume_;
  std::vector<std::shared_ptr<ClientConnection>> removed_;  // until the events are done with
  ClientConnection* first_ = nullptr;                       // of a doubly linked list
};

}  // namespace assay::gateway
