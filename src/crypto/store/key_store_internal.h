// key_store_internal.h: what a KeyStore is made of.
// Room: crypto.  Threads: as stated in key_store.h.
#pragma once
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "assay/crypto/key_store.h"

#include "store/key_database_internal.h"
#include "store/key_table_internal.h"

namespace assay::crypto {

class KeyStore::Impl {
 public:
  explicit Impl(KeyStoreOptions options);
  ~Impl();

  Result<void> Start();

  // ---- the hot path ----
  Result<KeyGrant> Authenticate(std::string_view token) const;
  Result<void> Admit(const KeyGrant& grant, Scope scope);
  void Charge(const KeyGrant& grant, std::uint64_t tokens, std::uint64_t cost_nanousd) noexcept;

  // ---- administration ----
  Result<NewKey> Create(const KeySpec& spec, std::string_view actor);
  Result<KeyInfo> Revoke(std::string_view id_or_token, std::string_view actor);
  std::vector<KeyInfo> List();
  std::vector<WindowUsage> OwnUsage();
  void SetUsageElsewhere(const KeyId& id, std::int64_t window_begin_ms, const Usage& elsewhere);
  Result<void> Synchronize();

  [[nodiscard]] AuditLog& audit() { return *audit_; }
  [[nodiscard]] const KeyRing& ring() const { return ring_; }
  [[nodiscard]] std::size_t size() const { return table_.size(); }
  [[nodiscard]] std::uint64_t failed() const { return failed_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] std::int64_t now_ms() const;
  [[nodiscard]] KeyInfo InfoOf(const KeyRecord& record) const;
  Result<void> SynchronizeLocked();
  Result<void> ReloadKeys();
  void Take(std::unique_ptr<KeyRecord> loaded);
  Result<void> RefreshUsage(bool all);
  void SynchronizeForever();

  const KeyStoreOptions options_;
  const std::uint64_t serial_;  // of the stores of this process: 1, 2, ...
  KeyRing ring_;
  std::map<std::uint32_t, HmacKey> hashers_;  // by key of the ring; not changed after Start
  std::unique_ptr<AuditLog> audit_;
  KeyTable table_;
  std::atomic<std::uint64_t> failed_{0};  // a figure for people, orders nothing

  std::mutex mutex_;  // guards what follows, and changes of the table
  std::unique_ptr<KeyDatabase> database_;
  std::int64_t data_version_ = -1;
  std::int64_t generation_ = -1;
  UsageDeltas pending_;  // collected, not yet written

  std::mutex stop_mutex_;
  std::condition_variable stop_changed_;
  bool stop_ = false;  // guarded by stop_mutex_
  std::thread thread_;
};

}  // namespace assay::crypto
