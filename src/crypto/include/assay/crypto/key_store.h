// assay/crypto/key_store.h: API keys: made, checked, charged against budgets, revoked.
// Room: crypto (uses core).  Threads: every method may be called from any thread.
// Method: SQLite in WAL mode holds the keys; a table in memory that only grows answers Authenticate
// without locks; a background thread writes usage and sees what other processes changed.
// Format: docs/formats/key-store.md.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/crypto/audit_log.h"
#include "assay/crypto/grant.h"
#include "assay/crypto/key_ring.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {

inline constexpr std::size_t kMaxKeyNameBytes = 200;  // of a name or a tenant

// What a new key may do. Limits of 0 are none.
struct KeySpec {
  std::string name;  // for people; 1 to kMaxKeyNameBytes of UTF-8 without control characters
  std::string tenant = "default";  // as the name; entries of the cache are per tenant
  ScopeSet scopes = {Scope::kInference};
  std::optional<std::int64_t> expires_ms;  // Unix time; refused from then on
  Budget budget;
};

// A key as people see it: everything but the token.
struct KeyInfo {
  KeyId id;
  KeySpec spec;
  std::int64_t created_ms = 0;  // Unix time
  std::optional<std::int64_t> revoked_ms;
  Usage used;  // in the budget's running period; of the key's whole life for Period::kTotal
};

// What this process has let a key use in the running window of its budget.
struct WindowUsage {
  KeyId id;
  Window window;
  Usage own;
};

struct NewKey {
  KeyId id;
  SecretString token;  // ask_<id>_<secret>: shown once, stored nowhere
};

struct KeyStoreOptions {
  std::string directory;    // holds keys.db, secret.keys and audit.log; made with mode 0700
  std::string database;     // in the place of <directory>/keys.db, if not empty
  SecretString passphrase;  // of secret.keys; empty where it has none
  bool must_exist = false;  // kNotFound instead of an empty store
  // How often usage is written and changes of other processes are looked for; 0 turns the
  // background thread off, and Synchronize() does its work when called.
  std::int64_t sync_every_ms = 250;
  // Told by the background thread when that begins to fail (a full disk), with the reason, and when
  // it works again (null). Keys and budgets go on meanwhile; usage is kept and written later.
  std::function<void(const Error* why)> on_sync_change = {};
  core::Clock* clock = nullptr;  // of expiry and budgets; null is the real one
};

class KeyStore {
 public:
  // Opens the store, or creates it. Errors: kFailedPrecondition for files that others may read and
  // for a store of a later version; kUnauthenticated for a wrong passphrase; kDataLoss; those of
  // the disk.
  [[nodiscard]] static Result<std::unique_ptr<KeyStore>> Open(KeyStoreOptions options);
  ~KeyStore();  // writes the usage that is still in memory
  KeyStore(const KeyStore&) = delete;
  KeyStore& operator=(const KeyStore&) = delete;

  // ---- the hot path: no locks, no system calls, no allocation unless refused ----

  // Who shows this token. About 0.5 us (one HMAC-SHA256). The grant is valid while the store lives.
  // Errors: kUnauthenticated, and the message says whether the key is malformed, unknown, revoked
  // or expired; it never holds more of the token than its public identifier.
  [[nodiscard]] Result<KeyGrant> Authenticate(std::string_view token) const;

  // Whether the key may do this now; counts one request against its budget if so.
  // Errors: kPermissionDenied naming the missing scope; kResourceExhausted naming the spent budget
  // and when it resets. Of a requests budget of n exactly n are admitted in one process; the tokens
  // and the cost of the last admitted requests may pass theirs, for they are known afterwards.
  [[nodiscard]] Result<void> Admit(const KeyGrant& grant, Scope scope);

  // Adds what an admitted request cost, when that is known.
  void Charge(const KeyGrant& grant, std::uint64_t tokens, std::uint64_t cost_nanousd) noexcept;

  // ---- administration: locks, disk; not for I/O threads ----

  // `actor` stands in the audit log: who asked. Both are on the disk, and in the audit log, when
  // they return. Errors: kInvalidArgument for a spec out of its ranges; those of the disk.
  [[nodiscard]] Result<NewKey> Create(const KeySpec& spec, std::string_view actor);
  // Takes the identifier or the whole token. Already revoked is fine. Errors: kNotFound.
  [[nodiscard]] Result<KeyInfo> Revoke(std::string_view id_or_token, std::string_view actor);
  // All keys, oldest first, with the usage of all processes as far as written.
  [[nodiscard]] Result<std::vector<KeyInfo>> List() const;

  // Of each key with a budget, for whoever counts it over machines; and what that found others than
  // this process, on all machines, to have used in the window that begins then. Budgets are held
  // against that where it is more than what the database says.
  [[nodiscard]] std::vector<WindowUsage> OwnUsage() const;
  void SetUsageElsewhere(const KeyId& id, std::int64_t window_begin_ms, const Usage& elsewhere);

  // Writes usage and takes over what other processes changed, now.
  [[nodiscard]] Result<void> Synchronize();
  // Rounds of the background thread that failed (disk full, file locked); usage is kept meanwhile.
  [[nodiscard]] std::uint64_t failed_synchronizations() const;
  [[nodiscard]] std::size_t size() const;  // keys, revoked ones included

  [[nodiscard]] AuditLog& audit();  // of the same directory, under a key of the same ring
  [[nodiscard]] const KeyRing& ring() const;

 private:
  class Impl;  // store/key_store_internal.h
  explicit KeyStore(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::crypto
