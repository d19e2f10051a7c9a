// assay/gateway/settings/experiments.h: experiments as the settings describe them.
// Room: gateway (uses core).  Threads: plain values.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace assay::gateway {

inline constexpr std::size_t kMaxVariants = 16;         // of an experiment
inline constexpr std::size_t kMaxMetrics = 16;          // of an experiment
inline constexpr std::size_t kMaxRouteExperiments = 8;  // at once on one route
inline constexpr double kMaxOutcome = 1e12;             // either way

// Whose answers belong together: the same unit gets the same variant, always.
enum class ExperimentUnit : std::uint8_t {
  kUser,     // `user` of the request's body
  kTenant,   // of the key
  kHeader,   // a header of the request
  kRequest,  // every request for itself
};

struct VariantSettings {  // what it changes; the defaults change nothing
  std::string name;
  double share = 1;         // of the units, relative to the other variants
  std::string model;        // sent to the upstream
  std::string system;       // put before the client's system prompt
  double temperature = -1;  // negative: the client's
  std::string fields;       // further members of the request, a JSON object
  std::string route;        // another route answers
  bool cache = true;        // false: answers are neither taken from the cache nor stored
};

enum class OutcomeDirection : std::uint8_t { kIncrease, kDecrease };
enum class OutcomeRole : std::uint8_t { kGoal, kGuardrail };

struct OutcomeSettings {
  std::string name;
  OutcomeDirection direction = OutcomeDirection::kIncrease;
  OutcomeRole role = OutcomeRole::kGoal;
  double margin = 0;  // relative harm that a guardrail bears
  double minimum = -kMaxOutcome;
  double maximum = kMaxOutcome;
};

struct ExperimentSettings {
  std::string name;
  bool enabled = true;
  std::vector<std::string> routes;  // on which it runs; empty: all
  ExperimentUnit unit = ExperimentUnit::kUser;
  std::string header;  // for ExperimentUnit::kHeader
  std::string layer = "default";
  std::int64_t first_slot = 0;
  std::int64_t slots = 10'000;
  double ramp = 1;
  double significance = 0.95;
  double improvement = 0.02;
  std::vector<VariantSettings> variants;  // the first one is the control
  std::vector<OutcomeSettings> metrics;
};

}  // namespace assay::gateway
