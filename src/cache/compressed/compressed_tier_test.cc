#include "assay/cache/compressed_tier.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "conformance/tier_conformance.h"

namespace assay::cache::testing {
namespace {

EntryRef Answer(std::uint64_t number) {
  const std::string body = fmt::format(
      R"({{"id":"chatcmpl-{0}","object":"chat.completion","created":{0},"model":"m","choices":)"
      R"([{{"index":0,"message":{{"role":"assistant","content":"The answer to {0} is {1}."}},)"
      R"("finish_reason":"stop"}}],"usage":{{"prompt_tokens":12,"completion_tokens":9}}}})",
      number, number * 7919 % 1000);
  return Entry::Make(KeyOf(number), {.expires_ms = kNeverExpires}, {.route = "fast", .body = body})
      .value();
}

std::string DictionaryOfAnswers() {
  std::vector<EntryRef> samples;
  for (std::uint64_t i = 0; i < 1'000; ++i) samples.push_back(Answer(i));
  return CompressedTier::TrainDictionary(samples, 8'192).value();
}

class Zstd final : public TierUnderTest {
 public:
  explicit Zstd(const CompressedTierOptions& options)
      : tier_(CompressedTier::Create(options).value()) {}
  Tier& tier() override { return *tier_; }

 private:
  std::unique_ptr<CompressedTier> tier_;
};

INSTANTIATE_TEST_SUITE_P(
    Zstd, TierConformance,
    ::testing::Values(TierCase{.name = "plain",
                               .open =
                                   [] { return std::make_unique<Zstd>(CompressedTierOptions{}); },
                               .operations = 50'000},
                      TierCase{.name = "with_a_dictionary",
                               .open =
                                   [] {
                                     return std::make_unique<Zstd>(CompressedTierOptions{
                                         .dictionary = DictionaryOfAnswers()});
                                   }}),
    &NameOfTierCase);

std::uint64_t BytesOfThousandAnswers(const CompressedTierOptions& options) {
  const auto tier = CompressedTier::Create(options).value();
  for (std::uint64_t i = 5'000; i < 6'000; ++i) EXPECT_TRUE(tier->Put(Answer(i), 0).has_value());
  EXPECT_EQ(tier->Stats().entries, 1'000U);
  return tier->Stats().size_bytes;
}

TEST(CompressedTier, NeedsLessMemoryWithADictionary) {
  std::uint64_t plain = 0;
  for (std::uint64_t i = 5'000; i < 6'000; ++i) plain += Answer(i)->footprint_bytes();
  const std::uint64_t alone = BytesOfThousandAnswers({});
  const std::uint64_t learned = BytesOfThousandAnswers({.dictionary = DictionaryOfAnswers()});
  EXPECT_LT(learned, alone * 85 / 100);
  EXPECT_LT(learned, plain);
}

TEST(CompressedTier, StaysWithinItsBytes) {
  const auto tier = CompressedTier::Create({.capacity_bytes = 1 << 20}).value();
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(tier->Put(Answer(i), 0).has_value());
    if (i % 100 == 0) {
      ASSERT_LE(tier->Stats().size_bytes, std::uint64_t{1} << 20);
    }
  }
  EXPECT_GT(tier->Stats().evictions, 0U);
}

TEST(CompressedTier, RefusesOptionsThatCannotWork) {
  EXPECT_EQ(CompressedTier::Create({.capacity_bytes = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(CompressedTier::Create({.level = 0}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(CompressedTier::Create({.level = 23}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(CompressedTier::Create({.dictionary = "no dictionary"}).error().code,
            Code::kInvalidArgument);
  const std::vector<EntryRef> few = {Answer(1)};
  EXPECT_EQ(CompressedTier::TrainDictionary(few, 8'192).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::cache::testing
