// AssignVariant: which variant of the route's experiments a request gets.
#include <cmath>
#include <limits>
#include <span>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include "experiments/live_set_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kUsdPerNanousd = 1e-9;
constexpr std::uint64_t kMix = 0x9e3779b97f4a7c15;

std::string_view HeaderOf(const RequestView& request, std::string_view name) {
  for (const FieldView& field : request.fields()) {
    if (EqualsIgnoreCase(field.name, name)) return field.value;
  }
  return {};
}

std::uint64_t Mixed(std::uint64_t version, std::uint64_t of_variant) {
  return (version ^ of_variant) * kMix;
}

}  // namespace

std::string_view Pipeline::UnitOf(const ThreadState& state, const ExperimentSettings& experiment,
                                  const RequestView& request) {
  switch (experiment.unit) {
    case ExperimentUnit::kUser:
      return state.facts.user;
    case ExperimentUnit::kTenant:
      return state.tenant;
    case ExperimentUnit::kHeader:
      return HeaderOf(request, experiment.header);
    case ExperimentUnit::kRequest:
      break;
  }
  return state.names.request_id_view();
}

void Pipeline::AssignVariants(ThreadState& state, const RequestView& request) {
  if (!state.live->experiments || state.endpoint == Endpoint::kEmbeddings) return;
  const LiveSet& set = *state.live->experiments;
  for (const LiveExperimentView* one : set.On(*state.route)) {
    if (!one->store->running()) continue;
    const std::string_view unit = UnitOf(state, one->settings, request);
    if (unit.empty()) continue;
    state.unit.assign(state.tenant).append(1, '\0').append(unit);
    const auto chosen = set.assigner().VariantOf(one->settings.name, state.unit);
    if (!chosen) continue;
    const LiveVariant& variant = one->variants[*chosen];
    state.assigned.push_back({one, &variant});
    one->store->NoteExposure(variant.arm, UnitHash(state.tenant, unit),
                             RequestHash(state.tenant, state.names.request_id_view()));
    if (!state.variants.empty()) state.variants += ", ";
    state.variants.append(one->settings.name).append(1, '=').append(variant.name);
  }
  for (const AssignedVariant& one : state.assigned) {
    if (one.variant->route != nullptr) state.route = one.variant->route;
  }
  state.version = state.route->version;
  for (const AssignedVariant& one : state.assigned) {
    state.version = Mixed(state.version, one.variant->version);
    state.may_cache = state.may_cache && one.variant->cache;
  }
}

// Only what goes upstream is edited: the variants' versions keep the keys apart.
std::optional<ApiError> Pipeline::EditForVariants(ThreadState& state) {
  bool edited = false;
  for (const AssignedVariant& one : state.assigned) {
    const RequestEdit& edit = one.variant->edit;
    if (!edit.any()) continue;
    auto body = EditRequest(state.body, state.endpoint, edit);
    if (!body) {
      return ApiError{.status = 400,
                      .type = "invalid_request_error",
                      .code = "invalid_json",
                      .message = std::move(body).error().message};
    }
    state.edited = *std::move(body);
    state.body = state.edited;
    edited = true;
  }
  if (!edited) return std::nullopt;
  bool own_model = false;
  for (const AssignedVariant& one : state.assigned) {
    own_model = own_model || !one.variant->edit.model.empty();
  }
  std::string asked_for = std::move(state.facts.model);
  auto error = state.reader.Read(state.endpoint, state.body,
                                 static_cast<std::size_t>(state.live->settings.limits.json_depth),
                                 state.facts);
  state.facts.model = std::move(asked_for);
  if (own_model) state.facts.model_bytes = 0;  // the route's does not take its place
  return error;
}

void Pipeline::NoteVariants(std::span<const AssignedVariant> assigned,
                            const ExchangeSummary& summary) {
  const bool asked = summary.outcome != CacheOutcome::kHit && !summary.coalesced;
  const bool failed = summary.status >= 400;
  const double tokens = asked ? static_cast<double>(summary.usage.prompt_tokens) +
                                    static_cast<double>(summary.usage.completion_tokens)
                              : 0;
  const std::int64_t cost_nanousd = asked ? summary.cost_nanousd : 0;
  for (const AssignedVariant& one : assigned) {
    const LiveVariant& variant = *one.variant;
    variant.requests.Add();
    if (failed) variant.errors.Add();
    variant.tokens.Add(static_cast<std::uint64_t>(tokens));
    variant.cost.Add(static_cast<std::uint64_t>(cost_nanousd));
    if (summary.cancelled) continue;  // by the client: says nothing about the answer
    variant.seconds.ObserveNs(summary.total_ns);
    FinishedRequest finished;
    finished.measures = {failed ? std::numeric_limits<double>::quiet_NaN()
                                : static_cast<double>(summary.total_ns) / kNsPerMs,
                         failed ? 1.0 : 0.0, tokens,
                         static_cast<double>(cost_nanousd) * kUsdPerNanousd};
    one.experiment->store->NoteFinished(variant.arm, finished);
  }
}

}  // namespace assay::gateway
