// Experiments counted over all gateways of one Redis.
// Threads: as each says.
// Method: every gateway counts by itself and tells the others each kTellMs the whole of its sums, a
// field of one table under its lasting name, so that nothing counts twice however often it is told.
// Units stand in a table of their own, since several gateways meet the same ones. Nobody waits for
// Redis but who reports an outcome. docs/operations.md says what is exact.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cluster/script_runner_internal.h"
#include "experiments/live_set_internal.h"

namespace assay::gateway {

// What Redis answers: the name of the table of units, a number for each variant, then gateways and
// their states. Errors: kDataLoss for anything else.
[[nodiscard]] Result<HeardCounts> ReadHeardCounts(std::span<const std::string> reply,
                                                  std::size_t arms);

class SharedExperiments {
 public:
  using Live = std::function<std::shared_ptr<const LiveSet>()>;  // may give null

  // `redis` outlives this.
  explicit SharedExperiments(cache::RedisTier& redis) : redis_(redis) {}

  // From now on until the runner ends, whose thread calls `live`. Before its first Run only; this
  // outlives the runner.
  void Begin(ScriptRunner& runner, Live live);

  // What other gateways know of an outcome; nothing where Redis does not answer. Waits for Redis.
  // Any thread, as the next one.
  [[nodiscard]] ElsewhereOutcome Look(const std::string& experiment,
                                      const ReportedOutcome& outcome) const;
  // That it was recorded here, for the others. Waits for Redis.
  void Note(const std::string& experiment, const ReportedOutcome& outcome) const;

 private:
  struct Known {
    std::shared_ptr<ExperimentStore> store;
    std::uint64_t connects = 0;  // of the Redis that has been told
    bool in_flight = false;
    bool heard = false;
  };
  void Tell(ScriptRunner& runner, const std::string& name);
  void Take(ScriptRunner& runner, const std::string& name, std::size_t arms,
            const ScriptRunner::Reply& reply);

  cache::RedisTier& redis_;
  std::map<std::string, Known> known_;  // the runner's thread alone
};

}  // namespace assay::gateway
