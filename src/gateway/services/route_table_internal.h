// The routes as the settings describe them, ready to be asked.
// Threads: immutable once made; shared by all threads. A reload makes a new one.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/settings.h"
#include "assay/gateway/settings_load.h"

#include "checks/checker_pool_internal.h"
#include "experts/circle_internal.h"
#include "semantic/semantic_pool_internal.h"
#include "services/encoder_pool_internal.h"
#include "upstream/route_client.h"

namespace assay::gateway {

struct ModelRoute {
  RouteSettings settings;
  std::shared_ptr<RouteClient> client;
  std::shared_ptr<Circle> circle;  // null: one expert answers
  std::uint64_t version = 0;       // a hash of whom it would ask for what; part of every key
  std::int64_t ttl_ms = 0;         // of cached answers; 0: for ever
  std::int64_t deadline_ms = 0;
  bool cached = true;
  std::shared_ptr<SemanticRoute> semantic;  // null: no such hits
  const AnswerChecker* checker = nullptr;   // null: answers are not checked; lives in the pool
  // What `checker` had for documents when this route was made: they may be newer, never older.
  std::string documents_version;

  // The documents by which answers of that endpoint are judged; empty where they are not.
  [[nodiscard]] std::string_view DocumentsOf(Endpoint endpoint) const {
    return endpoint == Endpoint::kEmbeddings ? std::string_view() : documents_version;
  }
};

// What routes share; all outlive them.
struct RoutePools {
  CheckerPool& checkers;
  SemanticPool& semantic;
  EncoderPool& encoders;
  ReliabilityPool& learned;
};

class RouteTable {
 public:
  // Upstreams that `before` has with the same settings are taken over from it, with their
  // connections, limits and breakers. Errors: those of the providers, of reading their keys, of
  // the pools and of Circle::Make.
  [[nodiscard]] static Result<std::shared_ptr<const RouteTable>> Make(
      const Settings& settings, const Environment& environment, const RouteTable* before,
      const RoutePools& pools);

  // The route of that name, else the one for every name ("*"), else null. O(log routes).
  [[nodiscard]] const ModelRoute* Find(std::string_view model) const;

  // Whether any route looks into the cache, so that requests need keys.
  [[nodiscard]] bool any_cached() const { return any_cached_; }

  // What an answer of that upstream cost, in 1e-9 US dollars.
  [[nodiscard]] std::int64_t CostNanousd(std::string_view upstream, std::uint64_t prompt_tokens,
                                         std::uint64_t completion_tokens) const;

  // The same of a reply, which may be that of several upstreams.
  [[nodiscard]] std::int64_t CostOf(const UpstreamReply& reply) const;

  struct Member {
    UpstreamSettings settings;
    std::shared_ptr<Upstream> upstream;
  };
  [[nodiscard]] const std::vector<Member>& upstreams() const { return upstreams_; }
  [[nodiscard]] const std::map<std::string, ModelRoute, std::less<>>& routes() const {
    return routes_;
  }

 private:
  [[nodiscard]] Result<ModelRoute> MakeRoute(const Settings& settings, const RouteSettings& route,
                                             const RoutePools& pools) const;
  Result<void> GiveTarget(ClaimJudge& judge) const;
  [[nodiscard]] Result<std::shared_ptr<Circle>> MakeCircle(const Settings& settings,
                                                           const ModelRoute& route,
                                                           const RoutePools& pools) const;

  std::vector<Member> upstreams_;
  std::map<std::string, ModelRoute, std::less<>> routes_;
  const ModelRoute* any_ = nullptr;  // the route "*"
  bool any_cached_ = false;
};

}  // namespace assay::gateway
