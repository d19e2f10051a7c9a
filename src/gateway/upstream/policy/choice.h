// upstream/policy/choice.h: which upstream is asked next, and after what delay.
// Room: gateway (private).  Threads: pure but for the generator.
// Source: full jitter: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog (2015).
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "assay/core/clock.h"

namespace assay::gateway {

enum class Balance : std::uint8_t {
  kFailover,  // the first target that can be asked, in their order
  kWeighted,  // by chance, in proportion to the weights
};

struct Candidate {
  std::uint32_t weight = 1;  // for kWeighted; 0 = only when the others cannot be asked
  bool usable = true;        // its breaker lets calls through and no limit has refused this one
  bool tried = false;        // for this question
  std::int64_t wait_ns = 0;  // until its limits let a call through
};

// The index of the target to ask; nullopt when none is usable. Targets that need not wait go before
// those that must, then those not tried yet, then by the balance; among those that must wait the
// shortest wait wins.
[[nodiscard]] std::optional<std::size_t> ChooseTarget(Balance balance,
                                                      std::span<const Candidate> candidates,
                                                      core::Rng& rng);

// Uniform in [0, min(max_ms, base_ms * 2^retry)]; `retry` counts from 0. Requires: base_ms, max_ms
// >= 0.
[[nodiscard]] std::int64_t FullJitterMs(std::uint32_t retry, std::int64_t base_ms,
                                        std::int64_t max_ms, core::Rng& rng);

}  // namespace assay::gateway
