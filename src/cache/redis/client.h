// redis/client.h: the thread that owns the connection, and what callers ask of it.
// Room: cache, private.
#pragma once
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "assay/cache/redis_tier.h"

#include "redis/cluster.h"
#include "redis/connection.h"

namespace assay::cache {

// Of the tier; figures only.
struct RedisFigures {
  std::atomic<std::uint64_t> hits{0};
  std::atomic<std::uint64_t> misses{0};
  std::atomic<std::uint64_t> puts{0};
  std::atomic<std::uint64_t> errors{0};
};

class RedisTier::Client {
 public:
  // What a client cannot do alone; called by its thread without a lock.
  struct Hooks {
    // A posted command belongs to another server. False: it cannot be sent there either.
    std::function<bool(const Client& from, const redis::Redirect&, std::string_view commands,
                       int hops)>
        redirect;
    // A connection is about to be used. Errors: it broke.
    std::function<Result<void>(const Client&, redis::Connection&)> connected;
    std::function<void()> lost;  // after every attempt that failed
  };

  Client(const RedisOptions& options, RedisAddress address, RedisFigures& figures, Hooks hooks);
  ~Client();
  // Sends what is queued, as long as the server answers; then nothing is taken any more.
  void Stop();
  // The same without waiting for it; ended() says when it is done.
  void BeginStop();
  [[nodiscard]] bool ended() const;

  // The replies to `count` commands, in order. Errors: kUnavailable when the server is lost (at
  // once) or does not answer in time; kResourceExhausted when the queue is full.
  Result<std::vector<redis::Reply>> Ask(std::string commands, std::size_t count);
  // Queues one command, perhaps with ASKING in front, whose reply only Drain() and the figures
  // tell. `hops` counts the redirects before.
  Result<void> Post(std::string commands, std::size_t count = 1, int hops = 0);
  // Waits for the replies to all that was posted; the first error since the last call.
  Result<void> Drain();
  // For walks over all keys.
  Result<redis::Connection> OpenAnother() const;

  bool WaitUntilUp(std::int64_t wait_ms);
  [[nodiscard]] RedisStats Details() const;
  [[nodiscard]] const RedisAddress& address() const { return address_; }
  [[nodiscard]] bool up() const;
  // How many commands were posted so far.
  [[nodiscard]] std::uint64_t posted() const;

 private:
  using SteadyTime = redis::SteadyTime;
  struct Request {
    std::string commands;
    std::size_t count = 1;
    bool posted = false;
    int hops = 0;
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
  // Sends on what was posted and belongs to another server; its reply is dropped then.
  void SendOn(const Batch& batch, std::vector<std::vector<redis::Reply>>& replies);
  [[nodiscard]] std::unexpected<Error> LostError() const;

  const RedisOptions options_;
  const RedisAddress address_;
  const Hooks hooks_;
  RedisFigures& figures_;

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
  bool ended_ = false;  // the thread takes nothing any more
  std::thread thread_;
};

}  // namespace assay::cache
