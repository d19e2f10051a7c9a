#include "assay/scan/scanner.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace assay::scan {
namespace {

// A listener on a free port of 127.0.0.1 or ::1.
class Listener {
 public:
  explicit Listener(int family = AF_INET, int backlog = 16)
      : descriptor_(::socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0)) {
    sockaddr_storage address{};
    socklen_t size = sizeof(sockaddr_in);
    if (family == AF_INET) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(address);
      v4.sin_family = AF_INET;
      v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(address);
      v6.sin6_family = AF_INET6;
      v6.sin6_addr = in6addr_loopback;
      size = sizeof(v6);
    }
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    there_ = ::bind(descriptor_, generic, size) == 0 && ::listen(descriptor_, backlog) == 0 &&
             ::getsockname(descriptor_, generic, &size) == 0;
    port_ = ntohs(family == AF_INET ? reinterpret_cast<sockaddr_in&>(address).sin_port
                                    : reinterpret_cast<sockaddr_in6&>(address).sin6_port);
  }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener() { ::close(descriptor_); }
  // Takes what has connected, as a server would.
  void TakeAll() const {
    while (true) {
      const int client = ::accept4(descriptor_, nullptr, nullptr, 0);
      if (client < 0) return;
      ::close(client);
    }
  }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] bool there() const { return there_; }

 private:
  int descriptor_;
  std::uint16_t port_ = 0;
  bool there_ = false;
};

std::vector<std::uint16_t> PortsOf(const ScanReport& report) {
  std::vector<std::uint16_t> ports;
  for (const OpenPort& one : report.open) ports.push_back(one.port);
  return ports;
}

// 1,000 ports that hold those of the listeners, in order.
std::vector<std::uint16_t> PortsAround(const std::vector<std::uint16_t>& wanted) {
  std::set<std::uint16_t> ports(wanted.begin(), wanted.end());
  for (std::uint16_t port = 20'000; ports.size() < 1'000; ++port) ports.insert(port);
  return {ports.begin(), ports.end()};
}

TEST(Scanner, FindsEveryListenerAmongAThousandPortsEachTime) {
  std::vector<Listener> listeners(20);
  std::vector<std::uint16_t> wanted;
  for (const Listener& one : listeners) wanted.push_back(one.port());
  std::ranges::sort(wanted);
  const auto targets = TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = PortsAround(wanted)});
  ASSERT_TRUE(targets);
  for (int run = 0; run < 100; ++run) {
    const auto report = Scan(*targets);
    ASSERT_TRUE(report) << report.error().message;
    const std::vector<std::uint16_t> found = PortsOf(*report);
    // Others on this machine may listen there too.
    ASSERT_TRUE(std::ranges::includes(found, wanted)) << "run " << run;
    ASSERT_EQ(report->open.size() + report->refused + report->silent + report->unreachable, 1'000U);
    for (const Listener& one : listeners) one.TakeAll();
  }
}

TEST(Scanner, ReachesIPv6) {
  const Listener listener(AF_INET6);
  if (!listener.there()) GTEST_SKIP() << "this machine has no ::1";
  const auto targets = TargetSet::Create({.hosts = {"::1"}, .ports = {listener.port()}});
  const auto report = Scan(*targets);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->open.size(), 1U);
  EXPECT_EQ(report->open[0].address.Text(), "::1");
  EXPECT_GT(report->open[0].connect_ns, 0);
}

TEST(Scanner, TriesASilentPortAgainAndThenGivesUp) {
  // A listener whose queue is full drops further connections without a word.
  const Listener listener(AF_INET, 0);
  std::vector<int> clients;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(listener.port());
  for (int i = 0; i < 4; ++i) {
    clients.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    (void)::connect(clients.back(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
  }
  const auto targets = TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = {listener.port()}});
  const auto report = Scan(*targets, {.timeout_ms = 20, .retries = 2});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->silent, 1U);
  EXPECT_EQ(report->tries, 3U);
  for (const int client : clients) ::close(client);
}

TEST(Scanner, KeepsToTheDescriptorsThereAre) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const Listener listener;
  const int highest = ::dup(0);
  ::close(highest);
  rlimit few = before;
  few.rlim_cur = static_cast<rlim_t>(highest) + 6;  // the epoll, and a few sockets
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  const auto targets =
      TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = PortsAround({listener.port()})});
  const auto report = Scan(*targets);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(std::ranges::count(PortsOf(*report), listener.port()) == 1);
}

TEST(Scanner, KeepsToTheRate) {
  const auto targets = TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = PortsAround({})});
  const auto begin = std::chrono::steady_clock::now();
  const auto report = Scan(*targets, {.per_second = 10'000});
  const auto took = std::chrono::steady_clock::now() - begin;
  ASSERT_TRUE(report);
  EXPECT_GE(took, std::chrono::milliseconds(99)) << "a thousand tries at 10,000 a second";
  EXPECT_EQ(report->open.size() + report->refused, 1'000U);
}

TEST(Scanner, TellsHowFarItIsAndRefusesBadOptions) {
  const auto targets = TargetSet::Create({.hosts = {"127.0.0.1"}, .ports = PortsAround({})});
  std::uint64_t last = 0;
  const auto report = Scan(*targets, {}, [&](std::uint64_t done, std::uint64_t of) {
    EXPECT_GE(done, last);
    EXPECT_EQ(of, 1'000U);
    last = done;
  });
  ASSERT_TRUE(report);
  EXPECT_EQ(last, 1'000U);
  EXPECT_EQ(Scan(*targets, {.timeout_ms = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Scan(*targets, {.retries = 11}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Scan(*targets, {.in_flight = 0}).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::scan
