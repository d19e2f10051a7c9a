// What the Redis tier does when the server is lost, slow, hostile, full or guarded.
#include "assay/cache/redis_tier.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "conformance/tier_conformance.h"
#include "redis/connection.h"
#include "redis/value.h"
#include "redis_test_support.h"

namespace assay::cache::testing {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::int64_t kPatienceMs = 30'000;

// What on_change told, for tests that wait for it.
class Changes {
 public:
  std::function<void(bool, const std::string&)> Listener() {
    return [this](bool up, const std::string& message) {
      const std::scoped_lock lock(mutex_);
      messages_.push_back((up ? "up: " : "lost: ") + message);
      changed_.notify_all();
    };
  }
  std::vector<std::string> Await(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [&] { return messages_.size() >= count; });
    return messages_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> messages_;
};

RedisOptions PatientOptions(const std::string& url) {
  RedisOptions options;
  options.url = url;
  options.answer_timeout_ms = kPatienceMs;
  options.first_backoff_ms = 5;
  options.longest_backoff_ms = 20;
  return options;
}

std::unique_ptr<RedisTier> OpenTier(const RedisOptions& options) {
  auto tier = RedisTier::Create(options).value();
  EXPECT_TRUE(tier->WaitUntilUp(kPatienceMs));
  return tier;
}

EntryRef EntryOf(std::uint64_t key, std::int64_t ttl_ms = 60'000, std::size_t size_bytes = 100) {
  return MakeEntry(key, 1, kNowMs, kNowMs + ttl_ms, size_bytes);
}

redis::Connection RawConnection(const std::string& url) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  return redis::Connection::Open(RedisAddress::Parse(url).value(), "", deadline).value();
}

redis::Reply AskRaw(redis::Connection& connection, std::initializer_list<std::string_view> words) {
  return connection.Ask(words, std::chrono::steady_clock::now() + std::chrono::seconds(30)).value();
}

TEST(RedisAddress, ReadsEveryFormOfUrl) {
  const auto plain = RedisAddress::Parse("redis://cache.local").value();
  EXPECT_EQ(plain.host, "cache.local");
  EXPECT_EQ(plain.port, 6379);
  EXPECT_FALSE(plain.tls);
  const auto full = RedisAddress::Parse("rediss://me:p%40ss/w%3ard@10.0.0.1:7000/3").value();
  EXPECT_EQ(full.user, "me");
  EXPECT_EQ(full.password, "p@ss/w:rd");
  EXPECT_EQ(full.host, "10.0.0.1");
  EXPECT_EQ(full.port, 7000);
  EXPECT_EQ(full.database, 3U);
  EXPECT_TRUE(full.tls);
  EXPECT_EQ(full.Display(), "rediss://10.0.0.1:7000/3");
  EXPECT_EQ(RedisAddress::Parse("redis://:secret@h").value().password, "secret");
  EXPECT_EQ(RedisAddress::Parse("redis://[::1]:7000").value().host, "::1");
  EXPECT_EQ(RedisAddress::Parse("unix:/run/redis.sock").value().socket_path, "/run/redis.sock");
  EXPECT_EQ(RedisAddress::Parse("unix:///run/redis.sock").value().socket_path, "/run/redis.sock");
}

TEST(RedisAddress, ReadsSeveralHosts) {
  const auto list = RedisAddress::ParseList("rediss://me:secret@one:1,[::1]:2,three/0").value();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[0].host, "one");
  EXPECT_EQ(list[1].host, "::1");
  EXPECT_EQ(list[1].port, 2);
  EXPECT_EQ(list[2].host, "three");
  EXPECT_EQ(list[2].port, 6379);
  for (const RedisAddress& one : list) EXPECT_TRUE(one.tls && one.password == "secret");
  EXPECT_FALSE(RedisAddress::Parse("redis://one:1,two:2")) << "where one is wanted";
  EXPECT_FALSE(RedisAddress::ParseList("redis://one:1,"));
}

TEST(RedisAddress, RefusesOthersWithoutRepeatingThePassword) {
  for (const char* url :
       {"", "http://h", "redis://", "redis://:secret@", "redis://secret@h", "redis://h:0",
        "redis://h:70000", "redis://h:x", "redis://h/x", "redis://a:secret%4@h", "redis://[::1",
        "redis://[::1]x", "unix:relative"}) {
    const auto address = RedisAddress::Parse(url);
    ASSERT_FALSE(address) << url;
    EXPECT_EQ(address.error().code, Code::kInvalidArgument);
    EXPECT_EQ(address.error().message.find("secret"), std::string::npos);
  }
}

TEST(RedisTier, CostsNothingWhereThereIsNoServer) {
  const assay::testing::TempDir folder;
  Changes changes;
  RedisOptions options;
  options.url = "unix:" + folder.File("nobody.sock");
  options.on_change = changes.Listener();
  const auto tier = RedisTier::Create(options).value();
  EXPECT_EQ(changes.Await(1).size(), 1U);
  for (int i = 0; i < 1'000; ++i) {
    EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).error().code, Code::kUnavailable);
  }
  EXPECT_EQ(tier->Put(EntryOf(1), kNowMs).error().code, Code::kUnavailable);
  EXPECT_EQ(tier->Purge({}).error().code, Code::kUnavailable);
  EXPECT_TRUE(tier->Sync());
  EXPECT_EQ(tier->Details().refused, 1'001U);
  EXPECT_EQ(tier->Details().timeouts, 0U);
}

// Answers the handshake and then nothing: one caller waits, once, and the others not at all.
TEST(RedisTier, WaitsOnceForAServerThatStalls) {
  FakeServer server([](const std::string& asked) {
    return asked.find("PING") != std::string::npos ? "+PONG\r\n" : "";
  });
  Changes changes;
  RedisOptions options;
  options.url = server.url();
  options.first_backoff_ms = 60'000;  // no second chance within this test
  options.longest_backoff_ms = 60'000;
  options.on_change = changes.Listener();
  const auto tier = OpenTier(options);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).error().code, Code::kUnavailable);
  const auto waited = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(waited, std::chrono::milliseconds(4));
  EXPECT_LT(waited, std::chrono::milliseconds(500));  // 5, but for a busy machine
  for (int i = 0; i < 10'000; ++i) ASSERT_FALSE(tier->Get(KeyOf(1), kNowMs));
  EXPECT_LE(tier->Details().timeouts, 1U);
  EXPECT_EQ(tier->Details().refused, 10'000U);
  const auto told = changes.Await(1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_NE(told[0].find("lost: Redis at unix:"), std::string::npos);
}

TEST(RedisTier, IsNotTroubledByAServerThatOnlyAccepts) {
  FakeServer server([](const std::string&) { return ""; });
  RedisOptions options;
  options.url = server.url();
  options.connect_timeout_ms = 20;
  Changes changes;
  options.on_change = changes.Listener();
  const auto tier = RedisTier::Create(options).value();
  EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).error().code, Code::kUnavailable);
  EXPECT_EQ(changes.Await(1).size(), 1U);
  EXPECT_EQ(tier->Details().timeouts, 0U);
}

TEST(RedisTier, LeavesAServerThatTalksNonsense) {
  for (const char* said :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "$-5\r\nxx\r\n", "$3\r\nabc\r\n+AND MORE\r\n",
        "*3\r\n:1\r\n", "\x00\xff\xfe", ":7\r\n", "*1\r\n$1\r\nx\r\n", "$4\r\nabcd\r\n",
        "-ERR what\r\n", "$999999999999999999999\r\n"}) {
    FakeServer server([said](const std::string& asked) {
      return asked.find("PING") != std::string::npos ? "+PONG\r\n" : std::string(said);
    });
    RedisOptions options = PatientOptions(server.url());
    options.answer_timeout_ms = 50;
    options.first_backoff_ms = 60'000;
    options.longest_backoff_ms = 60'000;
    const auto tier = OpenTier(options);
    EXPECT_FALSE(tier->Get(KeyOf(1), kNowMs)) << said;
    EXPECT_GE(tier->Stats().errors, 1U);
    EXPECT_EQ(tier->Stats().hits, 0U);
  }
}

class RealRedis : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed (scripts/setup.sh)";
  }
};

TEST_F(RealRedis, IsFoundBackAfterItWasKilled) {
  RedisServer server;
  Changes changes;
  RedisOptions options = PatientOptions(server.url());
  options.on_change = changes.Listener();
  const auto tier = OpenTier(options);
  ASSERT_TRUE(tier->Put(EntryOf(1), kNowMs));
  ASSERT_TRUE(tier->Sync());
  for (int round = 1; round <= 2; ++round) {
    server.Kill();
    EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).error().code, Code::kUnavailable);
    EXPECT_EQ(tier->Put(EntryOf(2), kNowMs).error().code, Code::kUnavailable);
    server.Start();
    ASSERT_TRUE(tier->WaitUntilUp(kPatienceMs));
    EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).value(), nullptr);
    ASSERT_TRUE(tier->Put(EntryOf(1), kNowMs));
    ASSERT_TRUE(tier->Sync());
    EXPECT_TRUE(SameEntry(tier->Get(KeyOf(1), kNowMs).value(), EntryOf(1)));
    const auto told = changes.Await(2 * static_cast<std::size_t>(round));
    ASSERT_EQ(told.size(), 2 * static_cast<std::size_t>(round)) << "once each";
    EXPECT_TRUE(told[told.size() - 2].starts_with("lost: "));
    EXPECT_TRUE(told.back().starts_with("up: "));
  }
}

TEST_F(RealRedis, IsLeftWhileItHangsAndFoundBackWhenItGoesOn) {
  RedisServer server;
  RedisOptions options = PatientOptions(server.url());
  options.answer_timeout_ms = 20;
  options.connect_timeout_ms = 100;
  const auto tier = OpenTier(options);
  server.Stop();
  EXPECT_FALSE(tier->Get(KeyOf(1), kNowMs));
  EXPECT_FALSE(tier->Put(EntryOf(1), kNowMs)) << "refused at once";
  EXPECT_FALSE(tier->Details().up);
  server.Continue();
  ASSERT_TRUE(tier->WaitUntilUp(kPatienceMs));
}

TEST_F(RealRedis, GivesEveryValueAnExpiry) {
  RedisServer server;
  const auto tier = OpenTier(PatientOptions(server.url()));
  ASSERT_TRUE(tier->Put(EntryOf(1, 60'000), kNowMs));
  ASSERT_TRUE(tier->Put(Entry::Make(KeyOf(2), {.expires_ms = kNeverExpires}, {}).value(), kNowMs));
  ASSERT_TRUE(tier->Sync());
  auto raw = RawConnection(server.url());
  const auto left = AskRaw(raw, {"PTTL", redis::KeyName("assay:", KeyOf(1))});
  EXPECT_GT(left->integer, 0);
  EXPECT_LE(left->integer, 60'000);
  EXPECT_EQ(AskRaw(raw, {"PTTL", redis::KeyName("assay:", KeyOf(2))})->integer, -1);
}

TEST_F(RealRedis, KeepsItsHandsOffOtherKeysAndDropsWhatIsNoEntry) {
  RedisServer server;
  auto raw = RawConnection(server.url());
  AskRaw(raw, {"SET", "somebody's", "value"});
  AskRaw(raw, {"SET", "assay:not-a-key", "value"});
  AskRaw(raw, {"SET", redis::KeyName("assay:", KeyOf(1)), "no entry at all"});
  AskRaw(raw, {"LPUSH", redis::KeyName("assay:", KeyOf(2)), "a list"});
  const auto tier = OpenTier(PatientOptions(server.url()));
  EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).error().code, Code::kDataLoss);
  ASSERT_TRUE(tier->Sync());
  EXPECT_EQ(tier->Get(KeyOf(1), kNowMs).value(), nullptr);
  EXPECT_EQ(tier->Get(KeyOf(2), kNowMs).error().code, Code::kUnavailable);
  ASSERT_TRUE(tier->Put(EntryOf(3), kNowMs));
  EXPECT_EQ(tier->Purge({}).value(), 1U);
  EXPECT_EQ(AskRaw(raw, {"EXISTS", "somebody's", "assay:not-a-key"})->integer, 2);
}

TEST_F(RealRedis, LogsInAndTellsOfARefusedLoginWithoutThePassword) {
  RedisServer server({"--requirepass", "open-sesame", "--unixsocketperm", "700"});
  Changes changes;
  RedisOptions options = PatientOptions(server.url());
  options.on_change = changes.Listener();
  const auto tier = RedisTier::Create(options).value();
  EXPECT_FALSE(changes.Await(1).empty());
  EXPECT_FALSE(tier->Details().up);
  RedisAddress address = RedisAddress::Parse(server.url()).value();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  address.password = "wrong-word";
  const auto refused = redis::Connection::Open(address, "", deadline);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kUnauthenticated);
  EXPECT_EQ(refused.error().message.find("wrong-word"), std::string::npos);
  address.password = "open-sesame";
  address.database = 2;
  EXPECT_TRUE(redis::Connection::Open(address, "", deadline));
}

TEST_F(RealRedis, TellsWhenItIsFull) {
  RedisServer server({"--maxmemory", "3mb", "--maxmemory-policy", "noeviction"});
  RedisOptions options = PatientOptions(server.url());
  options.compress_from_bytes = SIZE_MAX;
  const auto tier = OpenTier(options);
  for (std::uint64_t key = 0; key < 100; ++key) {
    ASSERT_TRUE(tier->Put(EntryOf(key, 60'000, 100'000), kNowMs));
  }
  EXPECT_EQ(tier->Sync().error().code, Code::kResourceExhausted);
  EXPECT_TRUE(tier->Sync()) << "told once";
  EXPECT_TRUE(tier->Details().up) << "what it has is served";
}

TEST_F(RealRedis, SendsWhatManyThreadsAskInPipelines) {
  RedisServer server;
  const auto tier = OpenTier(PatientOptions(server.url()));
  constexpr std::uint64_t kThreads = 8;
  constexpr std::uint64_t kEach = 200;
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (std::uint64_t i = 0; i < kEach; ++i) {
        const EntryRef entry = EntryOf(t * kEach + i);
        EXPECT_TRUE(tier->Put(entry, kNowMs));
        EXPECT_TRUE(SameEntry(tier->Get(entry->key(), kNowMs).value(), entry));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const RedisStats stats = tier->Details();
  EXPECT_EQ(stats.commands, 2 * kThreads * kEach);
  EXPECT_LT(stats.pipelines, stats.commands);
  EXPECT_EQ(tier->Stats().hits, kThreads * kEach);
}

TEST_F(RealRedis, RefusesWhatItsQueueCannotTake) {
  RedisServer server;
  RedisOptions options = PatientOptions(server.url());
  options.queue_bytes = 1'000;
  const auto tier = OpenTier(options);
  EXPECT_EQ(tier->Put(EntryOf(1, 60'000, 5'000), kNowMs).error().code, Code::kResourceExhausted);
  EXPECT_EQ(tier->Details().dropped, 1U);
  options.queue_bytes = std::size_t{64} << 20;
  options.max_value_bytes = 1'000;
  const auto small = OpenTier(options);
  ASSERT_TRUE(small->Put(EntryOf(2), kNowMs));
  ASSERT_TRUE(small->Put(EntryOf(2, 60'000, 5'000), kNowMs));
  ASSERT_TRUE(small->Sync());
  EXPECT_EQ(small->Get(KeyOf(2), kNowMs).value(), nullptr) << "the one before it is out of date";
}

std::uint16_t FreePort() {
  const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(probe);
  return ntohs(address.sin_port);
}

TEST_F(RealRedis, SpeaksTlsToAServerThatItCanVerify) {
  const assay::testing::TempDir folder;
  const std::string key = folder.File("key.pem");
  const std::string certificate = folder.File("cert.pem");
  const pid_t openssl = Spawn({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                               "-keyout", key, "-out", certificate, "-days", "2", "-subj",
                               "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"});
  int status = 1;
  if (openssl == 0 || ::waitpid(openssl, &status, 0) != openssl || status != 0) {
    GTEST_SKIP() << "openssl is not installed";
  }
  const std::string port = std::to_string(FreePort());
  RedisServer server({"--tls-port", port, "--tls-cert-file", certificate, "--tls-key-file", key,
                      "--tls-ca-cert-file", certificate, "--tls-auth-clients", "no"});
  RedisOptions options = PatientOptions("rediss://localhost:" + port);
  options.tls_ca_file = certificate;
  const auto tier = OpenTier(options);
  const EntryRef entry = EntryOf(1, 60'000, 100'000);
  ASSERT_TRUE(tier->Put(entry, kNowMs));
  EXPECT_TRUE(SameEntry(tier->Get(entry->key(), kNowMs).value(), entry));
  // Without the certificate nobody vouches for the server.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  const auto unverified =
      redis::Connection::Open(RedisAddress::Parse(options.url).value(), "", deadline);
  ASSERT_FALSE(unverified);
  EXPECT_NE(unverified.error().message.find("certificate"), std::string::npos)
      << unverified.error().message;
}

}  // namespace
}  // namespace assay::cache::testing
