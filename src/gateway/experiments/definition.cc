#include <algorithm>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "experiments/definition_internal.h"

namespace assay::gateway {

experiments::LiveExperiment LiveOf(const ExperimentSettings& settings) {
  experiments::LiveExperiment live;
  live.id = settings.name;
  live.layer = settings.layer;
  live.first_slot = static_cast<std::uint32_t>(settings.first_slot);
  live.slots = static_cast<std::uint32_t>(settings.slots);
  live.ramp = settings.ramp;
  for (const VariantSettings& variant : settings.variants) {
    live.variants.push_back({.name = variant.name, .share = variant.share});
  }
  return live;
}

bool RunsOn(const ExperimentSettings& settings, std::string_view route) {
  return settings.routes.empty() ||
         std::ranges::find(settings.routes, route) != settings.routes.end();
}

std::uint64_t VersionOf(const VariantSettings& variant) {
  const std::string whole =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", variant.model.size(), variant.model,
                  variant.system.size(), variant.system, variant.temperature, variant.fields.size(),
                  variant.fields, variant.route, variant.cache ? 1 : 0);
  return core::HashBytes64(whole);
}

std::size_t MeasureOf(std::string_view metric) {
  return static_cast<std::size_t>(std::ranges::find(kMeasureNames, metric) - kMeasureNames.begin());
}

}  // namespace assay::gateway
