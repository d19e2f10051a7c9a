// Connected sockets that coroutines read and write, watched edge-triggered by one epoll: a wait
// costs no system call of its own, and a read asks the kernel only when bytes are there. Asio's
// sockets try each read at once, which for an answer that is yet to come is a call in vain.
// Room: gateway (private).  Threads: everything, destruction included, on the io_context's thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/system/error_code.hpp>
#include <sys/epoll.h>
#include <sys/uio.h>

namespace assay::gateway {

class EventSocket;

// The event sockets of one io_context.
class SocketEvents final : public boost::asio::execution_context::service {
 public:
  using key_type = SocketEvents;
  static boost::asio::execution_context::id id;

  // Watches by an epoll of its own, which Asio's watches while a coroutine waits.
  explicit SocketEvents(boost::asio::execution_context& context);
  // Watches by `epoll_fd`, whose owner gives the events to Take.
  SocketEvents(boost::asio::execution_context& context, int epoll_fd);

  // In `data.u64` of an event that is for Take.
  static constexpr std::uint64_t kMark = 2;
  // Tells the socket of `event`; the coroutine that waited for it runs until it waits again.
  static void Take(const epoll_event& event);
  // The events that the owner of the epoll is going through: a socket that goes meanwhile makes
  // the `data` of its own 0. Empty when it has done so.
  void SetBatch(std::span<epoll_event> batch) { batch_ = batch; }

 private:
  friend class EventSocket;
  SocketEvents(boost::asio::execution_context& context, int epoll_fd, bool own);
  void shutdown() override;
  void Add(EventSocket& socket);
  void Remove(EventSocket& socket);
  void NoteWait();
  void WatchByAsio();
  void TakeAll();
  void EndSoon(EventSocket& socket);

  boost::asio::io_context& context_;
  int epoll_fd_;
  boost::asio::posix::stream_descriptor nested_;  // open: epoll_fd_ is its own
  bool watched_by_asio_ = false;
  std::size_t waiting_ = 0;
  std::span<epoll_event> batch_;
  std::vector<EventSocket*> to_end_;
  EventSocket* first_ = nullptr;  // of a doubly linked list
};

class EventSocket {
 public:
  // Takes over a connected socket that does not block.
  EventSocket(SocketEvents& events, int fd);
  ~EventSocket();
  EventSocket(const EventSocket&) = delete;
  EventSocket& operator=(const EventSocket&) = delete;

  enum class Direction : std::uint8_t { kRead, kWrite };

  // Moves what can be moved now: at least one byte, or 0 with an error, which is
  // asio::error::would_block when Wait is needed first and asio::error::eof when the peer has
  // ended.
  std::size_t Read(std::span<char> into, boost::system::error_code& error);
  std::size_t Write(std::span<const iovec> parts, boost::system::error_code& error);

  // Completes when Read or Write may move something. One wait at a time. Ended by Abort and by the
  // cancellation of the coroutine, with asio::error::operation_aborted.
  template <typename Token>
  auto Wait(Direction direction, Token&& token) {
    return boost::asio::async_initiate<Token, void(boost::system::error_code)>(
        [this, direction](auto handler) {
          StartWait(direction, std::make_unique<WaiterOf<std::decay_t<decltype(handler)>>>(
                                   *this, std::move(handler)));
        },
        token);
  }
  // Ends the wait, soon and not at once, and all that follow.
  void Abort();

  // Between two answers: the peer has ended, or has sent what nobody asked for.
  [[nodiscard]] bool stirred() const { return readable_ || aborted_; }

 private:
  friend class SocketEvents;

  struct Waiter {
    virtual ~Waiter() = default;
    virtual void Complete(boost::system::error_code error) = 0;
  };
  template <typename Handler>
  struct WaiterOf final : Waiter {
    WaiterOf(EventSocket& socket, Handler of) : handler(std::move(of)) {
      auto slot = boost::asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected()) {
        slot.assign([&socket](boost::asio::cancellation_type) { socket.Abort(); });
      }
    }
    void Complete(boost::system::error_code error) override {
      auto slot = boost::asio::get_associated_cancellation_slot(handler);
      if (slot.is_connected()) slot.clear();
      std::move(handler)(error);
    }
    Handler handler;
  };

  void StartWait(Direction direction, std::unique_ptr<Waiter> waiter);
  void EndWait(boost::system::error_code error);
  void OnEvents(std::uint32_t events);
  [[nodiscard]] bool ready() const {
    return direction_ == Direction::kRead ? readable_ : writable_;
  }

  SocketEvents& events_;
  int fd_;
  bool readable_ = false;
  bool writable_ = true;
  bool ended_ = false;  // by the peer: stays readable
  bool aborted_ = false;
  Direction direction_ = Direction::kRead;
  std::unique_ptr<Waiter> waiter_;  // null: nobody waits
  EventSocket* next_ = nullptr;
  EventSocket* previous_ = nullptr;
};

}  // namespace assay::gateway
