#include "assay/crypto/key_store.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include "assay/core/file_system.h"

#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::crypto {
namespace {

constexpr std::int64_t kStart = 1'763'740'800'000;  // 2025-11-21T16:00:00Z
constexpr std::int64_t kNanos = 1'000'000;
constexpr std::int64_t kHourMs = 3'600'000;

class KeyStoreTest : public ::testing::Test {
 protected:
  // Without the background thread: tests synchronize by hand.
  std::unique_ptr<KeyStore> Open(std::int64_t sync_every_ms = 0) {
    auto store = KeyStore::Open({.directory = dir_.File("state"),
                                 .database = {},
                                 .passphrase = {},
                                 .must_exist = false,
                                 .sync_every_ms = sync_every_ms,
                                 .clock = &clock_});
    EXPECT_TRUE(store) << store.error().message;
    return std::move(*store);
  }
  static KeySpec Spec(Budget budget = {}) {
    return {.name = "test",
            .tenant = "acme",
            .scopes = {Scope::kInference, Scope::kClaims},
            .expires_ms = std::nullopt,
            .budget = budget};
  }
  std::string Database() { return dir_.File("state") + "/keys.db"; }
  void Sql(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(Database().c_str(), &database), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_free(error);
    sqlite3_close(database);
  }

  assay::testing::TempDir dir_;
  assay::testing::FakeClock clock_{kStart * kNanos};
};

TEST_F(KeyStoreTest, KnowsWhoShowsAToken) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  ASSERT_TRUE(made) << made.error().message;
  const auto grant = store->Authenticate(made->token.view());
  ASSERT_TRUE(grant) << grant.error().message;
  EXPECT_EQ(grant->id, made->id);
  EXPECT_EQ(grant->name, "test");
  EXPECT_EQ(grant->tenant, "acme");
  EXPECT_EQ(grant->scopes.ToText(), "inference,claims");
}

TEST_F(KeyStoreTest, KeysOutliveTheProcess) {
  auto store = Open();
  const auto made = store->Create(Spec(), "test");
  ASSERT_TRUE(made);
  store.reset();
  store = Open();
  EXPECT_TRUE(store->Authenticate(made->token.view()));
  EXPECT_EQ(store->size(), 1U);
}

TEST_F(KeyStoreTest, TheTokenIsStoredNowhere) {
  auto store = Open();
  const auto made = store->Create(Spec(), "test");
  ASSERT_TRUE(made);
  store.reset();
  const std::string secret(made->token.view().substr(13, 32));
  core::FileSystem& files = core::FileSystem::Real();
  const auto names = files.List(dir_.File("state"));
  ASSERT_TRUE(names);
  for (const std::string& name : *names) {
    const auto bytes = files.ReadFile(dir_.File("state") + "/" + name, 1 << 20);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(bytes->find(secret), std::string::npos) << name;
    struct stat info = {};
    ASSERT_EQ(::stat((dir_.File("state") + "/" + name).c_str(), &info), 0);
    if (name.starts_with("keys.db") || name == "secret.keys") {
      EXPECT_EQ(info.st_mode & 0777U, 0600U) << name;
    }
  }
  struct stat info = {};
  ASSERT_EQ(::stat(dir_.File("state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0700U);
}

TEST_F(KeyStoreTest, RefusesEveryChangedCharacterOfAToken) {
  const auto store = Open();
  const std::string token(store->Create(Spec(), "test")->token.view());
  for (std::size_t at = 0; at < token.size(); ++at) {
    std::string changed = token;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    const auto refused = store->Authenticate(changed);
    ASSERT_FALSE(refused) << changed;
    EXPECT_EQ(refused.error().code, Code::kUnauthenticated);
    EXPECT_EQ(refused.error().message.find(token.substr(13, 8)), std::string::npos)
        << "the error shows the secret";
  }
}

TEST_F(KeyStoreTest, SaysWhyATokenIsRefused) {
  const auto store = Open();
  const auto reason = [&](std::string_view token) {
    const auto refused = store->Authenticate(token);
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kUnauthenticated);
    return refused ? std::string() : refused.error().message;
  };
  EXPECT_NE(reason("sk-proj-1234").find("malformed"), std::string::npos);
  const auto other = KeyStore::Open({.directory = dir_.File("other"),
                                     .database = {},
                                     .passphrase = {},
                                     .must_exist = false,
                                     .sync_every_ms = 0,
                                     .clock = &clock_});
  const auto stranger = (*other)->Create(Spec(), "test");
  EXPECT_NE(reason(stranger->token.view()).find("is not known"), std::string::npos);

  KeySpec spec = Spec();
  spec.expires_ms = kStart + 1000;
  const auto expiring = store->Create(spec, "test");
  clock_.Advance(999 * kNanos);
  EXPECT_TRUE(store->Authenticate(expiring->token.view()));
  clock_.Advance(1 * kNanos);
  EXPECT_NE(reason(expiring->token.view()).find("expired at 2025-11-21T16:00:01Z"),
            std::string::npos);

  const auto revoked = store->Create(Spec(), "test");
  ASSERT_TRUE(store->Revoke(revoked->id.view(), "test"));
  EXPECT_NE(reason(revoked->token.view()).find("was revoked at 2025-11-21T16:00:01Z"),
            std::string::npos);
}

TEST_F(KeyStoreTest, AdmitsScopesThatTheKeyHas) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  const auto grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  const auto refused = store->Admit(*grant, Scope::kAdmin);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kPermissionDenied);
  EXPECT_NE(refused.error().message.find("this needs admin"), std::string::npos);
}

TEST_F(KeyStoreTest, AdmitsExactlyTheBudgetOfRequestsFromManyThreads) {
  const auto store = Open();
  const auto made =
      store->Create(Spec({.period = Period::kHour, .limit = {.requests = 1000}}), "test");
  const auto grant = store->Authenticate(made->token.view());
  std::atomic<int> admitted{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) admitted += store->Admit(*grant, Scope::kInference) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(admitted, 1000);
  const auto refused = store->Admit(*grant, Scope::kInference);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kResourceExhausted);
  EXPECT_NE(refused.error().message.find("1000 requests a hour; it resets at 2025-11-21T17:00:00Z"),
            std::string::npos)
      << refused.error().message;
}

TEST_F(KeyStoreTest, RefusesWhenTokensOrCostAreSpentAndSaysWhich) {
  const auto store = Open();
  const auto made = store->Create(
      Spec({.period = Period::kDay, .limit = {.tokens = 100, .cost_nanousd = 1'500'000'000}}),
      "test");
  const auto grant = store->Authenticate(made->token.view());
  store->Charge(*grant, 99, 1'499'999'999);
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  store->Charge(*grant, 0, 1);
  const auto cost = store->Admit(*grant, Scope::kInference);
  ASSERT_FALSE(cost);
  EXPECT_NE(cost.error().message.find("1.5 US dollars a day; it resets at 2025-11-22T00:00:00Z"),
            std::string::npos)
      << cost.error().message;
  store->Charge(*grant, 1, 0);
  const auto tokens = store->Admit(*grant, Scope::kInference);
  ASSERT_FALSE(tokens);
  EXPECT_NE(tokens.error().message.find("100 tokens"), std::string::npos);
  EXPECT_EQ(tokens.error().code, Code::kResourceExhausted);
}

TEST_F(KeyStoreTest, BudgetsStartAnewWithTheirPeriodAndTotalsNever) {
  const auto store = Open();
  const auto hourly =
      store->Create(Spec({.period = Period::kHour, .limit = {.requests = 1}}), "test");
  const auto total =
      store->Create(Spec({.period = Period::kTotal, .limit = {.requests = 1}}), "test");
  const auto hour = store->Authenticate(hourly->token.view());
  const auto once = store->Authenticate(total->token.view());
  EXPECT_TRUE(store->Admit(*hour, Scope::kInference));
  EXPECT_TRUE(store->Admit(*once, Scope::kInference));
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(store->Admit(*hour, Scope::kInference));
    clock_.Advance(kHourMs * kNanos);
    EXPECT_TRUE(store->Admit(*hour, Scope::kInference)) << i;
  }
  EXPECT_FALSE(store->Admit(*once, Scope::kInference));
}

TEST_F(KeyStoreTest, AClockThatIsSetBackGivesNoBudgetBack) {
  const auto store = Open();
  const auto made =
      store->Create(Spec({.period = Period::kHour, .limit = {.requests = 1}}), "test");
  const auto grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  clock_.SetWall((kStart + kHourMs) * kNanos);
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  clock_.SetWall(kStart * kNanos);
  EXPECT_FALSE(store->Admit(*grant, Scope::kInference));
  // Further back than is kept in memory: the database knows.
  ASSERT_TRUE(store->Synchronize());
  clock_.SetWall((kStart + 5 * kHourMs) * kNanos);
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  clock_.SetWall((kStart + 6 * kHourMs) * kNanos);
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  clock_.SetWall(kStart * kNanos);
  ASSERT_TRUE(store->Synchronize());
  EXPECT_FALSE(store->Admit(*grant, Scope::kInference));
}

TEST_F(KeyStoreTest, UsageOutlivesTheProcess) {
  const Budget budget = {.period = Period::kDay, .limit = {.requests = 3}};
  auto store = Open();
  const auto made = store->Create(Spec(budget), "test");
  auto grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  store->Charge(*grant, 70, 9);
  store.reset();
  store = Open();
  const auto listed = store->List();
  ASSERT_EQ(listed->size(), 1U);
  EXPECT_EQ((*listed)[0].used, (Usage{2, 70, 9}));
  grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  EXPECT_FALSE(store->Admit(*grant, Scope::kInference));
}

TEST_F(KeyStoreTest, ProcessesShareOneBudget) {
  const auto a = Open();
  const auto made = a->Create(Spec({.period = Period::kDay, .limit = {.requests = 10}}), "test");
  const auto b = Open();
  const auto of_a = a->Authenticate(made->token.view());
  const auto of_b = b->Authenticate(made->token.view());
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(a->Admit(*of_a, Scope::kInference));
  ASSERT_TRUE(a->Synchronize());
  ASSERT_TRUE(b->Synchronize());
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(b->Admit(*of_b, Scope::kInference)) << i;
  EXPECT_FALSE(b->Admit(*of_b, Scope::kInference));
  ASSERT_TRUE(b->Synchronize());
  ASSERT_TRUE(a->Synchronize());
  EXPECT_FALSE(a->Admit(*of_a, Scope::kInference));
  EXPECT_EQ((*a->List())[0].used.requests, 10U);
  EXPECT_EQ((*b->List())[0].used.requests, 10U);
}

TEST_F(KeyStoreTest, HoldsABudgetAgainstWhatItIsToldFromOtherMachines) {
  const auto a = Open();
  const auto made = a->Create(Spec({.period = Period::kDay, .limit = {.requests = 10}}), "test");
  ASSERT_TRUE(a->Create(Spec(), "test")) << "one without a budget";
  const auto used = [&] {
    const std::vector<KeyInfo> keys = a->List().value();
    return std::ranges::find(keys, made->id, &KeyInfo::id)->used.requests;
  };
  const auto b = Open();
  const auto of_a = a->Authenticate(made->token.view());
  const auto of_b = b->Authenticate(made->token.view());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(a->Admit(*of_a, Scope::kInference));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(b->Admit(*of_b, Scope::kInference));
  ASSERT_TRUE(b->Synchronize());
  ASSERT_TRUE(a->Synchronize());
  const std::vector<WindowUsage> own = a->OwnUsage();
  ASSERT_EQ(own.size(), 1U) << "keys without a budget are not counted";
  EXPECT_EQ(own[0].id, made->id);
  EXPECT_EQ(own[0].own, (Usage{2, 0, 0}));
  EXPECT_EQ(own[0].window.begin_ms, WindowAt(Period::kDay, kStart).begin_ms);
  // Those three of this machine, and four of another one.
  a->SetUsageElsewhere(made->id, own[0].window.begin_ms, {7, 0, 0});
  EXPECT_EQ(used(), 9U);
  EXPECT_TRUE(a->Admit(*of_a, Scope::kInference));
  EXPECT_FALSE(a->Admit(*of_a, Scope::kInference));
  // Less than the database knows: that counts.
  a->SetUsageElsewhere(made->id, own[0].window.begin_ms, {1, 0, 0});
  EXPECT_EQ(used(), 6U);
  // Of a day that is over, or a key that is not there.
  a->SetUsageElsewhere(made->id, own[0].window.begin_ms - 1, {9, 0, 0});
  a->SetUsageElsewhere(KeyId{}, own[0].window.begin_ms, {9, 0, 0});
  EXPECT_EQ(used(), 6U);
  a->SetUsageElsewhere(made->id, own[0].window.begin_ms, {10, 0, 0});
  clock_.Advance(24 * kHourMs * kNanos);
  EXPECT_TRUE(a->Admit(*of_a, Scope::kInference)) << "a new day";
}

TEST_F(KeyStoreTest, SeesWhatAnotherProcessCreatedAndRevoked) {
  const auto server = Open();
  const auto tool = Open();
  const auto made = tool->Create(Spec(), "tool");
  EXPECT_FALSE(server->Authenticate(made->token.view()));
  ASSERT_TRUE(server->Synchronize());
  EXPECT_TRUE(server->Authenticate(made->token.view()));
  ASSERT_TRUE(tool->Revoke(made->token.view(), "tool"));
  ASSERT_TRUE(server->Synchronize());
  const auto refused = server->Authenticate(made->token.view());
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("revoked"), std::string::npos);
}

TEST_F(KeyStoreTest, TheBackgroundThreadSeesARevocationWithinASecond) {
  const auto server = Open(20);
  const auto tool = Open();
  const auto made = tool->Create(Spec(), "tool");
  const auto wait_for = [&](bool valid) {
    const auto begin = std::chrono::steady_clock::now();
    while (server->Authenticate(made->token.view()).has_value() != valid) {
      if (std::chrono::steady_clock::now() - begin > std::chrono::seconds(10)) return false;
      std::this_thread::yield();
    }
    return true;
  };
  ASSERT_TRUE(wait_for(true));
  ASSERT_TRUE(tool->Revoke(made->id.view(), "tool"));
  EXPECT_TRUE(wait_for(false));
  EXPECT_EQ(server->failed_synchronizations(), 0U);
}

TEST_F(KeyStoreTest, ARowThatIsDeletedByHandIsNoKeyAnyMore) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  Sql("DELETE FROM api_key; UPDATE meta SET generation = generation + 1");
  ASSERT_TRUE(store->Synchronize());
  EXPECT_FALSE(store->Authenticate(made->token.view()));
}

TEST_F(KeyStoreTest, ABudgetThatIsChangedByHandHoldsFromThenOn) {
  const auto store = Open();
  const auto made = store->Create(Spec({.period = Period::kDay, .limit = {.requests = 1}}), "test");
  const auto grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  EXPECT_FALSE(store->Admit(*grant, Scope::kInference));
  Sql("UPDATE api_key SET max_requests = 2; UPDATE meta SET generation = generation + 1");
  ASSERT_TRUE(store->Synchronize());
  const auto changed = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*changed, Scope::kInference)) << "what was used before is forgotten";
  EXPECT_FALSE(store->Admit(*changed, Scope::kInference));
}

TEST_F(KeyStoreTest, UsageIsKeptWhileTheDatabaseIsLocked) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  const auto grant = store->Authenticate(made->token.view());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  Sql("CREATE TRIGGER refuse BEFORE INSERT ON key_usage BEGIN SELECT RAISE(ABORT, 'full'); END");
  EXPECT_FALSE(store->Synchronize());
  EXPECT_TRUE(store->Admit(*grant, Scope::kInference));
  clock_.Advance(3 * kHourMs * kNanos);
  Sql("DROP TRIGGER refuse");
  ASSERT_TRUE(store->Synchronize());
  const auto other = Open();
  EXPECT_EQ((*other->List())[0].used.requests, 2U);
}

TEST_F(KeyStoreTest, RefusesSpecsOutOfTheirRanges) {
  const auto store = Open();
  const auto code = [&](const KeySpec& spec) {
    const auto made = store->Create(spec, "test");
    return made ? Code::kInternal : made.error().code;
  };
  for (const char* name : {"", "two\nlines", "\xff\xfe"}) {
    KeySpec spec = Spec();
    spec.name = name;
    EXPECT_EQ(code(spec), Code::kInvalidArgument) << name;
    spec = Spec();
    spec.tenant = name;
    EXPECT_EQ(code(spec), Code::kInvalidArgument) << name;
  }
  KeySpec spec = Spec();
  spec.name = std::string(kMaxKeyNameBytes + 1, 'n');
  EXPECT_EQ(code(spec), Code::kInvalidArgument);
  spec = Spec();
  spec.scopes = {};
  EXPECT_EQ(code(spec), Code::kInvalidArgument);
  spec = Spec();
  spec.expires_ms = kStart;
  EXPECT_EQ(code(spec), Code::kInvalidArgument);
  spec = Spec();
  spec.budget.limit.tokens = UINT64_MAX;
  EXPECT_EQ(code(spec), Code::kInvalidArgument);
  EXPECT_EQ(store->size(), 0U);
  EXPECT_EQ(store->List()->size(), 0U);
}

TEST_F(KeyStoreTest, AChargeBeyondAllBoundsDoesNotStopTheWriting) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  const auto grant = store->Authenticate(made->token.view());
  for (int i = 0; i < 6; ++i) {
    store->Charge(*grant, std::uint64_t{1} << 62, 1);
    ASSERT_TRUE(store->Synchronize()) << i;
  }
}

TEST_F(KeyStoreTest, RevokingTwiceOrNothingIsHarmless) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "test");
  const auto first = store->Revoke(made->id.view(), "test");
  ASSERT_TRUE(first);
  clock_.Advance(5 * kHourMs * kNanos);
  const auto second = store->Revoke(made->token.view(), "test");
  ASSERT_TRUE(second);
  EXPECT_EQ(first->revoked_ms, second->revoked_ms);
  EXPECT_EQ(store->Revoke("Ab3dE5f7", "test").error().code, Code::kNotFound);
  EXPECT_EQ(store->Revoke("nonsense", "test").error().code, Code::kNotFound);
}

TEST_F(KeyStoreTest, WritesCreationAndRevocationIntoTheAuditLog) {
  const auto store = Open();
  const auto made = store->Create(Spec(), "cli:alice");
  ASSERT_TRUE(store->Revoke(made->id.view(), "cli:bob"));
  std::vector<std::string> events;
  const AuditOptions options = {
      .path = dir_.File("state") + "/audit.log", .files = nullptr, .clock = nullptr};
  ASSERT_TRUE(AuditLog::ForEach(options, [&](const AuditRecord& record) {
    events.push_back(record.event.action + " " + record.event.actor + " " + record.event.subject);
    EXPECT_EQ(record.json.find(made->token.view().substr(13)), std::string::npos);
    return true;
  }));
  const std::string id(made->id.view());
  EXPECT_EQ(events,
            (std::vector<std::string>{"key.create cli:alice " + id, "key.revoke cli:bob " + id}));
  EXPECT_FALSE(AuditLog::Verify(options, store->ring())->broken);
}

TEST_F(KeyStoreTest, ManyKeysAreAllFoundWhileMoreAreMade) {
  const auto store = Open();
  constexpr int kKeys = 200;  // the table in memory grows several times
  std::vector<std::string> tokens(kKeys);
  std::atomic<int> ready{0};
  std::atomic<bool> failed{false};
  std::thread reader([&] {
    while (ready < kKeys) {
      for (int i = 0; i < ready; ++i) {
        if (!store->Authenticate(tokens[static_cast<std::size_t>(i)])) failed = true;
      }
    }
  });
  for (std::string& token : tokens) {
    token = store->Create(Spec(), "test")->token.view();
    ++ready;
  }
  reader.join();
  EXPECT_FALSE(failed);
  EXPECT_EQ(store->size(), static_cast<std::size_t>(kKeys));
}

TEST_F(KeyStoreTest, OpensOnlyWhatIsThereAndReadable) {
  KeyStoreOptions options = {.directory = dir_.File("none"),
                             .database = {},
                             .passphrase = {},
                             .must_exist = true,
                             .sync_every_ms = 0,
                             .clock = &clock_};
  EXPECT_EQ(KeyStore::Open(std::move(options)).error().code, Code::kNotFound);
  {
    const auto store = Open();
  }
  Sql("PRAGMA user_version = 2");
  const auto later = KeyStore::Open({.directory = dir_.File("state"),
                                     .database = {},
                                     .passphrase = {},
                                     .must_exist = true,
                                     .sync_every_ms = 0,
                                     .clock = &clock_});
  ASSERT_FALSE(later);
  EXPECT_EQ(later.error().code, Code::kFailedPrecondition);
}

TEST_F(KeyStoreTest, ALostKeyFileIsNotReplacedBesideKeysThatExist) {
  {
    ASSERT_TRUE(Open()->Create(Spec(), "test"));
  }
  ASSERT_TRUE(core::FileSystem::Real().Remove(dir_.File("state") + "/secret.keys"));
  KeyStoreOptions options;
  options.directory = dir_.File("state");
  const auto refused = KeyStore::Open(std::move(options));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kFailedPrecondition);
  EXPECT_NE(refused.error().message.find("secret.keys"), std::string::npos);
  EXPECT_FALSE(core::FileSystem::Real().Stat(dir_.File("state") + "/secret.keys"));
}

TEST_F(KeyStoreTest, ADamagedRowIsNamed) {
  {
    ASSERT_TRUE(Open()->Create(Spec(), "test"));
  }
  Sql("UPDATE api_key SET scopes = 'everything'");
  const auto damaged = KeyStore::Open({.directory = dir_.File("state"),
                                       .database = {},
                                       .passphrase = {},
                                       .must_exist = true,
                                       .sync_every_ms = 0,
                                       .clock = &clock_});
  ASSERT_FALSE(damaged);
  EXPECT_EQ(damaged.error().code, Code::kDataLoss);
  EXPECT_NE(damaged.error().message.find("damaged row"), std::string::npos);
}

}  // namespace
}  // namespace assay::crypto
