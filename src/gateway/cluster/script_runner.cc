#include <algorithm>
#include <chrono>

#include "cluster/script_runner_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxBatch = 256;  // as many as Redis is sent in one pipeline

}  // namespace

ScriptRunner::ScriptRunner(cache::RedisTier& redis) : redis_(redis), thread_([this] { Loop(); }) {}

ScriptRunner::~ScriptRunner() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void ScriptRunner::Run(Call call, Done done) {
  {
    const std::scoped_lock lock(mutex_);
    if (!ended_ && waiting_.size() < kMaxWaitingScripts) {
      waiting_.push_back({std::move(call), std::move(done)});
      changed_.notify_one();
      return;
    }
  }
  if (done) done(Fail(Code::kResourceExhausted, "too much waits for Redis"));
}

void ScriptRunner::Every(std::int64_t period_ms, std::function<void()> task) {
  const auto next = std::chrono::steady_clock::now() + std::chrono::milliseconds(period_ms);
  const std::scoped_lock lock(mutex_);
  tasks_.push_back({period_ms, std::move(task), next});
  changed_.notify_one();
}

std::chrono::steady_clock::time_point ScriptRunner::NextTask() const {
  auto next = std::chrono::steady_clock::time_point::max();
  for (const Periodic& each : tasks_) next = std::min(next, each.next);
  return next;
}

void ScriptRunner::RunTasks(std::unique_lock<std::mutex>& lock, bool all) {
  const auto now = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < tasks_.size(); ++i) {
    Periodic& each = tasks_[i];  // stays where it is
    if (!all && each.next > now) continue;
    each.next = now + std::chrono::milliseconds(each.period_ms);
    lock.unlock();
    each.task();
    lock.lock();
  }
}

void ScriptRunner::RunBatch(std::unique_lock<std::mutex>& lock) {
  std::vector<Call> calls;
  std::vector<Done> dones;
  while (!waiting_.empty() && calls.size() < kMaxBatch) {
    calls.push_back(std::move(waiting_.front().call));
    dones.push_back(std::move(waiting_.front().done));
    waiting_.pop_front();
  }
  lock.unlock();
  std::vector<Reply> replies = redis_.RunScripts(calls);
  for (std::size_t i = 0; i < dones.size(); ++i) {
    ++(replies[i] ? answered_ : failed_);
    if (dones[i]) dones[i](std::move(replies[i]));
  }
  dones.clear();  // what they hold may ask for more
  lock.lock();
}

void ScriptRunner::Loop() {
  std::unique_lock lock(mutex_);
  bool last = false;  // the tasks have run for the last time
  while (true) {
    const auto wanted = [this] { return stopping_ || !waiting_.empty(); };
    const auto next = NextTask();
    if (next == std::chrono::steady_clock::time_point::max()) {
      changed_.wait(lock, [&] { return wanted() || !tasks_.empty(); });
    } else {
      changed_.wait_until(lock, next, wanted);
    }
    if (!waiting_.empty()) {
      RunBatch(lock);
    } else if (last) {
      break;
    }
    if (last) continue;
    last = stopping_;
    RunTasks(lock, last);
  }
  ended_ = true;
}

}  // namespace assay::gateway
