// The hot path of the key store: no locks, no system calls, no allocation unless it refuses.
#include <algorithm>

#include <fmt/format.h>

#include "keys/time_text_internal.h"
#include "keys/token_internal.h"
#include "store/key_store_internal.h"
#include "store/recent_tokens_internal.h"

namespace assay::crypto {
namespace {

std::unexpected<Error> Refuse(const KeyId& id, std::string_view why) {
  return Fail(Code::kUnauthenticated, fmt::format("the API key {} {}", id.view(), why));
}

std::unexpected<Error> Spent(const KeyRecord& record, std::string_view what, std::string limit,
                             const WindowCounters& window) {
  if (record.budget.period == Period::kTotal) {
    return Fail(Code::kResourceExhausted,
                fmt::format("the API key {} has spent its budget of {} {}, which never resets; ask "
                            "for a new key",
                            record.id.view(), limit, what));
  }
  return Fail(Code::kResourceExhausted,
              fmt::format("the API key {} has spent its budget of {} {} a {}; it resets at {}",
                          record.id.view(), limit, what, PeriodName(record.budget.period),
                          UtcText(window.end_ms.load(std::memory_order_relaxed))));
}

// Whether a limit (0 is none) is reached by what this and the other processes have used.
bool Reached(std::uint64_t limit, const WindowCounters& window,
             std::atomic<std::uint64_t> WindowCounters::Atomics::* what) {
  return limit != 0 && (window.own.*what).load(std::memory_order_relaxed) +
                               std::max((window.others.*what).load(std::memory_order_relaxed),
                                        (window.elsewhere.*what).load(std::memory_order_relaxed)) >=
                           limit;
}

}  // namespace

Result<KeyGrant> KeyStore::Impl::Authenticate(std::string_view token) const {
  const auto id = IdOfToken(token);
  if (!id) {
    return Fail(Code::kUnauthenticated,
                "the API key is malformed: it is cut, mistyped, or none of this gateway's "
                "(ask_<8>_<38 letters and digits>)");
  }
  const KeyRecord* const record = table_.Find(*id);
  if (record == nullptr) return Refuse(*id, "is not known");
  if (record->hasher == nullptr) {
    return Refuse(*id, "was made under a key that this process has not read; restart it");
  }
  RecentTokens& recent = RecentTokens::OfThisThread();
  if (!recent.Holds(serial_, record->hash, token)) {
    if (!ConstantTimeEqual(ViewOf(record->hasher->Sign(token)), ViewOf(record->hash))) {
      return Refuse(*id, "is not known");
    }
    recent.Note(serial_, record->hash, token);
  }
  // Acquire: pairs with the release of the store when it revokes.
  if (const std::int64_t at_ms = record->revoked_ms.load(std::memory_order_acquire);
      at_ms != kNever) {
    return Refuse(*id, fmt::format("was revoked at {}", UtcText(at_ms)));
  }
  if (record->expires_ms != kNever && record->expires_ms <= now_ms()) {
    return Refuse(*id, fmt::format("expired at {}", UtcText(record->expires_ms)));
  }
  return KeyGrant{.id = *id,
                  .scopes = record->scopes,
                  .name = record->name,
                  .tenant = record->tenant,
                  .record = record};
}

Result<void> KeyStore::Impl::Admit(const KeyGrant& grant, Scope scope) {
  const KeyRecord& record = *grant.record;
  if (!record.scopes.Allows(scope)) {
    return Fail(Code::kPermissionDenied,
                fmt::format("the API key {} has the scopes {}, and this needs {}", record.id.view(),
                            record.scopes.ToText(), ScopeName(scope)));
  }
  const Usage& limit = record.budget.limit;
  WindowCounters& window = record.usage->At(record.budget.period, now_ms());
  if (Reached(limit.tokens, window, &WindowCounters::Atomics::tokens)) {
    return Spent(record, "tokens", fmt::to_string(limit.tokens), window);
  }
  if (Reached(limit.cost_nanousd, window, &WindowCounters::Atomics::cost_nanousd)) {
    return Spent(record, "US dollars", UsdText(limit.cost_nanousd), window);
  }
  // Counted first, so that of several threads at the limit each sees a number of its own.
  const std::uint64_t before = window.own.requests.fetch_add(1, std::memory_order_relaxed) +
                               std::max(window.others.requests.load(std::memory_order_relaxed),
                                        window.elsewhere.requests.load(std::memory_order_relaxed));
  if (limit.requests != 0 && before >= limit.requests) {
    window.own.requests.fetch_sub(1, std::memory_order_relaxed);
    return Spent(record, "requests", fmt::to_string(limit.requests), window);
  }
  return {};
}

void KeyStore::Impl::Charge(const KeyGrant& grant, std::uint64_t tokens,
                            std::uint64_t cost_nanousd) noexcept {
  const KeyRecord& record = *grant.record;
  WindowCounters& window = record.usage->At(record.budget.period, now_ms());
  if (tokens != 0) window.own.tokens.fetch_add(tokens, std::memory_order_relaxed);
  if (cost_nanousd != 0) window.own.cost_nanousd.fetch_add(cost_nanousd, std::memory_order_relaxed);
}

}  // namespace assay::crypto
