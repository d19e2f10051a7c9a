// One suite for every encoder, on the real models and real sentences.
#include "assay/embed/encoder.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace assay::embed {
namespace {

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Real text of all lengths: the lines of the STS-B pairs, unparsed JSON included.
std::vector<std::string> RealLines(std::size_t count) {
  std::ifstream stream(Environment("ASSAY_DATA") + "/pairs/stsb.jsonl");
  std::vector<std::string> lines;
  std::string line;
  while (lines.size() < count && std::getline(stream, line)) lines.push_back(line);
  return lines;
}

class EncoderTest : public testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override {
    const std::vector<std::string> folders = {Environment("ASSAY_MODELS")};
    auto& files = core::FileSystem::Real();
    const auto model = FindModel(files, folders, GetParam());
    if (!model && model.error().code == Code::kNotFound) GTEST_SKIP() << model.error().message;
    ASSERT_TRUE(model) << model.error().message;
    auto opened = GetParam() == kStaticMiniLm
                      ? OpenStaticEncoder(files, *model)
                      : OpenTransformerEncoder(files, *model,
                                               {.runtime_folders = {}, .threads = 1, .streams = 2});
    ASSERT_TRUE(opened) << opened.error().message;
    encoder_ = *std::move(opened);
  }

  [[nodiscard]] std::vector<float> Encode(std::span<const std::string> texts) const {
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<float> out(views.size() * encoder_->dim(), -9.0F);
    const auto done = encoder_->Encode(views, out);
    EXPECT_TRUE(done) << done.error().message;
    return out;
  }
  [[nodiscard]] std::vector<float> Encode(const std::string& text) const {
    return Encode(std::span(&text, 1));
  }

  static double Dot(std::span<const float> a, std::span<const float> b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b[i];
    return sum;
  }

  std::unique_ptr<Encoder> encoder_;
};

TEST_P(EncoderTest, VectorsHaveLengthOneAndRewordingsAreNearerThanOtherThings) {
  const std::vector<float> v =
      Encode(std::vector<std::string>{"Employees get 30 days of paid leave a year.",
                                      "Each year staff may take thirty days of paid vacation.",
                                      "The reactor is cooled by liquid sodium."});
  const std::size_t dim = encoder_->dim();
  const auto row = [&](std::size_t i) { return std::span(v).subspan(i * dim, dim); };
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(Dot(row(i), row(i)), 1, 1e-5);
  EXPECT_GT(Dot(row(0), row(1)), Dot(row(0), row(2)) + 0.2);
}

TEST_P(EncoderTest, NoResultDependsOnTheBatch) {
  const std::vector<std::string> lines = RealLines(40);
  if (lines.empty()) GTEST_SKIP() << "set ASSAY_DATA to the data folder";
  std::vector<std::string> mixed = lines;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    mixed.push_back(lines[i].substr(0, 1 + i % lines[i].size()));
  }
  mixed.push_back(std::string(5000, 'x') + " end");
  mixed.emplace_back("");
  const std::vector<float> batch = Encode(mixed);
  const std::size_t dim = encoder_->dim();
  double worst = 0;
  for (std::size_t i = 0; i < mixed.size(); ++i) {
    const std::vector<float> single = Encode(mixed[i]);
    for (std::size_t d = 0; d < dim; ++d) {
      worst = std::max(worst, std::abs(static_cast<double>(single[d]) - batch[i * dim + d]));
    }
  }
  EXPECT_LE(worst, 1e-5);
}

TEST_P(EncoderTest, TextWithoutAKnownWordGivesZeros) {
  for (const std::string text : {"", " \t\n", "\x01\x02"}) {
    const std::vector<float> v = Encode(text);
    EXPECT_EQ(Dot(v, v), 0) << text;
  }
}

TEST_P(EncoderTest, InvalidUtf8AndVeryLongTextAreEncoded) {
  std::string text = "The caf\xC3 is open \xFF\xFE until noon.";
  const std::vector<float> invalid = Encode(text);
  EXPECT_NEAR(Dot(invalid, invalid), 1, 1e-5);
  std::string lengthy;
  while (lengthy.size() < 100000) lengthy += "The meeting was moved to Friday afternoon. ";
  const std::vector<float> v = Encode(lengthy);
  EXPECT_NEAR(Dot(v, v), 1, 1e-5);
}

TEST_P(EncoderTest, AnOutputOfTheWrongSizeIsRefused) {
  std::vector<float> out(encoder_->dim() + 1);
  const std::string_view text = "a";
  EXPECT_EQ(encoder_->Encode({&text, 1}, out).error().code, Code::kInvalidArgument);
  EXPECT_TRUE(encoder_->Encode({}, {}));
}

TEST_P(EncoderTest, TheNameSaysModelAndVersion) {
  EXPECT_TRUE(encoder_->name().starts_with(GetParam()));
  EXPECT_EQ(encoder_->name().size(), GetParam().size() + 13);
}

TEST_P(EncoderTest, ManyThreadsGetWhatOneGets) {
  const std::vector<std::string> lines = RealLines(12);
  if (lines.empty()) GTEST_SKIP() << "set ASSAY_DATA to the data folder";
  const std::vector<float> expected = Encode(lines);
  std::vector<std::vector<float>> results(3);
  {
    std::vector<std::jthread> threads;
    for (auto& result : results) {
      threads.emplace_back([&] { result = Encode(lines); });
    }
  }
  for (const auto& result : results) EXPECT_EQ(result, expected);
}

INSTANTIATE_TEST_SUITE_P(Models, EncoderTest,
                         testing::Values(kStaticMiniLm, kMiniLmInt8, kMiniLmF32),
                         [](const auto& model) {
                           std::string name(model.param);
                           std::erase(name, '-');
                           return name;
                         });

TEST(TransformerEncoder, AMissingRuntimeOrModelIsAnErrorThatSaysWhere) {
  auto& files = core::FileSystem::Real();
  const auto missing = OpenTransformerEncoder(files, {"/nonexistent/model", "x"});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().message.find("/nonexistent/model"), std::string::npos);
}

}  // namespace
}  // namespace assay::embed
