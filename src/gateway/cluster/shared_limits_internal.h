// Limits of upstreams and budgets of keys, counted over all gateways of one Redis.
// Threads: all of it is done by the runner's thread.
// Method: each gateway decides by what it has in memory, and tells the others every kTellMs what it
// let through; what they tell is taken from its own allowance. Nobody waits for Redis, so several
// may overdraw within one kTellMs; docs/operations.md says by how much, and upstreams are paid
// back.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "assay/crypto/key_store.h"

#include "cluster/script_runner_internal.h"
#include "upstream/upstream.h"

namespace assay::gateway {

inline constexpr std::int64_t kTellMs = 100;

// Gateways share the limits of upstreams that have the same name here.
struct RatedUpstream {
  std::string name;
  std::shared_ptr<Upstream> upstream;
};

using RatedUpstreams = std::function<std::vector<RatedUpstream>()>;  // those of now

// From now on until the runner ends, whose thread calls `upstreams`. Before its first Run only.
void ShareRates(ScriptRunner& runner, RatedUpstreams upstreams);

// The same of keys, which outlive the runner.
void ShareBudgets(ScriptRunner& runner, crypto::KeyStore& keys);

}  // namespace assay::gateway
