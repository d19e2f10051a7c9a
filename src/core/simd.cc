#include "assay/core/simd.h"

#include <bit>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hwy/targets.h>

namespace assay::core {
namespace {

// Highway numbers targets so that a lower bit is a better one.
std::int64_t BestOf(std::int64_t targets) {
  return targets & -targets;
}

// Targets that the processor has and that kernels of this build were compiled for.
std::int64_t Available() {
  const std::int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
  return targets == 0 ? HWY_STATIC_TARGET : targets;
}

void Choose(std::int64_t mock) {
  hwy::SetSupportedTargetsForTest(mock);  // 0 ends the mock
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::vector<std::string_view> NamesOf(std::int64_t targets) {
  std::vector<std::string_view> names;
  for (; targets != 0; targets -= BestOf(targets)) {
    names.emplace_back(hwy::TargetName(BestOf(targets)));
  }
  return names;
}

std::int64_t AllAvailable() {
  const std::int64_t active = hwy::SupportedTargets();
  hwy::SetSupportedTargetsForTest(0);
  const std::int64_t all = Available();
  // Ends up as before: a forced target is one that differs from what the processor has.
  if (active != hwy::SupportedTargets()) hwy::SetSupportedTargetsForTest(active);
  return all;
}

}  // namespace

std::vector<std::string_view> SimdTargets() {
  return NamesOf(AllAvailable());
}

std::string_view ActiveSimdTarget() {
  return hwy::TargetName(BestOf(Available()));
}

Result<void> ForceSimdTarget(std::string_view name) {
  const std::int64_t all = AllAvailable();
  for (std::int64_t left = all; left != 0; left -= BestOf(left)) {
    if (name == hwy::TargetName(BestOf(left))) {
      Choose(BestOf(left));
      return {};
    }
  }
  return Fail(Code::kInvalidArgument,
              fmt::format("there is no SIMD target '{}' here; choose one of {}", name,
                          fmt::join(NamesOf(all), ", ")));
}

void ResetSimdTarget() {
  Choose(0);
}

}  // namespace assay::core
