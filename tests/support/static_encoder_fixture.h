// A test that judges words: opens the static encoder, and is skipped where it is not installed.
#pragma once
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/file_system.h"
#include "assay/embed/static_encoder.h"

namespace assay::testing {

class StaticEncoderTest : public ::testing::Test {
 protected:
  // A fixture with a SetUp of its own calls this one first and returns if IsSkipped().
  void SetUp() override {
    const char* const models = std::getenv("ASSAY_MODELS");
    ASSERT_NE(models, nullptr);
    core::FileSystem& files = core::FileSystem::Real();
    const std::vector<std::string> folders = {models};
    const auto folder = embed::FindModel(files, folders, embed::kStaticMiniLm);
    if (!folder) GTEST_SKIP() << "no static encoder: " << folder.error().message;
    auto encoder = embed::OpenStaticEncoder(files, *folder);
    ASSERT_TRUE(encoder) << encoder.error().message;
    encoder_ = std::move(*encoder);
  }

  std::unique_ptr<embed::Encoder> encoder_;
};

}  // namespace assay::testing
