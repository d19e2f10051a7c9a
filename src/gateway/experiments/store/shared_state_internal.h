// What gateways that count an experiment together tell one another.
// Threads: plain values and pure functions.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/experiments/live.h"

#include "experiments/store/log_records_internal.h"

namespace assay::gateway {

inline constexpr std::size_t kMaxTold = 256;            // exposures at once: about 1 ms of Redis
inline constexpr std::size_t kMaxOrigins = 256;         // gateways whose counts are read
inline constexpr std::int64_t kPartialAfterMs = 3'000;  // without an answer of Redis

// By which the gateways know a variant: of its name and what it does.
[[nodiscard]] std::uint64_t ArmId(const LogArm& arm);

// What one gateway has counted of a variant.
struct SharedArm {
  LogArm name;
  MeasureSums measures;
  std::vector<std::pair<std::string, experiments::OutcomeSum>> outcomes;  // by metric
};

// All that one gateway has counted of an experiment, as its settings of now describe it.
struct SharedState {
  std::uint64_t set_aside = 0;
  std::uint64_t lost = 0;
  std::vector<SharedArm> arms;
};

// docs/formats/experiment-log.md.
[[nodiscard]] std::string EncodeSharedState(const SharedState& state);
// Errors: kDataLoss for bytes that EncodeSharedState never makes, sums that cannot be, and more
// than 10^12 of anything.
[[nodiscard]] Result<SharedState> DecodeSharedState(std::string_view bytes);

// What a gateway tells the others of one experiment.
struct ToldCounts {
  struct Exposure {
    std::uint64_t id = 0;   // of the unit or the request
    std::uint64_t arm = 0;  // ArmId
  };
  std::string origin;                       // its lasting name
  std::string state;                        // EncodeSharedState
  std::vector<Exposure> units;              // that were not told before
  std::vector<Exposure> requests;           // the same
  std::vector<std::uint64_t> arms;          // of which it asks how many units there are
  std::map<std::string, std::string> lost;  // states of others that are gone from Redis
};

// What it hears then.
struct HeardCounts {
  std::string generation;                     // of the units' table: another one, another table
  std::vector<std::int64_t> units;            // as ToldCounts::arms
  std::map<std::string, std::string> states;  // by origin, its own among them
};

// Of a reported outcome, what is known elsewhere.
struct ElsewhereOutcome {
  std::optional<std::uint64_t> arm;           // ArmId of its unit or request
  std::vector<std::optional<double>> values;  // recorded before; as the outcome's, or empty
};

}  // namespace assay::gateway
