// Lets small verification requests that arrive close together share one batch.
// Threads: Verify may be called by many threads at once; each waits for its own judgements.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "assay/claims/verdict.h"
#include "assay/core/result.h"
#include "assay/gateway/answer_checker.h"

namespace assay::gateway::internal {

struct VerifyBatcherOptions {
  std::chrono::milliseconds window{0};  // 0 to 50; 0: every call on its own
  std::size_t full_at_claims = 64;      // a batch of so many claims does not wait any longer
};

// The first caller of a batch leads it: it waits for the window, or until the batch is full, judges
// all claims in it, and wakes the others.
class VerifyBatcher {
 public:
  VerifyBatcher(const AnswerChecker& checker, VerifyBatcherOptions options)
      : checker_(&checker), options_(options) {}

  // As AnswerChecker::Verify. An error of the batch is the error of every call in it.
  [[nodiscard]] Result<std::vector<claims::Judgement>> Verify(
      std::span<const std::string_view> claims);

  [[nodiscard]] std::uint64_t batches() const;  // judged so far

 private:
  struct Batch {
    std::vector<std::string_view> claims;  // owned by the callers, who all wait
    Result<std::vector<claims::Judgement>> judgements;
    bool done = false;
  };

  void Lead(const std::shared_ptr<Batch>& batch, std::unique_lock<std::mutex>& lock);

  const AnswerChecker* checker_;
  VerifyBatcherOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Batch> open_;  // guarded by mutex_; null: the next caller opens one
  std::uint64_t batches_ = 0;    // guarded by mutex_
};

}  // namespace assay::gateway::internal
