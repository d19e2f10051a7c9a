// The index's file: what is written is found again, and damage is found and named.
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/vector/index.h"

#include "clustered_rows.h"
#include "crash_fs.h"
#include "live_index_internal.h"
#include "sanitizers.h"
#include "temp_dir.h"

namespace assay::vector {
namespace {

using assay::testing::Sized;

constexpr std::size_t kDim = 40;
constexpr std::size_t kStride = Sized<std::size_t>(4'999, 49'999);  // of bytes that are damaged
constexpr std::size_t kRows = 4200;

std::unique_ptr<Index> MakeIndex(const std::vector<float>& rows, std::uint64_t first_id) {
  auto index = Index::Create({.dim = kDim, .label = "encoder-1", .wanted_recall = 0.9});
  for (std::size_t i = 0; i < rows.size() / kDim; ++i) {
    EXPECT_TRUE((*index)->Insert(first_id + i, std::span(rows).subspan(i * kDim, kDim)));
  }
  return std::move(*index);
}

// Rows from id 9 on, with lists, which take seconds to make under the thread sanitizer.
const Index& OptimizedIndex(const std::vector<float>& rows) {
  static const std::unique_ptr<Index> shared = [&] {
    auto index = MakeIndex(rows, 9);
    EXPECT_TRUE(index->Optimize({}));
    return index;
  }();
  return *shared;
}

class IndexFileTest : public ::testing::Test {
 protected:
  void ExpectSameAnswers(const Index& a, const Index& b) {
    for (std::size_t q = 0; q < 30; ++q) {
      const auto query = std::span(queries_).subspan(q * kDim, kDim);
      EXPECT_EQ(*a.Search(query, 7), *b.Search(query, 7));
    }
  }

  testing::TempDir folder_;
  std::string path_ = folder_.path() + "/rows.index";
  core::FileSystem& files_ = core::FileSystem::Real();
  std::vector<float> rows_ = ClusteredRows(kRows, kDim, 1);
  std::vector<float> queries_ = ClusteredRows(30, kDim, 2);
};

TEST_F(IndexFileTest, AnIndexIsFoundAgainAsItWasSaved) {
  for (const std::uint64_t first_id : {0U, 77U}) {
    if (assay::testing::kUnderThreadSanitizer && first_id == 0) continue;  // saved without ids
    const auto index = MakeIndex(rows_, first_id);
    ASSERT_TRUE(index->Optimize({}));
    index->Erase(first_id + 3);
    ASSERT_TRUE(index->Save(files_, path_));
    const auto again = Index::Open(files_, path_, "encoder-1", Verify::kContent);
    ASSERT_TRUE(again.has_value()) << again.error().message;
    ExpectSameAnswers(*index, **again);
    const IndexStats stats = (*again)->Stats();
    EXPECT_EQ(stats.rows, kRows - 1);
    EXPECT_FALSE(stats.exact);
    EXPECT_EQ(stats.calibrated_recall, index->Stats().calibrated_recall);
    EXPECT_EQ(stats.mapped_bytes, (kRows - 1) * kDim * sizeof(float));
    EXPECT_LT(stats.resident_bytes, stats.mapped_bytes);
  }
}

TEST_F(IndexFileTest, AnOpenedIndexTakesChangesAndCanBeSavedAgain) {
  ASSERT_TRUE(OptimizedIndex(rows_).Save(files_, path_));
  {
    const auto again = std::move(*Index::Open(files_, path_, "", Verify::kHeaderOnly));
    ASSERT_TRUE(again->Erase(10));
    EXPECT_FALSE(again->Contains(10));
    const auto query = std::span(queries_).first(kDim);
    ASSERT_TRUE(again->Insert(20, query));
    ASSERT_TRUE(again->Insert(900'000, query));
    EXPECT_EQ(again->Search(query, 2)->front().id, 20U);
    EXPECT_EQ(again->Search(query, 2)->back().id, 900'000U);
    EXPECT_EQ(again->Stats().rows, kRows);
    ASSERT_TRUE(again->Optimize({}));
    ASSERT_TRUE(again->Save(files_, path_));
  }
  const auto third = std::move(*Index::Open(files_, path_, "", Verify::kContent));
  EXPECT_TRUE(third->Contains(900'000));
  EXPECT_FALSE(third->Contains(10));
  EXPECT_EQ(third->Stats().rows, kRows);
}

TEST_F(IndexFileTest, ASmallIndexIsSavedWithoutLists) {
  const std::vector<float> few(rows_.begin(), rows_.begin() + 20 * kDim);
  const auto index = MakeIndex(few, 5);
  ASSERT_TRUE(index->Save(files_, path_));
  const auto again = std::move(*Index::Open(files_, path_, "", Verify::kContent));
  EXPECT_TRUE(again->Stats().exact);
  ExpectSameAnswers(*index, *again);
  const auto empty = std::move(*Index::Create({.dim = kDim}));
  ASSERT_TRUE(empty->Save(files_, path_));
  EXPECT_TRUE((*Index::Open(files_, path_, "", Verify::kContent))
                  ->Search(std::span(queries_).first(kDim), 3)
                  ->empty());
}

TEST_F(IndexFileTest, AnotherEncodersIndexIsRefusedByName) {
  ASSERT_TRUE(MakeIndex(queries_, 0)->Save(files_, path_));
  const auto other = Index::Open(files_, path_, "encoder-2", Verify::kHeaderOnly);
  ASSERT_FALSE(other.has_value());
  EXPECT_EQ(other.error().code, Code::kFailedPrecondition);
  EXPECT_NE(other.error().message.find("of 'encoder-1', not of 'encoder-2'"), std::string::npos);
  EXPECT_EQ(Index::Open(files_, path_ + "x", "", Verify::kHeaderOnly).error().code,
            Code::kNotFound);
}

TEST_F(IndexFileTest, EveryCutAndEveryFlippedByteIsFound) {
  ASSERT_TRUE(OptimizedIndex(rows_).Save(files_, path_));
  const std::string whole = *files_.ReadFile(path_, 1 << 30);
  const auto open = [](const std::string& bytes) {
    const auto copy = std::make_shared<std::vector<std::uint64_t>>(bytes.size() / 8 + 1);
    std::memcpy(copy->data(), bytes.data(), bytes.size());
    return internal::OpenIndexBytes({reinterpret_cast<const char*>(copy->data()), bytes.size()}, "",
                                    Verify::kContent, copy);
  };
  ASSERT_TRUE(open(whole).has_value());
  const std::size_t codes_begin = 192 + kRows * kDim * sizeof(float);
  for (std::size_t at = 0; at < whole.size(); at += at < 192 ? 1 : kStride) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    if (at >= 184 && at < 192) continue;  // padding
    const auto result = open(damaged);
    ASSERT_FALSE(result.has_value()) << at;
    if (at >= 192) {
      EXPECT_EQ(result.error().code, Code::kDataLoss);
      EXPECT_NE(result.error().message.find(at < codes_begin ? "rows are" : "codes are"),
                std::string::npos);
    }
    EXPECT_FALSE(open(whole.substr(0, at)).has_value()) << at;
  }
}

TEST(IndexFileCrashTest, AFullDiskLeavesTheOldFileAndNoOther) {
  testing::CrashFs files;
  const std::vector<float> rows = ClusteredRows(50, kDim, 1);
  const auto index = MakeIndex(rows, 0);
  ASSERT_TRUE(files.MakeDirectories("/d"));
  ASSERT_TRUE(index->Save(files, "/d/index"));
  index->Erase(1);
  files.SetCapacity(files.Contents("/d/index")->size() + 1000);
  const auto full = index->Save(files, "/d/index");
  ASSERT_FALSE(full.has_value());
  EXPECT_EQ(full.error().code, Code::kResourceExhausted);
  EXPECT_EQ(files.List("/d")->size(), 1U);
  const auto old = Index::Open(files, "/d/index", "", Verify::kContent);
  ASSERT_TRUE(old.has_value());
  EXPECT_EQ((*old)->Stats().rows, 50U);
}

}  // namespace
}  // namespace assay::vector
