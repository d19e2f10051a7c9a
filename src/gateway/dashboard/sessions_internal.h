// dashboard/sessions_internal.h: who is signed in, and who tries too often.
// Threads: every method may be called from any thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "assay/core/clock.h"

namespace assay::gateway::dashboard {

struct Session {
  std::string csrf;           // sent back in x-csrf-token with everything that changes something
  std::string password_hash;  // the one it was opened with; another one ends the session
  std::int64_t expires_monotonic_ns = 0;
};

// Sessions live in memory only: a restart signs everybody out.
class SessionTable {
 public:
  // More than kMaxSessions: the one that expires first goes.
  static constexpr std::size_t kMaxSessions = 64;

  SessionTable(core::Clock& clock, std::int64_t lifetime_ms);

  // The cookie's value: 12 characters that name the session and 43 (256 bits) that nobody can
  // guess, which are compared in constant time.
  [[nodiscard]] std::string Open(std::string password_hash);
  // Nothing for an unknown, ended or expired one.
  [[nodiscard]] std::optional<Session> Find(std::string_view token);
  void Close(std::string_view token);

  // How long it still lasts.
  [[nodiscard]] std::int64_t LeftMs(const Session& session) const;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Stored {
    std::string secret;
    Session session;
  };
  void DropExpired(std::int64_t now_ns);

  core::Clock& clock_;
  const std::int64_t lifetime_ns_;
  mutable std::mutex mutex_;
  std::map<std::string, Stored, std::less<>> by_name_;  // guarded by mutex_
};

// How often a password may be tried: token buckets, one for each peer and one for all of them
// together, because a hash costs memory and 16 ms. What is right is not counted against the peer.
class LoginGate {
 public:
  static constexpr std::int64_t kPeerBurst = 5;
  static constexpr std::int64_t kPeerRefillMs = 30'000;  // one more try
  static constexpr std::int64_t kAllBurst = 30;
  static constexpr std::int64_t kAllRefillMs = 2'000;
  static constexpr std::size_t kMaxPeers = 1024;  // more: the fullest bucket is forgotten

  explicit LoginGate(core::Clock& clock);

  // Takes one try of that address. 0: it may go on; else the seconds to wait, rounded up.
  [[nodiscard]] std::int64_t Enter(std::string_view address);
  // Gives the tries of that address back.
  void Succeeded(std::string_view address);

 private:
  struct Bucket {
    double tries = 0;
    std::int64_t at_ns = 0;
  };
  // Seconds until `bucket` has a try; takes nothing.
  static double Wait(Bucket& bucket, std::int64_t now_ns, std::int64_t burst,
                     std::int64_t refill_ms);
  Bucket& BucketOf(std::string_view address, std::int64_t now_ns);

  core::Clock& clock_;
  std::mutex mutex_;
  Bucket all_;                                          // guarded by mutex_
  std::map<std::string, Bucket, std::less<>> by_peer_;  // guarded by mutex_
};

}  // namespace assay::gateway::dashboard
