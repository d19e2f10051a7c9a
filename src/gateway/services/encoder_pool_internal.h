// The encoders that routes share, each loaded with the first that needs it.
// Threads: all; an encoder is for many too, and lives as long as the pool.
#pragma once
#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/cross/cross_encoder.h"
#include "assay/embed/encoder.h"

namespace assay::gateway {

class EncoderPool {
 public:
  // `model_folders`: where models are looked for, first come first served. `checker`: see
  // ClaimSettings. `callers`: threads that will ask at once; up to kMostStreams of them are served
  // beside each other.
  explicit EncoderPool(std::vector<std::string> model_folders, std::string checker = "off",
                       std::size_t callers = 1)
      : model_folders_(std::move(model_folders)),
        checker_setting_(std::move(checker)),
        streams_(std::clamp<std::size_t>(callers, 1, kMostStreams)) {}

  // Errors: those of embed::FindModel and embed::OpenStaticEncoder.
  [[nodiscard]] Result<const embed::Encoder*> Static();
  // Errors: those of embed::FindModel and embed::OpenTransformerEncoder.
  [[nodiscard]] Result<const embed::Encoder*> Transformer();
  // Null where there is none. Errors: those of embed::FindChecker, but for kNotFound, and of
  // embed::CrossEncoder::Open.
  [[nodiscard]] Result<const embed::CrossEncoder*> Checker();

 private:
  static constexpr std::size_t kMostStreams = 8;  // each has buffers of its own: up to 80 MB

  std::vector<std::string> model_folders_;
  std::string checker_setting_;
  std::size_t streams_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<embed::Encoder> static_;
  std::unique_ptr<embed::Encoder> transformer_;
  std::unique_ptr<embed::CrossEncoder> checker_;
};

}  // namespace assay::gateway
