#include "assay/claims/evaluation.h"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "eval/cases_internal.h"
#include "eval/metrics_internal.h"
#include "static_encoder_fixture.h"
#include "temp_dir.h"

namespace assay::claims {
namespace {

using internal::ScoredCase;
using internal::Truth;

ScoredCase Case(Truth truth, float risk, bool flagged) {
  ScoredCase scored;
  scored.truth = truth;
  scored.risk = risk;
  scored.flagged = flagged;
  return scored;
}

TEST(ClaimMetricsTest, CountsWhatWasFlaggedRightlyAndWrongly) {
  const std::vector<ScoredCase> cases = {
      Case(Truth::kNotSupported, 0.9F, true), Case(Truth::kContradicted, 0.8F, true),
      Case(Truth::kNeutral, 0.3F, false),     Case(Truth::kSupported, 0.7F, true),
      Case(Truth::kSupported, 0.2F, false),   Case(Truth::kSupported, 0.1F, false)};
  const ClaimQuality quality = internal::MeasureQuality("all", cases);
  EXPECT_EQ(quality.n, 6U);
  EXPECT_EQ(quality.positives, 3U);
  EXPECT_DOUBLE_EQ(quality.precision, 2.0 / 3);
  EXPECT_DOUBLE_EQ(quality.recall, 2.0 / 3);
  EXPECT_DOUBLE_EQ(quality.f1, 2.0 / 3);
  EXPECT_DOUBLE_EQ(quality.accuracy, 4.0 / 6);
  EXPECT_DOUBLE_EQ(quality.balanced_accuracy, 2.0 / 3);
  EXPECT_DOUBLE_EQ(quality.area_under_curve, 8.0 / 9);  // 8 of 9 pairs are in order
}

TEST(ClaimMetricsTest, ComparesMarkedCharactersWithLabelledOnes) {
  std::vector<ScoredCase> cases(2);
  cases[0].marked = 10;
  cases[0].labelled = 20;
  cases[0].marked_and_labelled = 5;
  cases[1].marked = 10;
  const ClaimQuality quality = internal::MeasureQuality("all", cases);
  EXPECT_DOUBLE_EQ(quality.span_precision, 0.25);
  EXPECT_DOUBLE_EQ(quality.span_recall, 0.25);
  EXPECT_DOUBLE_EQ(quality.span_f1, 0.25);
  EXPECT_DOUBLE_EQ(internal::MeasureQuality("none", std::span(cases).last(1)).span_f1, 0);
}

TEST(ClaimMetricsTest, CountsEqualRisksHalf) {
  const std::vector<ScoredCase> cases = {Case(Truth::kNotSupported, 0.5F, true),
                                         Case(Truth::kSupported, 0.5F, true)};
  EXPECT_DOUBLE_EQ(internal::MeasureQuality("all", cases).area_under_curve, 0.5);
}

TEST(EvaluationCasesTest, TurnsCodePointsIntoBytes) {
  std::vector<internal::EvalCase> cases;
  const auto read = internal::ReadCases(
      R"({"source":"a","response":"é€x","spans":[{"start":1,"end":3,"type":"Evident Conflict"}]})",
      EvalFormat::kGrounding, cases);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(cases.size(), 1U);
  ASSERT_EQ(cases[0].spans.size(), 1U);
  EXPECT_EQ(cases[0].spans[0].span.of(cases[0].response), "€x");
  EXPECT_TRUE(cases[0].spans[0].conflicts);
}

TEST(EvaluationCasesTest, NamesTheFieldThatIsWrong) {
  for (const auto& [line, field] : std::vector<std::pair<std::string, std::string>>{
           {R"({"source":1,"response":"b","spans":[]})", "source"},
           {R"({"source":"a","response":"b"})", "hallucinated"},
           {R"({"source":"a","response":"b","spans":[{"start":3,"end":1}]})", "spans"}}) {
    std::vector<internal::EvalCase> cases;
    const auto read = internal::ReadCases(line, EvalFormat::kGrounding, cases);
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().code, Code::kInvalidArgument);
    EXPECT_NE(read.error().message.find(field), std::string::npos) << read.error().message;
  }
}

TEST(EvaluationCasesTest, LeavesClaimsWithoutEvidenceOut) {
  std::vector<internal::EvalCase> cases;
  ASSERT_TRUE(internal::ReadCases(R"({"claim":"a","label":"supported","evidence":null})",
                                  EvalFormat::kClaims, cases));
  EXPECT_TRUE(cases.empty());
  const auto absent =
      internal::ReadCases(R"({"claim":"a","label":"supported"})", EvalFormat::kClaims, cases);
  EXPECT_FALSE(absent);
}

TEST(EvaluationCasesTest, CompletesAnAnswerByItsQuestion) {
  std::vector<internal::EvalCase> cases;
  const auto read = internal::ReadCases(
      R"({"knowledge":"k","question":"Who runs the pension plan?",)"
      R"("right_answer":"Meridian","hallucinated_answer":"The plan is run by Clearwater."})",
      EvalFormat::kPairs, cases);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].response, "Meridian runs the pension plan.");
  EXPECT_EQ(cases[1].response, "Who runs the pension plan? The plan is run by Clearwater.");
}

class EvaluationTest : public assay::testing::StaticEncoderTest {
 protected:
  void SetUp() override {
    const char* const root = std::getenv("ASSAY_SOURCE_DIR");
    const char* const data = std::getenv("ASSAY_DATA");
    ASSERT_NE(root, nullptr);
    folds_ = std::string(root) + "/models/verifier/folds";
    if (data != nullptr) data_ = data;
    StaticEncoderTest::SetUp();
  }

  Result<EvalReport> Evaluate(const std::string& path, const EvalOptions& options) {
    return EvaluateClaims(core::FileSystem::Real(), path, encoder_.get(), options);
  }

  std::string folds_;
  std::string data_;
};

TEST_F(EvaluationTest, KeepsItsQualityOnAnswersOfUnseenSources) {
  if (data_.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  const auto report =
      Evaluate(data_ + "/grounding/ragtruth.jsonl", {.threads = 2, .folds_folder = folds_});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->all.n, 1308U);
  EXPECT_EQ(report->all.positives, 546U);
  EXPECT_GE(report->all.area_under_curve, 0.80);
  EXPECT_GE(report->all.f1, 0.68);
  ASSERT_EQ(report->parts.size(), 3U);
  EXPECT_EQ(report->parts[0].name, "data2txt");
  EXPECT_GE(report->parts[0].area_under_curve, 0.74);
  EXPECT_GE(report->parts[1].area_under_curve, 0.80);  // qa
  EXPECT_GE(report->parts[2].area_under_curve, 0.66);  // summary
}

TEST_F(EvaluationTest, KeepsItsQualityOnPairsOfUnseenPages) {
  if (data_.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  const auto report = Evaluate(data_ + "/nli/vitaminc.jsonl",
                               {.threads = 2, .folds_folder = folds_, .limit = 4000});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->all.n, 4000U);
  EXPECT_GE(report->all.area_under_curve, 0.72);
  const auto never_trained = Evaluate(data_ + "/nli/sick.jsonl", {.threads = 2, .limit = 4000});
  ASSERT_TRUE(never_trained) << never_trained.error().message;
  EXPECT_GE(never_trained->all.area_under_curve, 0.85);
}

TEST_F(EvaluationTest, GivesTheSameFiguresAndLinesWithAnyNumberOfThreads) {
  if (data_.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  std::vector<std::string> dumps(2);
  std::vector<EvalReport> reports;
  for (std::size_t i = 0; i < 2; ++i) {
    EvalOptions options;
    options.threads = i == 0 ? 1 : 3;
    options.limit = 150;
    options.dump_features = [&dumps, i](std::string_view line) { dumps[i].append(line); };
    const auto report = Evaluate(data_ + "/grounding/ragtruth.jsonl", options);
    ASSERT_TRUE(report) << report.error().message;
    reports.push_back(*report);
  }
  EXPECT_FALSE(dumps[0].empty());
  EXPECT_TRUE(dumps[0] == dumps[1]);
  EXPECT_EQ(reports[0].all.area_under_curve, reports[1].all.area_under_curve);
  EXPECT_EQ(reports[0].all.f1, reports[1].all.f1);
}

// Says of every claim that its last word is not borne out.
class LastWordEntailment final : public Entailment {
 public:
  std::string_view name() const override { return "last-word"; }
  bool tells_words_apart() const override { return true; }
  Result<void> Score(std::span<const EntailmentPair> pairs,
                     std::span<EntailmentScore> out) const override {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const std::string_view claim = pairs[i].claim;
      const auto begin = static_cast<std::uint32_t>(claim.rfind(' ') + 1);
      out[i] = {.neutral = 1,
                .unsupported_words = {{begin, static_cast<std::uint32_t>(claim.size() - 1)}},
                .least_borne_out = 1};
    }
    return {};
  }
};

TEST_F(EvaluationTest, JudgesWithTheEntailmentItIsGivenAndComparesItsWordsWithTheSpans) {
  const testing::TempDir folder;
  const std::string path = folder.File("set.jsonl");
  std::ofstream(path)
      << R"({"source":"The shop in Leeds opens at nine on every weekday, as it )"
      << R"(always did.","response":"The shop in Leeds sold honey.","spans":[{"start":18,)"
      << R"("end":28,"type":"Evident Baseless Info"}]})" << "\n";
  const LastWordEntailment entailment;
  const auto report = Evaluate(path, {.threads = 1, .entailments = {&entailment}});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_DOUBLE_EQ(report->all.span_precision, 1);  // "honey" of "sold honey"
  EXPECT_DOUBLE_EQ(report->all.span_recall, 0.5);
  const auto two = Evaluate(path, {.entailments = {&entailment, &entailment}});
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, Code::kInvalidArgument);
}

TEST_F(EvaluationTest, CountsRecordsWithoutEvidence) {
  assay::testing::TempDir folder;
  const std::string path = folder.path() + "/claims.jsonl";
  std::ofstream(path) << R"({"claim":"Bees make honey.","label":"supported","evidence":null})"
                      << "\n"
                      << R"({"claim":"Bees make honey.","label":"supported",)"
                      << R"("evidence":["Bees make honey."]})" << "\n";
  const auto report = Evaluate(path, {.threads = 1});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->all.n, 1U);
  EXPECT_EQ(report->skipped, 1U);
}

TEST_F(EvaluationTest, NamesTheFileAndLineOfABrokenRecord) {
  const testing::TempDir folder;
  const std::string path = folder.File("set.jsonl");
  std::ofstream(path) << R"({"premise":"It rained.","hypothesis":"It rained.","label":"supported"})"
                      << "\n\n{\"premise\":\"x\",\n";
  const auto report = Evaluate(path, {.threads = 1});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kInvalidArgument);
  EXPECT_NE(report.error().message.find("set.jsonl:3"), std::string::npos)
      << report.error().message;
  std::ofstream(path) << "\n\n";
  const auto empty = Evaluate(path, {.threads = 1});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, Code::kInvalidArgument);
  EXPECT_FALSE(Evaluate(folder.File("absent.jsonl"), {}));
}

}  // namespace
}  // namespace assay::claims
