// redis/client.h: the thread that owns the connection, and what callers ask of it.
// Room: cache, private.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "assay/cache/redis_tier.h"

#include "payload/payload.h"
#include "redis/connection.h"

namespace assay::cache {

class RedisTier::Client {
 public:
  Client(RedisOptions options, RedisAddress address);
  // Sends what is queued, as long as the server answers.
  ~Client();

  // The replies to `count` commands, in order. Errors: kUnavailable when the server is lost (at
  // once) or does not answer in time; kResourceExhausted when the queue is full.
  Result<std::vector<redis::Reply>> Ask(std::string commands, std::size_t count);
  // Queues one command whose reply only Drain() and the figures tell.
  Result<void> Post(std::string command);
  // Waits for the replies to all that was posted; the first error since the last call.
  Result<void> Drain();
  // For walks over all keys.
  Result<redis::Connection> OpenAnother() const;

  bool WaitUntilUp(std::int64_t wait_ms);
  [[nodiscard]] RedisStats Details() const;
  [[nodiscard]] const RedisOptions& options() const { return options_; }
  [[nodiscard]] const PayloadCodec& codec() const { return codec_; }

  // Of the tier; figures only.
  struct Figures {
    std::atomic<std::uint64_t> hits{0};
    std::atomic<std::uint64_t> misses{0};
    std::atomic<std::uint64_t> puts{0};
    std::atomic<std::uint64_t> errors{0};
  } figures;

 private:
  using SteadyTime = redis::SteadyTime;
  struct Request {
    std::string commands;
    std::size_t count = 1;
    bool posted = false;
    // Guarded by mutex_.
    std::vector<redis::Reply> replies;
    std::optional<Error> error;
    bool done = false;
  };
  using Batch = std::vector<std::shared_ptr<Request>>;

  Result<void> Enqueue(std::shared_ptr<Request> request);
  void Loop();
  void Probe(std::unique_lock<std::mutex>& lock);
  void Serve(std::unique_lock<std::mutex>& lock);
  Batch TakeBatch();
  Result<void> Exchange(const Batch& batch, std::vector<std::vector<redis::Reply>>& replies);
  // With the lock held; calls on_change without it.
  void Lose(std::unique_lock<std::mutex>& lock, Error why);
  void Finish(Request& request, std::optional<Error> error);
  [[nodiscard]] std::unexpected<Error> LostError() const;

  const RedisOptions options_;
  const RedisAddress address_;
  const PayloadCodec codec_;

  mutable std::mutex mutex_;
  std::condition_variable asked_;
  std::condition_variable answered_;
  std::deque<std::shared_ptr<Request>> queue_;
  std::size_t queue_bytes_ = 0;
  std::optional<redis::Connection> connection_;  // used by the thread alone
  bool up_ = false;
  std::optional<Error> given_up_;  // a caller waited in vain: the thread is to drop the connection
  std::optional<bool> told_up_;    // what on_change was told last
  SteadyTime next_probe_{};
  std::int64_t backoff_ms_ = 0;
  std::uint64_t posted_ = 0;
  std::uint64_t posted_done_ = 0;
  std::optional<Error> post_error_;
  RedisStats stats_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::cache
