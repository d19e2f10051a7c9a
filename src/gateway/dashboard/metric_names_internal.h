// dashboard/metric_names_internal.h: the metrics that the dashboard reads.
// Threads: constants.
#pragma once
#include <array>
#include <string_view>

namespace assay::gateway::dashboard {

// Finished exchanges; the label says what answered, or "error".
inline constexpr std::string_view kRequests = "assay_exchanges_total";
inline constexpr std::string_view kSourceLabel = "source";
inline constexpr std::array<std::string_view, 6> kSources = {"memory", "compressed", "disk",
                                                             "redis",  "coalesced",  "upstream"};
inline constexpr std::string_view kErrorSource = "error";

inline constexpr std::string_view kLatency = "assay_exchange_seconds";  // one series, all exchanges

inline constexpr std::string_view kTokens = "assay_tokens_total";
inline constexpr std::string_view kTokenLabel = "kind";  // "prompt", "completion"

inline constexpr std::string_view kSpentUsd = "assay_cost_usd_total";
inline constexpr std::string_view kSavedUsd = "assay_saved_usd_total";

inline constexpr std::string_view kVerdictCount = "assay_claims_total";
inline constexpr std::string_view kVerdictLabel = "verdict";
inline constexpr std::array<std::string_view, 3> kVerdicts = {"supported", "contradicted",
                                                              "unverified"};

inline constexpr std::array<std::string_view, 6> kShownMetrics = {
    kRequests, kLatency, kTokens, kSpentUsd, kSavedUsd, kVerdictCount};

}  // namespace assay::gateway::dashboard
