// GET, POST and DELETE of /v1/keys.
#include <boost/json.hpp>

#include "dashboard/json_internal.h"
#include "runtime/endpoints_internal.h"

namespace assay::gateway {
namespace {

// For the audit log.
std::string Actor(const HttpRequest& request) {
  return "key:" + request.key_id;
}

HttpReply ListKeys(const crypto::KeyStore& keys) {
  const auto list = keys.List();
  return list ? HttpReply::Json(dashboard::KeysJson(*list)) : ErrorReply(list.error());
}

HttpReply CreateKey(crypto::KeyStore& keys, const HttpRequest& request) {
  const Result<crypto::KeySpec> spec = dashboard::KeySpecOf(request.body);
  if (!spec) return ErrorReply(spec.error());
  const Result<crypto::NewKey> key = keys.Create(*spec, Actor(request));
  if (!key) return ErrorReply(key.error());
  return HttpReply::Json(boost::json::serialize(boost::json::object{{"id", key->id.view()},
                                                                    {"token", key->token.view()}}),
                         201);
}

HttpReply RevokeKey(crypto::KeyStore& keys, const HttpRequest& request) {
  const std::string id(request.PathParameter("id"));
  const auto revoked = keys.Revoke(id, Actor(request));
  if (!revoked) return ErrorReply(revoked.error());
  return HttpReply::Json(
      boost::json::serialize(boost::json::object{{"id", revoked->id.view()}, {"revoked", true}}));
}

}  // namespace

Result<void> AddKeyEndpoints(Router& router, crypto::KeyStore& keys) {
  ASSAY_TRY(router.Add("GET", "/v1/keys", Scope::kAdmin,
                       [&keys](const HttpRequest&) { return ListKeys(keys); }));
  ASSAY_TRY(router.Add("POST", "/v1/keys", Scope::kAdmin,
                       [&keys](const HttpRequest& request) { return CreateKey(keys, request); }));
  return router.Add("DELETE", "/v1/keys/{id}", Scope::kAdmin,
                    [&keys](const HttpRequest& request) { return RevokeKey(keys, request); });
}

}  // namespace assay::gateway
