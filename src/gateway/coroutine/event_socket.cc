#include <algorithm>
#include <array>
#include <cerrno>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/core/check.h"

#include "coroutine/event_socket_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kEvents = 64;  // of one look

boost::system::error_code LastError() {
  if (errno == EAGAIN || errno == EWOULDBLOCK) return asio::error::would_block;
  return {errno, boost::system::system_category()};
}

}  // namespace

// --- SocketEvents
// ----------------------------------------------------------------------------------------------------

asio::execution_context::id SocketEvents::id;

SocketEvents::SocketEvents(asio::execution_context& context)
    : SocketEvents(context, ::epoll_create1(EPOLL_CLOEXEC), true) {}

SocketEvents::SocketEvents(asio::execution_context& context, int epoll_fd)
    : SocketEvents(context, epoll_fd, false) {}

SocketEvents::SocketEvents(asio::execution_context& context, int epoll_fd, bool own)
    : service(context),
      context_(static_cast<asio::io_context&>(context)),
      epoll_fd_(epoll_fd),
      nested_(context_) {
  ASSAY_CHECK(epoll_fd_ >= 0);
  if (own) nested_.assign(epoll_fd_);
}

void SocketEvents::shutdown() {
  // Who waits holds the socket, and the socket's waiter holds who waits.
  for (EventSocket* socket = first_; socket != nullptr;) {
    if (socket->waiter_ == nullptr) {
      socket = socket->next_;
      continue;
    }
    const std::unique_ptr<EventSocket::Waiter> waiter = std::move(socket->waiter_);
    socket = first_;  // any may go with the waiter
  }
  boost::system::error_code ignored;
  nested_.close(ignored);
}

void SocketEvents::Take(const epoll_event& event) {
  reinterpret_cast<EventSocket*>(event.data.u64 & ~kMark)->OnEvents(event.events);
}

void SocketEvents::Add(EventSocket& socket) {
  socket.next_ = first_;
  if (first_ != nullptr) first_->previous_ = &socket;
  first_ = &socket;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.u64 = reinterpret_cast<std::uintptr_t>(&socket) | kMark;
  // No memory for one more: as a connection that breaks.
  if (::epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, socket.fd_, &event) != 0) socket.aborted_ = true;
}

void SocketEvents::Remove(EventSocket& socket) {
  (socket.previous_ == nullptr ? first_ : socket.previous_->next_) = socket.next_;
  if (socket.next_ != nullptr) socket.next_->previous_ = socket.previous_;
  std::erase(to_end_, &socket);
  for (epoll_event& event : batch_) {
    if (event.data.u64 == (reinterpret_cast<std::uintptr_t>(&socket) | kMark)) event.data.u64 = 0;
  }
}

void SocketEvents::NoteWait() {
  ++waiting_;
  if (nested_.is_open()) WatchByAsio();
}

void SocketEvents::WatchByAsio() {
  if (watched_by_asio_) return;
  watched_by_asio_ = true;
  nested_.async_wait(asio::posix::stream_descriptor::wait_read,
                     [this](const boost::system::error_code& error) {
                       watched_by_asio_ = false;
                       if (error) return;
                       TakeAll();
                       if (waiting_ > 0) WatchByAsio();
                     });
}

void SocketEvents::TakeAll() {
  std::array<epoll_event, kEvents> events;
  const int count = ::epoll_wait(epoll_fd_, events.data(), kEvents, 0);
  const std::span<epoll_event> batch(events.data(), static_cast<std::size_t>(std::max(count, 0)));
  SetBatch(batch);
  for (const epoll_event& event : batch) {
    if (event.data.u64 != 0) Take(event);
  }
  SetBatch({});
}

void SocketEvents::EndSoon(EventSocket& socket) {
  to_end_.push_back(&socket);
  if (to_end_.size() > 1) return;  // told already
  asio::post(context_, [this] {
    while (!to_end_.empty()) {
      EventSocket& next = *to_end_.back();
      to_end_.pop_back();
      if (next.waiter_ == nullptr) continue;
      next.EndWait(next.aborted_ ? asio::error::make_error_code(asio::error::operation_aborted)
                                 : boost::system::error_code());
    }
  });
}

// --- EventSocket
// ----------------------------------------------------------------------------------------------------

EventSocket::EventSocket(SocketEvents& events, int fd) : events_(events), fd_(fd) {
  events_.Add(*this);
}

EventSocket::~EventSocket() {
  events_.Remove(*this);
  ::close(fd_);
}

std::size_t EventSocket::Read(std::span<char> into, boost::system::error_code& error) {
  error = asio::error::would_block;
  if (!readable_) return 0;
  const ssize_t count = ::recv(fd_, into.data(), into.size(), 0);
  // A full buffer may leave some; otherwise what comes next has an event of its own.
  readable_ = ended_ || count == static_cast<ssize_t>(into.size());
  if (count > 0) {
    error = {};
    return static_cast<std::size_t>(count);
  }
  error = count == 0 ? asio::error::make_error_code(asio::error::eof) : LastError();
  return 0;
}

std::size_t EventSocket::Write(std::span<const iovec> parts, boost::system::error_code& error) {
  ssize_t count = 0;
  if (parts.size() == 1) {
    count = ::send(fd_, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
  } else {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts.data());
    message.msg_iovlen = parts.size();
    count = ::sendmsg(fd_, &message, MSG_NOSIGNAL);
  }
  writable_ = count >= 0;
  error = writable_ ? boost::system::error_code() : LastError();
  return writable_ ? static_cast<std::size_t>(count) : 0;
}

void EventSocket::Abort() {
  if (aborted_) return;
  aborted_ = true;
  events_.EndSoon(*this);
}

void EventSocket::StartWait(Direction direction, std::unique_ptr<Waiter> waiter) {
  ASSAY_CHECK(waiter_ == nullptr);
  direction_ = direction;
  waiter_ = std::move(waiter);
  events_.NoteWait();
  // Who waits must not go on before it does.
  if (aborted_ || ready()) events_.EndSoon(*this);
}

void EventSocket::EndWait(boost::system::error_code error) {
  --events_.waiting_;
  const std::unique_ptr<Waiter> waiter = std::move(waiter_);
  waiter->Complete(error);  // the socket may be gone
}

void EventSocket::OnEvents(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) ended_ = true;
  if (ended_ || (events & EPOLLIN) != 0) readable_ = true;
  if (ended_ || (events & EPOLLOUT) != 0) writable_ = true;
  if (waiter_ != nullptr && ready()) EndWait({});
}

}  // namespace assay::gateway
