// How many servers the Redis tier takes on when one names others that are not there.
#include <array>
#include <atomic>
#include <filesystem>
#include <functional>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/tier_conformance.h"
#include "redis/nodes.h"

namespace assay::cache::testing {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::int64_t kPatienceMs = 30'000;

// Serves any number of connections; what it says to a piece that is neither PING nor CLUSTER SLOTS
// it says once for each command in it.
class ManyServer {
 public:
  using Say = std::function<std::string()>;

  ManyServer(Say to_slots, Say to_command)
      : to_slots_(std::move(to_slots)), to_command_(std::move(to_command)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(::bind(listener_, generic, sizeof(address)), 0);
    EXPECT_EQ(::listen(listener_, 128), 0);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::getsockname(listener_, generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ManyServer(const ManyServer&) = delete;
  ManyServer& operator=(const ManyServer&) = delete;
  ~ManyServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url() const { return fmt::format("redis://127.0.0.1:{}", port_); }

 private:
  void Run() {
    std::vector<pollfd> open = {{listener_, POLLIN, 0}};
    while (::poll(open.data(), open.size(), -1) > 0) {
      if (open[0].revents != 0) {
        const int peer = ::accept(listener_, nullptr, nullptr);
        if (peer < 0) break;
        open.push_back({peer, POLLIN, 0});
      }
      for (std::size_t i = open.size() - 1; i > 0; --i) {
        if (open[i].revents == 0 || Answer(open[i].fd)) continue;
        ::close(open[i].fd);
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    for (std::size_t i = 1; i < open.size(); ++i) ::close(open[i].fd);
  }
  [[nodiscard]] bool Answer(int peer) const {
    std::array<char, 4096> buffer{};
    const ssize_t got = ::recv(peer, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const std::string_view asked(buffer.data(), static_cast<std::size_t>(got));
    std::string said;
    if (asked.contains("PING")) {
      said = "+PONG\r\n";
    } else if (asked.contains("CLUSTER")) {
      said = to_slots_();
    } else {
      for (const char byte : asked) said += byte == '*' ? to_command_() : "";
    }
    return ::send(peer, said.data(), said.size(), MSG_NOSIGNAL) > 0;
  }

  const Say to_slots_, to_command_;
  const int listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::uint16_t port_ = 0;
  std::thread thread_;
};

std::string AllSlotsAt(std::string_view host, int port) {
  return fmt::format("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n${}\r\n{}\r\n:{}\r\n", host.size(), host,
                     port);
}

std::size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

std::unique_ptr<RedisTier> Open(const std::string& url) {
  RedisOptions options;
  options.url = url;
  options.answer_timeout_ms = 200;
  options.connect_timeout_ms = kPatienceMs;
  options.first_backoff_ms = 2;
  options.longest_backoff_ms = 4;
  auto tier = RedisTier::Create(options).value();
  EXPECT_TRUE(tier->WaitUntilUp(kPatienceMs));
  return tier;
}

TEST(RedisNodes, ThatOnlyMovedNamesAreNotBelieved) {
  std::atomic<int> lies{0};
  const ManyServer liar([] { return "*0\r\n"; },
                        [&] { return fmt::format("-MOVED 1 127.1.0.1:{}\r\n", 1000 + ++lies); });
  const auto tier = Open(liar.url());
  const std::size_t before = Threads();
  for (std::uint64_t key = 0; key < 300; ++key) {
    const auto found = tier->Get(KeyOf(key), kNowMs);
    EXPECT_FALSE(found && *found);
  }
  EXPECT_EQ(lies.load(), 300);
  EXPECT_EQ(Threads(), before) << "a client is a thread";
  EXPECT_TRUE(tier->Details().up);
}

// Each answer to CLUSTER SLOTS names a server that is not there, 500 times; then one that is.
TEST(RedisNodes, StayWithinABoundThatMakesRoomForNewOnes) {
  constexpr int kLies = 500;
  std::atomic<int> lies{0};
  const ManyServer honest([] { return "*0\r\n"; }, [] { return "$-1\r\n"; });
  const ManyServer liar(
      [&] {
        return lies.load() < kLies ? AllSlotsAt("127.1.0.1", 1000 + ++lies)
                                   : AllSlotsAt("127.0.0.1", honest.port());
      },
      [&] { return fmt::format("-MOVED 1 127.1.0.1:{}\r\n", 1001 + lies.load()); });
  const std::size_t before = Threads();
  const auto tier = Open(liar.url());
  std::size_t most = 0;
  bool found = false;
  for (int tries = 0; tries < 60'000 && !found; ++tries) {
    found = tier->Get(KeyOf(1), kNowMs).has_value();
    most = std::max(most, Threads());
    ::poll(nullptr, 0, 1);
  }
  EXPECT_TRUE(found) << "the honest server is asked, whatever was named before";
  EXPECT_EQ(lies.load(), kLies);
  EXPECT_LE(most, before + 2 * kMostRedisNodes) << "those that end included";
}

}  // namespace
}  // namespace assay::cache::testing
