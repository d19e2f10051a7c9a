// upstream/http/connection.h: connections to one upstream, kept for the next call.
// Room: gateway (private).  Threads: everything here belongs to the one thread of its io_context.
// This header includes Asio with TLS and is costly to compile: two .cc files see it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>

#include "assay/core/clock.h"
#include "assay/core/result.h"

#include "coroutine/event_socket_internal.h"

namespace assay::gateway {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using UpstreamSocket = asio::basic_stream_socket<Tcp, asio::io_context::executor_type>;

// Where and how to connect; outlives the connections.
struct ConnectTarget {
  std::string host;
  std::uint16_t port = 0;
  std::string shown;                  // host and port, for errors
  asio::ssl::context* tls = nullptr;  // null = plain TCP
  bool verify = true;
  std::int64_t dns_refresh_ns = 0;
  std::int64_t idle_timeout_ns = 0;
  std::int64_t max_age_ns = 0;
  std::size_t max_idle = 0;
};

struct Connection {
  // Tokens of a stream are small; a JSON answer of a usual size comes in one read.
  static constexpr std::size_t kBufferBytes = 16UL << 10;

  explicit Connection(asio::io_context& context) : socket(context.get_executor()) {}

  UpstreamSocket socket;                                    // while connecting, and below TLS
  std::unique_ptr<asio::ssl::stream<UpstreamSocket&>> tls;  // null = plain
  std::unique_ptr<EventSocket> plain;                       // null = TLS
  std::string head;                                         // of the request being sent
  std::array<char, kBufferBytes> buffer;
  std::int64_t opened_ns = 0;
  std::int64_t idle_since_ns = 0;
};

// Closes what a call waits for when its time is over. One list per io_context, looked through by
// one timer: setting a deadline is a store, not a system call. A call past its deadline is ended at
// most kTickMs later.
class DeadlineList {
 public:
  static constexpr std::int64_t kTickMs = 50;

  class Entry {
   public:
    Entry(DeadlineList& list, std::int64_t deadline_ns);
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry();

    void Set(std::int64_t deadline_ns) { deadline_ns_ = deadline_ns; }
    // What is closed when the time is over; null = nothing now.
    void Watch(UpstreamSocket* socket) { socket_ = socket; }
    void Watch(EventSocket* socket) { event_socket_ = socket; }
    void Watch(Tcp::resolver* resolver) { resolver_ = resolver; }
    [[nodiscard]] bool expired() const { return expired_; }

   private:
    friend class DeadlineList;
    DeadlineList& list_;
    std::int64_t deadline_ns_;
    UpstreamSocket* socket_ = nullptr;
    EventSocket* event_socket_ = nullptr;
    Tcp::resolver* resolver_ = nullptr;
    bool expired_ = false;
    Entry* next_ = nullptr;
    Entry* previous_ = nullptr;
  };

  DeadlineList(asio::io_context& context, core::Clock& clock)
      : clock_(clock), timer_(std::make_shared<asio::steady_timer>(context)) {}

  // The io_context ends: lets go of what belongs to it. Entries may still be taken out.
  void Shutdown() { timer_.reset(); }

 private:
  void Arm(std::int64_t deadline_ns);
  void Tick();

  core::Clock& clock_;
  std::shared_ptr<asio::steady_timer>
      timer_;                      // its handler holds a weak reference: the list may go first
  std::int64_t armed_for_ns_ = 0;  // when the timer fires; 0 = not armed
  Entry* first_ = nullptr;
};

// The idle connections of one provider on one io_context.
class ConnectionPool {
 public:
  ConnectionPool(asio::io_context& context, const ConnectTarget& target, core::Clock& clock)
      : deadlines(context, clock), context_(context), target_(target), clock_(clock) {}

  // The idle connection that was used last; null when there is none that may be used. Both take the
  // clock's time, which their caller has read for itself.
  [[nodiscard]] std::unique_ptr<Connection> TakeIdle(std::int64_t now_ns);
  void PutIdle(std::unique_ptr<Connection> connection, std::int64_t now_ns);
  // A new one: looks the name up, connects, shakes hands. `entry` ends it in time.
  // Errors: kUnavailable, kDeadlineExceeded; both name the upstream's host.
  asio::awaitable<Result<std::unique_ptr<Connection>>> Connect(DeadlineList::Entry& entry);

  // The io_context ends: closes what is idle.
  void Shutdown() {
    idle_.clear();
    deadlines.Shutdown();
  }

  DeadlineList deadlines;

 private:
  asio::awaitable<Result<void>> LookUp(DeadlineList::Entry& entry);
  asio::awaitable<Result<void>> ConnectAny(Connection& connection, DeadlineList::Entry& entry);
  asio::awaitable<Result<void>> Handshake(Connection& connection, DeadlineList::Entry& entry);
  [[nodiscard]] std::unexpected<Error> Failed(std::string_view doing,
                                              const boost::system::error_code& error,
                                              const DeadlineList::Entry& entry) const;

  asio::io_context& context_;
  const ConnectTarget& target_;
  core::Clock& clock_;
  std::vector<std::unique_ptr<Connection>> idle_;  // the longest idle first
  std::vector<Tcp::endpoint> endpoints_;
  std::size_t next_endpoint_ = 0;
  std::int64_t looked_up_ns_ = 0;
};

// The pools of one io_context, by provider: closed with the io_context, before its reactor goes.
class ConnectionPools final : public asio::execution_context::service {
 public:
  using key_type = ConnectionPools;
  static asio::execution_context::id id;

  explicit ConnectionPools(asio::execution_context& context) : service(context) {}

  // Looks the provider's pool up or makes it. `owner` is the provider's life: pools of dead ones
  // are dropped.
  ConnectionPool& Of(const std::shared_ptr<const ConnectTarget>& target, asio::io_context& context,
                     core::Clock& clock);

 private:
  // Pools themselves live on: calls in flight are destroyed after this, and take their entries out
  // of the lists.
  void shutdown() override {
    for (auto& [target, owned] : pools_) owned.pool->Shutdown();
  }

  struct Owned {
    std::weak_ptr<const ConnectTarget> owner;
    std::unique_ptr<ConnectionPool> pool;
  };
  std::unordered_map<const ConnectTarget*, Owned> pools_;
};

}  // namespace assay::gateway
