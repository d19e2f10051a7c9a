// The encoders of the tests, where the models are installed.
#pragma once
#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace assay::cache {

struct TestEncoders {
  std::unique_ptr<embed::Encoder> fast;
  std::unique_ptr<embed::Encoder> precise;
  [[nodiscard]] bool available() const { return fast != nullptr && precise != nullptr; }

  static const TestEncoders& Get() {
    static const TestEncoders encoders = Open(true);
    return encoders;
  }
  // Without the transformer.
  static const TestEncoders& Static() {
    static const TestEncoders encoders = Open(false);
    return encoders;
  }

 private:
  static TestEncoders Open(bool transformer) {
    TestEncoders encoders;
    const char* folder = std::getenv("ASSAY_MODELS");
    if (folder == nullptr) return encoders;
    core::FileSystem& files = core::FileSystem::Real();
    const std::array<std::string, 1> folders = {folder};
    const auto fast = embed::FindModel(files, folders, embed::kStaticMiniLm);
    if (!fast) return encoders;
    if (auto opened = embed::OpenStaticEncoder(files, *fast)) encoders.fast = *std::move(opened);
    if (!transformer) return encoders;
    const auto precise = embed::FindModel(files, folders, embed::kMiniLmInt8);
    if (!precise) return encoders;
    if (auto opened = embed::OpenTransformerEncoder(files, *precise)) {
      encoders.precise = *std::move(opened);
    }
    return encoders;
  }
};

}  // namespace assay::cache
