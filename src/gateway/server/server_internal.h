// The HTTP server: threads, listening sockets, drain. It knows nothing of what is answered.
// Threads: Start, Drain, Stop by one thread at a time; the rest is for all.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io_thread_internal.h"

namespace assay::gateway {

struct ServerOptions {
  std::vector<std::string> listen;  // "127.0.0.1:9000", "[::1]:0"
  std::size_t threads = 1;
  ServerLimits limits;
  std::shared_ptr<TlsContext> tls;  // null: plain HTTP
};

// "host:port" with a numeric host. Errors: kInvalidArgument, naming what is wrong.
[[nodiscard]] Result<boost::asio::ip::tcp::endpoint> ParseAddress(const std::string& address);

class Server {
 public:
  // `sink` must outlive the server.
  Server(const ServerOptions& options, RequestSink& sink);
  ~Server();  // as Stop
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Listens on every address and starts the threads. Errors: those of IoThread::Listen.
  [[nodiscard]] Result<void> Start();
  // With the real ports, in the order of the options.
  [[nodiscard]] const std::vector<std::string>& addresses() const { return addresses_; }

  // Accepts nothing more, closes idle connections, and ends the others with their answers.
  void Drain();
  // Cuts what is left and joins the threads.
  void Stop();
  [[nodiscard]] bool draining() const;
  void SetTls(const std::shared_ptr<TlsContext>& tls);  // for new connections
  void SetLimits(const ServerLimits& limits);           // from the next request of each connection

  [[nodiscard]] std::size_t connections() const;
  [[nodiscard]] std::uint64_t accepted() const;
  [[nodiscard]] std::size_t thread_count() const { return threads_.size(); }
  // Runs `call` on an I/O thread soon; from any thread.
  void Post(std::size_t thread, std::function<void()> call);
  // Returns when all threads have run what was posted before; at once while they do not run. Not
  // from one of them.
  void Settle();
  // As Post, with what a coroutine of that thread needs; see IoThread::Hold.
  using Work = std::function<void(const boost::asio::any_io_executor&, std::shared_ptr<void> hold)>;
  void PostWork(std::size_t thread, Work work);

 private:
  std::vector<std::string> listen_;
  ServerShared shared_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  std::vector<std::thread> running_;
  std::vector<std::string> addresses_;
};

}  // namespace assay::gateway
