// Who asks, and whether they may: the seam between the stages and the key store.
// Threads: safe; called on the I/O threads for every request, so an implementation takes about a
// microsecond and never waits.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "assay/core/result.h"
#include "assay/crypto/key_store.h"
#include "assay/gateway/router.h"

namespace assay::gateway {

struct Caller {
  std::array<char, 8> key_id_bytes = {};  // all 0 without keys
  std::string_view key_name = {};         // the views live as long as the gate
  std::string_view tenant = {};
  bool is_admin = true;         // may name another tenant
  const void* grant = nullptr;  // the gate's own

  [[nodiscard]] std::string_view key_id() const {
    return key_id_bytes[0] == 0 ? std::string_view()
                                : std::string_view(key_id_bytes.data(), key_id_bytes.size());
  }
};

class KeyGate {
 public:
  virtual ~KeyGate() = default;
  // `authorization` is the header's value. Counts one request against the key's budget.
  // Errors: kUnauthenticated, kPermissionDenied (scope), kResourceExhausted (budget).
  [[nodiscard]] virtual Result<Caller> Admit(std::string_view authorization, Scope scope) = 0;
  // What an admitted request cost, once that is known.
  virtual void Charge(const Caller& caller, std::uint64_t tokens, std::uint64_t cost_nanousd) = 0;
};

// Lets everybody do everything: for a gateway that only this machine can reach.
class OpenGate final : public KeyGate {
 public:
  [[nodiscard]] Result<Caller> Admit(std::string_view, Scope) override {
    return Caller{.tenant = "default"};
  }
  void Charge(const Caller&, std::uint64_t, std::uint64_t) override {}
};

// The keys of a store.
class StoreGate final : public KeyGate {
 public:
  explicit StoreGate(crypto::KeyStore& store) : store_(store) {}  // which must outlive it
  [[nodiscard]] Result<Caller> Admit(std::string_view authorization, Scope scope) override;
  void Charge(const Caller& caller, std::uint64_t tokens, std::uint64_t cost_nanousd) override;

 private:
  crypto::KeyStore& store_;
};

// The token of "Bearer <token>"; empty when the header has another form.
[[nodiscard]] std::string_view BearerToken(std::string_view authorization);

}  // namespace assay::gateway
