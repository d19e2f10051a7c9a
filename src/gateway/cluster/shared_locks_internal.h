// Who of several gateways asks for an answer that none has: the others wait for it.
// Threads: safe for any; callbacks come from the runner's thread.
// Source: the lock of the Redis documentation (redis.io/docs/latest/commands/set, "Patterns": SET
// key token NX PX lease, deleted by a script that compares the token). One server's word decides,
// so two may hold a lock when that server fails over: then a question is asked twice. That costs
// money, never a wrong answer.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "assay/core/hash.h"

#include "cluster/script_runner_internal.h"

namespace assay::gateway {

struct SharedLockStats {
  std::uint64_t taken = 0;     // questions that this gateway asked for all
  std::uint64_t answered = 0;  // that another one had asked
  std::uint64_t held = 0;      // looks that found another one still asking
  std::uint64_t failed = 0;    // looks that Redis did not answer: asked without a lock
  std::uint64_t given_up = 0;  // asked after a wait in vain
};

class SharedLocks {
 public:
  enum class State : std::uint8_t {
    kUnknown,  // Redis does not answer
    kMine,     // this gateway is to ask; others wait as long as `lease` lives
    kStored,   // the answer is in Redis
    kHeld,     // another gateway asks
  };
  struct Turn {
    State state = State::kUnknown;
    std::shared_ptr<const void> lease;  // of kMine: renewed while it lives, then given back
    std::string holder;                 // of kHeld: another one where the lock changed hands
  };

  // `lease_ms`: how long the lock of a gateway that died keeps others waiting. The runner outlives
  // this; leases may outlive both, and are not given back then.
  SharedLocks(ScriptRunner& runner, std::int64_t lease_ms);
  ~SharedLocks();
  SharedLocks(const SharedLocks&) = delete;
  SharedLocks& operator=(const SharedLocks&) = delete;

  // Takes the lock of that answer if it is free. `done` is called exactly once.
  void Try(const core::Hash128& key, std::function<void(Turn)> done);
  void NoteGivenUp();
  [[nodiscard]] SharedLockStats Stats() const;

 private:
  class Board;
  class Lease;
  std::shared_ptr<Board> board_;
  ScriptRunner& runner_;
};

}  // namespace assay::gateway
