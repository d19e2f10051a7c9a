// Runs scripts in the Redis that gateways share, so that nobody else waits for it.
// Threads: Run is safe for any thread and never blocks; the rest as each says.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "assay/cache/redis_tier.h"

namespace assay::gateway {

inline constexpr std::size_t kMaxWaitingScripts = 8192;  // more are refused

class ScriptRunner {
 public:
  using Call = cache::RedisTier::ScriptCall;
  using Reply = cache::RedisTier::ScriptReply;
  using Done = std::function<void(Reply)>;  // must not block

  // `redis` outlives this.
  explicit ScriptRunner(cache::RedisTier& redis);
  // Runs each task once more and all that waits, as long as Redis answers.
  ~ScriptRunner();
  ScriptRunner(const ScriptRunner&) = delete;
  ScriptRunner& operator=(const ScriptRunner&) = delete;

  // Runs the script soon, together with others that wait. `done`, which may be null, is called once
  // by the runner's thread, or by this call where too many wait or it ends (kResourceExhausted).
  void Run(Call call, Done done);
  // Calls `task` by the runner's thread again and again. Before the first Run only.
  void Every(std::int64_t period_ms, std::function<void()> task);

  [[nodiscard]] cache::RedisTier& redis() { return redis_; }
  // Scripts that Redis ran, and those that it did not. Any thread.
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  [[nodiscard]] std::uint64_t failed() const { return failed_; }

 private:
  struct Waiting {
    Call call;
    Done done;
  };
  struct Periodic {
    std::int64_t period_ms = 0;
    std::function<void()> task;
    std::chrono::steady_clock::time_point next;
  };

  void Loop();
  void RunBatch(std::unique_lock<std::mutex>& lock);
  // When the next of the periodic tasks is due.
  [[nodiscard]] std::chrono::steady_clock::time_point NextTask() const;
  void RunTasks(std::unique_lock<std::mutex>& lock, bool all);

  cache::RedisTier& redis_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<Waiting> waiting_;
  std::deque<Periodic> tasks_;  // only grows
  bool stopping_ = false;
  bool ended_ = false;  // the thread takes nothing any more
  // Figures only; they order nothing.
  std::atomic<std::uint64_t> answered_{0};
  std::atomic<std::uint64_t> failed_{0};
  std::thread thread_;
};

}  // namespace assay::gateway
