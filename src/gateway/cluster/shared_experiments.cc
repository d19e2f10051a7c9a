#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "assay/core/format/bytes.h"

#include "cluster/shared_experiments_internal.h"
#include "cluster/shared_limits_internal.h"
#include "cluster/shared_sums_internal.h"

namespace assay::gateway {
namespace {

// KEYS: states, units, requests, older requests. ARGV: how long to keep them (ms), the gateway, its
// state, a name for a new table of units, units, requests, variants, how many requests a table
// has, then gateways and states that are gone. Numbers of 8 bytes: a unit or request with its
// variant, or a variant.
constexpr std::string_view kExchange = R"(
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
for i = 9, #ARGV, 2 do redis.call('HSETNX', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('HSETNX', KEYS[2], 'generation', ARGV[4])
local units = ARGV[5]
for i = 1, #units, 16 do
  local unit, arm = string.sub(units, i, i + 7), string.sub(units, i + 8, i + 15)
  local before = redis.call('HGET', KEYS[2], unit)
  if before ~= arm then
    if before then redis.call('HINCRBY', KEYS[2], 'n' .. before, -1) end
    redis.call('HINCRBY', KEYS[2], 'n' .. arm, 1)
    redis.call('HSET', KEYS[2], unit, arm)
  end
end
local requests = ARGV[6]
for i = 1, #requests, 16 do
  redis.call('HSET', KEYS[3], string.sub(requests, i, i + 7), string.sub(requests, i + 8, i + 15))
end
if redis.call('HLEN', KEYS[3]) >= tonumber(ARGV[8]) then
  redis.call('UNLINK', KEYS[4])
  redis.call('RENAME', KEYS[3], KEYS[4])
end
for i = 1, 4 do redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
local out = {redis.call('HGET', KEYS[2], 'generation')}
for i = 1, #ARGV[7], 8 do
  out[#out + 1] = redis.call('HGET', KEYS[2], 'n' .. string.sub(ARGV[7], i, i + 7)) or '0'
end
local states = redis.call('HGETALL', KEYS[1])
for i = 1, #states do out[#out + 1] = states[i] end
return out)";

// KEYS: units, requests, older requests, outcomes, older outcomes. ARGV: the unit, the request, of
// which one may be empty, then outcomes. Replies the variant and what was recorded.
constexpr std::string_view kLook = R"(
local arm = false
if ARGV[1] ~= '' then arm = redis.call('HGET', KEYS[1], ARGV[1]) end
for i = 2, 3 do
  if ARGV[2] ~= '' and not arm then arm = redis.call('HGET', KEYS[i], ARGV[2]) end
end
local out = {arm or ''}
for i = 3, #ARGV do
  out[#out + 1] = redis.call('HGET', KEYS[4], ARGV[i]) or redis.call('HGET', KEYS[5], ARGV[i]) or ''
end
return out)";

// KEYS: outcomes, older outcomes. ARGV: how long to keep them (ms), how many a table has, then
// outcomes and their values.
constexpr std::string_view kNote = R"(
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[2]) then
  redis.call('UNLINK', KEYS[2])
  redis.call('RENAME', KEYS[1], KEYS[2])
end
for i = 1, 2 do redis.call('PEXPIRE', KEYS[i], ARGV[1]) end
return 1)";

constexpr std::int64_t kKeepMs = 30LL * 24 * 3'600'000;  // after the last gateway asked
constexpr std::size_t kWord = sizeof(std::uint64_t);

std::string NameOf(const cache::RedisTier& redis, std::string_view experiment) {
  return redis.NameFor(fmt::format("experiment:{}", experiment));
}

template <typename T>
std::string BytesOf(const T& value) {
  return std::string(core::BytesOf(value));
}

std::string BytesOf(const std::vector<ToldCounts::Exposure>& all) {
  std::string bytes;
  for (const ToldCounts::Exposure& one : all) {
    bytes += core::BytesOf(one.id);
    bytes += core::BytesOf(one.arm);
  }
  return bytes;
}

std::string KeyBytes(const ReportedOutcome& outcome, std::string_view metric) {
  const core::Hash128 key = OutcomeKey(outcome, metric);
  return BytesOf(key.high) + BytesOf(key.low);
}

cache::RedisTier::ScriptCall ExchangeOf(const std::string& name, const ToldCounts& told) {
  cache::RedisTier::ScriptCall call = {
      kExchange,
      {name, name + ":units", name + ":requests", name + ":requests:old"},
      {std::to_string(kKeepMs), told.origin, told.state, NewGatewayName(), BytesOf(told.units),
       BytesOf(told.requests), std::string(core::BytesOfAll(told.arms)),
       std::to_string(kRecentRequests)}};
  for (const auto& [origin, state] : told.lost) {
    call.arguments.push_back(origin);
    call.arguments.push_back(state);
  }
  return call;
}

}  // namespace

Result<HeardCounts> ReadHeardCounts(std::span<const std::string> reply, std::size_t arms) {
  const auto damaged = [] {
    return Fail(Code::kDataLoss, "what Redis holds of an experiment cannot be read");
  };
  if (reply.size() < 1 + arms || (reply.size() - 1 - arms) % 2 != 0) return damaged();
  HeardCounts heard;
  heard.generation = reply[0];
  for (const std::string& text : reply.subspan(1, arms)) {
    std::int64_t units = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), units);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || units < 0) {
      return damaged();
    }
    heard.units.push_back(units);
  }
  for (std::size_t i = 1 + arms; i < reply.size(); i += 2) heard.states[reply[i]] = reply[i + 1];
  return heard;
}

void SharedExperiments::Begin(ScriptRunner& runner, Live live) {
  runner.Every(kTellMs, [this, &runner, live = std::move(live)] {
    const std::shared_ptr<const LiveSet> set = live();
    if (!set) return;
    for (const LiveExperimentView& one : set->all()) {
      known_[one.settings.name].store = one.store;
      Tell(runner, one.settings.name);
    }
  });
}

void SharedExperiments::Tell(ScriptRunner& runner, const std::string& name) {
  Known& known = known_.at(name);
  if (known.in_flight) return;
  // A server that was lost for a moment may be another one now, without what came last.
  const std::uint64_t connects = redis_.Details().connects;
  if (known.heard && connects != known.connects) known.store->TellAllAgain();
  known.connects = connects;
  const std::optional<ToldCounts> told = known.store->Tell();
  if (!told) return;
  known.in_flight = true;
  runner.Run(ExchangeOf(NameOf(redis_, name), *told),
             [this, &runner, name, arms = told->arms.size()](const ScriptRunner::Reply& reply) {
               Take(runner, name, arms, reply);
             });
}

void SharedExperiments::Take(ScriptRunner& runner, const std::string& name, std::size_t arms,
                             const ScriptRunner::Reply& reply) {
  Known& known = known_.at(name);
  known.in_flight = false;
  if (!reply) return;  // it is told again
  const auto heard = ReadHeardCounts(*reply, arms);
  if (!heard) return;
  known.heard = true;
  if (!known.store->Hear(*heard)) Tell(runner, name);
}

ElsewhereOutcome SharedExperiments::Look(const std::string& experiment,
                                         const ReportedOutcome& outcome) const {
  const std::string name = NameOf(redis_, experiment);
  const bool of_unit = outcome.request_id.empty();
  cache::RedisTier::ScriptCall call = {
      kLook,
      {name + ":units", name + ":requests", name + ":requests:old", name + ":outcomes",
       name + ":outcomes:old"},
      {of_unit ? BytesOf(UnitHash(outcome.tenant, outcome.unit)) : "",
       of_unit ? "" : BytesOf(RequestHash(outcome.tenant, outcome.request_id))}};
  for (const auto& [metric, value] : outcome.values) {
    call.arguments.push_back(KeyBytes(outcome, metric));
  }
  const auto reply = std::move(redis_.RunScripts({&call, 1})[0]);
  ElsewhereOutcome found;
  if (!reply || reply->size() != 1 + outcome.values.size()) return found;
  if (reply->front().size() == kWord) found.arm = core::LoadAt<std::uint64_t>(reply->front(), 0);
  for (const std::string& text : std::span(*reply).subspan(1)) {
    found.values.emplace_back();
    if (text.size() == kWord) found.values.back() = core::LoadAt<double>(text, 0);
  }
  return found;
}

void SharedExperiments::Note(const std::string& experiment, const ReportedOutcome& outcome) const {
  const std::string name = NameOf(redis_, experiment);
  cache::RedisTier::ScriptCall call = {kNote,
                                       {name + ":outcomes", name + ":outcomes:old"},
                                       {std::to_string(kKeepMs), std::to_string(kRecentRequests)}};
  for (const auto& [metric, value] : outcome.values) {
    call.arguments.push_back(KeyBytes(outcome, metric));
    call.arguments.push_back(BytesOf(value));
  }
  (void)redis_.RunScripts({&call, 1});  // without it an equal report elsewhere counts too
}

}  // namespace assay::gateway
