// assay/crypto/grant.h: what an API key allows: scopes, budgets, and who it belongs to.
// Room: crypto (uses core).  Threads: plain values.
#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::crypto {

// The parts of the HTTP interface that a key opens.
enum class Scope : std::uint8_t {
  kInference,  // /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models
  kClaims,     // /v1/claims/*, /v1/check
  kCache,      // /v1/cache/*
  kAdmin,      // /v1/keys; implies the others
};
inline constexpr std::array<std::string_view, 4> kScopeNames = {"inference", "claims", "cache",
                                                                "admin"};
[[nodiscard]] constexpr std::string_view ScopeName(Scope scope) {
  return kScopeNames[static_cast<std::size_t>(scope)];
}

class ScopeSet {
 public:
  constexpr ScopeSet() = default;
  constexpr ScopeSet(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes) Add(scope);
  }
  // "inference,claims": names with commas between them, in any order. Errors: kInvalidArgument.
  [[nodiscard]] static Result<ScopeSet> Parse(std::string_view text);
  // The names in the order of Scope, with commas between them.
  [[nodiscard]] std::string ToText() const;

  constexpr void Add(Scope scope) { bits_ |= Bit(scope); }
  // Whether it was given, by name or by kAdmin.
  [[nodiscard]] constexpr bool Allows(Scope scope) const {
    return (bits_ & (Bit(scope) | Bit(Scope::kAdmin))) != 0;
  }
  [[nodiscard]] constexpr bool Holds(Scope scope) const { return (bits_ & Bit(scope)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  friend constexpr bool operator==(ScopeSet, ScopeSet) = default;

 private:
  static constexpr std::uint8_t Bit(Scope scope) {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(scope));
  }
  std::uint8_t bits_ = 0;
};

// When a budget starts anew, in UTC: at the full hour, at midnight, on the first of the month;
// kTotal never does.
enum class Period : std::uint8_t { kTotal, kHour, kDay, kMonth };
inline constexpr std::array<std::string_view, 4> kPeriodNames = {"total", "hour", "day", "month"};
[[nodiscard]] constexpr std::string_view PeriodName(Period period) {
  return kPeriodNames[static_cast<std::size_t>(period)];
}
[[nodiscard]] Result<Period> ParsePeriod(std::string_view name);  // Errors: kInvalidArgument

// [begin_ms, end_ms) of the period that holds `unix_ms`. For kTotal from 0 to the end of time.
struct Window {
  std::int64_t begin_ms = 0;
  std::int64_t end_ms = INT64_MAX;
};
[[nodiscard]] Window WindowAt(Period period, std::int64_t unix_ms);

struct Usage {
  std::uint64_t requests = 0;
  std::uint64_t tokens = 0;        // of prompts and answers
  std::uint64_t cost_nanousd = 0;  // 10^-9 US dollars
  friend bool operator==(const Usage&, const Usage&) = default;
};

// How much may be used in one period; a limit of 0 is none.
struct Budget {
  Period period = Period::kTotal;
  Usage limit;
  friend bool operator==(const Budget&, const Budget&) = default;
};

// The public part of a token: 8 characters of 0-9A-Za-z.
struct KeyId {
  std::array<char, 8> text = {};
  [[nodiscard]] constexpr std::string_view view() const { return {text.data(), text.size()}; }
  friend constexpr bool operator==(const KeyId&, const KeyId&) = default;
};

struct KeyRecord;  // of the store

// Who showed a valid token. Copies are cheap; the views live as long as the store.
struct KeyGrant {
  KeyId id;
  ScopeSet scopes;
  std::string_view name;
  std::string_view tenant;
  const KeyRecord* record = nullptr;  // for the store
};

}  // namespace assay::crypto
