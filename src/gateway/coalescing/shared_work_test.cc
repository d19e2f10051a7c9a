#include "coalescing/shared_work.h"

#include <memory>
#include <optional>
#include <string>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

namespace assay::gateway {
namespace {

namespace asio = boost::asio;
using Work = SharedWork<std::string>;

constexpr core::Hash128 kKey{1, 2};

// Waits for its own or another's work; the work itself waits until the test says how it ends.
struct Worker {
  asio::cancellation_signal cancel;
  std::shared_ptr<Signal> go;
  std::string end;
  std::optional<bool> led;
  std::optional<std::string> found;  // "-" where who did the work left

  asio::awaitable<void> Run(Work& work, core::Hash128 key) {
    const auto executor = co_await asio::this_coro::executor;
    const auto waiter = std::make_shared<HandOver<Work::Found>>(executor);
    Work::Seat seat(work, key, waiter);
    led = seat.leads();
    if (!seat.leads()) {
      const Work::Found shared = co_await waiter->Take();
      found = shared ? *shared : "-";
      co_return;
    }
    go = std::make_shared<Signal>(executor);
    co_await go->Wait();
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) co_return;
    seat.End(std::make_shared<const std::string>(end));
    found = end;
  }
};

class SharedWorkTest : public ::testing::Test {
 protected:
  std::unique_ptr<Worker> Start(core::Hash128 key = kKey) {
    auto worker = std::make_unique<Worker>();
    asio::co_spawn(
        context_, worker->Run(work_, key),
        asio::bind_cancellation_slot(worker->cancel.slot(), [](const std::exception_ptr&) {}));
    Poll();
    return worker;
  }
  void Poll() {
    context_.restart();
    context_.poll();
  }

  Work work_;
  asio::io_context context_{1};
};

TEST_F(SharedWorkTest, TheFirstWorksForAll) {
  const auto first = Start();
  const auto second = Start();
  const auto third = Start();
  const auto other = Start({3, 4});
  EXPECT_EQ(first->led, true);
  EXPECT_EQ(second->led, false);
  EXPECT_EQ(third->led, false);
  EXPECT_EQ(other->led, true) << "another work";
  EXPECT_FALSE(second->found);
  first->end = "done";
  first->go->Set();
  Poll();
  EXPECT_EQ(second->found, "done");
  EXPECT_EQ(third->found, "done");
  EXPECT_FALSE(other->found);
  const auto later = Start();
  EXPECT_EQ(later->led, true);
}

TEST_F(SharedWorkTest, WhoWaitsIsToldWhenTheFirstLeaves) {
  const auto first = Start();
  const auto second = Start();
  first->cancel.emit(asio::cancellation_type::terminal);
  Poll();
  EXPECT_EQ(second->found, "-");
  EXPECT_EQ(Start()->led, true);
}

TEST_F(SharedWorkTest, WhoLeavesIsForgotten) {
  const auto first = Start();
  const auto second = Start();
  const auto third = Start();
  second->cancel.emit(asio::cancellation_type::terminal);
  Poll();
  first->end = "done";
  first->go->Set();
  Poll();
  EXPECT_EQ(third->found, "done");
  EXPECT_EQ(second->found, "-") << "nothing, since it left before the end";
}

}  // namespace
}  // namespace assay::gateway
