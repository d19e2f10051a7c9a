// The keys under `experiments`.
#include <array>

#include "table.h"

namespace assay::gateway::settings {
namespace {

using enum Reload;

constexpr std::array<std::string_view, 4> kUnits = {"user", "tenant", "header", "request"};
constexpr std::array<std::string_view, 2> kDirections = {"increase", "decrease"};
constexpr std::array<std::string_view, 2> kRoles = {"goal", "guardrail"};

Key VariantKey(VariantSettings& v) {
  return Section(
      v.name, "What one part of the units gets. The first variant is the control.",
      {Number("share", v.share, {0, 1e6}, kLive,
              "Of the units, relative to the other variants. 0: no new ones."),
       String("model", v.model, kLive,
              "The model name that the upstream gets. Empty: as the route says."),
       String("system", v.system, kLive, "Put before the client's system prompt, of chats."),
       Number("temperature", v.temperature, {-1, 2}, kLive,
              "Sent instead of the client's. -1: the client's."),
       String("fields", v.fields, kLive,
              "Further members of the request as a JSON object, such as `'{\"top_p\": 0.9}'`; they "
              "take the place of the client's."),
       String("route", v.route, kLive,
              "The name of another route that answers: other upstreams, documents, cache or "
              "policy. Empty: the one that was asked for."),
       Bool("cache", v.cache, kLive, "Answer from the cache and store answers.")});
}

Key OutcomeKey(OutcomeSettings& m) {
  return Section(
      m.name,
      "What clients report by `POST /v1/experiments/NAME/outcome`, one value for a unit or a "
      "request. The gateway itself fills `latency_ms`, `error`, `tokens` and `cost_usd`.",
      {Choice("direction", m.direction, kDirections, kLive, "Which way is better."),
       Choice("role", m.role, kRoles, kLive,
              "A `goal` can make a variant win; a `guardrail` can only keep it from winning."),
       Number("margin", m.margin, {0, 10}, kLive,
              "Relative harm that a guardrail bears before it counts as hurt."),
       Number("minimum", m.minimum, {-kMaxOutcome, kMaxOutcome}, kLive,
              "A smaller value is refused."),
       Number("maximum", m.maximum, {-kMaxOutcome, kMaxOutcome}, kLive,
              "A larger value is refused.")});
}

Key ExperimentKey(ExperimentSettings& e) {
  return Section(
      e.name, "Variants of how requests are answered, and what shows which one is better.",
      {Bool("enabled", e.enabled, kLive, "Give units a variant."),
       List("routes", e.routes, kLive, "On which it runs. Empty: on all."),
       Choice(
           "unit", e.unit, kUnits, kLive,
           "What keeps its variant: the request's `user`, the key's tenant, a header's value, or "
           "nothing (`request`). Requests without it take no part."),
       String("header", e.header, kLive, "The header's name, where `unit` is `header`."),
       String("layer", e.layer, kLive,
              "Experiments of one layer never meet: each has slots of its own. Those of different "
              "layers are independent."),
       Integer("first_slot", e.first_slot, {0, 9'999}, kLive, "Of the layer's 10,000 slots."),
       Integer("slots", e.slots, {1, 10'000}, kLive, "How many of them it has."),
       Number("ramp", e.ramp, {0, 1}, kLive,
              "Share of the slots' units that take part; raising it moves nobody."),
       Number("significance", e.significance, {0.5, 0.9999}, kLive,
              "Confidence of intervals and decisions, which hold however often one looks."),
       Number("improvement", e.improvement, {0.0001, 10}, kLive,
              "Relative improvement from which a variant may win."),
       NamedMapsKey("variants", "The control first, then one or more others.", e.variants,
                    &VariantKey),
       NamedMapsKey("metrics", "What is compared.", e.metrics, &OutcomeKey)});
}

}  // namespace

Key ExperimentsKey(std::vector<ExperimentSettings>& experiments) {
  return NamedMapsKey("experiments", "Comparisons of ways to answer, each under a name.",
                      experiments, &ExperimentKey);
}

}  // namespace assay::gateway::settings
