// Threads for work that is too long for an I/O thread, behind a queue of bounded length.
// Threads: Offer is for all.
#pragma once
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace assay::gateway {

class ComputePool {
 public:
  ComputePool(std::size_t threads, std::size_t queue_length);
  // Finishes what runs and drops what waits.
  ~ComputePool();
  ComputePool(const ComputePool&) = delete;
  ComputePool& operator=(const ComputePool&) = delete;

  // Runs `job` on one of the threads, first come first served; false when the queue is full.
  // A job must not throw.
  [[nodiscard]] bool Offer(std::function<void()> job);

  [[nodiscard]] std::size_t queued() const;
  [[nodiscard]] std::uint64_t refused() const;

 private:
  void Run();

  const std::size_t queue_length_;
  mutable std::mutex mutex_;  // of all below but threads_
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::uint64_t refused_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace assay::gateway
