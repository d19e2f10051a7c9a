#include "assay/crypto/key_store.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "keys/token_internal.h"
#include "store/key_store_internal.h"

namespace assay::crypto {
namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::int64_t kKeptUsageMs = 400LL * 24 * 3'600'000;  // a year and a bit of past windows
constexpr std::string_view kHashPurpose = "api keys";

Result<void> CheckName(std::string_view what, std::string_view name) {
  const bool control =
      std::ranges::any_of(name, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (!name.empty() && name.size() <= kMaxKeyNameBytes && !control) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("the {} of a key has 1 to {} bytes and no control characters", what,
                          kMaxKeyNameBytes));
}

Result<void> CheckSpec(const KeySpec& spec, std::int64_t now_ms) {
  ASSAY_TRY(CheckName("name", spec.name));
  ASSAY_TRY(CheckName("tenant", spec.tenant));
  if (spec.scopes.empty()) {
    return Fail(Code::kInvalidArgument, "a key needs at least one scope");
  }
  if (spec.expires_ms && *spec.expires_ms <= now_ms) {
    return Fail(Code::kInvalidArgument, "a key cannot expire in the past");
  }
  constexpr std::uint64_t kMostLimit = std::uint64_t{1} << 60;
  const Usage& limit = spec.budget.limit;
  if (std::max({limit.requests, limit.tokens, limit.cost_nanousd}) > kMostLimit) {
    return Fail(Code::kInvalidArgument, "a budget can be 2^60 at most");
  }
  return {};
}

std::vector<std::pair<std::string, std::string>> DetailsOf(const KeySpec& spec) {
  const Usage& limit = spec.budget.limit;
  std::vector<std::pair<std::string, std::string>> details = {
      {"name", spec.name}, {"tenant", spec.tenant}, {"scopes", spec.scopes.ToText()}};
  if (spec.expires_ms) details.emplace_back("expires_ms", fmt::to_string(*spec.expires_ms));
  if (limit != Usage{}) {
    details.emplace_back("period", PeriodName(spec.budget.period));
    for (const auto& [name, value] :
         {std::pair("max_requests", limit.requests), std::pair("max_tokens", limit.tokens),
          std::pair("max_cost_nanousd", limit.cost_nanousd)}) {
      if (value != 0) details.emplace_back(name, fmt::to_string(value));
    }
  }
  return details;
}

std::unique_ptr<KeyRecord> RecordOf(const KeySpec& spec, const KeyId& id, std::int64_t now_ms) {
  auto record = std::make_unique<KeyRecord>();
  record->id = id;
  record->name = spec.name;
  record->tenant = spec.tenant;
  record->scopes = spec.scopes;
  record->created_ms = now_ms;
  record->expires_ms = spec.expires_ms.value_or(kNever);
  record->budget = spec.budget;
  record->usage = std::make_shared<KeyUsage>();
  return record;
}

std::string DatabasePath(const KeyStoreOptions& options) {
  return options.database.empty() ? options.directory + "/keys.db" : options.database;
}

// The folder, and an empty database of mode 0600, which SQLite's further files take over.
Result<void> MakeFolder(const KeyStoreOptions& options) {
  core::FileSystem& files = core::FileSystem::Real();
  const std::string database = DatabasePath(options);
  const bool exists = files.Stat(database).has_value();
  if (!exists && options.must_exist) {
    return Fail(Code::kNotFound,
                fmt::format("there is no key store '{}'; assay keys create makes one", database));
  }
  if (!files.Stat(options.directory)) {
    ASSAY_TRY(files.MakeDirectories(options.directory));
    static_cast<void>(
        ::chmod(options.directory.c_str(), 0700));  // the files have modes of their own
  }
  if (exists) return {};
  const Result<void> made = WriteSecretFile(database, {}, IfExists::kFail);
  if (!made && made.error().code != Code::kAlreadyExists) return made;
  return {};
}

// Without the key file no token can be checked: a new one beside keys that exist would silently end
// all of them. The database is empty until there is a key file.
Result<KeyRing> OpenRing(const KeyStoreOptions& options, core::Clock& clock) {
  const std::string path = options.directory + "/secret.keys";
  const auto database = core::FileSystem::Real().Stat(DatabasePath(options));
  if (!database || database->size_bytes == 0) {
    return KeyRing::LoadOrCreate(path, options.passphrase.view(), clock);
  }
  Result<KeyRing> ring = KeyRing::Load(path, options.passphrase.view());
  if (!ring && ring.error().code == Code::kNotFound) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("'{}' is missing, without which the keys of '{}' cannot be checked; "
                            "restore it, or move the database away to begin anew",
                            path, DatabasePath(options)));
  }
  return ring;
}

}  // namespace

KeyStore::Impl::Impl(KeyStoreOptions options)
    : options_(std::move(options)), serial_([] {
        static std::atomic<std::uint64_t> made{0};  // a number for each, orders nothing
        return made.fetch_add(1, std::memory_order_relaxed) + 1;
      }()) {}

std::int64_t KeyStore::Impl::now_ms() const {
  const core::Clock& clock = options_.clock != nullptr ? *options_.clock : core::Clock::Real();
  return clock.wall_ns() / kNanosecondsPerMs;
}

Result<void> KeyStore::Impl::Start() {
  ASSAY_TRY(MakeFolder(options_));
  core::Clock& clock = options_.clock != nullptr ? *options_.clock : core::Clock::Real();
  ASSAY_ASSIGN(ring_, OpenRing(options_, clock));
  for (const KeyRing::Key& key : ring_.keys()) {
    ASSAY_ASSIGN(const SecretBytes derived, ring_.Derive(key.id, kHashPurpose));
    ASSAY_ASSIGN(HmacKey hasher, HmacKey::Create(derived.view()));
    hashers_.emplace(key.id, std::move(hasher));
  }
  ASSAY_ASSIGN(audit_, AuditLog::Open({.path = options_.directory + "/audit.log",
                                       .files = nullptr,
                                       .clock = options_.clock},
                                      ring_));
  ASSAY_ASSIGN(database_, KeyDatabase::Open(DatabasePath(options_)));
  ASSAY_TRY(Synchronize());
  if (options_.sync_every_ms > 0) thread_ = std::thread([this] { SynchronizeForever(); });
  return {};
}

KeyStore::Impl::~Impl() {
  {
    const std::lock_guard lock(stop_mutex_);
    stop_ = true;
  }
  stop_changed_.notify_all();
  if (thread_.joinable()) thread_.join();
  // Nobody is left to whom a failure could be told.
  if (database_ != nullptr) static_cast<void>(Synchronize());
}

void KeyStore::Impl::SynchronizeForever() {
  bool good = true;
  std::unique_lock lock(stop_mutex_);
  while (!stop_changed_.wait_for(lock, std::chrono::milliseconds(options_.sync_every_ms),
                                 [this] { return stop_; })) {
    lock.unlock();
    const Result<void> done = Synchronize();
    if (!done) failed_.fetch_add(1, std::memory_order_relaxed);
    if (done.has_value() != good && options_.on_sync_change) {
      options_.on_sync_change(done ? nullptr : &done.error());
    }
    good = done.has_value();
    lock.lock();
  }
}

Result<void> KeyStore::Impl::Synchronize() {
  const std::lock_guard lock(mutex_);
  return SynchronizeLocked();
}

Result<void> KeyStore::Impl::SynchronizeLocked() {
  for (const KeyRecord* record : table_.All()) record->usage->Collect(record->id.view(), pending_);
  ASSAY_ASSIGN(const std::int64_t version, database_->DataVersion());
  const bool changed = version != data_version_;
  if (changed) ASSAY_TRY(ReloadKeys());
  if (!pending_.empty()) {
    ASSAY_TRY(database_->AddUsage(pending_, now_ms() - kKeptUsageMs));
    pending_.clear();
  }
  ASSAY_TRY(RefreshUsage(changed));
  data_version_ = version;
  return {};
}

Result<void> KeyStore::Impl::ReloadKeys() {
  ASSAY_ASSIGN(const std::int64_t generation, database_->Generation());
  if (generation == generation_) return {};
  ASSAY_ASSIGN(auto loaded, database_->LoadKeys());
  std::set<std::string_view> present;
  for (const auto& record : loaded) present.insert(record->id.view());
  // A row that somebody deleted: the key is no longer valid.
  for (const KeyRecord* record : table_.All()) {
    if (!present.contains(record->id.view())) {
      record->revoked_ms.store(now_ms(), std::memory_order_release);
    }
  }
  present.clear();  // views into records that Take consumes
  for (auto& record : loaded) Take(std::move(record));
  generation_ = generation;
  return {};
}

void KeyStore::Impl::Take(std::unique_ptr<KeyRecord> loaded) {
  const KeyRecord* const known = table_.Find(loaded->id);
  const std::int64_t revoked_ms = loaded->revoked_ms.load(std::memory_order_relaxed);
  if (known != nullptr && known->SameAttributes(*loaded)) {
    known->revoked_ms.store(revoked_ms, std::memory_order_release);
    return;
  }
  // Usage goes on where the windows are the same.
  const bool same_windows = known != nullptr && known->budget.period == loaded->budget.period;
  loaded->usage = same_windows ? known->usage : std::make_shared<KeyUsage>();
  const auto hasher = hashers_.find(loaded->hash_key);
  loaded->hasher = hasher == hashers_.end() ? nullptr : &hasher->second;
  table_.Put(std::move(loaded));
}

// Sets what other processes have used, of all keys or of those whose window has just begun.
Result<void> KeyStore::Impl::RefreshUsage(bool all) {
  const std::int64_t now = now_ms();
  for (const KeyRecord* record : table_.All()) {
    WindowCounters& window = record->usage->At(record->budget.period, now);
    if (!all && !record->usage->IsFresh(window)) continue;
    const std::int64_t begin_ms = window.begin_ms.load(std::memory_order_relaxed);
    ASSAY_ASSIGN(const Usage sum, database_->LoadUsage(record->id, begin_ms));
    record->usage->SetSum(window, begin_ms, sum);
  }
  return {};
}

Result<NewKey> KeyStore::Impl::Create(const KeySpec& spec, std::string_view actor) {
  const std::int64_t now = now_ms();
  ASSAY_TRY(CheckSpec(spec, now));
  const std::lock_guard lock(mutex_);
  KeyId id = NewKeyId();
  while (table_.Find(id) != nullptr) id = NewKeyId();
  NewKey made{.id = id, .token = NewToken(id)};
  auto record = RecordOf(spec, id, now);
  record->hash_key = ring_.newest_id();
  record->hasher = &hashers_.at(record->hash_key);
  record->hash = record->hasher->Sign(made.token.view());
  const auto audit = [&]() -> Result<void> {
    ASSAY_TRY(audit_->Append({.action = "key.create",
                              .actor = std::string(actor),
                              .subject = std::string(id.view()),
                              .details = DetailsOf(spec)}));
    return {};
  };
  ASSAY_ASSIGN(const std::int64_t generation, database_->Insert(*record, audit));
  // Somebody else's change in between is still to be loaded.
  if (generation == generation_ + 1) generation_ = generation;
  table_.Put(std::move(record));
  return made;
}

Result<KeyInfo> KeyStore::Impl::Revoke(std::string_view id_or_token, std::string_view actor) {
  const auto id = ParseIdOrToken(id_or_token);
  if (!id) {
    return Fail(
        Code::kNotFound,
        "that is neither a key's identifier (8 letters and digits, see assay keys list) nor "
        "a whole token");
  }
  const std::lock_guard lock(mutex_);
  if (table_.Find(*id) == nullptr) ASSAY_TRY(SynchronizeLocked());
  const KeyRecord* const record = table_.Find(*id);
  if (record == nullptr) {
    return Fail(Code::kNotFound, fmt::format("there is no key '{}'", id->view()));
  }
  if (record->revoked_ms.load(std::memory_order_acquire) != kNever) return InfoOf(*record);
  const std::int64_t now = now_ms();
  const auto audit = [&]() -> Result<void> {
    ASSAY_TRY(audit_->Append({.action = "key.revoke",
                              .actor = std::string(actor),
                              .subject = std::string(id->view()),
                              .details = {{"name", record->name}, {"tenant", record->tenant}}}));
    return {};
  };
  ASSAY_ASSIGN(const std::int64_t generation, database_->Revoke(*id, now, audit));
  if (generation == generation_ + 1) generation_ = generation;
  record->revoked_ms.store(now, std::memory_order_release);
  return InfoOf(*record);
}

KeyInfo KeyStore::Impl::InfoOf(const KeyRecord& record) const {
  KeyInfo info;
  info.id = record.id;
  info.spec = {.name = record.name,
               .tenant = record.tenant,
               .scopes = record.scopes,
               .expires_ms = std::nullopt,
               .budget = record.budget};
  if (record.expires_ms != kNever) info.spec.expires_ms = record.expires_ms;
  info.created_ms = record.created_ms;
  const std::int64_t revoked_ms = record.revoked_ms.load(std::memory_order_acquire);
  if (revoked_ms != kNever) info.revoked_ms = revoked_ms;
  const WindowCounters& window = record.usage->At(record.budget.period, now_ms());
  info.used = window.Sum();
  return info;
}

std::vector<KeyInfo> KeyStore::Impl::List() {
  const std::lock_guard lock(mutex_);
  std::vector<KeyInfo> keys;
  for (const KeyRecord* record : table_.All()) keys.push_back(InfoOf(*record));
  return keys;
}

std::vector<WindowUsage> KeyStore::Impl::OwnUsage() {
  const std::int64_t now = now_ms();
  const std::lock_guard lock(mutex_);
  std::vector<WindowUsage> all;
  for (const KeyRecord* record : table_.All()) {
    if (record->budget.limit == Usage{}) continue;
    const WindowCounters& window = record->usage->At(record->budget.period, now);
    all.push_back({.id = record->id,
                   .window = WindowAt(record->budget.period, now),
                   .own = window.own.Load()});
  }
  return all;
}

void KeyStore::Impl::SetUsageElsewhere(const KeyId& id, std::int64_t window_begin_ms,
                                       const Usage& elsewhere) {
  if (const KeyRecord* const record = table_.Find(id)) {
    record->usage->SetElsewhere(window_begin_ms, elsewhere);
  }
}

KeyStore::KeyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KeyStore::~KeyStore() = default;

Result<std::unique_ptr<KeyStore>> KeyStore::Open(KeyStoreOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  ASSAY_TRY(impl->Start());
  return std::unique_ptr<KeyStore>(new KeyStore(std::move(impl)));
}

Result<KeyGrant> KeyStore::Authenticate(std::string_view token) const {
  return impl_->Authenticate(token);
}
Result<void> KeyStore::Admit(const KeyGrant& grant, Scope scope) {
  return impl_->Admit(grant, scope);
}
void KeyStore::Charge(const KeyGrant& grant, std::uint64_t tokens,
                      std::uint64_t cost_nanousd) noexcept {
  impl_->Charge(grant, tokens, cost_nanousd);
}
Result<NewKey> KeyStore::Create(const KeySpec& spec, std::string_view actor) {
  return impl_->Create(spec, actor);
}
Result<KeyInfo> KeyStore::Revoke(std::string_view id_or_token, std::string_view actor) {
  return impl_->Revoke(id_or_token, actor);
}
Result<std::vector<KeyInfo>> KeyStore::List() const {
  return impl_->List();
}
std::vector<WindowUsage> KeyStore::OwnUsage() const {
  return impl_->OwnUsage();
}
void KeyStore::SetUsageElsewhere(const KeyId& id, std::int64_t window_begin_ms,
                                 const Usage& elsewhere) {
  impl_->SetUsageElsewhere(id, window_begin_ms, elsewhere);
}
Result<void> KeyStore::Synchronize() {
  return impl_->Synchronize();
}
std::uint64_t KeyStore::failed_synchronizations() const {
  return impl_->failed();
}
std::size_t KeyStore::size() const {
  return impl_->size();
}
AuditLog& KeyStore::audit() {
  return impl_->audit();
}
const KeyRing& KeyStore::ring() const {
  return impl_->ring();
}

}  // namespace assay::crypto
