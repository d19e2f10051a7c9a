// How a coroutine of an I/O thread waits for what others do.
// Threads: as each says.
#pragma once
#include <memory>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace assay::gateway {

// A flag that one coroutine waits for. Everything, destruction included, on the coroutine's thread.
class Signal {
 public:
  explicit Signal(const boost::asio::any_io_executor& executor)
      : timer_(executor, boost::asio::steady_timer::time_point::max()) {}

  void Set() {
    set_ = true;
    timer_.cancel();
  }
  // Returns once it is set, or when the coroutine is cancelled.
  boost::asio::awaitable<void> Wait() {
    while (!set_) {
      (void)co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      const auto state = co_await boost::asio::this_coro::cancellation_state;
      if (state.cancelled() != boost::asio::cancellation_type::none) co_return;
    }
  }

 private:
  boost::asio::steady_timer timer_;
  bool set_ = false;
};

// A value that any thread gives, once, to a coroutine that waits for it.
template <typename T>
class HandOver {
 public:
  explicit HandOver(const boost::asio::any_io_executor& executor)
      : executor_(executor), given_(executor) {}

  // Any thread, which thereby gives away its share of `to`: what is in it is destroyed on the
  // coroutine's thread.
  static void Give(std::shared_ptr<HandOver> to, T value) {
    const boost::asio::any_io_executor executor = to->executor_;
    boost::asio::post(executor, [to = std::move(to), value = std::move(value)]() mutable {
      to->value_ = std::move(value);
      to->given_.Set();
    });
  }
  // On the coroutine's thread, once. `T()` when the coroutine is cancelled first.
  boost::asio::awaitable<T> Take() {
    co_await given_.Wait();
    co_return std::move(value_);
  }

 private:
  boost::asio::any_io_executor executor_;
  Signal given_;
  T value_{};
};

}  // namespace assay::gateway
