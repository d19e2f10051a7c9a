// The checkers of all routes: one for each list of documents, opened once.
// Threads: Get by one at a time; a checker that it gave is for many (see AnswerChecker).
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "assay/core/result.h"
#include "assay/gateway/answer_checker.h"

#include "services/encoder_pool_internal.h"

namespace assay::gateway {

class CheckerPool {
 public:
  // `encoders` outlives the pool; `judge`, which may be null, outlives all use of its checkers.
  // `on_warning` hears of files that could not be read.
  CheckerPool(EncoderPool& encoders, std::size_t max_claims, ClaimJudge* judge,
              std::function<void(const corpus::Warning&)> on_warning)
      : encoders_(encoders),
        max_claims_(max_claims),
        judge_(judge),
        on_warning_(std::move(on_warning)) {}

  // The checker of these documents; one that was made before looks for changed documents. It lives
  // as long as the pool, so that an exchange may go on with it through a reload. Errors: those of
  // AnswerChecker::Open, EncoderPool::Static and EncoderPool::Checker.
  [[nodiscard]] Result<const AnswerChecker*> Get(const std::vector<std::string>& documents);

  [[nodiscard]] ClaimJudge* judge() const { return judge_; }

 private:
  EncoderPool& encoders_;
  std::size_t max_claims_;
  ClaimJudge* judge_;
  std::function<void(const corpus::Warning&)> on_warning_;
  std::unique_ptr<claims::Entailment> entailment_;  // null: none is installed, or not asked yet
  std::map<std::vector<std::string>, std::unique_ptr<AnswerChecker>> checkers_;
};

}  // namespace assay::gateway
