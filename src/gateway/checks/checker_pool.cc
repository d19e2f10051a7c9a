#include <utility>

#include "assay/core/file_system.h"

#include "checks/checker_pool_internal.h"

namespace assay::gateway {

Result<const AnswerChecker*> CheckerPool::Get(const std::vector<std::string>& documents) {
  std::vector<corpus::Warning> warnings;
  auto& checker = checkers_[documents];
  if (checker) {
    ASSAY_TRY(checker->Refresh(&warnings));
  } else {
    AnswerCheckerOptions options;
    options.documents = documents;
    ASSAY_ASSIGN(options.encoder, encoders_.Static());
    options.max_claims = max_claims_;
    ASSAY_ASSIGN(const embed::CrossEncoder* const model, encoders_.Checker());
    if (model != nullptr && !entailment_) {
      ASSAY_ASSIGN(entailment_, claims::MakeEntailment(*model));
    }
    options.entailment = entailment_.get();
    options.judge = judge_;
    ASSAY_ASSIGN(checker,
                 AnswerChecker::Open(core::FileSystem::Real(), std::move(options), &warnings));
  }
  for (const corpus::Warning& warning : warnings) on_warning_(warning);
  return checker.get();
}

}  // namespace assay::gateway
