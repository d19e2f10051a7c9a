#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

#include "services/encoder_pool_internal.h"

namespace assay::gateway {

Result<const embed::Encoder*> EncoderPool::Static() {
  const std::scoped_lock lock(mutex_);
  if (!static_) {
    core::FileSystem& files = core::FileSystem::Real();
    ASSAY_ASSIGN(const auto model, embed::FindModel(files, model_folders_, embed::kStaticMiniLm));
    ASSAY_ASSIGN(static_, embed::OpenStaticEncoder(files, model));
  }
  return static_.get();
}

Result<const embed::Encoder*> EncoderPool::Transformer() {
  const std::scoped_lock lock(mutex_);
  if (!transformer_) {
    core::FileSystem& files = core::FileSystem::Real();
    ASSAY_ASSIGN(const auto model, embed::FindModel(files, model_folders_, embed::kMiniLmInt8));
    embed::TransformerOptions options;
    options.threads = 1;  // one inference is too short for more; the compute pool asks many at once
    options.streams = streams_;
    ASSAY_ASSIGN(transformer_, embed::OpenTransformerEncoder(files, model, options));
  }
  return transformer_.get();
}

Result<const embed::CrossEncoder*> EncoderPool::Checker() {
  const std::scoped_lock lock(mutex_);
  if (!checker_ && checker_setting_ != "off") {
    core::FileSystem& files = core::FileSystem::Real();
    std::string folder = checker_setting_;
    if (folder == "auto") {
      Result<std::string> found = embed::FindChecker(files, model_folders_);
      if (!found && found.error().code == Code::kNotFound) return nullptr;
      ASSAY_ASSIGN(folder, std::move(found));
    }
    auto opened = embed::CrossEncoder::Open(
        files, folder, {.runtime_folders = {}, .threads = 1, .streams = streams_});
    if (!opened) return Fail(opened.error().code, "claims.checker: " + opened.error().message);
    checker_ = *std::move(opened);
  }
  return checker_.get();
}

}  // namespace assay::gateway
