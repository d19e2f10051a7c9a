// Reads arbitrary bytes as a retry-after field: a wait is never negative and never longer than a
// day, and a date does not depend on which form it is in.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/core/traffic/retry_after.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using assay::core::kMaxRetryAfterMs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr std::int64_t kNowMs = 1'700'000'000'000;
  const auto wait_ms = assay::core::ParseRetryAfter(text, kNowMs);
  if (wait_ms && (*wait_ms < 0 || *wait_ms > kMaxRetryAfterMs)) std::abort();
  const auto date = assay::core::ParseHttpDate(text);
  if (date && (!wait_ms || (*date * 1'000 < kNowMs) != (*wait_ms == 0 && *date * 1'000 != kNowMs)))
    std::abort();
  const auto exact_ms = assay::core::ParseRetryAfterMs(text);
  if (exact_ms && (*exact_ms < 0 || *exact_ms > kMaxRetryAfterMs)) std::abort();
  return 0;
}
