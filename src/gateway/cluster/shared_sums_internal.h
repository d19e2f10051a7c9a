// Sums in Redis that several gateways add to, as one of them sees them.
// Threads: one at a time.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/redis_tier.h"

namespace assay::gateway {

// Sums only grow. What is added is sent under the gateway's name and a number, so that it counts
// once however often it is sent; and with the sums that were seen last, so that a Redis that forgot
// them knows them again from whoever knows most.
class SharedSums {
 public:
  using Values = std::vector<std::int64_t>;  // one for each sum, none below 0

  // `gateway` differs from that of every other process. The sums are kept for `ttl_ms` after the
  // last addition; 0: for ever.
  SharedSums(std::string name, std::string gateway, std::size_t count, std::int64_t ttl_ms);

  // To be sent with the next push.
  void Add(const Values& values);
  // What is to be run now: the same again until its reply was taken without error.
  [[nodiscard]] cache::RedisTier::ScriptCall Push(const cache::RedisTier& redis);
  [[nodiscard]] bool in_flight() const { return in_flight_; }
  // Whether all that was pushed has counted.
  [[nodiscard]] bool told() const { return !sending_; }
  // What others have added since the last reply, or since before this gateway's first one: nothing
  // where the reply is an error. Errors: that of the reply; kDataLoss for one that is no sums.
  [[nodiscard]] Result<Values> Take(const cache::RedisTier::ScriptReply& reply);
  // The sums as of the last reply; all 0 before the first.
  [[nodiscard]] const Values& sums() const { return sums_; }
  // Of it what this gateway has added.
  [[nodiscard]] const Values& own() const { return own_; }

 private:
  std::string name_;
  std::string gateway_;
  std::int64_t ttl_ms_;
  Values waiting_;                 // added, not yet sent
  std::optional<Values> sending_;  // sent, and perhaps counted
  std::int64_t sequence_ = 0;
  Values sums_;
  Values own_;
  bool known_ = false;
  bool in_flight_ = false;
};

// A name for this process that no other has.
[[nodiscard]] std::string NewGatewayName();

}  // namespace assay::gateway
