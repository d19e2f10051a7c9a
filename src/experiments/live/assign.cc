#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/experiments/live.h"

namespace assay::experiments {
namespace {

// Seeds of the three decisions, so that none tells anything about another. Part of the format:
// never change.
constexpr std::uint64_t kSlotSeed = 0x736c6f74;
constexpr std::uint64_t kRampSeed = 0x72616d70;
constexpr std::uint64_t kVariantSeed = 0x76617269;

// Uniform in [0, 1) for (scope, unit): the scope's hash is the seed of the unit's.
double Place(std::string_view scope, std::string_view unit, std::uint64_t seed) {
  const std::uint64_t hash = core::HashBytes64(unit, core::HashBytes64(scope, seed));
  return static_cast<double>(hash >> 11) * 0x1.0p-53;
}

Result<void> Check(const LiveExperiment& one) {
  const auto fail = [&](std::string_view what) {
    return Fail(Code::kInvalidArgument, fmt::format("experiment '{}': {}", one.id, what));
  };
  if (one.id.empty()) return fail("has no id");
  if (one.variants.size() < 2) return fail("needs a control and at least one other variant");
  if (one.slots == 0 || one.first_slot >= kLayerSlots || one.slots > kLayerSlots - one.first_slot) {
    return fail(fmt::format("slots {} to {} are not within the layer's {}", one.first_slot,
                            std::uint64_t{one.first_slot} + one.slots, kLayerSlots));
  }
  if (!(one.ramp >= 0) || !(one.ramp <= 1))
    return fail(fmt::format("ramp {} is not in [0, 1]", one.ramp));
  double total = 0;
  for (std::size_t i = 0; i < one.variants.size(); ++i) {
    const VariantShare& variant = one.variants[i];
    if (!(variant.share >= 0) || !(variant.share <= 1e6)) {
      return fail(fmt::format("share {} of variant '{}' is not in [0, 1000000]", variant.share,
                              variant.name));
    }
    total += variant.share;
    for (std::size_t j = 0; j < i; ++j) {
      if (one.variants[j].name == variant.name) {
        return fail(fmt::format("has variant '{}' twice", variant.name));
      }
    }
  }
  if (!(total > 0)) return fail("all shares are 0");
  return {};
}

}  // namespace

Result<Assigner> Assigner::Create(std::vector<LiveExperiment> experiments) {
  for (std::size_t i = 0; i < experiments.size(); ++i) {
    const LiveExperiment& one = experiments[i];
    ASSAY_TRY(Check(one));
    for (std::size_t j = 0; j < i; ++j) {
      const LiveExperiment& other = experiments[j];
      if (one.id == other.id) {
        return Fail(Code::kInvalidArgument, fmt::format("experiment '{}' is there twice", one.id));
      }
      const bool apart = one.first_slot >= other.first_slot + other.slots ||
                         other.first_slot >= one.first_slot + one.slots;
      if (one.layer == other.layer && !apart) {
        return Fail(Code::kInvalidArgument,
                    fmt::format("experiments '{}' and '{}' share slots of layer '{}'; give one of "
                                "them others, or another layer",
                                other.id, one.id, one.layer));
      }
    }
  }
  std::ranges::sort(experiments, {}, &LiveExperiment::id);
  return Assigner(std::move(experiments));
}

Assigner::Assigner(std::vector<LiveExperiment> experiments)
    : experiments_(std::move(experiments)) {}

const LiveExperiment* Assigner::Find(std::string_view experiment) const {
  const auto at = std::ranges::lower_bound(
      experiments_, experiment, {}, [](const auto& one) { return std::string_view(one.id); });
  return at != experiments_.end() && at->id == experiment ? &*at : nullptr;
}

std::optional<std::size_t> Assigner::VariantOf(std::string_view experiment,
                                               std::string_view unit) const {
  const LiveExperiment* one = Find(experiment);
  if (one == nullptr) return std::nullopt;
  const auto slot = static_cast<std::uint32_t>(Place(one->layer, unit, kSlotSeed) * kLayerSlots);
  if (slot < one->first_slot || slot - one->first_slot >= one->slots) return std::nullopt;
  if (Place(one->id, unit, kRampSeed) >= one->ramp) return std::nullopt;
  double total = 0;
  for (const VariantShare& variant : one->variants) total += variant.share;
  double place = Place(one->id, unit, kVariantSeed) * total;
  std::size_t last = 0;  // with a share: where rounding may end
  for (std::size_t i = 0; i < one->variants.size(); ++i) {
    if (one->variants[i].share == 0) continue;
    last = i;
    if (place < one->variants[i].share) return i;
    place -= one->variants[i].share;
  }
  return last;
}

}  // namespace assay::experiments
