#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "assay/core/clock.h"

#include "cluster/shared_sums_internal.h"

namespace assay::gateway {
namespace {

// KEYS: the sums, the number that this gateway sent last. ARGV: the number, how long to keep the
// sums and the number (ms; 0: for ever), then for each sum the least that it is and what is added.
// Integers stay texts: those of Lua are exact to 2^53 only.
constexpr std::string_view kAdd = R"(
local fresh = redis.call('GET', KEYS[2]) ~= ARGV[1]
local sums = {}
for i = 4, #ARGV, 2 do
  local field = tostring(i / 2 - 2)
  local sum = redis.call('HGET', KEYS[1], field)
  if not sum or tonumber(sum) < tonumber(ARGV[i]) then
    redis.call('HSET', KEYS[1], field, ARGV[i])
  end
  if fresh then redis.call('HINCRBY', KEYS[1], field, ARGV[i + 1]) end
  sums[#sums + 1] = redis.call('HGET', KEYS[1], field)
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
if ARGV[2] ~= '0' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return sums)";

// Longer than a gateway goes on with a push that Redis did not answer: after that it counts again.
constexpr std::int64_t kKeepNumberMs = 24LL * 3'600'000;

}  // namespace

std::string NewGatewayName() {
  core::Rng& rng = core::Rng::Real();
  return fmt::format("{:016x}{:016x}", rng.NextU64(), rng.NextU64());
}

SharedSums::SharedSums(std::string name, std::string gateway, std::size_t count,
                       std::int64_t ttl_ms)
    : name_(std::move(name)),
      gateway_(std::move(gateway)),
      ttl_ms_(ttl_ms),
      waiting_(count),
      sums_(count),
      own_(count) {}

void SharedSums::Add(const Values& values) {
  for (std::size_t i = 0; i < waiting_.size(); ++i) waiting_[i] += values[i];
}

cache::RedisTier::ScriptCall SharedSums::Push(const cache::RedisTier& redis) {
  if (!sending_) {
    ++sequence_;
    sending_ = std::exchange(waiting_, Values(waiting_.size()));
  }
  in_flight_ = true;
  const std::string name = redis.NameFor(name_);
  cache::RedisTier::ScriptCall call = {
      kAdd,
      {name, fmt::format("{}:{}", name, gateway_)},
      {std::to_string(sequence_), std::to_string(ttl_ms_), std::to_string(kKeepNumberMs)}};
  for (std::size_t i = 0; i < sums_.size(); ++i) {
    call.arguments.push_back(std::to_string(sums_[i]));
    call.arguments.push_back(std::to_string((*sending_)[i]));
  }
  return call;
}

Result<SharedSums::Values> SharedSums::Take(const cache::RedisTier::ScriptReply& reply) {
  in_flight_ = false;
  if (!reply) return std::unexpected(reply.error());
  Values sums;
  for (const std::string& text : *reply) {
    std::int64_t sum = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), sum);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size() || sum < 0) break;
    sums.push_back(sum);
  }
  if (sums.size() != sums_.size() || sums.size() != reply->size() || !sending_) {
    return Fail(Code::kDataLoss, fmt::format("'{}' in Redis holds no sums", name_));
  }
  Values others(sums.size());
  for (std::size_t i = 0; i < sums.size(); ++i) {
    own_[i] += (*sending_)[i];
    if (known_) others[i] = std::max<std::int64_t>(0, sums[i] - sums_[i] - (*sending_)[i]);
    // Whoever lost some of it is told again by the next push.
    sums_[i] = std::max(sums[i], sums_[i] + (*sending_)[i]);
  }
  sending_.reset();
  known_ = true;
  return others;
}

}  // namespace assay::gateway
