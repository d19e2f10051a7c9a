#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "assay/core/clock.h"

#include "cluster/shared_limits_internal.h"
#include "cluster/shared_sums_internal.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kKeepRateMs = 600'000;  // a limit is forgotten when nobody has asked for it
constexpr std::int64_t kKeepWindowMs = 3'600'000;  // after its end, for clocks that differ
// A limit is about the minute at hand: after longer without Redis nobody pays for what was let
// through meanwhile, which would hold calls back for as long again.
constexpr std::int64_t kForgetMs = 2'000;
constexpr std::int64_t kQuietMs = 5'000;  // a key is asked about so long after its last use here
constexpr std::size_t kRateSums = 4;
constexpr std::size_t kBudgetSums = 3;

std::int64_t NowMs() {
  return core::Clock::Real().wall_ns() / 1'000'000;
}
std::int64_t SteadyMs() {
  return core::Clock::Real().monotonic_ns() / 1'000'000;
}

SharedSums::Values ValuesOf(const UpstreamSpent& spent) {
  return {spent.requests, spent.requests_back, spent.tokens, spent.tokens_back};
}

SharedSums::Values ValuesOf(const crypto::Usage& usage) {
  return {static_cast<std::int64_t>(usage.requests), static_cast<std::int64_t>(usage.tokens),
          static_cast<std::int64_t>(usage.cost_nanousd)};
}

SharedSums::Values Minus(const SharedSums::Values& a, const SharedSums::Values& b) {
  SharedSums::Values out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = std::max<std::int64_t>(0, a[i] - b[i]);
  return out;
}

struct RatesState {
  struct Known {
    SharedSums sums;
    std::int64_t told_ms = SteadyMs();  // when Redis last took them
  };
  ScriptRunner& runner;
  RatedUpstreams upstreams;
  std::string gateway = NewGatewayName();
  std::map<std::string, Known> known = {};  // by name
};

void TellRates(const std::shared_ptr<RatesState>& state) {
  for (const RatedUpstream& rated : state->upstreams()) {
    if (!rated.upstream->has_rate()) continue;
    auto at = state->known.find(rated.name);
    if (at == state->known.end()) {
      SharedSums sums("rate:" + rated.name, state->gateway, kRateSums, kKeepRateMs);
      at = state->known.emplace(rated.name, RatesState::Known{std::move(sums)}).first;
    }
    RatesState::Known& known = at->second;
    const UpstreamSpent spent = rated.upstream->TakeSpent();
    if (SteadyMs() - known.told_ms < kForgetMs) known.sums.Add(ValuesOf(spent));
    if (known.sums.in_flight()) continue;
    state->runner.Run(known.sums.Push(state->runner.redis()),
                      [state, rated](const ScriptRunner::Reply& reply) {
                        RatesState::Known& of = state->known.at(rated.name);
                        const auto others = of.sums.Take(reply);
                        if (!others) return;  // it is sent again
                        const std::int64_t before_ms = std::exchange(of.told_ms, SteadyMs());
                        if (of.told_ms - before_ms >= kForgetMs) return;
                        rated.upstream->NoteSpentElsewhere({.requests = (*others)[0],
                                                            .requests_back = (*others)[1],
                                                            .tokens = (*others)[2],
                                                            .tokens_back = (*others)[3]});
                      });
  }
}

struct BudgetsState {
  struct Known {
    SharedSums sums;
    SharedSums::Values added;  // of the process's own usage
    std::int64_t end_ms = 0;
    std::int64_t used_ms = 0;  // when it was last used here
  };
  ScriptRunner& runner;
  crypto::KeyStore& keys;
  std::string gateway = NewGatewayName();
  std::map<std::string, Known> known = {};  // by key and window
};

// A key that nobody has used here for a while is not asked about; the first request that it sends
// learns how it stands elsewhere.
void TellBudgets(const std::shared_ptr<BudgetsState>& state) {
  const std::int64_t now_ms = NowMs();
  std::erase_if(state->known, [&](const auto& each) {
    return each.second.end_ms < now_ms - kKeepWindowMs && !each.second.sums.in_flight();
  });
  for (const crypto::WindowUsage& usage : state->keys.OwnUsage()) {
    const std::int64_t begin_ms = usage.window.begin_ms;
    const std::string name = fmt::format("budget:{}:{}", usage.id.view(), begin_ms);
    const SharedSums::Values own = ValuesOf(usage.own);
    auto at = state->known.find(name);
    if (at == state->known.end()) {
      if (usage.own == crypto::Usage{}) continue;
      const bool ends = usage.window.end_ms != crypto::Window{}.end_ms;
      const std::int64_t ttl_ms = ends ? usage.window.end_ms - now_ms + kKeepWindowMs : 0;
      SharedSums sums(name, state->gateway, kBudgetSums, ttl_ms);
      at = state->known
               .emplace(name, BudgetsState::Known{std::move(sums), SharedSums::Values(kBudgetSums),
                                                  usage.window.end_ms})
               .first;
    }
    BudgetsState::Known& known = at->second;
    const SharedSums::Values fresh = Minus(own, known.added);
    if (fresh != SharedSums::Values(kBudgetSums)) known.used_ms = SteadyMs();
    const bool quiet = SteadyMs() - known.used_ms >= kQuietMs && known.sums.told();
    if (known.sums.in_flight() || quiet) continue;
    known.sums.Add(fresh);
    for (std::size_t i = 0; i < own.size(); ++i) known.added[i] += fresh[i];
    state->runner.Run(known.sums.Push(state->runner.redis()),
                      [state, name, id = usage.id, begin_ms](const ScriptRunner::Reply& reply) {
                        SharedSums& sums = state->known.at(name).sums;
                        if (!sums.Take(reply)) return;  // it is sent again
                        const SharedSums::Values all = Minus(sums.sums(), sums.own());
                        state->keys.SetUsageElsewhere(
                            id, begin_ms,
                            {.requests = static_cast<std::uint64_t>(all[0]),
                             .tokens = static_cast<std::uint64_t>(all[1]),
                             .cost_nanousd = static_cast<std::uint64_t>(all[2])});
                      });
  }
}

}  // namespace

void ShareRates(ScriptRunner& runner, RatedUpstreams upstreams) {
  const auto state = std::make_shared<RatesState>(RatesState{runner, std::move(upstreams)});
  runner.Every(kTellMs, [state] { TellRates(state); });
}

void ShareBudgets(ScriptRunner& runner, crypto::KeyStore& keys) {
  const auto state = std::make_shared<BudgetsState>(BudgetsState{runner, keys});
  runner.Every(kTellMs, [state] { TellBudgets(state); });
}

}  // namespace assay::gateway
