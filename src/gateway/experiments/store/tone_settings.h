// The experiment that the tests of the store count.
#pragma once
#include <string>
#include <vector>

#include "experiments/store/store_internal.h"

namespace assay::gateway {

// Two variants of the system prompt, and outcomes by these names.
inline ExperimentSettings Tone(const std::vector<std::string>& metrics = {"solved"}) {
  ExperimentSettings settings;
  settings.name = "tone";
  settings.variants.resize(2);
  settings.variants[0].name = "plain";
  settings.variants[1].name = "warm";
  settings.variants[1].system = "Be warm.";
  for (const std::string& name : metrics) settings.metrics.emplace_back().name = name;
  return settings;
}

}  // namespace assay::gateway
