// The Redis tier on a cluster of three servers: slots, redirects, a lost server.
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <netinet/in.h>

#include "conformance/tier_conformance.h"
#include "redis/cluster.h"
#include "redis/value.h"
#include "redis_test_support.h"

namespace assay::cache::testing {
namespace {

constexpr std::int64_t kNowMs = 1'700'000'000'000;
constexpr std::int64_t kPatienceMs = 30'000;
constexpr std::size_t kServers = 3;

TEST(RedisSlots, AreThoseOfTheSpecification) {
  EXPECT_EQ(redis::SlotOf("123456789"), 0x31C3 % redis::kSlots) << "the CRC's check value";
  EXPECT_EQ(redis::SlotOf(""), 0);
  EXPECT_EQ(redis::SlotOf("foo"), 12182) << "as redis-cli says";
  EXPECT_EQ(redis::SlotOf("{user1000}.following"), redis::SlotOf("{user1000}.followers"));
  EXPECT_EQ(redis::SlotOf("foo{bar}{zap}"), redis::SlotOf("bar"));
  EXPECT_EQ(redis::SlotOf("foo{{bar}}zap"), redis::SlotOf("{bar"));
  EXPECT_NE(redis::SlotOf("foo{}{bar}"), redis::SlotOf("bar")) << "an empty tag is none";
}

redis::Reply ReplyOf(const std::string& bytes) {
  const redis::Reader reader = redis::MakeReader();
  void* reply = nullptr;
  EXPECT_EQ(redisReaderFeed(reader.get(), bytes.data(), bytes.size()), REDIS_OK);
  if (redisReaderGetReply(reader.get(), &reply) != REDIS_OK) return nullptr;
  return redis::Reply(static_cast<redisReply*>(reply));
}
redis::Reply ErrorReply(const std::string& text) {
  return ReplyOf("-" + text + "\r\n");
}

TEST(RedisReplies, AnnouncedWithTwoBillionElementsAreRefused) {
  EXPECT_EQ(ReplyOf("*2000000000\r\n:1\r\n"), nullptr);
  const redis::Reply small = ReplyOf("*2\r\n:1\r\n*1\r\n:2\r\n");
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->element[1]->element[0]->integer, 2);
}

TEST(RedisRedirects, AreReadInEveryForm) {
  const auto moved = redis::RedirectOf(*ErrorReply("MOVED 3999 127.0.0.1:6381"));
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->once);
  EXPECT_EQ(moved->node, (redis::NodeName{"127.0.0.1", 6381}));
  const auto ask = redis::RedirectOf(*ErrorReply("ASK 3999 ::1:6381"));
  ASSERT_TRUE(ask);
  EXPECT_TRUE(ask->once);
  EXPECT_EQ(ask->node, (redis::NodeName{"::1", 6381}));
  EXPECT_EQ(redis::RedirectOf(*ErrorReply("MOVED 1 :6381"))->node.host, "")
      << "the server that says so";
  for (const char* text : {"ERR no", "MOVED", "MOVED 1", "MOVED 1 host", "MOVED 1 host:0",
                           "MOVED 1 host:70000", "MOVED 1 host:6x"}) {
    EXPECT_FALSE(redis::RedirectOf(*ErrorReply(text))) << text;
  }
}

std::uint16_t FreePort() {
  const int probe = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(::bind(probe, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(probe, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(probe);
  return ntohs(address.sin_port);
}

auto Deadline() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(30);
}

struct Node {
  std::uint16_t port = 0;
  std::unique_ptr<RedisServer> server;
  std::uint16_t first_slot = 0, last_slot = 0;

  [[nodiscard]] std::string host() const { return "127.0.0.1:" + std::to_string(port); }
  [[nodiscard]] redis::Connection Connect() const {
    return redis::Connection::Open(RedisAddress::Parse(server->url()).value(), "", Deadline())
        .value();
  }
  redis::Reply Ask(std::initializer_list<std::string_view> words) const {
    redis::Connection connection = Connect();
    return connection.Ask(words, Deadline()).value();
  }
};

// Three masters without replicas, a third of the slots each.
class RedisCluster : public ::testing::Test {
 protected:
  // One cluster for all tests: to come together takes it two seconds.
  static void SetUpTestSuite() {
    if (!HaveRedisServer()) return;
    for (std::size_t i = 0; i < kServers; ++i) {
      nodes_[i].port = FreePort();
      nodes_[i].server = std::make_unique<RedisServer>(std::vector<std::string>{
          "--port", std::to_string(nodes_[i].port), "--bind", "127.0.0.1", "--cluster-enabled",
          "yes", "--cluster-port", std::to_string(FreePort()), "--cluster-require-full-coverage",
          "no", "--cluster-node-timeout", "2000"});
      nodes_[i].first_slot = static_cast<std::uint16_t>(redis::kSlots * i / kServers);
      nodes_[i].last_slot = static_cast<std::uint16_t>(redis::kSlots * (i + 1) / kServers - 1);
      nodes_[i].Ask({"CLUSTER", "ADDSLOTSRANGE", std::to_string(nodes_[i].first_slot),
                     std::to_string(nodes_[i].last_slot)});
      // Of two claims to a slot the one of the higher epoch counts; equal ones are told apart
      // later.
      nodes_[i].Ask({"CLUSTER", "SET-CONFIG-EPOCH", std::to_string(i + 1)});
      if (i == 0) continue;
      nodes_[i].Ask(
          {"CLUSTER", "MEET", "127.0.0.1", std::to_string(nodes_[0].port), BusPortOf(nodes_[0])});
    }
    for (const Node& node : nodes_) AwaitAllSlots(node);
  }
  static void TearDownTestSuite() {
    for (Node& node : nodes_) node.server.reset();
  }
  void SetUp() override {
    if (!HaveRedisServer()) GTEST_SKIP() << "redis-server is not installed (scripts/setup.sh)";
    for (const Node& node : nodes_) node.Ask({"FLUSHALL"});
  }

  static std::string BusPortOf(const Node& node) {
    const redis::Reply reply = node.Ask({"CONFIG", "GET", "cluster-port"});
    return std::string(redis::TextOf(*reply->element[1]));
  }
  // The servers tell each other by gossip.
  static void AwaitAllSlots(const Node& node) {
    for (int tries = 0; tries < 30'000; ++tries) {
      const auto ranges = redis::SlotsOf(*node.Ask({"CLUSTER", "SLOTS"}));
      const redis::Reply info = node.Ask({"CLUSTER", "INFO"});
      const bool ready = redis::TextOf(*info).contains("cluster_state:ok");
      if (ready && ranges && ranges->size() == kServers) return;
      ::poll(nullptr, 0, 1);
    }
    ADD_FAILURE() << "the cluster does not come together";
  }

  static std::unique_ptr<RedisTier> Open(const std::string& hosts) {
    RedisOptions options;
    options.url = "redis://" + hosts;
    options.answer_timeout_ms = kPatienceMs;
    options.first_backoff_ms = 5;
    options.longest_backoff_ms = 20;
    auto tier = RedisTier::Create(options).value();
    EXPECT_TRUE(tier->WaitUntilUp(kPatienceMs));
    return tier;
  }
  [[nodiscard]] static std::string AllHosts() {
    return nodes_[0].host() + "," + nodes_[1].host() + "," + nodes_[2].host();
  }
  [[nodiscard]] static std::size_t HolderOf(std::uint64_t key) {
    const std::uint16_t slot = redis::SlotOf(redis::KeyName("assay:", KeyOf(key)));
    std::size_t i = 0;
    while (slot > nodes_[i].last_slot) ++i;
    return i;
  }
  static void MustSync(RedisTier& tier) {
    const Result<void> synced = tier.Sync();
    ASSERT_TRUE(synced) << synced.error().message;
  }
  static EntryRef EntryOf(std::uint64_t key) {
    return MakeEntry(key, 1, kNowMs, kNowMs + 600'000, 100);
  }
  static std::uint64_t VersionIn(RedisTier& tier, std::uint64_t key) {
    const auto found = tier.Get(KeyOf(key), kNowMs);
    return found && *found ? CheckedVersion(key, **found) : 0;
  }

  static inline std::array<Node, kServers> nodes_;
};

TEST_F(RedisCluster, RunsScriptsOverAnEntryAndWhatStandsBesideIt) {
  const auto tier = Open(nodes_[0].host());
  std::vector<RedisTier::ScriptCall> calls;
  for (std::uint64_t key = 0; key < 30; ++key) {
    calls.push_back(
        {"return {redis.call('EXISTS', KEYS[1]), redis.call('INCRBY', KEYS[2], ARGV[1]), "
         "redis.call('GET', KEYS[1])}",
         {tier->NameOf(KeyOf(key)), tier->NameBeside(KeyOf(key), "count")},
         {std::to_string(key)}});
  }
  const std::vector<RedisTier::ScriptReply> replies = tier->RunScripts(calls);
  for (std::uint64_t key = 0; key < 30; ++key) {
    ASSERT_TRUE(replies[key]) << replies[key].error().message;
    EXPECT_EQ(*replies[key], (std::vector<std::string>{"0", std::to_string(key), ""}));
  }
  std::uint64_t seen = 0;
  ASSERT_TRUE(tier->ForEach(kNowMs, [&](const EntryRef&) { return ++seen != 0; }));
  EXPECT_EQ(seen, 0U) << "they are no entries";
}

TEST_F(RedisCluster, AScriptThatFailsHurtsNoOther) {
  const auto tier = Open(AllHosts());
  const std::vector<RedisTier::ScriptCall> calls = {
      {"return redis.call('NO SUCH')", {tier->NameFor("one")}, {}},
      {"return 7", {tier->NameFor("two")}, {}},
      {"return {{1}}", {tier->NameFor("three")}, {}}};
  const std::vector<RedisTier::ScriptReply> replies = tier->RunScripts(calls);
  EXPECT_FALSE(replies[0]);
  ASSERT_TRUE(replies[1]);
  EXPECT_EQ(replies[1]->front(), "7");
  EXPECT_FALSE(replies[2]);
}

TEST_F(RedisCluster, KeepsEachEntryAtTheServerOfItsSlot) {
  const auto tier = Open(AllHosts());
  constexpr std::uint64_t kEntries = 300;
  for (std::uint64_t key = 0; key < kEntries; ++key) ASSERT_TRUE(tier->Put(EntryOf(key), kNowMs));
  MustSync(*tier);
  std::int64_t sum = 0;
  for (const Node& node : nodes_) {
    const std::int64_t size = node.Ask({"DBSIZE"})->integer;
    EXPECT_GT(size, 50);
    sum += size;
  }
  EXPECT_EQ(sum, 300);
  std::vector<Key> keys;
  for (std::uint64_t key = 0; key < kEntries; ++key) keys.push_back(KeyOf(key));
  std::vector<EntryRef> found(keys.size());
  ASSERT_TRUE(tier->GetBatch(keys, kNowMs, found));
  for (std::uint64_t key = 0; key < kEntries; ++key) {
    ASSERT_NE(found[key], nullptr) << key;
    EXPECT_EQ(CheckedVersion(key, *found[key]), 1U);
  }
}

TEST_F(RedisCluster, IsFoundFromOneOfItsServers) {
  const auto tier = Open(nodes_[1].host());
  for (std::uint64_t key = 0; key < 30; ++key) EXPECT_EQ(VersionIn(*tier, key), 0U);
  EXPECT_TRUE(tier->WaitUntilUp(kPatienceMs));
  for (std::uint64_t key = 0; key < 30; ++key) ASSERT_TRUE(tier->Put(EntryOf(key), kNowMs));
  MustSync(*tier);
  for (std::uint64_t key = 0; key < 30; ++key) EXPECT_EQ(VersionIn(*tier, key), 1U) << key;
}

TEST_F(RedisCluster, VisitsPurgesAndErasesOnAllServers) {
  const auto tier = Open(AllHosts());
  for (std::uint64_t key = 0; key < 60; ++key) ASSERT_TRUE(tier->Put(EntryOf(key), kNowMs));
  MustSync(*tier);
  std::set<Key> seen;
  ASSERT_TRUE(tier->ForEach(kNowMs, [&](const EntryRef& entry) {
    seen.insert(entry->key());
    return true;
  }));
  EXPECT_EQ(seen.size(), 60U);
  EXPECT_TRUE(tier->Erase(KeyOf(7)).value());
  EXPECT_FALSE(tier->Erase(KeyOf(7)).value());
  EXPECT_EQ(tier->Purge({}).value(), 59U);
  for (const Node& node : nodes_) EXPECT_EQ(node.Ask({"DBSIZE"})->integer, 0);
}

TEST_F(RedisCluster, FollowsASlotThatMovesToAnotherServer) {
  const auto tier = Open(AllHosts());
  ASSERT_TRUE(tier->Put(EntryOf(1), kNowMs));
  MustSync(*tier);
  const std::size_t from = HolderOf(1);
  const std::size_t to = (from + 1) % kServers;
  const std::string name = redis::KeyName("assay:", KeyOf(1));
  const std::string slot = std::to_string(redis::SlotOf(name));
  const auto id = [&](std::size_t i) {
    return std::string(redis::TextOf(*nodes_[i].Ask({"CLUSTER", "MYID"})));
  };
  nodes_[to].Ask({"CLUSTER", "SETSLOT", slot, "IMPORTING", id(from)});
  nodes_[from].Ask({"CLUSTER", "SETSLOT", slot, "MIGRATING", id(to)});
  nodes_[from].Ask({"MIGRATE", "127.0.0.1", std::to_string(nodes_[to].port), name, "0", "5000"});
  EXPECT_EQ(VersionIn(*tier, 1), 1U) << "the old server says ASK";
  ASSERT_TRUE(tier->Put(MakeEntry(1, 2, kNowMs, kNowMs + 600'000, 100), kNowMs));
  MustSync(*tier);
  EXPECT_EQ(VersionIn(*tier, 1), 2U);
  for (const std::size_t i : {to, from}) {
    nodes_[i].Ask({"CLUSTER", "SETSLOT", slot, "NODE", id(to)});
  }
  EXPECT_EQ(VersionIn(*tier, 1), 2U) << "the old server says MOVED";
  ASSERT_TRUE(tier->Put(MakeEntry(1, 3, kNowMs, kNowMs + 600'000, 100), kNowMs));
  MustSync(*tier);
  EXPECT_EQ(VersionIn(*tier, 1), 3U);
  nodes_[to].Ask({"FLUSHALL"});
  for (const std::size_t i : {from, to}) {
    nodes_[i].Ask({"CLUSTER", "SETSLOT", slot, "NODE", id(from)});
  }
}

TEST_F(RedisCluster, GoesOnWithTheOtherServersWhenOneIsLost) {
  const auto tier = Open(AllHosts());
  for (std::uint64_t key = 0; key < 60; ++key) ASSERT_TRUE(tier->Put(EntryOf(key), kNowMs));
  MustSync(*tier);
  nodes_[2].server->Kill();
  for (std::uint64_t key = 0; key < 60; ++key) {
    EXPECT_EQ(VersionIn(*tier, key), HolderOf(key) == 2 ? 0U : 1U) << key;
  }
  EXPECT_TRUE(tier->Details().up);
  nodes_[2].server->Start();
  for (const Node& node : nodes_) AwaitAllSlots(node);
  ASSERT_TRUE(tier->WaitUntilUp(kPatienceMs));
  for (std::uint64_t key = 0; key < 60; ++key) ASSERT_TRUE(tier->Put(EntryOf(key), kNowMs));
  MustSync(*tier);
  for (std::uint64_t key = 0; key < 60; ++key) EXPECT_EQ(VersionIn(*tier, key), 1U) << key;
}

}  // namespace
}  // namespace assay::cache::testing
