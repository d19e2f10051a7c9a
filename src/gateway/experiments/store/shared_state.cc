#include <cmath>

#include "assay/core/hash.h"
#include "assay/gateway/settings.h"

#include "experiments/store/byte_taker_internal.h"
#include "experiments/store/shared_state_internal.h"

namespace assay::gateway {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint64_t kMaxCount = 1'000'000'000'000;  // sums of many stay far below 2^63
constexpr double kMaxSquares = 1e290;                   // nor do these become infinite

bool Bounded(const experiments::OutcomeSum& sum) {
  const auto& state = sum.state();
  return static_cast<std::uint64_t>(state.n) <= kMaxCount &&
         static_cast<std::uint64_t>(state.missing) <= kMaxCount && std::fabs(state.mean) <= 1e140 &&
         state.squares <= kMaxSquares;
}

// False where it holds what cannot be.
bool TakeArm(Taker& taker, SharedArm& arm) {
  bool bounded = true;
  const auto sum = [&] {
    const experiments::OutcomeSum taken = taker.Sum();
    bounded = bounded && Bounded(taken);
    return taken;
  };
  arm.name.name = taker.Name();
  arm.name.version = taker.Value<std::uint64_t>();
  for (experiments::OutcomeSum& measure : arm.measures) measure = sum();
  const std::size_t metrics = taker.Value<std::uint8_t>();
  bounded = bounded && metrics <= kMaxMetrics;
  for (std::size_t m = 0; m < metrics && bounded && !taker.lacking(); ++m) {
    std::string name = taker.Name();
    arm.outcomes.emplace_back(std::move(name), sum());
  }
  return bounded;
}

}  // namespace

std::uint64_t ArmId(const LogArm& arm) {
  return core::HashBytes64(arm.name, arm.version);
}

std::string EncodeSharedState(const SharedState& state) {
  std::string out;
  AppendValue(out, kVersion);
  AppendValue(out, state.set_aside);
  AppendValue(out, state.lost);
  AppendValue(out, static_cast<std::uint8_t>(state.arms.size()));
  for (const SharedArm& arm : state.arms) {
    AppendName(out, arm.name.name);
    AppendValue(out, arm.name.version);
    for (const experiments::OutcomeSum& sum : arm.measures) AppendSum(out, sum);
    AppendValue(out, static_cast<std::uint8_t>(arm.outcomes.size()));
    for (const auto& [metric, sum] : arm.outcomes) {
      AppendName(out, metric);
      AppendSum(out, sum);
    }
  }
  return out;
}

Result<SharedState> DecodeSharedState(std::string_view bytes) {
  Taker taker(bytes);
  const auto version = taker.Value<std::uint8_t>();
  SharedState state;
  state.set_aside = taker.Value<std::uint64_t>();
  state.lost = taker.Value<std::uint64_t>();
  const std::size_t arms = taker.Value<std::uint8_t>();
  bool bounded = state.set_aside <= kMaxCount && state.lost <= kMaxCount && arms <= kMaxVariants;
  for (std::size_t i = 0; i < arms && bounded && !taker.lacking(); ++i) {
    bounded = TakeArm(taker, state.arms.emplace_back());
  }
  if (version != kVersion || !bounded || !taker.whole()) {
    return Fail(Code::kDataLoss, "what a gateway counted of an experiment cannot be read");
  }
  return state;
}

}  // namespace assay::gateway
