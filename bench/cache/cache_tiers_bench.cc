// The slower tiers beside peers that promise the same: the disk log beside SQLite (write-ahead log:
// what was put survives kill -9), the Redis tier beside hiredis called directly; and how long a
// start takes with a million entries. Bodies of 1 KB, random keys; files are in the page cache.
#include <array>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>
#include <hiredis/hiredis.h>
#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cache/disk_tier.h"
#include "assay/cache/redis_tier.h"
#include "assay/core/clock.h"
#include "assay/core/hash.h"

extern char** environ;

namespace {

using namespace assay;         // NOLINT: a program of its own
using namespace assay::cache;  // NOLINT

constexpr std::int64_t kNowMs = 1'900'000'000'000;
constexpr std::uint64_t kEntries = 100'000;
constexpr std::uint64_t kMillion = 1'000'000;
constexpr std::uint64_t kTail = 120'000;  // records behind the checkpoint, the most there can be
constexpr std::size_t kBatch = 128;

// A folder for the whole run, on a real disk: where temporary files lie.
const std::string& Root() {
  static const std::string root = [] {
    std::string pattern = (std::filesystem::temp_directory_path() / "assay-bench-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    return pattern;
  }();
  return root;
}

[[noreturn]] void Stop(std::string_view why) {
  std::fprintf(stderr, "cache_tiers_bench: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}

Key KeyOf(std::uint64_t number) {
  return core::HashBytes128(std::to_string(number));
}

EntryRef EntryOf(std::uint64_t number, std::size_t body_bytes) {
  std::string body(body_bytes, ' ');
  core::SeededRng rng(number);
  for (char& c : body) c = static_cast<char>('a' + rng.Below(26));
  return Entry::Make(KeyOf(number), {.stored_ms = kNowMs, .expires_ms = kNeverExpires},
                     {.tenant = "default",
                      .route = "default",
                      .model = "gemma3",
                      .content_type = "application/json",
                      .body = body,
                      .request = {},
                      .verdict = {}})
      .value();
}

std::unique_ptr<DiskTier> OpenDisk(const std::string& name, bool read_only = false) {
  DiskOptions options;
  options.folder = Root() + "/" + name;
  options.compress_from_bytes = SIZE_MAX;  // SQLite does not either
  options.read_only = read_only;
  auto tier = DiskTier::Open(core::FileSystem::Real(), options);
  if (!tier) Stop(tier.error().message);
  return *std::move(tier);
}

// The same key and the same bytes in a table without row numbers.
class Sqlite {
 public:
  explicit Sqlite(const std::string& name) {
    const std::string path = Root() + "/" + name;
    Check(sqlite3_open(path.c_str(), &database_));
    Run("PRAGMA journal_mode=WAL");
    Run("PRAGMA synchronous=NORMAL");
    Run("PRAGMA mmap_size=1073741824");
    Run("CREATE TABLE IF NOT EXISTS entries (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID");
    Check(sqlite3_prepare_v2(database_, "INSERT OR REPLACE INTO entries VALUES (?, ?)", -1, &put_,
                             nullptr));
    Check(sqlite3_prepare_v2(database_, "SELECT value FROM entries WHERE key = ?", -1, &get_,
                             nullptr));
  }
  ~Sqlite() {
    sqlite3_finalize(put_);
    sqlite3_finalize(get_);
    sqlite3_close(database_);
  }
  Sqlite(const Sqlite&) = delete;
  Sqlite& operator=(const Sqlite&) = delete;

  void Run(const char* statement) {
    Check(sqlite3_exec(database_, statement, nullptr, nullptr, nullptr));
  }
  void Put(const EntryRef& entry) {
    bytes_.clear();
    AppendEntryBytes(*entry, bytes_);
    sqlite3_bind_blob(put_, 1, &entry->key(), sizeof(Key), SQLITE_STATIC);
    sqlite3_bind_blob(put_, 2, bytes_.data(), static_cast<int>(bytes_.size()), SQLITE_STATIC);
    if (sqlite3_step(put_) != SQLITE_DONE) Stop(sqlite3_errmsg(database_));
    sqlite3_reset(put_);
  }
  EntryRef Get(const Key& key) {
    sqlite3_bind_blob(get_, 1, &key, sizeof(key), SQLITE_STATIC);
    EntryRef entry;
    if (sqlite3_step(get_) == SQLITE_ROW) {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(get_, 0));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(get_, 0));
      entry = EntryFromBytes({bytes, size}).value();
    }
    sqlite3_reset(get_);
    return entry;
  }

 private:
  void Check(int code) {
    if (code != SQLITE_OK) Stop(sqlite3_errmsg(database_));
  }
  sqlite3* database_ = nullptr;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* get_ = nullptr;
  std::string bytes_;
};

DiskTier& FilledDisk() {
  static const std::unique_ptr<DiskTier> tier = [] {
    auto made = OpenDisk("get");
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      if (!made->Put(EntryOf(i, 1024), kNowMs)) Stop("put failed");
    }
    return made;
  }();
  return *tier;
}

Sqlite& FilledSqlite() {
  static const std::unique_ptr<Sqlite> database = [] {
    auto made = std::make_unique<Sqlite>("get.sqlite");
    made->Run("BEGIN");
    for (std::uint64_t i = 0; i < kEntries; ++i) made->Put(EntryOf(i, 1024));
    made->Run("COMMIT");
    return made;
  }();
  return *database;
}

void DiskGet(benchmark::State& state) {
  DiskTier& tier = FilledDisk();
  core::SeededRng rng(1);
  for (auto _ : state) {
    const auto entry = tier.Get(KeyOf(rng.Below(kEntries)), kNowMs);
    if (!entry || !*entry) Stop("an entry is missing on disk");
    benchmark::DoNotOptimize((*entry)->body().data());
  }
}

void SqliteGet(benchmark::State& state) {
  Sqlite& database = FilledSqlite();
  core::SeededRng rng(1);
  for (auto _ : state) {
    const EntryRef entry = database.Get(KeyOf(rng.Below(kEntries)));
    if (!entry) Stop("an entry is missing in SQLite");
    benchmark::DoNotOptimize(entry->body().data());
  }
}

std::vector<EntryRef>& SomeEntries() {
  static std::vector<EntryRef> entries = [] {
    std::vector<EntryRef> made;
    for (std::uint64_t i = 0; i < 4096; ++i) made.push_back(EntryOf(i, 1024));
    return made;
  }();
  return entries;
}

void DiskPut(benchmark::State& state) {
  static const auto tier = OpenDisk("put");
  std::size_t next = 0;
  for (auto _ : state) {
    if (!tier->Put(SomeEntries()[next++ % SomeEntries().size()], kNowMs)) Stop("put failed");
  }
}

void SqlitePut(benchmark::State& state) {
  static Sqlite database("put.sqlite");
  std::size_t next = 0;
  for (auto _ : state) database.Put(SomeEntries()[next++ % SomeEntries().size()]);
}

// What this program does when it is called with these words: puts entries and ends in order, or as
// if it were killed.
int Fill(const std::string& folder, std::uint64_t begin, std::uint64_t end, bool killed) {
  DiskOptions options;
  options.folder = folder;
  options.compress_from_bytes = SIZE_MAX;
  auto tier = DiskTier::Open(core::FileSystem::Real(), options).value();
  for (std::uint64_t i = begin; i < end; ++i) {
    if (!tier->Put(EntryOf(i, 64), kNowMs)) return 1;
  }
  if (killed) ::_exit(0);
  return 0;
}

void FillInChild(const std::string& name, std::uint64_t begin, std::uint64_t end, bool killed) {
  std::array<std::string, 6> words = {"/proc/self/exe",    "fill",
                                      Root() + "/" + name, std::to_string(begin),
                                      std::to_string(end), killed ? "killed" : "closed"};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  int status = 1;
  if (::posix_spawn(&child, words[0].c_str(), nullptr, nullptr, arguments.data(), environ) != 0 ||
      ::waitpid(child, &status, 0) != child || status != 0) {
    Stop("the million was not written");
  }
}

void OpenMillion(benchmark::State& state, bool killed) {
  const std::string name = killed ? "million_killed" : "million";
  static std::array<bool, 2> filled{};
  if (!std::exchange(filled[killed ? 1 : 0], true)) {
    FillInChild(name, 0, kMillion, false);
    if (killed) FillInChild(name, 0, kTail, true);
  }
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    const auto tier = OpenDisk(name, true);  // so that it does not write a checkpoint
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    if (tier->Stats().entries != kMillion) Stop("entries are missing after the start");
    if (!tier->Details().from_checkpoint) Stop("there was no checkpoint");
    if (killed && tier->Details().replayed_records == 0) Stop("there was no tail");
    state.SetIterationTime(took.count());
  }
}

// ---- Redis ----

class RedisServer {
 public:
  RedisServer() {
    std::array<std::string, 9> words = {
        "redis-server", "--port", "0", "--unixsocket", path(), "--save", "", "--appendonly", "no"};
    std::vector<char*> arguments;
    for (std::string& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", 1, 0);
    if (::posix_spawnp(&pid_, words[0].c_str(), &actions, nullptr, arguments.data(), environ) !=
        0) {
      pid_ = 0;
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;
  ~RedisServer() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  [[nodiscard]] static std::string path() { return Root() + "/redis.sock"; }
  [[nodiscard]] bool started() const { return pid_ != 0; }

 private:
  pid_t pid_ = 0;
};

RedisTier& FilledRedis() {
  static const std::unique_ptr<RedisTier> tier = [] {
    RedisOptions options;
    options.url = "unix:" + RedisServer::path();
    options.compress_from_bytes = SIZE_MAX;
    options.answer_timeout_ms = 1000;
    options.first_backoff_ms = 5;
    options.longest_backoff_ms = 20;
    auto made = RedisTier::Create(options).value();
    if (!made->WaitUntilUp(10'000)) Stop("redis-server does not answer");
    for (std::uint64_t i = 0; i < kEntries; ++i) {
      while (!made->Put(EntryOf(i, 1024), kNowMs)) {
        if (!made->Sync()) Stop("Redis refuses");
      }
    }
    if (!made->Sync()) Stop("Redis refuses");
    return made;
  }();
  return *tier;
}

void RedisBatch(benchmark::State& state) {
  RedisTier& tier = FilledRedis();
  core::SeededRng rng(1);
  std::vector<Key> keys(kBatch);
  std::vector<EntryRef> found(kBatch);
  for (auto _ : state) {
    for (Key& key : keys) key = KeyOf(rng.Below(kEntries));
    if (!tier.GetBatch(keys, kNowMs, found) || !found.back()) Stop("Redis lost an entry");
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

// The bytes only; an Entry is made of them by ours and not here.
void HiredisBatch(benchmark::State& state) {
  FilledRedis();
  redisContext* context = redisConnectUnix(RedisServer::path().c_str());
  if (context == nullptr || context->err != 0) Stop("hiredis cannot connect");
  core::SeededRng rng(1);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      const std::string name = "assay:" + core::ToHex(KeyOf(rng.Below(kEntries)));
      std::array<const char*, 2> words = {"GET", name.c_str()};
      std::array<std::size_t, 2> sizes = {3, name.size()};
      redisAppendCommandArgv(context, 2, words.data(), sizes.data());
    }
    for (std::size_t i = 0; i < kBatch; ++i) {
      void* reply = nullptr;
      if (redisGetReply(context, &reply) != REDIS_OK) Stop("hiredis got no reply");
      if (static_cast<redisReply*>(reply)->type != REDIS_REPLY_STRING) Stop("Redis lost a value");
      freeReplyObject(reply);
    }
  }
  redisFree(context);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "fill") {
    return Fill(argv[2], std::strtoull(argv[3], nullptr, 10), std::strtoull(argv[4], nullptr, 10),
                std::string_view(argv[5]) == "killed");
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RegisterBenchmark("disk_get/assay", &DiskGet);
  benchmark::RegisterBenchmark("disk_get/sqlite", &SqliteGet);
  benchmark::RegisterBenchmark("disk_put/assay", &DiskPut);
  benchmark::RegisterBenchmark("disk_put/sqlite", &SqlitePut);
  benchmark::RegisterBenchmark("disk_open/million",
                               [](benchmark::State& state) { OpenMillion(state, false); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("disk_open/million_after_kill",
                               [](benchmark::State& state) { OpenMillion(state, true); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond);
  {
    const RedisServer server;
    if (server.started()) {
      benchmark::RegisterBenchmark("redis_batch/assay", &RedisBatch)->UseRealTime();
      benchmark::RegisterBenchmark("redis_batch/hiredis", &HiredisBatch)->UseRealTime();
    }
    benchmark::RunSpecifiedBenchmarks();
  }
  std::error_code ignored;
  std::filesystem::remove_all(Root(), ignored);
  return 0;
}
