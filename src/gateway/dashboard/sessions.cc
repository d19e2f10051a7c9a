#include <algorithm>
#include <cmath>

#include "assay/crypto/secret.h"

#include "dashboard/sessions_internal.h"

namespace assay::gateway::dashboard {
namespace {

constexpr std::size_t kNameBytes = 12;
constexpr std::size_t kSecretBytes = 43;  // of 62 characters: 256 bits
constexpr std::int64_t kNsPerMs = 1'000'000;

std::string RandomSecret() {
  return std::string(crypto::SecretBytes::RandomText(kSecretBytes).view());
}

}  // namespace

SessionTable::SessionTable(core::Clock& clock, std::int64_t lifetime_ms)
    : clock_(clock), lifetime_ns_(lifetime_ms * kNsPerMs) {}

void SessionTable::DropExpired(std::int64_t now_ns) {
  std::erase_if(by_name_, [now_ns](const auto& row) {
    return row.second.session.expires_monotonic_ns <= now_ns;
  });
}

std::string SessionTable::Open(std::string password_hash) {
  const std::int64_t now_ns = clock_.monotonic_ns();
  std::string name = crypto::RandomText(kNameBytes);
  Stored stored{.secret = RandomSecret(),
                .session = {.csrf = RandomSecret(),
                            .password_hash = std::move(password_hash),
                            .expires_monotonic_ns = now_ns + lifetime_ns_}};
  std::string token = name + stored.secret;
  const std::lock_guard lock(mutex_);
  DropExpired(now_ns);
  if (by_name_.size() >= kMaxSessions) {
    by_name_.erase(std::ranges::min_element(
        by_name_, {}, [](const auto& row) { return row.second.session.expires_monotonic_ns; }));
  }
  by_name_.insert_or_assign(std::move(name), std::move(stored));
  return token;
}

std::optional<Session> SessionTable::Find(std::string_view token) {
  if (token.size() != kNameBytes + kSecretBytes) return std::nullopt;
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::lock_guard lock(mutex_);
  DropExpired(now_ns);
  const auto found = by_name_.find(token.substr(0, kNameBytes));
  if (found == by_name_.end()) return std::nullopt;
  if (!crypto::ConstantTimeEqual(found->second.secret, token.substr(kNameBytes))) {
    return std::nullopt;
  }
  return found->second.session;
}

void SessionTable::Close(std::string_view token) {
  if (!Find(token)) return;
  const std::lock_guard lock(mutex_);
  if (const auto found = by_name_.find(token.substr(0, kNameBytes)); found != by_name_.end()) {
    by_name_.erase(found);
  }
}

std::int64_t SessionTable::LeftMs(const Session& session) const {
  return std::max<std::int64_t>(0,
                                (session.expires_monotonic_ns - clock_.monotonic_ns()) / kNsPerMs);
}

std::size_t SessionTable::size() const {
  const std::lock_guard lock(mutex_);
  return by_name_.size();
}

LoginGate::LoginGate(core::Clock& clock)
    : clock_(clock), all_{.tries = kAllBurst, .at_ns = clock.monotonic_ns()} {}

double LoginGate::Wait(Bucket& bucket, std::int64_t now_ns, std::int64_t burst,
                       std::int64_t refill_ms) {
  const auto passed_ms = static_cast<double>(now_ns - bucket.at_ns) / kNsPerMs;
  bucket.tries = std::min(static_cast<double>(burst),
                          bucket.tries + passed_ms / static_cast<double>(refill_ms));
  bucket.at_ns = now_ns;
  if (bucket.tries >= 1) return 0;
  return (1 - bucket.tries) * static_cast<double>(refill_ms) / 1000;
}

LoginGate::Bucket& LoginGate::BucketOf(std::string_view address, std::int64_t now_ns) {
  if (const auto found = by_peer_.find(address); found != by_peer_.end()) return found->second;
  if (by_peer_.size() >= kMaxPeers) {
    by_peer_.erase(
        std::ranges::max_element(by_peer_, {}, [](const auto& row) { return row.second.tries; }));
  }
  return by_peer_
      .emplace(std::string(address),
               Bucket{.tries = static_cast<double>(kPeerBurst), .at_ns = now_ns})
      .first->second;
}

std::int64_t LoginGate::Enter(std::string_view address) {
  const std::lock_guard lock(mutex_);
  const std::int64_t now_ns = clock_.monotonic_ns();
  Bucket& own = BucketOf(address, now_ns);
  const double wait_s = std::max(Wait(own, now_ns, kPeerBurst, kPeerRefillMs),
                                 Wait(all_, now_ns, kAllBurst, kAllRefillMs));
  if (wait_s > 0) return static_cast<std::int64_t>(std::ceil(wait_s));
  own.tries -= 1;
  all_.tries -= 1;
  return 0;
}

void LoginGate::Succeeded(std::string_view address) {
  const std::lock_guard lock(mutex_);
  if (const auto found = by_peer_.find(address); found != by_peer_.end()) by_peer_.erase(found);
}

}  // namespace assay::gateway::dashboard
