// Any body: a JSON answer with status 200, or an error in the OpenAI form with status 400 or 412.
#include <cstdint>
#include <string>

#include <boost/json.hpp>

#include "assay/core/check.h"
#include "assay/gateway/claims_api.h"
#include "assay/gateway/router.h"

namespace {

assay::gateway::Router MakeRouter() {
  assay::gateway::Router router;
  const auto added =
      assay::gateway::AddClaimsApi(router, [](std::string_view) { return nullptr; }, {});
  ASSAY_CHECK(added.has_value());
  return router;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const assay::gateway::Router router = MakeRouter();
  for (const char* path : {"/v1/claims/extract", "/v1/claims/verify", "/v1/check"}) {
    assay::gateway::HttpRequest request;
    request.method = "POST";
    request.path = path;
    request.body.assign(reinterpret_cast<const char*>(data), size);
    const assay::gateway::HttpReply reply = router.Dispatch(request);
    const boost::json::value json = boost::json::parse(reply.body);
    if (reply.status == 200) {
      ASSAY_CHECK(json.is_object());
    } else {
      ASSAY_CHECK(reply.status == 400 || reply.status == 412);
      ASSAY_CHECK(json.at("error").at("message").is_string());
    }
  }
  return 0;
}
