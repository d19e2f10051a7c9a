#include <iterator>
#include <utility>

#include "checks/verify_batcher_internal.h"

namespace assay::gateway::internal {

Result<std::vector<claims::Judgement>> VerifyBatcher::Verify(
    std::span<const std::string_view> claims) {
  std::unique_lock lock(mutex_);
  const bool leads = open_ == nullptr;
  if (leads) open_ = std::make_shared<Batch>();
  const std::shared_ptr<Batch> batch = open_;
  const std::size_t first = batch->claims.size();
  batch->claims.insert(batch->claims.end(), claims.begin(), claims.end());
  if (batch->claims.size() >= options_.full_at_claims) {
    open_ = nullptr;
    changed_.notify_all();
  }
  if (leads) {
    Lead(batch, lock);
  } else {
    changed_.wait(lock, [&] { return batch->done; });
  }
  if (!batch->judgements) return std::unexpected(batch->judgements.error());
  const auto begin = batch->judgements->begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = begin + static_cast<std::ptrdiff_t>(claims.size());
  return std::vector<claims::Judgement>(std::make_move_iterator(begin),
                                        std::make_move_iterator(end));
}

void VerifyBatcher::Lead(const std::shared_ptr<Batch>& batch, std::unique_lock<std::mutex>& lock) {
  if (options_.window.count() > 0) {
    changed_.wait_for(lock, options_.window, [&] { return open_ != batch; });
  }
  if (open_ == batch) open_ = nullptr;
  lock.unlock();
  auto judgements = checker_->Verify(batch->claims);
  lock.lock();
  batch->judgements = std::move(judgements);
  batch->done = true;
  ++batches_;
  changed_.notify_all();
}

std::uint64_t VerifyBatcher::batches() const {
  const std::lock_guard lock(mutex_);
  return batches_;
}

}  // namespace assay::gateway::internal
