#include "services/key_gate_internal.h"

namespace assay::gateway {
namespace {

crypto::Scope KeyScope(Scope scope) {
  switch (scope) {
    case Scope::kInference:
      return crypto::Scope::kInference;
    case Scope::kClaims:
      return crypto::Scope::kClaims;
    case Scope::kCache:
      return crypto::Scope::kCache;
    default:
      return crypto::Scope::kAdmin;
  }
}

}  // namespace

Result<Caller> StoreGate::Admit(std::string_view authorization, Scope scope) {
  const std::string_view token = BearerToken(authorization);
  if (token.empty()) {
    return Fail(Code::kUnauthenticated,
                "This gateway needs an API key: send 'Authorization: Bearer ask_...'.");
  }
  ASSAY_ASSIGN(const crypto::KeyGrant grant, store_.Authenticate(token));
  ASSAY_TRY(store_.Admit(grant, KeyScope(scope)));
  return Caller{.key_id_bytes = grant.id.text,
                .key_name = grant.name,
                .tenant = grant.tenant,
                .is_admin = grant.scopes.Holds(crypto::Scope::kAdmin),
                .grant = grant.record};
}

void StoreGate::Charge(const Caller& caller, std::uint64_t tokens, std::uint64_t cost_nanousd) {
  crypto::KeyGrant grant;
  grant.id.text = caller.key_id_bytes;
  grant.record = static_cast<const crypto::KeyRecord*>(caller.grant);
  store_.Charge(grant, tokens, cost_nanousd);
}

}  // namespace assay::gateway
