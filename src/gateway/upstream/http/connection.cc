#include "upstream/http/connection.h"

#include <algorithm>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>
#include <openssl/ssl.h>

namespace assay::gateway {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::int64_t kNsPerMs = 1'000'000;

}  // namespace

// --- DeadlineList
// ----------------------------------------------------------------------------------------------------

DeadlineList::Entry::Entry(DeadlineList& list, std::int64_t deadline_ns)
    : list_(list), deadline_ns_(deadline_ns) {
  next_ = list.first_;
  if (next_ != nullptr) next_->previous_ = this;
  list.first_ = this;
  if (list.armed_for_ns_ == 0) list.Arm(deadline_ns);
}

DeadlineList::Entry::~Entry() {
  if (next_ != nullptr) next_->previous_ = previous_;
  if (previous_ != nullptr) {
    previous_->next_ = next_;
  } else {
    list_.first_ = next_;
  }
}

void DeadlineList::Arm(std::int64_t deadline_ns) {
  if (timer_ == nullptr) return;
  const std::int64_t now_ns = clock_.monotonic_ns();
  armed_for_ns_ = std::clamp(deadline_ns, now_ns, now_ns + kTickMs * kNsPerMs);
  timer_->expires_after(std::chrono::nanoseconds(armed_for_ns_ - now_ns));
  timer_->async_wait([this, alive = std::weak_ptr(timer_)](const boost::system::error_code& error) {
    if (!error && alive.lock() != nullptr) Tick();
  });
}

void DeadlineList::Tick() {
  armed_for_ns_ = 0;
  const std::int64_t now_ns = clock_.monotonic_ns();
  std::int64_t earliest_ns = now_ns + kTickMs * kNsPerMs;
  for (Entry* entry = first_; entry != nullptr; entry = entry->next_) {
    if (entry->deadline_ns_ > now_ns) {
      earliest_ns = std::min(earliest_ns, entry->deadline_ns_);
      continue;
    }
    // Closing posts the aborted operations; no call runs inside this loop, so the list stays as it
    // is.
    entry->expired_ = true;
    boost::system::error_code ignored;
    if (entry->socket_ != nullptr) entry->socket_->close(ignored);
    if (entry->event_socket_ != nullptr) entry->event_socket_->Abort();
    if (entry->resolver_ != nullptr) entry->resolver_->cancel();
    entry->socket_ = nullptr;
    entry->event_socket_ = nullptr;
    entry->resolver_ = nullptr;
  }
  if (first_ != nullptr) Arm(earliest_ns);
}

// --- ConnectionPool
// --------------------------------------------------------------------------------------------------

std::unique_ptr<Connection> ConnectionPool::TakeIdle(std::int64_t now_ns) {
  if (idle_.empty()) return nullptr;
  // The last one is the freshest: when it is too old, all are.
  if (now_ns - idle_.back()->idle_since_ns >= target_.idle_timeout_ns) {
    idle_.clear();
    return nullptr;
  }
  while (!idle_.empty()) {
    std::unique_ptr<Connection> connection = std::move(idle_.back());
    idle_.pop_back();
    const bool stirred = connection->plain != nullptr && connection->plain->stirred();
    if (!stirred && now_ns - connection->opened_ns < target_.max_age_ns) return connection;
  }
  return nullptr;
}

void ConnectionPool::PutIdle(std::unique_ptr<Connection> connection, std::int64_t now_ns) {
  if (now_ns - connection->opened_ns >= target_.max_age_ns) return;
  const bool oldest_too_old =
      !idle_.empty() && now_ns - idle_.front()->idle_since_ns >= target_.idle_timeout_ns;
  if (oldest_too_old || idle_.size() >= target_.max_idle) {
    if (idle_.empty()) return;  // max_idle is 0
    idle_.erase(idle_.begin());
  }
  connection->idle_since_ns = now_ns;
  idle_.push_back(std::move(connection));
}

std::unexpected<Error> ConnectionPool::Failed(std::string_view doing,
                                              const boost::system::error_code& error,
                                              const DeadlineList::Entry& entry) const {
  if (entry.expired()) {
    return Fail(Code::kDeadlineExceeded, fmt::format("{} {} took too long", doing, target_.shown));
  }
  return Fail(Code::kUnavailable,
              fmt::format("{} {} failed: {}", doing, target_.shown, error.message()));
}

asio::awaitable<Result<void>> ConnectionPool::LookUp(DeadlineList::Entry& entry) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  if (!endpoints_.empty() && now_ns - looked_up_ns_ < target_.dns_refresh_ns)
    co_return Result<void>();
  boost::system::error_code not_an_address;
  const auto address = asio::ip::make_address(target_.host, not_an_address);
  if (!not_an_address) {
    endpoints_.assign(1, Tcp::endpoint(address, target_.port));
    looked_up_ns_ = now_ns;
    co_return Result<void>();
  }
  Tcp::resolver resolver(context_);
  entry.Watch(&resolver);
  const std::string service = fmt::format("{}", target_.port);
  auto [error, found] = co_await resolver.async_resolve(target_.host, service,
                                                        Tcp::resolver::numeric_service, kAwait);
  entry.Watch(static_cast<Tcp::resolver*>(nullptr));
  if (error || found.empty()) {
    // The old addresses are better than none, while the name server is away.
    if (!endpoints_.empty() && !entry.expired()) co_return Result<void>();
    co_return Failed("looking up", error, entry);
  }
  endpoints_.clear();
  for (const auto& result : found) endpoints_.push_back(result.endpoint());
  next_endpoint_ = 0;
  looked_up_ns_ = now_ns;
  co_return Result<void>();
}

asio::awaitable<Result<void>> ConnectionPool::ConnectAny(Connection& connection,
                                                         DeadlineList::Entry& entry) {
  boost::system::error_code last;
  // Other calls may look the name up again while this one waits: a copy stays.
  const std::vector<Tcp::endpoint> endpoints = endpoints_;
  const std::size_t first = next_endpoint_;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    const std::size_t chosen = (first + i) % endpoints.size();
    boost::system::error_code ignored;
    connection.socket.close(ignored);
    entry.Watch(&connection.socket);
    auto [error] = co_await connection.socket.async_connect(endpoints[chosen], kAwait);
    entry.Watch(static_cast<UpstreamSocket*>(nullptr));
    if (!error) {
      next_endpoint_ = chosen;  // the next call begins with the one that works
      connection.socket.set_option(Tcp::no_delay(true), ignored);
      connection.socket.set_option(asio::socket_base::keep_alive(true), ignored);
      connection.socket.non_blocking(true, ignored);
      co_return Result<void>();
    }
    last = error;
    if (error == asio::error::operation_aborted) break;
  }
  co_return Failed("connecting to", last, entry);
}

asio::awaitable<Result<void>> ConnectionPool::Handshake(Connection& connection,
                                                        DeadlineList::Entry& entry) {
  connection.tls =
      std::make_unique<asio::ssl::stream<UpstreamSocket&>>(connection.socket, *target_.tls);
  boost::system::error_code not_an_address;
  asio::ip::make_address(target_.host, not_an_address);
  // RFC 6066, 3: the server's name is sent only where it is a name.
  if (not_an_address) {
    // The macro SSL_set_tlsext_host_name, without its cast.
    std::string name = target_.host;
    SSL_ctrl(connection.tls->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME,
             TLSEXT_NAMETYPE_host_name, name.data());
  }
  boost::system::error_code error;
  if (target_.verify) {
    connection.tls->set_verify_mode(asio::ssl::verify_peer, error);
    connection.tls->set_verify_callback(asio::ssl::host_name_verification(target_.host), error);
  } else {
    connection.tls->set_verify_mode(asio::ssl::verify_none, error);
  }
  if (error) co_return Failed("setting up TLS to", error, entry);
  entry.Watch(&connection.socket);
  auto [failed] = co_await connection.tls->async_handshake(asio::ssl::stream_base::client, kAwait);
  entry.Watch(static_cast<UpstreamSocket*>(nullptr));
  if (failed) co_return Failed("the TLS handshake with", failed, entry);
  co_return Result<void>();
}

asio::awaitable<Result<std::unique_ptr<Connection>>> ConnectionPool::Connect(
    DeadlineList::Entry& entry) {
  Result<void> looked_up = co_await LookUp(entry);
  if (!looked_up) co_return std::unexpected(std::move(looked_up).error());
  auto connection = std::make_unique<Connection>(context_);
  Result<void> connected = co_await ConnectAny(*connection, entry);
  if (!connected) {
    looked_up_ns_ = clock_.monotonic_ns() - target_.dns_refresh_ns;  // perhaps it moved
    co_return std::unexpected(std::move(connected).error());
  }
  if (target_.tls != nullptr) {
    Result<void> shaken = co_await Handshake(*connection, entry);
    if (!shaken) co_return std::unexpected(std::move(shaken).error());
  } else {
    connection->plain = std::make_unique<EventSocket>(asio::use_service<SocketEvents>(context_),
                                                      connection->socket.release());
  }
  connection->opened_ns = clock_.monotonic_ns();
  co_return connection;
}

// --- ConnectionPools
// -------------------------------------------------------------------------------------------------

asio::execution_context::id ConnectionPools::id;

ConnectionPool& ConnectionPools::Of(const std::shared_ptr<const ConnectTarget>& target,
                                    asio::io_context& context, core::Clock& clock) {
  const auto found = pools_.find(target.get());
  if (found != pools_.end() && !found->second.owner.expired()) return *found->second.pool;
  // Rare: a provider's first call here. The moment to forget those that a new configuration has
  // replaced.
  std::erase_if(pools_, [](const auto& entry) { return entry.second.owner.expired(); });
  Owned owned{target, std::make_unique<ConnectionPool>(context, *target, clock)};
  return *pools_.emplace(target.get(), std::move(owned)).first->second.pool;
}

}  // namespace assay::gateway
