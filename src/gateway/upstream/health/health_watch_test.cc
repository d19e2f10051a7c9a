#include "upstream/health/health_watch.h"

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_clock.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

class NoProvider final : public Provider {
 public:
  asio::awaitable<Result<UpstreamReply>> Send(const UpstreamRequest&, std::string_view,
                                              ChunkSink*) override {
    co_return Fail(Code::kUnavailable, "nobody asks it");
  }
  [[nodiscard]] std::string_view name() const override { return "none"; }
};

// A port of this machine that refuses until it listens.
class Port {
 public:
  Port() : descriptor_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(descriptor_, generic, size), 0);
    EXPECT_EQ(::getsockname(descriptor_, generic, &size), 0);
    number_ = ntohs(address.sin_port);
  }
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;
  ~Port() { Close(); }
  void Listen() const { EXPECT_EQ(::listen(descriptor_, 64), 0); }
  void Close() {
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
  }
  [[nodiscard]] std::string url() const { return fmt::format("http://127.0.0.1:{}/v1", number_); }

 private:
  int descriptor_;
  int number_ = 0;
};

class HealthWatchTest : public ::testing::Test {
 protected:
  WatchedUpstream Watched(const std::string& name, const std::string& url) {
    return {.name = name,
            .url = url,
            .settings = {.interval_ms = 100, .timeout_ms = 5'000, .down_after = 2},
            .upstream = std::make_shared<Upstream>(std::make_unique<NoProvider>(), LimiterOptions{},
                                                   BreakerOptions{}, clock_)};
  }
  HealthWatch::Note Notes() {
    return [this](std::string_view name, bool up) {
      notes_.push_back(fmt::format("{} {}", name, up ? "up" : "down"));
    };
  }
  void LookAgain(HealthWatch& watch) {
    clock_.Advance(100 * kNsPerMs);
    EXPECT_EQ(watch.LookAtDue(), clock_.monotonic_ns() + 100 * kNsPerMs);
  }

  testing::FakeClock clock_;
  std::vector<std::string> notes_;
};

TEST_F(HealthWatchTest, AnUpstreamThatCannotBeReachedGetsNoCallsUntilItIs) {
  const Port port;
  const WatchedUpstream watched = Watched("a", port.url());
  HealthWatch watch(Notes(), clock_);
  watch.Update({watched}, false);
  EXPECT_TRUE(watched.upstream->Look(0).usable) << "nothing is known of it yet";
  LookAgain(watch);
  EXPECT_EQ(notes_, std::vector<std::string>{"a down"}) << "the first look is enough";
  const Upstream::Outlook outlook = watched.upstream->Look(0);
  EXPECT_FALSE(outlook.usable);
  EXPECT_TRUE(outlook.breaker_open);
  EXPECT_EQ(outlook.wait_ns, 100 * kNsPerMs) << "until the next look";
  EXPECT_EQ(watched.upstream->Admit(0).permit, CircuitBreaker::kRefused);
  EXPECT_FALSE(watched.upstream->Stats().reachable);
  EXPECT_EQ(watched.upstream->Stats().refused, 1U);
  port.Listen();
  LookAgain(watch);
  EXPECT_TRUE(watched.upstream->Look(0).usable);
  EXPECT_NE(watched.upstream->Admit(0).permit, CircuitBreaker::kRefused);
  EXPECT_EQ(notes_, (std::vector<std::string>{"a down", "a up"}));
}

TEST_F(HealthWatchTest, AnUpstreamThatWasThereIsDownAfterAsManyLooksAsSet) {
  Port port;
  port.Listen();
  const WatchedUpstream watched = Watched("a", port.url());
  HealthWatch watch(Notes(), clock_);
  watch.Update({watched}, false);
  LookAgain(watch);
  port.Close();
  LookAgain(watch);
  EXPECT_TRUE(watched.upstream->Look(0).usable) << "one look may be bad luck";
  LookAgain(watch);
  EXPECT_FALSE(watched.upstream->Look(0).usable);
  EXPECT_EQ(notes_, std::vector<std::string>{"a down"});
}

TEST_F(HealthWatchTest, LooksOnlyWhereItIsAskedToAndOnlyWhenItIsDue) {
  const Port port;
  WatchedUpstream never = Watched("never", port.url());
  never.settings.interval_ms = 0;
  WatchedUpstream rarely = Watched("rarely", port.url());
  rarely.settings.interval_ms = 1'000;
  HealthWatch watch(Notes(), clock_);
  watch.Update({never}, false);
  EXPECT_EQ(watch.LookAtDue(), INT64_MAX);
  watch.Update({never, rarely}, false);
  EXPECT_EQ(watch.LookAtDue(), clock_.monotonic_ns() + 1'000 * kNsPerMs);
  EXPECT_TRUE(never.upstream->Look(0).usable);
  EXPECT_FALSE(rarely.upstream->Look(0).usable);
  port.Listen();
  clock_.Advance(999 * kNsPerMs);
  EXPECT_EQ(watch.LookAtDue(), clock_.monotonic_ns() + kNsPerMs);
  EXPECT_FALSE(rarely.upstream->Look(0).usable);
  clock_.Advance(kNsPerMs);
  EXPECT_EQ(watch.LookAtDue(), clock_.monotonic_ns() + 1'000 * kNsPerMs);
  EXPECT_TRUE(rarely.upstream->Look(0).usable);
}

TEST_F(HealthWatchTest, NewSettingsKeepWhatIsKnownAndLiftWhatIsNotWatchedAnyMore) {
  const Port port;
  const WatchedUpstream before = Watched("a", port.url());
  HealthWatch watch(Notes(), clock_);
  watch.Update({before}, false);
  LookAgain(watch);
  WatchedUpstream after = Watched("a", port.url());
  watch.Update({after}, false);
  EXPECT_FALSE(after.upstream->Look(0).usable) << "the same upstream with new connections";
  after.settings.interval_ms = 0;
  watch.Update({after}, false);
  EXPECT_TRUE(after.upstream->Look(0).usable);
  EXPECT_EQ(watch.LookAtDue(), INT64_MAX);
}

TEST_F(HealthWatchTest, AHostWithoutAnAddressIsDown) {
  const WatchedUpstream watched = Watched("a", "http://no-such-host.invalid:8000/v1");
  HealthWatch watch(Notes(), clock_);
  watch.Update({watched}, false);
  LookAgain(watch);
  EXPECT_FALSE(watched.upstream->Look(0).usable);
}

TEST(HealthWatchThread, LooksByItselfAndEndsWhenItIsToldTo) {
  const Port port;
  auto upstream = std::make_shared<Upstream>(std::make_unique<NoProvider>(), LimiterOptions{},
                                             BreakerOptions{});
  std::promise<void> down;
  std::promise<void> up;
  HealthWatch watch([&](std::string_view, bool reached) { (reached ? up : down).set_value(); });
  watch.Update({{.name = "a",
                 .url = port.url(),
                 .settings = {.interval_ms = 5, .timeout_ms = 5'000, .down_after = 2},
                 .upstream = upstream}});
  down.get_future().wait();
  EXPECT_FALSE(upstream->Stats().reachable);
  port.Listen();
  up.get_future().wait();
  EXPECT_TRUE(upstream->Stats().reachable);
}

}  // namespace
}  // namespace assay::gateway
