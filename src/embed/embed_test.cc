#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hwy/targets.h>

#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"

#include "batching.h"
#include "sha256.h"
#include "static_kernels.h"
#include "token_table.h"

namespace assay::embed {
namespace {

using internal::Sha256Hex;

TEST(Sha256, EqualsThePublishedExamples) {
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(PlanRuns, PutsEveryTextIntoOneRunOfItsOwnPaddedLength) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::uint32_t> length(0, 256);
  std::vector<std::uint32_t> lengths(2000);
  for (auto& value : lengths) value = length(random);
  const internal::Plan plan = internal::PlanRuns(lengths);
  std::vector<int> seen(lengths.size());
  std::size_t next = 0;
  for (const internal::Run& run : plan.runs) {
    EXPECT_EQ(run.begin, next);
    EXPECT_GE(run.rows, 1U);
    EXPECT_LE(run.rows, internal::kMaxRunRows);
    EXPECT_TRUE(run.rows == 1 || run.rows * run.length <= internal::kMaxRunTokens);
    for (std::size_t i = run.begin; i < run.begin + run.rows; ++i) {
      EXPECT_EQ(internal::PaddedLength(lengths[plan.order[i]]), run.length);
      ++seen[plan.order[i]];
    }
    next += run.rows;
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) EXPECT_EQ(seen[i], lengths[i] > 0 ? 1 : 0);
}

TEST(PlanRuns, PaddingNeverShortensNorAddsMoreThanAQuarter) {
  for (std::size_t length = 1; length <= 256; ++length) {
    const std::size_t padded = internal::PaddedLength(length);
    EXPECT_GE(padded, length);
    EXPECT_LE(padded, length + std::max<std::size_t>(1, length / 4)) << length;
    EXPECT_LE(padded, 256U);
  }
}

// A table in memory, as models/minilm/static_table.py writes it.
std::string TableBytes(std::uint32_t rows, std::uint32_t dim, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::string bytes = "ASYTOKTB";
  const auto append = [&](const auto value) {
    char raw[sizeof(value)];
    std::memcpy(raw, &value, sizeof(value));
    bytes.append(raw, sizeof(value));
  };
  append(std::uint32_t{1});
  append(std::uint32_t{0x01020304});
  append(rows);
  append(dim);
  append(std::uint64_t{64});
  append(std::uint64_t{64} + rows * 4);
  bytes.resize(64);
  std::uniform_real_distribution<float> scale(0.001F, 0.02F);
  for (std::uint32_t i = 0; i < rows; ++i) append(scale(random));
  for (std::uint32_t i = 0; i < rows * dim; ++i) bytes.push_back(static_cast<char>(random()));
  return bytes;
}

TEST(TokenTable, SumsOfRowsEqualTheScalarSumOnEveryTargetAndTail) {
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    for (std::uint32_t dim = 1; dim <= 70; ++dim) {
      const std::string bytes = TableBytes(11, dim, dim);
      const auto table = internal::ReadTokenTable(bytes);
      ASSERT_TRUE(table) << table.error().message;
      const std::vector<std::int32_t> ids = {3, 0, 10, 3, 7, 9, 1};
      std::vector<double> sum(dim);
      double square = 0;
      for (std::size_t i = 0; i < dim; ++i) {
        for (const std::int32_t id : ids) {
          const auto row = static_cast<std::size_t>(id);
          sum[i] += static_cast<double>(table->scales[row]) * table->values[row * dim + i];
        }
        square += sum[i] * sum[i];
      }
      std::vector<float> out(dim, -7);
      internal::SumRows(*table, ids, out);
      for (std::size_t i = 0; i < dim; ++i) {
        ASSERT_NEAR(out[i], sum[i] / std::sqrt(square), 2e-6) << dim;
      }
      internal::SumRows(*table, {}, out);
      EXPECT_EQ(std::ranges::count(out, 0.0F), dim);
    }
  }
  hwy::SetSupportedTargetsForTest(0);
}

TEST(TokenTable, ACutChangedOrForeignTableIsAnError) {
  const std::string good = TableBytes(5, 8, 1);
  ASSERT_TRUE(internal::ReadTokenTable(good));
  for (std::size_t size = 0; size < good.size(); ++size) {
    const std::string cut = good.substr(0, size);
    EXPECT_FALSE(internal::ReadTokenTable(cut)) << size;
  }
  EXPECT_EQ(internal::ReadTokenTable(good + "x").error().code, Code::kDataLoss);
  std::string other = good;
  other[8] = 2;
  EXPECT_EQ(internal::ReadTokenTable(other).error().code, Code::kFailedPrecondition);
  other = good;
  std::reverse(other.begin() + 12, other.begin() + 16);
  EXPECT_EQ(internal::ReadTokenTable(other).error().code, Code::kFailedPrecondition);
  other = good;
  const float nan = std::nanf("");
  std::memcpy(other.data() + 64, &nan, sizeof(nan));
  EXPECT_EQ(internal::ReadTokenTable(other).error().code, Code::kDataLoss);
}

class ModelsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::temp_directory_path() / fmt::format("assay_models_{}", getpid());
    std::filesystem::remove_all(root_);
    std::filesystem::create_directories(root_ / "toy");
    Write("toy/vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\nfox\n##es\n");
    Write("toy/table.bin", TableBytes(6, 24, 3));
    WriteManifest("toy");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
  }
  [[nodiscard]] std::string Read(const std::string& name) const {
    std::ifstream stream(root_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  void WriteManifest(const std::string& model) const {
    std::string entries;
    for (const char* name : {"table.bin", "vocab.txt"}) {
      const std::string bytes = Read(fmt::format("{}/{}", model, name));
      entries +=
          fmt::format(R"({}{{"path":"{}/{}","size_bytes":{},"sha256":"{}"}})",
                      entries.empty() ? "" : ",", model, name, bytes.size(), Sha256Hex(bytes));
    }
    Write("manifest.json",
          fmt::format(R"({{"format":1,"models":{{"{}":{{"files":[{}]}}}}}})", model, entries));
  }
  [[nodiscard]] Result<ModelFolder> Find(const std::string& model) const {
    const std::vector<std::string> folders = {"/nonexistent/assay", root_.string()};
    return FindModel(core::FileSystem::Real(), folders, model);
  }

  std::filesystem::path root_;
};

TEST_F(ModelsTest, AModelIsFoundInTheFirstFolderThatNamesItAndNamedByItsWeights) {
  const auto model = Find("toy");
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_EQ(model->path, (root_ / "toy").string());
  EXPECT_EQ(model->name, "toy@" + Sha256Hex(Read("toy/table.bin")).substr(0, 12));
}

TEST_F(ModelsTest, AModelThatNoFolderNamesIsNotFoundAndTheMessageListsTheFolders) {
  const auto model = Find("other");
  ASSERT_FALSE(model);
  EXPECT_EQ(model.error().code, Code::kNotFound);
  EXPECT_NE(model.error().message.find("/nonexistent/assay, " + root_.string()), std::string::npos);
}

TEST_F(ModelsTest, AChangedFileIsRefusedEvenAfterItWasOnceVerified) {
  ASSERT_TRUE(Find("toy"));
  std::string table = Read("toy/table.bin");
  table.back() = static_cast<char>(table.back() ^ 1);
  Write("toy/table.bin", table);
  std::filesystem::last_write_time(
      root_ / "toy/table.bin",
      std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(Find("toy").error().code, Code::kDataLoss);
  Write("toy/table.bin", table + "x");
  EXPECT_EQ(Find("toy").error().code, Code::kDataLoss);
  std::filesystem::remove(root_ / "toy/table.bin");
  EXPECT_EQ(Find("toy").error().code, Code::kDataLoss);
}

TEST_F(ModelsTest, AVerifiedFileIsNotHashedAgain) {
  ASSERT_TRUE(Find("toy"));
  // Same size and time, other bytes: only a hash would see it, and none is made.
  const auto time = std::filesystem::last_write_time(root_ / "toy/table.bin");
  std::string table = Read("toy/table.bin");
  table.back() = static_cast<char>(table.back() ^ 1);
  Write("toy/table.bin", table);
  std::filesystem::last_write_time(root_ / "toy/table.bin", time);
  EXPECT_TRUE(Find("toy"));
  std::filesystem::remove(root_ / ".verified");
  EXPECT_EQ(Find("toy").error().code, Code::kDataLoss);
}

TEST_F(ModelsTest, ADamagedManifestIsAnErrorThatNamesIt) {
  for (const char* text : {"", "{", "[]", R"({"format":2})", R"({"format":1,"models":[]})",
                           R"({"format":1,"models":{"toy":{"files":[{"path":"../x"}]}}})",
                           R"({"format":1,"models":{"toy":{"files":[]}}})"}) {
    Write("manifest.json", text);
    const auto model = Find("toy");
    ASSERT_FALSE(model) << text;
    EXPECT_EQ(model.error().code, Code::kDataLoss) << text;
    EXPECT_NE(model.error().message.find("manifest.json"), std::string::npos);
  }
}

TEST_F(ModelsTest, AStaticEncoderNeedsAsManyRowsAsTokens) {
  const auto encoder = OpenStaticEncoder(core::FileSystem::Real(), *Find("toy"));
  ASSERT_TRUE(encoder) << encoder.error().message;
  EXPECT_EQ((*encoder)->dim(), 24U);
  Write("toy/table.bin", TableBytes(7, 24, 3));
  WriteManifest("toy");
  EXPECT_EQ(OpenStaticEncoder(core::FileSystem::Real(), *Find("toy")).error().code,
            Code::kDataLoss);
}

}  // namespace
}  // namespace assay::embed
