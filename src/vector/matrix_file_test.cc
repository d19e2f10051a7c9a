#include "assay/vector/matrix_file.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace assay::vector {
namespace {

constexpr std::size_t kDim = 17;
constexpr std::size_t kRows = 50;

std::vector<float> SomeRows() {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<float> rows(kRows * kDim);
  for (float& value : rows) value = normal(random);
  return rows;
}

struct Bytes {
  std::vector<std::int8_t> values = std::vector<std::int8_t>(kRows * kDim);
  std::vector<float> scales = std::vector<float>(kRows);
};

Bytes SomeBytes(std::span<const float> rows) {
  Bytes bytes;
  EXPECT_TRUE(QuantizeRows(rows, kDim, bytes.values, bytes.scales));
  return bytes;
}

std::string FloatFile() {
  return *EncodeMatrix(SomeRows(), kDim, "minilm@1");
}

std::string Int8File() {
  const Bytes bytes = SomeBytes(SomeRows());
  return *EncodeMatrix(Int8Rows{bytes.values, bytes.scales}, kDim, "minilm@1");
}

TEST(MatrixFile, GivesBackWhatWasWritten) {
  const std::vector<float> rows = SomeRows();
  const std::string bytes = FloatFile();
  const auto file = MatrixFile::FromBytes(bytes, Verify::kContent);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->element(), Element::kFloat32);
  EXPECT_EQ(file->dim(), kDim);
  EXPECT_EQ(file->rows(), kRows);
  EXPECT_EQ(file->label(), "minilm@1");
  EXPECT_TRUE(std::ranges::equal(file->float_rows(), rows));
  EXPECT_TRUE(file->int8_rows().values.empty());

  const Bytes expected = SomeBytes(rows);
  const std::string int8_bytes = Int8File();
  const auto int8_file = MatrixFile::FromBytes(int8_bytes, Verify::kContent);
  ASSERT_TRUE(int8_file) << int8_file.error().message;
  EXPECT_TRUE(std::ranges::equal(int8_file->int8_rows().values, expected.values));
  EXPECT_TRUE(std::ranges::equal(int8_file->int8_rows().scales, expected.scales));
  EXPECT_TRUE(int8_file->float_rows().empty());
}

TEST(MatrixFile, IsSearchedInPlaceThroughAMappedFile) {
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("assay_matrix_{}", getpid())).string();
  auto& files = core::FileSystem::Real();
  const std::vector<float> rows = SomeRows();
  const auto query = std::span(rows).subspan(7 * kDim, kDim);
  for (const std::string& bytes : {FloatFile(), Int8File()}) {
    ASSERT_TRUE(core::WriteFileAtomically(files, path, bytes));
    auto opened = MatrixFile::Open(files, path, Verify::kContent);
    ASSERT_TRUE(opened) << opened.error().message;
    const MatrixFile file = *std::move(opened);
    const auto hits = file.Search(query, 3);
    ASSERT_TRUE(hits);
    ASSERT_EQ(hits->size(), 3U);
    const auto expected = TopK(query, rows, 1);
    EXPECT_EQ(hits->front().row, expected->front().row);
    EXPECT_NEAR(hits->front().score, expected->front().score, 0.05);
  }
  ASSERT_TRUE(core::WriteFileAtomically(files, path, "ASYMATRX"));
  const auto damaged = MatrixFile::Open(files, path, Verify::kHeaderOnly);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find(path), std::string::npos);
  std::filesystem::remove(path);
  EXPECT_EQ(MatrixFile::Open(files, path, Verify::kContent).error().code, Code::kNotFound);
}

TEST(MatrixFile, EveryCutAndEveryFlippedByteIsRefused) {
  for (const std::string& good : {FloatFile(), Int8File()}) {
    for (std::size_t size = 0; size < good.size(); ++size) {
      const std::string cut = good.substr(0, size);
      EXPECT_FALSE(MatrixFile::FromBytes(cut, Verify::kHeaderOnly)) << size;
    }
    EXPECT_FALSE(MatrixFile::FromBytes(good + "x", Verify::kHeaderOnly));
    std::string flipped = good;
    for (std::size_t i = 0; i < good.size(); ++i) {
      flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
      EXPECT_FALSE(MatrixFile::FromBytes(flipped, Verify::kContent)) << i;
      flipped[i] = good[i];
    }
  }
}

TEST(MatrixFile, AnotherVersionOrByteOrderIsNamedAsSuch) {
  std::string bytes = FloatFile();
  bytes[8] = 9;
  EXPECT_EQ(MatrixFile::FromBytes(bytes, Verify::kContent).error().code, Code::kFailedPrecondition);
  bytes = FloatFile();
  std::reverse(bytes.begin() + 12, bytes.begin() + 16);
  EXPECT_EQ(MatrixFile::FromBytes(bytes, Verify::kContent).error().code, Code::kFailedPrecondition);
}

TEST(MatrixFile, AnEmptyMatrixIsAMatrix) {
  const std::string bytes = *EncodeMatrix(std::span<const float>(), 384, "");
  const auto file = MatrixFile::FromBytes(bytes, Verify::kContent);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->rows(), 0U);
  const std::vector<float> query(384, 1.0F);
  EXPECT_TRUE(file->Search(query, 5)->empty());
}

TEST(MatrixFile, ShapesThatDoNotFitAreNotWritten) {
  const std::vector<float> rows(10);
  EXPECT_EQ(EncodeMatrix(rows, 3, "").error().code, Code::kInvalidArgument);
  EXPECT_EQ(EncodeMatrix(rows, 0, "").error().code, Code::kOutOfRange);
  EXPECT_EQ(EncodeMatrix(rows, 5, std::string(65, 'a')).error().code, Code::kInvalidArgument);
  const std::vector<std::int8_t> values(10);
  EXPECT_EQ(EncodeMatrix(Int8Rows{values, rows}, 5, "").error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::vector
