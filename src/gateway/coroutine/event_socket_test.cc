#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "coroutine/event_socket_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;
using Direction = EventSocket::Direction;
using boost::system::error_code;

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);

// A socket of ours and the file descriptor of its peer.
struct Pair {
  explicit Pair(SocketEvents& events) {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    ours = std::make_unique<EventSocket>(events, fds[0]);
    peer = fds[1];
  }
  ~Pair() { HangUp(); }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  void Say(std::string_view bytes) const {
    EXPECT_EQ(::send(peer, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  void HangUp() {
    if (peer >= 0) ::close(peer);
    peer = -1;
  }

  std::unique_ptr<EventSocket> ours;
  int peer = -1;
};

class EventSocketTest : public ::testing::Test {
 protected:
  // The coroutine's end is in `ended` once it has come.
  void Wait(EventSocket& socket, Direction direction, std::optional<error_code>& ended,
            asio::cancellation_signal* cancel = nullptr) {
    asio::co_spawn(
        context_,
        [](EventSocket& on, Direction which,
           std::optional<error_code>& result) -> asio::awaitable<void> {
          const auto [error] = co_await on.Wait(which, kAwait);
          result = error;
        }(socket, direction, ended),
        asio::bind_cancellation_slot(
            cancel == nullptr ? asio::cancellation_slot() : cancel->slot(),
            [](const std::exception_ptr& failed) { EXPECT_FALSE(failed); }));
    Poll();
  }
  void Poll() {
    context_.restart();
    context_.poll();
  }
  static std::string Read(EventSocket& socket, error_code& error, std::size_t most = 64) {
    std::string bytes(most, '\0');
    bytes.resize(socket.Read(bytes, error));
    return bytes;
  }

  asio::io_context context_{1};
  SocketEvents& events_ = asio::use_service<SocketEvents>(context_);
  error_code error_;
};

TEST_F(EventSocketTest, AReadWaitsUntilThePeerHasSpoken) {
  const Pair pair(events_);
  EXPECT_EQ(Read(*pair.ours, error_), "");
  EXPECT_EQ(error_, asio::error::would_block);
  std::optional<error_code> ended;
  Wait(*pair.ours, Direction::kRead, ended);
  EXPECT_FALSE(ended);
  pair.Say("hello");
  Poll();
  ASSERT_TRUE(ended);
  EXPECT_FALSE(*ended);
  EXPECT_EQ(Read(*pair.ours, error_), "hello");
  EXPECT_FALSE(error_);
  EXPECT_EQ(Read(*pair.ours, error_), "");
  EXPECT_EQ(error_, asio::error::would_block);
}

TEST_F(EventSocketTest, WhatDoesNotFitIntoOneReadNeedsNoFurtherEvent) {
  const Pair pair(events_);
  std::optional<error_code> ended;
  Wait(*pair.ours, Direction::kRead, ended);
  pair.Say("abcdefgh");
  Poll();
  EXPECT_EQ(Read(*pair.ours, error_, 4), "abcd");
  EXPECT_EQ(Read(*pair.ours, error_, 8), "efgh");
}

TEST_F(EventSocketTest, TheEndOfThePeerIsReadAfterItsLastBytes) {
  Pair pair(events_);
  std::optional<error_code> ended;
  Wait(*pair.ours, Direction::kRead, ended);
  pair.Say("last");
  pair.HangUp();
  Poll();
  ASSERT_TRUE(ended);
  EXPECT_EQ(Read(*pair.ours, error_), "last");
  EXPECT_EQ(Read(*pair.ours, error_), "");
  EXPECT_EQ(error_, asio::error::eof);
  EXPECT_TRUE(pair.ours->stirred());
}

TEST_F(EventSocketTest, AWriteGoesOnWhenThePeerHasRead) {
  const Pair pair(events_);
  Poll();
  std::string text(1 << 20, 'x');
  const std::array<iovec, 2> parts = {iovec{text.data(), 7}, iovec{text.data(), text.size()}};
  std::size_t written = 0;
  while (!error_) written += pair.ours->Write(parts, error_);
  EXPECT_EQ(error_, asio::error::would_block);
  EXPECT_GT(written, 0U);
  std::optional<error_code> ended;
  Wait(*pair.ours, Direction::kWrite, ended);
  EXPECT_FALSE(ended);
  std::string read(written, '\0');
  ASSERT_EQ(::recv(pair.peer, read.data(), read.size(), MSG_WAITALL),
            static_cast<ssize_t>(written));
  Poll();
  ASSERT_TRUE(ended);
  EXPECT_FALSE(*ended);
  EXPECT_GT(pair.ours->Write(parts, error_), 0U);
}

TEST_F(EventSocketTest, AbortEndsTheWaitAndAllThatFollow) {
  const Pair pair(events_);
  std::optional<error_code> ended;
  Wait(*pair.ours, Direction::kRead, ended);
  pair.ours->Abort();
  EXPECT_FALSE(ended) << "soon, not at once: the caller may stand in a list of sockets";
  Poll();
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, asio::error::operation_aborted);
  std::optional<error_code> again;
  Wait(*pair.ours, Direction::kRead, again);
  Poll();
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, asio::error::operation_aborted);
  EXPECT_TRUE(pair.ours->stirred());
}

TEST_F(EventSocketTest, ACancelledCoroutineWaitsNoLonger) {
  const Pair pair(events_);
  std::optional<error_code> ended;
  asio::cancellation_signal cancel;
  Wait(*pair.ours, Direction::kRead, ended, &cancel);
  cancel.emit(asio::cancellation_type::terminal);
  Poll();
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, asio::error::operation_aborted);
}

TEST_F(EventSocketTest, AWaitForWhatIsThereAlreadyEndsAtOnce) {
  const Pair pair(events_);
  std::optional<error_code> first;
  Wait(*pair.ours, Direction::kRead, first);
  pair.Say("x");
  Poll();
  std::optional<error_code> second;  // nothing has been read
  Wait(*pair.ours, Direction::kRead, second);
  ASSERT_TRUE(second);
  EXPECT_FALSE(*second);
}

TEST_F(EventSocketTest, OfManySocketsThoseWithBytesGoOn) {
  std::vector<std::unique_ptr<Pair>> pairs;
  std::vector<std::optional<error_code>> ended(150);  // more than one look takes
  for (std::size_t i = 0; i < ended.size(); ++i) {
    pairs.push_back(std::make_unique<Pair>(events_));
    Wait(*pairs[i]->ours, Direction::kRead, ended[i]);
  }
  for (std::size_t i = 0; i < ended.size(); i += 3) pairs[i]->Say("x");
  Poll();
  for (std::size_t i = 0; i < ended.size(); ++i) EXPECT_EQ(ended[i].has_value(), i % 3 == 0) << i;
}

TEST_F(EventSocketTest, ASocketThatGoesTakesItsEventWithIt) {
  auto first = std::make_unique<Pair>(events_);
  auto second = std::make_unique<Pair>(events_);
  const auto mark = [](const Pair& pair) {
    return reinterpret_cast<std::uintptr_t>(pair.ours.get()) | SocketEvents::kMark;
  };
  std::array<epoll_event, 2> batch{};
  batch[0].data.u64 = mark(*first);
  batch[1].data.u64 = mark(*second);
  events_.SetBatch(batch);
  second.reset();
  events_.SetBatch({});
  // Copies: an epoll_event is packed, so that no reference may be bound to what it holds.
  const std::uint64_t kept = batch[0].data.u64;
  const std::uint64_t gone = batch[1].data.u64;
  EXPECT_EQ(kept, mark(*first));
  EXPECT_EQ(gone, 0U);
}

TEST(SocketEventsTest, WhoWaitsWhenTheContextEndsIsDestroyed) {
  const auto alive = std::make_shared<int>(0);
  auto context = std::make_unique<asio::io_context>(1);
  auto pair = std::make_unique<Pair>(asio::use_service<SocketEvents>(*context));
  const int peer = std::exchange(pair->peer, -1);
  asio::co_spawn(
      *context,
      [](std::unique_ptr<Pair> own, std::shared_ptr<int> held) -> asio::awaitable<void> {
        (void)co_await own->ours->Wait(Direction::kRead, kAwait);
        ++*held;
      }(std::move(pair), alive),
      [](const std::exception_ptr&) {});
  context->poll();
  EXPECT_EQ(alive.use_count(), 2);
  context.reset();
  EXPECT_EQ(alive.use_count(), 1);
  EXPECT_EQ(*alive, 0);
  EXPECT_EQ(::close(peer), 0);
}

TEST(SocketEventsTest, AnEpollOfItsOwnersIsLeftToThem) {
  asio::io_context context(1);
  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  auto& events = asio::make_service<SocketEvents>(context, epoll);
  {
    const Pair pair(events);
    pair.Say("x");
    epoll_event event{};
    ASSERT_EQ(::epoll_wait(epoll, &event, 1, 0), 1);
    ASSERT_NE(event.data.u64 & SocketEvents::kMark, 0U);
    SocketEvents::Take(event);
    std::array<char, 4> bytes{};
    error_code error;
    EXPECT_EQ(pair.ours->Read(bytes, error), 1U);
  }
  epoll_event event{};
  EXPECT_EQ(::epoll_wait(epoll, &event, 1, 0), 0) << "its socket has gone";
  ::close(epoll);
}

}  // namespace
}  // namespace assay::gateway
