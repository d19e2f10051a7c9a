// assay/gateway/router.h: which function answers a request that is not on the hot path.
// Room: gateway (uses core).  Threads: built by one thread; Find and Dispatch are for many after
// that. Handlers run on the compute pool, many at a time, and may block.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/gateway/http_message.h"

namespace assay::gateway {

// What a caller must be allowed to do. Without keys (loopback only) every caller may do all.
enum class Scope : std::uint8_t {
  kNone,       // anybody: health, readiness, the login page
  kInference,  // chat, completions, embeddings, models
  kClaims,     // extraction, verification, checks
  kCache,      // cache statistics and purge
  kAdmin,      // keys, metrics of others, everything else
  kSession,    // the handler checks a dashboard session by itself
};

// "inference", "claims", "cache", "admin"; "" for kNone and kSession.
[[nodiscard]] std::string_view ScopeName(Scope scope);

// Must not throw; what escapes nevertheless becomes a 500 in Dispatch.
using Handler = std::function<HttpReply(const HttpRequest&)>;

class Router {
 public:
  struct Route {
    std::string method;
    std::string pattern;
    Scope scope = Scope::kAdmin;
    Handler handler;
    std::vector<std::string> segments;  // of the pattern, split at '/'
  };

  // `pattern` is a path such as "/v1/keys/{id}"; a {name} stands for one segment, a last segment
  // {name...} for all the rest, which may be empty. Literal segments win over names. HEAD goes to
  // GET's handler. Errors: kAlreadyExists for a method and pattern that are there already;
  // kInvalidArgument for a pattern that does not begin with '/'.
  [[nodiscard]] Result<void> Add(std::string_view method, std::string_view pattern, Scope scope,
                                 Handler handler);

  struct Found {
    const Route* route = nullptr;  // null: see `path_known`
    bool path_known = false;       // the path exists, with other methods
    std::string allow;             // those methods, "GET, DELETE", for a 405
  };
  // O(routes). `path` is decoded and has no query.
  [[nodiscard]] Found Find(std::string_view method, std::string_view path) const;

  // Fills request.path_parameters, calls the route's handler and turns whatever it throws into a
  // 500. 404 and 405 in the OpenAI error form. Scopes are the caller's business.
  [[nodiscard]] HttpReply Dispatch(HttpRequest& request) const;

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
};

}  // namespace assay::gateway
