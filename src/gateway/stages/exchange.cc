#include "assay/gateway/exchange.h"

namespace assay::gateway {

std::string_view EndpointPath(Endpoint endpoint) {
  static constexpr std::array<std::string_view, 3> kPaths = {"/chat/completions", "/completions",
                                                             "/embeddings"};
  return kPaths[static_cast<std::size_t>(endpoint)];
}

std::string_view StageName(Stage stage) {
  static constexpr std::array<std::string_view, kStageCount> kNames = {
      "authenticate", "normalize", "assign_variant", "exact_lookup", "semantic_lookup",
      "ask_experts",  "merge",     "check_claims",   "store",        "reply"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::string_view CacheOutcomeName(CacheOutcome outcome) {
  static constexpr std::array<std::string_view, 3> kNames = {"bypass", "miss", "hit"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view CacheTierName(CacheTier tier) {
  static constexpr std::array<std::string_view, 6> kNames = {"none", "memory", "compressed",
                                                             "disk", "redis",  "semantic"};
  return kNames[static_cast<std::size_t>(tier)];
}

}  // namespace assay::gateway
