#include "assay/core/shared/channel.h"

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/core/clock.h"

#include "shared/region_internal.h"

namespace assay::core {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr nanoseconds kPatience = seconds(60);

std::string FreshName() {
  static std::atomic<int> next = 0;
  return fmt::format("test-{}-{}", ::getpid(), next++);
}

template <typename Condition>
bool Eventually(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    if (condition()) return true;
    std::this_thread::yield();
  }
  return false;
}

void Echo(std::string_view request, SharedReply& reply) {
  const auto room = reply.Reserve(request.size());
  if (room) request.copy(room->data(), request.size());
}

// A server that echoes, and the threads it does so on.
class EchoServer {
 public:
  explicit EchoServer(const std::string& name, SharedChannelOptions options = {}, int workers = 1)
      : server_(*SharedServer::Create(name, options)) {
    for (int i = 0; i < workers; ++i) {
      workers_.emplace_back([this] { server_.Serve(Echo); });
    }
  }
  ~EchoServer() {
    server_.Stop();
    for (std::thread& worker : workers_) worker.join();
  }
  SharedServer& operator*() { return server_; }

 private:
  SharedServer server_;
  std::vector<std::thread> workers_;
};

Result<void> Send(SharedClient& client, std::string_view text) {
  ASSAY_ASSIGN(const std::span<char> room, client.Begin(text.size(), kPatience));
  text.copy(room.data(), text.size());
  client.Send();
  return {};
}

Result<std::string> Ask(SharedClient& client, std::string_view text) {
  ASSAY_TRY(Send(client, text));
  ASSAY_ASSIGN(const std::string_view reply, client.Receive(kPatience));
  return std::string(reply);
}

TEST(SharedChannel, AnswersRequestsOfAllSizesInOrder) {
  const std::string name = FreshName();
  EchoServer server(name, {.lanes = 1, .ring_bytes = 1U << 12});
  auto client = SharedClient::Connect(name);
  ASSERT_TRUE(client) << client.error().message;
  SeededRng random(7);
  std::vector<std::string> sent;
  for (int round = 0; round < 2'000; ++round) {
    sent.clear();
    const std::uint64_t batch = 1 + random.Below(3);
    for (std::uint64_t i = 0; i < batch; ++i) {
      sent.emplace_back(random.Below(client->max_bytes() / batch / 2), static_cast<char>('a' + i));
      ASSERT_TRUE(Send(*client, sent.back()));
    }
    for (const std::string& text : sent) {
      const auto reply = client->Receive(kPatience);
      ASSERT_TRUE(reply) << reply.error().message;
      ASSERT_EQ(*reply, text);
    }
    EXPECT_EQ(client->pending(), 0U);
  }
}

TEST(SharedChannel, TakesTheLargestFrameAndRefusesALargerOne) {
  const std::string name = FreshName();
  EchoServer server(name, {.lanes = 1, .ring_bytes = 1U << 12});
  auto client = SharedClient::Connect(name);
  ASSERT_TRUE(client);
  const std::string largest(client->max_bytes(), 'x');
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Ask(*client, largest).value_or(""), largest);
  const auto larger = client->Begin(client->max_bytes() + 1, kPatience);
  ASSERT_FALSE(larger);
  EXPECT_EQ(larger.error().code, Code::kOutOfRange);
  EXPECT_EQ(client->Receive(kPatience).error().code, Code::kFailedPrecondition);
}

TEST(SharedChannel, GivesEachOfManyClientsItsOwnReplies) {
  const std::string name = FreshName();
  EchoServer server(name, {.lanes = 4, .ring_bytes = 1U << 13}, 2);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> clients;
  for (int c = 0; c < 4; ++c) {
    clients.emplace_back([&, c] {
      auto client = SharedClient::Connect(name);
      if (!client) {
        ++wrong;
        return;
      }
      for (int i = 0; i < 500; ++i) {
        const std::string text = fmt::format("client {} request {}", c, i);
        if (Ask(*client, text) != text) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ((*server).stats().requests, 2'000U);
}

TEST(SharedChannel, GivesALaneToTheNextClientWhenOneCloses) {
  const std::string name = FreshName();
  EchoServer server(name, {.lanes = 1, .ring_bytes = 1U << 12});
  {
    auto first = SharedClient::Connect(name);
    ASSERT_TRUE(first);
    EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kResourceExhausted);
    ASSERT_TRUE(Send(*first, "an answer that nobody reads"));
  }
  std::optional<SharedClient> second;
  ASSERT_TRUE(Eventually([&] {
    auto client = SharedClient::Connect(name);
    if (client) second.emplace(*std::move(client));
    return second.has_value();
  }));
  EXPECT_EQ(Ask(*second, "hello").value_or(""), "hello");
  EXPECT_EQ((*server).stats().lost, 0U);
}

TEST(SharedChannel, RefusesBadNamesOptionsAndASecondServer) {
  EXPECT_EQ(SharedServer::Create("a/b").error().code, Code::kInvalidArgument);
  EXPECT_EQ(SharedServer::Create("").error().code, Code::kInvalidArgument);
  const std::string name = FreshName();
  EXPECT_EQ(SharedServer::Create(name, {.lanes = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SharedServer::Create(name, {.ring_bytes = 5000}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kNotFound);
  const auto server = SharedServer::Create(name);
  ASSERT_TRUE(server) << server.error().message;
  EXPECT_EQ(SharedServer::Create(name).error().code, Code::kAlreadyExists);
}

TEST(SharedChannel, RefusesARegionOfAnotherVersionOrSize) {
  const std::string name = FreshName();
  const auto region = internal::Region::Create(name, {.lanes = 1, .ring_bytes = 1U << 12});
  ASSERT_TRUE(region);
  (*region)->head().magic ^= 1U << 8;
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kFailedPrecondition);
  (*region)->head().magic ^= 1U << 8;
  (*region)->head().lanes = 2;
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kFailedPrecondition);
  (*region)->RemoveName();
}

TEST(SharedChannel, TellsAWaitingClientWhenTheServerEnds) {
  const std::string name = FreshName();
  std::optional<SharedServer> server = *SharedServer::Create(name);
  auto client = SharedClient::Connect(name);
  ASSERT_TRUE(client);
  ASSERT_TRUE(Send(*client, "nobody serves"));
  EXPECT_EQ(client->Receive(std::chrono::milliseconds(1)).error().code, Code::kDeadlineExceeded);
  std::thread end([&] { server.reset(); });
  EXPECT_EQ(client->Receive(kPatience).error().code, Code::kUnavailable);
  end.join();
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kNotFound);
}

// Runs `body` in a child until it is killed; returns when it has called ready().
template <typename Body>
pid_t Spawn(const Body& body) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    body([&] { static_cast<void>(::write(pipe[1], "r", 1) == 1); });
    ::_exit(0);
  }
  ::close(pipe[1]);
  char byte = 0;
  EXPECT_EQ(::read(pipe[0], &byte, 1), 1);
  ::close(pipe[0]);
  return child;
}

void Kill(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
}

TEST(SharedChannel, FreesTheLaneOfAKilledClient) {
  const std::string name = FreshName();
  auto server = *SharedServer::Create(name, {.lanes = 1, .ring_bytes = 1U << 12});
  const pid_t child = Spawn([&](const auto& ready) {
    auto client = SharedClient::Connect(name);
    if (!client || !Send(*client, "whole") || !client->Begin(100, kPatience)) ::_exit(1);
    ready();  // in the middle of its second request
    ::pause();
  });
  std::thread worker([&] { server.Serve(Echo); });
  EXPECT_TRUE(Eventually([&] { return server.stats().requests == 1; }));
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kResourceExhausted);
  Kill(child);
  EXPECT_TRUE(Eventually([&] {
    auto client = SharedClient::Connect(name);
    return client && Ask(*client, "next") == "next";
  }));
  EXPECT_EQ(server.stats().lost, 1U);
  server.Stop();
  worker.join();
}

TEST(SharedChannel, StopsWaitingForTheRoomThatAKilledClientLeft) {
  const std::string name = FreshName();
  auto server = *SharedServer::Create(name, {.lanes = 1, .ring_bytes = 1U << 12});
  const pid_t child = Spawn([&](const auto& ready) {
    auto client = SharedClient::Connect(name);
    // Four replies of which only two fit, and none is read.
    for (int i = 0; i < 4; ++i) {
      if (!client || !Send(*client, std::string(900, 'x'))) ::_exit(1);
    }
    ready();
    ::pause();
  });
  std::thread worker([&] {
    server.Serve([](std::string_view, SharedReply& reply) {
      static_cast<void>(reply.Reserve(reply.max_bytes()).has_value());
    });
  });
  EXPECT_TRUE(Eventually([&] { return server.stats().requests >= 1; }));
  Kill(child);
  EXPECT_TRUE(Eventually([&] { return server.stats().clients == 0; }));
  EXPECT_EQ(server.stats().lost, 1U);
  server.Stop();
  worker.join();
}

TEST(SharedChannel, ReplacesTheRegionOfAKilledServer) {
  const std::string name = FreshName();
  const pid_t child = Spawn([&](const auto& ready) {
    auto server = SharedServer::Create(name);
    if (!server) ::_exit(1);
    ready();
    ::pause();
  });
  auto client = SharedClient::Connect(name);
  ASSERT_TRUE(client) << client.error().message;
  ASSERT_TRUE(Send(*client, "for the dead"));
  Kill(child);
  EXPECT_EQ(client->Receive(kPatience).error().code, Code::kUnavailable);
  EXPECT_EQ(SharedClient::Connect(name).error().code, Code::kUnavailable);
  EchoServer server(name);
  auto again = SharedClient::Connect(name);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(Ask(*again, "hello").value_or(""), "hello");
}

TEST(SharedChannel, ClosesALaneWhoseFormIsBroken) {
  const std::string name = FreshName();
  EchoServer server(name, {.lanes = 2, .ring_bytes = 1U << 12});
  const auto region = internal::Region::Open(name);
  ASSERT_TRUE(region);
  auto position = SharedClient::Connect(name);
  auto size = SharedClient::Connect(name);
  ASSERT_TRUE(position && size);
  (*region)->lane(0).replies.read.store(std::uint64_t{1} << 40);
  EXPECT_EQ(Ask(*position, "lost").error().code, Code::kDataLoss);
  const auto room = size->Begin(8, kPatience);
  ASSERT_TRUE(room);
  const std::uint64_t huge = std::uint64_t{1} << 33;
  std::memcpy(room->data() - sizeof(huge), &huge, sizeof(huge));
  size->Send();
  EXPECT_EQ(size->Receive(kPatience).error().code, Code::kDataLoss);
  EXPECT_EQ((*server).stats().damaged, 2U);
}

}  // namespace
}  // namespace assay::core
