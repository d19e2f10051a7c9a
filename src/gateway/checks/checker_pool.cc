#include <utility>

#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"

#include "checks/checker_pool_internal.h"

namespace assay::gateway {

Result<const AnswerChecker*> CheckerPool::Get(const std::vector<std::string>& documents) {
  std::vector<corpus::Warning> warnings;
  auto& checker = checkers_[documents];
  if (checker) {
    ASSAY_TRY(checker->Refresh(&warnings));
  } else {
    core::FileSystem& files = core::FileSystem::Real();
    if (!encoder_) {
      ASSAY_ASSIGN(const auto model, embed::FindModel(files, model_folders_, embed::kStaticMiniLm));
      ASSAY_ASSIGN(encoder_, embed::OpenStaticEncoder(files, model));
    }
    AnswerCheckerOptions options;
    options.documents = documents;
    options.encoder = encoder_.get();
    options.max_claims = max_claims_;
    ASSAY_ASSIGN(checker, AnswerChecker::Open(files, std::move(options), &warnings));
  }
  for (const corpus::Warning& warning : warnings) on_warning_(warning);
  return checker.get();
}

}  // namespace assay::gateway
