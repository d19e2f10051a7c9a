#include "redis/client.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace assay::cache {

using redis::Connection;
using redis::Reply;

namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// Small enough that a Get behind a batch of long puts is still answered in time.
constexpr std::size_t kBatchBytes = 256 * 1024;
constexpr std::int64_t kPutTimeoutMs = 250;  // nobody waits for a batch of puts alone

}  // namespace

RedisTier::Client::Client(const RedisOptions& options, RedisAddress address, RedisFigures& figures,
                          Hooks hooks)
    : options_(options),
      address_(std::move(address)),
      hooks_(std::move(hooks)),
      figures_(figures),
      next_probe_(Clock::now()) {
  thread_ = std::thread([this] { Loop(); });
}

RedisTier::Client::~Client() {
  Stop();
}

void RedisTier::Client::BeginStop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  asked_.notify_all();
}

void RedisTier::Client::Stop() {
  BeginStop();
  if (thread_.joinable()) thread_.join();
}

bool RedisTier::Client::ended() const {
  const std::scoped_lock lock(mutex_);
  return ended_;
}

std::unexpected<Error> RedisTier::Client::LostError() const {
  return Fail(Code::kUnavailable, fmt::format("Redis at {} does not answer", address_.Display()));
}

// ---- callers ----

Result<void> RedisTier::Client::Enqueue(std::shared_ptr<Request> request) {
  if (!up_ || ended_) {
    ++stats_.refused;
    return LostError();
  }
  if (queue_.size() >= options_.queue_entries ||
      queue_bytes_ + request->commands.size() > options_.queue_bytes) {
    return Fail(Code::kResourceExhausted,
                fmt::format("too much waits for Redis at {}", address_.Display()));
  }
  queue_bytes_ += request->commands.size();
  queue_.push_back(std::move(request));
  asked_.notify_one();
  return {};
}

Result<std::vector<Reply>> RedisTier::Client::Ask(std::string commands, std::size_t count) {
  const auto request = std::make_shared<Request>();
  request->commands = std::move(commands);
  request->count = count;
  const SteadyTime deadline = Clock::now() + milliseconds(options_.answer_timeout_ms);
  std::unique_lock lock(mutex_);
  ASSAY_TRY(Enqueue(request));
  if (!answered_.wait_until(lock, deadline, [&] { return request->done; })) {
    ++stats_.timeouts;
    up_ = false;
    if (!given_up_) {
      given_up_ = Error{Code::kDeadlineExceeded,
                        fmt::format("no answer within {} ms", options_.answer_timeout_ms)};
    }
    asked_.notify_one();
    return LostError();
  }
  if (request->error) return std::unexpected(*std::move(request->error));
  return std::move(request->replies);
}

Result<void> RedisTier::Client::Post(std::string commands, std::size_t count, int hops) {
  auto request = std::make_shared<Request>();
  request->commands = std::move(commands);
  request->count = count;
  request->posted = true;
  request->hops = hops;
  const std::scoped_lock lock(mutex_);
  Result<void> taken = Enqueue(std::move(request));
  if (taken) {
    ++posted_;
  } else {
    ++stats_.dropped;
  }
  return taken;
}

Result<void> RedisTier::Client::Drain() {
  std::unique_lock lock(mutex_);
  const std::uint64_t ticket = posted_;
  answered_.wait(lock, [&] { return posted_done_ >= ticket; });
  if (post_error_) return std::unexpected(*std::exchange(post_error_, std::nullopt));
  return {};
}

Result<Connection> RedisTier::Client::OpenAnother() const {
  {
    const std::scoped_lock lock(mutex_);
    if (!up_) return LostError();
  }
  return Connection::Open(address_, options_.tls_ca_file,
                          Clock::now() + milliseconds(options_.connect_timeout_ms));
}

bool RedisTier::Client::WaitUntilUp(std::int64_t wait_ms) {
  std::unique_lock lock(mutex_);
  return answered_.wait_for(lock, milliseconds(wait_ms), [&] { return up_; });
}

bool RedisTier::Client::up() const {
  const std::scoped_lock lock(mutex_);
  return up_;
}

std::uint64_t RedisTier::Client::posted() const {
  const std::scoped_lock lock(mutex_);
  return posted_;
}

RedisStats RedisTier::Client::Details() const {
  const std::scoped_lock lock(mutex_);
  RedisStats stats = stats_;
  stats.up = up_;
  return stats;
}

// ---- the thread ----

void RedisTier::Client::Finish(Request& request, std::optional<Error> error) {
  if (request.posted) {
    ++posted_done_;
    if (!error) {
      // Null: sent on to another server.
      const redisReply* reply = request.replies.back().get();
      if (reply != nullptr && reply->type == REDIS_REPLY_ERROR) {
        figures_.errors.fetch_add(1, std::memory_order_relaxed);
        const std::string_view text = redis::TextOf(*reply);
        error = Error{text.starts_with("OOM") ? Code::kResourceExhausted : Code::kUnavailable,
                      fmt::format("Redis at {} says: {}", address_.Display(), text)};
      }
    } else {
      ++stats_.dropped;
    }
    if (error && !post_error_) post_error_ = error;
  }
  request.error = std::move(error);
  request.done = true;
}

void RedisTier::Client::Lose(std::unique_lock<std::mutex>& lock, Error why) {
  up_ = false;
  given_up_.reset();
  connection_.reset();
  for (const auto& request : std::exchange(queue_, {})) Finish(*request, LostError().error());
  queue_bytes_ = 0;
  answered_.notify_all();
  backoff_ms_ = std::clamp(backoff_ms_ * 2, options_.first_backoff_ms, options_.longest_backoff_ms);
  next_probe_ = Clock::now() + milliseconds(backoff_ms_);
  if (stopping_) return;
  lock.unlock();
  hooks_.lost();
  lock.lock();
  if (told_up_ == false || stopping_) return;
  told_up_ = false;
  if (!options_.on_change) return;
  lock.unlock();
  options_.on_change(false,
                     fmt::format("Redis at {} is not used for now ({}); it is asked again by "
                                 "itself",
                                 address_.Display(), why.message));
  lock.lock();
}

void RedisTier::Client::Probe(std::unique_lock<std::mutex>& lock) {
  asked_.wait_until(lock, next_probe_, [&] { return stopping_; });
  if (stopping_ || Clock::now() < next_probe_) return;
  lock.unlock();
  Result<Connection> opened = Connection::Open(
      address_, options_.tls_ca_file, Clock::now() + milliseconds(options_.connect_timeout_ms));
  if (opened) {
    if (Result<void> used = hooks_.connected(*this, *opened); !used)
      opened = std::unexpected(used.error());
  }
  lock.lock();
  if (!opened) {
    Lose(lock, std::move(opened).error());
    return;
  }
  connection_.emplace(*std::move(opened));
  ++stats_.connects;
  backoff_ms_ = 0;
  up_ = true;
  given_up_.reset();
  answered_.notify_all();
  const bool was_lost = told_up_ == false;
  told_up_ = true;
  if (!was_lost || !options_.on_change) return;
  lock.unlock();
  options_.on_change(true, fmt::format("Redis at {} answers again", address_.Display()));
  lock.lock();
}

RedisTier::Client::Batch RedisTier::Client::TakeBatch() {
  Batch batch;
  std::size_t bytes = 0;
  std::size_t commands = 0;
  while (!queue_.empty()) {
    const Request& next = *queue_.front();
    const bool fits =
        bytes + next.commands.size() <= kBatchBytes && commands + next.count <= options_.pipeline;
    if (!batch.empty() && !fits) break;
    bytes += next.commands.size();
    commands += next.count;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queue_bytes_ -= bytes;
  return batch;
}

Result<void> RedisTier::Client::Exchange(const Batch& batch,
                                         std::vector<std::vector<Reply>>& replies) {
  const bool somebody_waits =
      std::ranges::any_of(batch, [](const auto& request) { return !request->posted; });
  const std::int64_t limit_ms = somebody_waits
                                    ? options_.answer_timeout_ms
                                    : std::max(options_.answer_timeout_ms, kPutTimeoutMs);
  const SteadyTime deadline = Clock::now() + milliseconds(limit_ms);
  std::string commands;
  for (const auto& request : batch) commands += request->commands;
  ASSAY_TRY(connection_->Send(commands, deadline));
  for (const auto& request : batch) {
    std::vector<Reply>& got = replies.emplace_back();
    for (std::size_t i = 0; i < request->count; ++i) {
      ASSAY_ASSIGN(Reply reply, connection_->Receive(deadline));
      got.push_back(std::move(reply));
    }
  }
  if (connection_->SaidTooMuch()) return Fail(Code::kUnavailable, "it answered what nobody asked");
  return {};
}

void RedisTier::Client::SendOn(const Batch& batch, std::vector<std::vector<Reply>>& replies) {
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (!batch[i]->posted) continue;
    const auto redirect = redis::RedirectOf(*replies[i].back());
    if (redirect && hooks_.redirect(*this, *redirect, batch[i]->commands, batch[i]->hops))
      replies[i].back().reset();
  }
}

void RedisTier::Client::Serve(std::unique_lock<std::mutex>& lock) {
  const Batch batch = TakeBatch();
  lock.unlock();
  std::vector<std::vector<Reply>> replies;
  Result<void> exchanged = Exchange(batch, replies);
  if (exchanged) SendOn(batch, replies);
  lock.lock();
  ++stats_.pipelines;
  if (exchanged) {
    for (std::size_t i = 0; i < batch.size(); ++i) {
      stats_.commands += batch[i]->count;
      batch[i]->replies = std::move(replies[i]);
      Finish(*batch[i], std::nullopt);
    }
    answered_.notify_all();
    return;
  }
  for (const auto& request : batch) Finish(*request, LostError().error());
  Lose(lock, std::move(exchanged).error());
}

void RedisTier::Client::Loop() {
  std::unique_lock lock(mutex_);
  while (true) {
    if (!connection_) {
      if (stopping_) break;
      Probe(lock);
      continue;
    }
    asked_.wait(lock, [&] { return stopping_ || given_up_ || !queue_.empty(); });
    if (given_up_) {
      Lose(lock, *given_up_);
    } else if (!queue_.empty()) {
      Serve(lock);
    } else {
      break;
    }
  }
  ended_ = true;
  for (const auto& request : std::exchange(queue_, {})) Finish(*request, LostError().error());
  answered_.notify_all();
}

}  // namespace assay::cache
