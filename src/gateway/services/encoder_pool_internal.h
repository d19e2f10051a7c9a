// The encoders that routes share, each loaded with the first that needs it.
// Threads: all; an encoder is for many too, and lives as long as the pool.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/encoder.h"

namespace assay::gateway {

class EncoderPool {
 public:
  // `model_folders`: where models are looked for, first come first served.
  explicit EncoderPool(std::vector<std::string> model_folders)
      : model_folders_(std::move(model_folders)) {}

  // Errors: those of embed::FindModel and embed::OpenStaticEncoder.
  [[nodiscard]] Result<const embed::Encoder*> Static();
  // Errors: those of embed::FindModel and embed::OpenTransformerEncoder.
  [[nodiscard]] Result<const embed::Encoder*> Transformer();

 private:
  std::vector<std::string> model_folders_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<embed::Encoder> static_;
  std::unique_ptr<embed::Encoder> transformer_;
};

}  // namespace assay::gateway
