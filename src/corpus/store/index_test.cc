#include "assay/corpus/index.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/corpus/search.h"
#include "assay/corpus/update.h"

#include "store/image_internal.h"
#include "tests/corpus_fixture.h"

namespace assay::corpus {
namespace {

std::shared_ptr<const Index> Handbook(const embed::Encoder* encoder = nullptr) {
  const std::vector<TextSource> sources = {
      {"leave.md",
       "# Leave\n\nStaff have 27 days of leave. It is paid.\n\n## Sick leave\n\nTell "
       "your manager before 9:30.\n",
       Format::kMarkdown},
      {"pay.txt", "Salaries are paid on the 25th of each month.", Format::kText}};
  auto index = Index::FromTexts(sources, encoder);
  EXPECT_TRUE(index) << index.error().message;
  return index ? *index : nullptr;
}

TEST(Index, GivesPassagesAndSentencesWithTheirPlace) {
  const auto index = Handbook();
  ASSERT_EQ(index->passage_count(), 3u);
  ASSERT_EQ(index->file_count(), 2u);
  const Passage leave = index->passage(0);
  EXPECT_EQ(leave.file, "leave.md");
  EXPECT_EQ(leave.heading_path, "Leave");
  EXPECT_EQ(leave.text, "Staff have 27 days of leave. It is paid.");
  EXPECT_EQ(leave.source.line, 3u);
  ASSERT_EQ(leave.sentence_count, 2u);
  EXPECT_EQ(index->sentence(0, 1).text.of(leave.text), "It is paid.");
  EXPECT_EQ(index->passage(1).heading_path, "Leave > Sick leave");
  EXPECT_EQ(index->passage(2).file_id, 1u);
  EXPECT_EQ(index->file(1).passage_count, 1u);
  EXPECT_TRUE(index->Verify());
}

TEST(Index, HasTheSameVersionForTheSameTextsOnly) {
  const HashingEncoder encoder;
  EXPECT_EQ(Handbook()->version(), Handbook()->version());
  EXPECT_FALSE(Handbook()->version() == Handbook(&encoder)->version());
  const TextSource one{"a", "One text.", Format::kText};
  const TextSource other{"a", "Two text.", Format::kText};
  const TextSource renamed{"b", "One text.", Format::kText};
  const auto version = [](const TextSource& source) {
    return (*Index::FromTexts({&source, 1}))->version();
  };
  EXPECT_EQ(version(one), version(one));
  EXPECT_FALSE(version(one) == version(other));
  EXPECT_FALSE(version(one) == version(renamed));
}

TEST(Index, RefusesTextsWithoutASentence) {
  const TextSource empty{"a", "  \n ", Format::kText};
  EXPECT_EQ(Index::FromTexts({&empty, 1}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Index::FromSentences({}).error().code, Code::kInvalidArgument);
}

TEST(Index, KeepsOneRowForEachGivenSentence) {
  const std::vector<std::string_view> sentences = {"First one. With two parts.", "", "Third"};
  const auto index = *Index::FromSentences(sentences);
  ASSERT_EQ(index->passage_count(), 3u);
  EXPECT_EQ(index->passage(0).text, sentences[0]);
  EXPECT_EQ(index->passage(1).text, "");
  EXPECT_EQ(index->sentence(2, 0).text.of(index->passage(2).text), "Third");
}

TEST(Index, NeverReadsOutsideOfADamagedImage) {
  const HashingEncoder encoder;
  const std::string sound(Handbook(&encoder)->image());
  std::mt19937 random(11);
  std::size_t refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string image = sound;
    for (int flip = 0; flip <= round % 3; ++flip) {
      image[random() % image.size()] ^= static_cast<char>(1u << (random() % 8));
    }
    const auto index = IndexAccess::FromImage(std::move(image), "x");
    refused += index ? 0U : 1U;
    if (index) {
      // Only padding between the sections is not under a checksum.
      EXPECT_EQ((*index)->passage(0).text, "Staff have 27 days of leave. It is paid.");
    }
  }
  EXPECT_GT(refused, 2500u);
}

TEST(Index, NeverReadsOutsideOfAnImageWithForgedChecksums) {
  const HashingEncoder encoder;
  const std::string sound(Handbook(&encoder)->image());
  std::mt19937 random(12);
  std::size_t opened = 0;
  for (int round = 0; round < 6000; ++round) {
    std::string image = sound;
    const std::size_t from = round % 2 == 0 ? sizeof(IndexHeader) : std::size_t{40};
    for (int flip = 0; flip < 3; ++flip) {
      image[from + random() % (image.size() - from)] = static_cast<char>(random() % 256);
    }
    ForgeChecksumsForTest(image);
    auto index = IndexAccess::FromImage(std::move(image), "x");
    if (!index) continue;
    ++opened;
    std::size_t bytes = 0;
    for (std::uint32_t p = 0; p < (*index)->passage_count(); ++p) {
      const Passage passage = (*index)->passage(p);
      bytes += passage.file.size() + passage.heading_path.size();
      for (std::uint32_t s = 0; s < passage.sentence_count; ++s) {
        bytes += (*index)->sentence(p, s).text.of(passage.text).size();
      }
    }
    auto retriever = Retriever::Create(*index, nullptr);
    ASSERT_TRUE(retriever);
    EXPECT_TRUE(retriever->Retrieve("days of paid leave manager salaries", 5));
    EXPECT_LT(bytes, 1u << 20);
  }
  EXPECT_GT(opened, 500u);
}

TEST(Index, SaysWhatToDoAboutAnIndexOfAnotherVersion) {
  std::string image(Handbook()->image());
  const std::uint32_t version = kIndexFormatVersion + 1;
  std::memcpy(image.data() + offsetof(IndexHeader, format_version), &version, sizeof(version));
  const auto other = IndexAccess::FromImage(image, "docs/.assay/index.assay");
  EXPECT_EQ(other.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(other.error().message,
            "docs/.assay/index.assay: has format version 2, this program reads version 1; build it "
            "again with `assay index`");
  const auto cut = IndexAccess::FromImage(std::string(Handbook()->image().substr(0, 900)), "i");
  EXPECT_EQ(cut.error().code, Code::kDataLoss);
  EXPECT_EQ(IndexAccess::FromImage("", "i").error().code, Code::kDataLoss);
  EXPECT_EQ(Index::Open(core::FileSystem::Real(), "/absent").error().code, Code::kNotFound);
}

TEST(Retriever, FindsByKeywordsVectorsAndBoth) {
  const HashingEncoder encoder;
  auto retriever = Retriever::Create(Handbook(&encoder), &encoder);
  ASSERT_TRUE(retriever);
  for (const SearchMode mode : {SearchMode::kBm25, SearchMode::kVector, SearchMode::kHybrid}) {
    const auto hits = retriever->Retrieve("when are salaries paid each month", 2, mode);
    ASSERT_TRUE(hits);
    ASSERT_FALSE(hits->empty());
    EXPECT_EQ((*hits)[0].passage, 2u);
    EXPECT_GT((*hits)[0].score, 0.0F);
  }
  const auto hybrid = *retriever->Retrieve("when are salaries paid each month", 3);
  EXPECT_GT(hybrid[0].bm25, 0.0F);
  EXPECT_NEAR(hybrid[0].similarity,
              (*retriever->Retrieve("when are salaries paid each month", 1, SearchMode::kVector))[0]
                  .similarity,
              1e-3);
}

TEST(Retriever, BatchesGiveTheSameListsAsSingleCalls) {
  const HashingEncoder encoder;
  auto retriever = Retriever::Create(Handbook(&encoder), &encoder);
  const std::vector<std::string_view> queries = {"paid leave", "", "manager at 9:30", "zebra"};
  const auto batch = *retriever->RetrieveBatch(queries, 3);
  ASSERT_EQ(batch.size(), queries.size());
  for (std::size_t q = 0; q < queries.size(); ++q) {
    const auto single = *retriever->Retrieve(queries[q], 3);
    ASSERT_EQ(single.size(), batch[q].size()) << queries[q];
    for (std::size_t i = 0; i < single.size(); ++i) {
      EXPECT_EQ(single[i].passage, batch[q][i].passage);
      EXPECT_EQ(single[i].score, batch[q][i].score);
    }
  }
}

TEST(Retriever, RefusesVectorsOfAnotherEncoder) {
  const HashingEncoder encoder;
  const HashingEncoder other("other");
  EXPECT_EQ(Retriever::Create(Handbook(&encoder), &other).error().code, Code::kFailedPrecondition);
  auto keywords = Retriever::Create(Handbook(), &encoder);
  ASSERT_TRUE(keywords);
  EXPECT_EQ(keywords->Retrieve("leave", 1, SearchMode::kVector).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(keywords->Retrieve("sick leave", 1)->size(), 1u);
}

}  // namespace
}  // namespace assay::corpus
