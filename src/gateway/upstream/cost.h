// What tokens cost at an upstream's price.
#pragma once
#include <cmath>
#include <cstdint>

#include "assay/gateway/settings.h"

namespace assay::gateway {

// In billionths of a US dollar, rounded; prices are in dollars for a million tokens.
[[nodiscard]] inline std::int64_t CostNanousd(const PriceSettings& price,
                                              std::uint64_t prompt_tokens,
                                              std::uint64_t completion_tokens) {
  constexpr double kNanousdPerTokenAtOneUsdPerMillion = 1000;  // 1e9 / 1e6
  return std::llround((static_cast<double>(prompt_tokens) * price.prompt_usd +
                       static_cast<double>(completion_tokens) * price.completion_usd) *
                      kNanousdPerTokenAtOneUsdPerMillion);
}

}  // namespace assay::gateway
