#include <utility>

#include "compute_pool_internal.h"

namespace assay::gateway {

ComputePool::ComputePool(std::size_t threads, std::size_t queue_length)
    : queue_length_(queue_length) {
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

ComputePool::~ComputePool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    jobs_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ComputePool::Offer(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || jobs_.size() >= queue_length_) {
      ++refused_;
      return false;
    }
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void ComputePool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    if (stopping_) return;
    std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds is freed before the lock is taken again
    lock.lock();
  }
}

std::size_t ComputePool::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

std::uint64_t ComputePool::refused() const {
  const std::lock_guard lock(mutex_);
  return refused_;
}

}  // namespace assay::gateway
