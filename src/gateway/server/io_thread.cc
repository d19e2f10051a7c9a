#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/core/check.h"
#include "assay/core/clock.h"

#include "client_connection_internal.h"
#include "io_thread_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::chrono::milliseconds kTick{250};
constexpr std::uint64_t kListenerMark = 1;  // in an event's pointer, whose low bits are 0
constexpr int kBacklog = 4096;
constexpr int kHandlersInARow = 64;           // of Asio's, then answers are sent
constexpr int kEvents = 64;                   // of one wait
constexpr int kAcceptsInARow = 64;            // then the connections have their turn
constexpr std::size_t kKeptBytes = 64 << 10;  // a larger buffer goes back to the allocator

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
  int fd = -1;
  bool watched = false;  // false while no file descriptor is left for a client
};

struct IoThread::Holder {
  explicit Holder(std::size_t& held) : held_(held) { ++held_; }
  ~Holder() { --held_; }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 private:
  std::size_t& held_;
};

IoThread::IoThread(ServerShared& shared, std::size_t index)
    : shared_(shared),
      limits_(shared.limits),
      index_(index),
      epoll_fd_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      work_(asio::make_work_guard(context_)),
      timer_(context_),
      own_(context_),
      sockets_(asio::make_service<SocketEvents>(context_, epoll_fd_)),
      tls_(shared.tls),
      read_buffer_(std::make_unique<char[]>(kReadBytes + kBodyPadding)),
      send_batch_(SendBatch::Open()) {
  ASSAY_CHECK(epoll_fd_ >= 0 && wake_fd_ >= 0);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;
  event.data.ptr = &wake_fd_;
  ASSAY_CHECK(::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, wake_fd_, &event) == 0);
  own_.assign(epoll_fd_);
  ReadClock();
  MakeDate();
}

IoThread::~IoThread() {
  while (first_ != nullptr) first_->Close();
  for (const auto& listener : listeners_) ::close(listener->fd);
  ::close(wake_fd_);  // own_ closes the other
}

Result<std::uint16_t> IoThread::Listen(const tcp::endpoint& endpoint) {
  auto listener = std::make_unique<Listener>();
  const int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          endpoint.protocol().protocol());
  listener->fd = fd;
  const int on = 1;
  sockaddr_storage bound{};
  socklen_t bound_bytes = sizeof bound;
  const bool listening =
      fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
      ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 &&
      ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0 &&
      ::listen(fd, kBacklog) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &bound_bytes) == 0;
  if (!listening) {
    const boost::system::error_code error(errno, boost::system::system_category());
    if (fd >= 0) ::close(fd);
    return std::unexpected(ListenError(endpoint, error));
  }
  tcp::endpoint real;
  std::memcpy(real.data(), &bound, bound_bytes);
  listeners_.push_back(std::move(listener));
  return real.port();
}

Result<void> IoThread::CheckFree(const tcp::endpoint& endpoint) {
  if (endpoint.port() == 0) return {};
  const int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC,
                          endpoint.protocol().protocol());
  const int on = 1;
  const bool bound = fd >= 0 && ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                     ::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) == 0;
  const boost::system::error_code error(errno, boost::system::system_category());
  if (fd >= 0) ::close(fd);
  if (!bound) return std::unexpected(ListenError(endpoint, error));
  return {};
}

void IoThread::ReadClock() {
  now_ms_ = core::Clock::Real().monotonic_ns() / 1'000'000;
}

std::shared_ptr<void> IoThread::Hold() {
  return std::make_shared<Holder>(held_);
}

void IoThread::Post(std::function<void()> call) {
  asio::post(context_, std::move(call));
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);  // fails only when a wake is pending already
}

void IoThread::Stop() {
  stopped_.store(true, std::memory_order_release);
  Post([] {});
}

void IoThread::Run() {
  TickLater();
  Tick();
  while (!stopped_.load(std::memory_order_acquire)) {
    ResumeAll();
    if (to_send_.empty()) removed_.clear();
    if (held_ > 0) {
      WaitInAsio();
    } else {
      SendAll();
      WaitInOwn();
    }
  }
  SendAll();
}

void IoThread::WaitInAsio() {
  WatchOwnByAsio();
  if (resume_.empty() && to_send_.empty()) {
    context_.run_one();
  } else if (context_.poll_one() == 0 || ++polled_ >= kHandlersInARow) {
    polled_ = 0;
    SendAll();  // what was there to be done is done, or takes too long for those who wait
  }
}

void IoThread::WatchOwnByAsio() {
  if (watched_by_asio_) return;
  watched_by_asio_ = true;
  own_.async_wait(asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& error) {
                    watched_by_asio_ = false;
                    if (!error) TakeEvents(0);
                  });
}

void IoThread::WaitInOwn() {
  TakeEvents(resume_.empty() ? static_cast<int>(kTick.count()) : 0);
  if (now_ms_ < next_poll_ms_) return;
  next_poll_ms_ = now_ms_ + kTick.count();
  context_.poll();
}

void IoThread::TakeEvents(int timeout_ms) {
  std::array<epoll_event, kEvents> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), kEvents, timeout_ms);
  ReadClock();
  const std::span<epoll_event> batch(events.data(), static_cast<std::size_t>(std::max(count, 0)));
  sockets_.SetBatch(batch);
  for (const epoll_event& event : batch) {
    if (event.data.u64 == 0) continue;  // its socket has gone
    if (event.data.ptr == &wake_fd_) {
      std::uint64_t wakes = 0;
      (void)!::read(wake_fd_, &wakes, sizeof wakes);
      next_poll_ms_ = 0;
    } else if ((event.data.u64 & kListenerMark) != 0) {
      Accept(*reinterpret_cast<Listener*>(event.data.u64 & ~kListenerMark));
    } else if ((event.data.u64 & SocketEvents::kMark) != 0) {
      SocketEvents::Take(event);
    } else {
      static_cast<ClientConnection*>(event.data.ptr)->OnEvents(event.events);
    }
  }
  sockets_.SetBatch({});
  SendAll();
}

void IoThread::SendSoon(ClientConnection& connection) {
  to_send_.push_back(&connection);
}

void IoThread::SendAll() {
  if (to_send_.empty()) return;
  sending_.swap(to_send_);  // what goes on after its answer may have another one
  for (std::size_t begin = 0; begin < sending_.size(); begin += SendBatch::kMaxSends) {
    SendTogether(std::span(sending_).subspan(
        begin, std::min(SendBatch::kMaxSends, sending_.size() - begin)));
  }
  for (ClientConnection* const connection : sending_) connection->FinishSend();
  sending_.clear();
}

void IoThread::SendTogether(std::span<ClientConnection* const> connections) {
  if (send_batch_ == nullptr || connections.size() < 2) return;
  for (const ClientConnection* connection : connections) {
    send_batch_->Add(connection->fd_, connection->unsent());
  }
  const std::span<const int> sent = send_batch_->Submit();
  for (std::size_t i = 0; i < sent.size(); ++i) connections[i]->NoteSent(sent[i]);
  if (!send_batch_->healthy()) send_batch_ = nullptr;
}

std::string IoThread::TakeBuffer() {
  if (buffers_.empty()) return {};
  std::string buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void IoThread::GiveBuffer(std::string buffer) {
  if (buffer.capacity() > kKeptBytes || buffers_.size() >= SendBatch::kMaxSends) return;
  buffer.clear();
  buffers_.push_back(std::move(buffer));
}

void IoThread::ResumeAll() {
  std::vector<std::shared_ptr<ClientConnection>> now;
  now.swap(resume_);
  for (const auto& connection : now) connection->Resume();
}

void IoThread::ResumeSoon(std::shared_ptr<ClientConnection> connection) {
  resume_.push_back(std::move(connection));
}

void IoThread::Accept(Listener& listener) {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const int fd = ::accept4(listener.fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno == EAGAIN) return;
      // No descriptor is left: look again at the next tick, instead of at once for ever.
      (void)::epoll_ctl(epoll_fd_, EPOLL_CTL_DEL, listener.fd, nullptr);
      listener.watched = false;
      return;
    }
    shared_.accepted.fetch_add(1, std::memory_order_relaxed);
    if (shared_.connections.load(std::memory_order_relaxed) >= limits_.max_connections) {
      RefuseConnection(fd);
      continue;
    }
    const int on = 1;
    (void)::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const auto connection = std::make_shared<ClientConnection>(*this, fd);
    Add(connection);
    connection->Start();
  }
}

void IoThread::RefuseConnection(int fd) {
  const ParseError error{.status = 503,
                         .code = "too_many_connections",
                         .message = "The server has as many connections as it allows."};
  shared_.sink->OnRefused(error);
  if (!tls_) {  // a handshake for a refusal would cost more than the connection
    const std::string body = ErrorJson(ApiError{.status = error.status,
                                                .type = ErrorTypeOf(error.status),
                                                .code = std::string(error.code),
                                                .message = std::string(error.message)});
    const std::string answer = fmt::format(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\n"
        "content-length: {}\r\nretry-after: 1\r\nconnection: close\r\n\r\n{}",
        body.size(), body);
    (void)SocketStream(fd, nullptr).Write(answer);
    ::shutdown(fd, SHUT_WR);
  }
  ::close(fd);
}

void IoThread::Drain() {
  for (const auto& listener : listeners_) ::close(listener->fd);
  listeners_.clear();
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
  for (const auto& listener : listeners_) {
    if (listener->watched) continue;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = reinterpret_cast<std::uintptr_t>(listener.get()) | kListenerMark;
    listener->watched = ::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, listener->fd, &event) == 0;
  }
  ReadClock();
  for (ClientConnection* connection = first_; connection != nullptr;) {
    ClientConnection* const next = connection->next_;
    connection->CheckTime(now_ms_);
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

void IoThread::Add(const std::shared_ptr<ClientConnection>& connection) {
  connection->self_ = connection;
  connection->next_ = first_;
  if (first_ != nullptr) first_->previous_ = connection.get();
  first_ = connection.get();
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = connection.get();
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, connection->fd_, &event) != 0) connection->Close();
}

void IoThread::Remove(ClientConnection& connection) {
  if (!connection.self_) return;
  (connection.previous_ == nullptr ? first_ : connection.previous_->next_) = connection.next_;
  if (connection.next_ != nullptr) connection.next_->previous_ = connection.previous_;
  connection.next_ = connection.previous_ = nullptr;
  removed_.push_back(std::move(connection.self_));
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace assay::gateway
