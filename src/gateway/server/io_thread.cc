#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <fmt/format.h>
#include <sys/socket.h>

#include "assay/core/clock.h"

#include "client_connection_internal.h"
#include "io_thread_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kTick{250};
constexpr std::chrono::milliseconds kAcceptPause{50};  // when no file descriptor is left
constexpr int kBacklog = 4096;

Error ListenError(const tcp::endpoint& endpoint, const boost::system::error_code& error) {
  const std::string where = AddressText(endpoint);
  if (error == asio::error::address_in_use) {
    return {Code::kUnavailable, fmt::format("cannot listen on {}: another program does", where)};
  }
  if (error == asio::error::access_denied) {
    return {Code::kPermissionDenied,
            fmt::format("cannot listen on {}: the system does not allow it", where)};
  }
  return {Code::kInvalidArgument, fmt::format("cannot listen on {}: {}", where, error.message())};
}

}  // namespace

std::string AddressText(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

struct IoThread::Listener {
  explicit Listener(asio::io_context& context) : acceptor(context), pause(context) {}
  asio::basic_socket_acceptor<tcp, asio::io_context::executor_type> acceptor;
  asio::steady_timer pause;
};

IoThread::IoThread(ServerShared& shared, std::size_t index)
    : shared_(shared),
      index_(index),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      work_(asio::make_work_guard(context_)),
      timer_(context_),
      tls_(shared.tls),
      read_buffer_(std::make_unique<char[]>(kReadBytes + kBodyPadding)) {
  spare_output_.reserve(4 << 10);
  MakeDate();
}

IoThread::~IoThread() {
  while (first_ != nullptr) first_->Close();
}

Result<std::uint16_t> IoThread::Listen(const tcp::endpoint& endpoint) {
  auto listener = std::make_unique<Listener>(context_);
  boost::system::error_code error;
  auto& acceptor = listener->acceptor;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) {
    const asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT> shared_port(true);
    acceptor.set_option(shared_port, error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(kBacklog, error);
  if (error) return std::unexpected(ListenError(endpoint, error));
  const std::uint16_t port = acceptor.local_endpoint(error).port();
  listeners_.push_back(std::move(listener));
  return port;
}

std::int64_t IoThread::now_ms() const {
  return core::Clock::Real().monotonic_ns() / 1'000'000;
}

void IoThread::Run() {
  for (const auto& listener : listeners_) Accept(*listener);
  TickLater();
  context_.run();
}

void IoThread::Stop() {
  context_.stop();
}

void IoThread::Accept(Listener& listener) {
  listener.acceptor.async_accept(
      [this, &listener](const boost::system::error_code& error, Socket socket) {
        if (!listener.acceptor.is_open()) return;
        if (error) {
          listener.pause.expires_after(kAcceptPause);
          listener.pause.async_wait([this, &listener](const boost::system::error_code& stopped) {
            if (!stopped && listener.acceptor.is_open()) Accept(listener);
          });
          return;
        }
        shared_.accepted.fetch_add(1, std::memory_order_relaxed);
        if (shared_.connections.load(std::memory_order_relaxed) >= shared_.max_connections) {
          RefuseConnection(std::move(socket));
        } else {
          boost::system::error_code ignored;
          socket.set_option(tcp::no_delay(true), ignored);
          std::make_shared<ClientConnection>(*this, std::move(socket))->Start();
        }
        Accept(listener);
      });
}

void IoThread::RefuseConnection(Socket socket) {
  const ParseError error{.status = 503,
                         .code = "too_many_connections",
                         .message = "The server has as many connections as it allows."};
  shared_.sink->OnRefused(error);
  if (tls_) return;  // a handshake for a refusal would cost more than the connection
  const std::string body = ErrorJson(ApiError{.status = error.status,
                                              .type = ErrorTypeOf(error.status),
                                              .code = std::string(error.code),
                                              .param = {},
                                              .message = std::string(error.message)});
  const std::string answer = fmt::format(
      "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
      "content-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{}",
      body.size(), body);
  (void)SocketStream(socket.native_handle(), nullptr).Write(answer);
  boost::system::error_code ignored;
  socket.shutdown(Socket::shutdown_send, ignored);
}

void IoThread::Drain() {
  boost::system::error_code ignored;
  for (const auto& listener : listeners_) {
    listener->acceptor.close(ignored);
    listener->pause.cancel();
  }
  for (ClientConnection* connection = first_; connection != nullptr;) {
    ClientConnection* const next = connection->next_;
    connection->Drain();
    connection = next;
  }
}

void IoThread::TickLater() {
  timer_.expires_after(kTick);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    Tick();
    TickLater();
  });
}

void IoThread::Tick() {
  MakeDate();
  const std::int64_t now = now_ms();
  for (ClientConnection* connection = first_; connection != nullptr;) {
    ClientConnection* const next = connection->next_;
    connection->CheckTime(now);
    connection = next;
  }
}

void IoThread::MakeDate() {
  const std::int64_t now_s = core::Clock::Real().wall_ns() / 1'000'000'000;
  if (now_s == date_s_) return;
  date_s_ = now_s;
  const std::time_t time = now_s;
  std::tm parts{};
  gmtime_r(&time, &parts);
  static constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                            "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths = {
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  date_field_ = fmt::format("date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                            kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                            kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                            parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void IoThread::Add(ClientConnection& connection) {
  connection.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &connection;
  first_ = &connection;
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
}

void IoThread::Remove(ClientConnection& connection) {
  (connection.previous_ == nullptr ? first_ : connection.previous_->next_) = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
  connection.next_ = connection.previous_ = nullptr;
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace assay::gateway
