#include "assay/claims/shared/wire.h"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace assay::claims {
namespace {

template <typename T>
std::string Written(const T& value) {
  std::string bytes(WireBytes(value), '\0');
  WriteWire(value, std::span<char>(bytes));
  return bytes;
}

Judgement Sample() {
  return {.verdict = Verdict::kContradicted,
          .confidence = 0.875F,
          .support = 0.125F,
          .support_by_facts = 0.25F,
          .reason = "the documents say 30 days",
          .evidence = {{.file = "leave.md",
                        .line = 12,
                        .page = 3,
                        .bytes = {100, 140},
                        .text = "Employees get 30 days.",
                        .score = 0.5F},
                       {.file = "", .bytes = {}, .text = ""}},
          .findings = {{.kind = FactKind::kWord,
                        .conflicts = true,
                        .claim = {5, 9},
                        .claim_says = "27 days",
                        .evidence_says = "30 days",
                        .evidence = 1}},
          .unsupported_words = {{5, 9}, {11, 20}}};
}

TEST(ClaimsWire, CarriesARequestThereAndBack) {
  const WireRequest request{
      .route = "hand\xC3\xA9", .details = true, .claims = {"one", "", "three"}};
  const std::string bytes = Written(request);
  const auto read = ReadWireRequest(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->route, request.route);
  EXPECT_TRUE(read->details);
  EXPECT_EQ(read->claims, request.claims);
  EXPECT_GE(read->claims[0].data(), bytes.data()) << "views, no copies";
}

TEST(ClaimsWire, CarriesRecordsThereAndBack) {
  const std::vector<VerdictRecord> records = {{0.5F, 0.25F, 0}, {1.0F, 0.0F, 2}};
  const std::string bytes = Written(std::span<const VerdictRecord>(records));
  const auto read = ReadWireRecords(bytes);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ((*read)[1].verdict, 2U);
  EXPECT_EQ((*read)[0].support, 0.25F);
  EXPECT_EQ(ReadWireJudgements(bytes).error().code, Code::kDataLoss);
}

TEST(ClaimsWire, CarriesWholeJudgementsThereAndBack) {
  const std::vector<Judgement> judgements = {Sample(), {}};
  const std::string bytes = Written(std::span<const Judgement>(judgements));
  const auto read = ReadWireJudgements(bytes);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2U);
  const Judgement& first = read->front();
  EXPECT_EQ(first.verdict, Verdict::kContradicted);
  EXPECT_EQ(first.confidence, 0.875F);
  EXPECT_EQ(first.reason, Sample().reason);
  ASSERT_EQ(first.evidence.size(), 2U);
  EXPECT_EQ(first.evidence[0].file, "leave.md");
  EXPECT_EQ(first.evidence[0].line, 12U);
  EXPECT_EQ(first.evidence[0].page, 3U);
  EXPECT_EQ(first.evidence[0].bytes, (text::Span{100, 140}));
  EXPECT_EQ(first.evidence[0].text, "Employees get 30 days.");
  ASSERT_EQ(first.findings.size(), 1U);
  EXPECT_EQ(first.findings[0].kind, FactKind::kWord);
  EXPECT_EQ(first.findings[0].claim_says, "27 days");
  EXPECT_EQ(first.findings[0].evidence, 1U);
  EXPECT_EQ(first.support_by_facts, 0.25F);
  EXPECT_EQ(first.unsupported_words, Sample().unsupported_words);
  EXPECT_EQ(ReadWireRecords(bytes)->size(), 2U) << "the records stand before the details";
}

TEST(ClaimsWire, CarriesAnErrorAsAnError) {
  const auto read = ReadWireRecords(Written(Error{Code::kFailedPrecondition, "no documents"}));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(read.error().message, "no documents");
}

TEST(ClaimsWire, RefusesEveryPrefixAndEverySingleByteMore) {
  const std::string request = Written(WireRequest{.route = "r", .claims = {"one", "two"}});
  const std::vector<Judgement> judgements = {Sample()};
  const std::string reply = Written(std::span<const Judgement>(judgements));
  for (std::size_t n = 0; n < request.size(); ++n) {
    EXPECT_FALSE(ReadWireRequest(std::string_view(request).substr(0, n))) << n;
  }
  for (std::size_t n = 0; n < reply.size(); ++n) {
    EXPECT_FALSE(ReadWireJudgements(std::string_view(reply).substr(0, n))) << n;
  }
  EXPECT_FALSE(ReadWireRequest(request + "x"));
  EXPECT_FALSE(ReadWireJudgements(reply + "x"));
}

TEST(ClaimsWire, NamesTheClaimThatIsNotUtf8) {
  const auto read = ReadWireRequest(Written(WireRequest{.claims = {"good", "bad \xFF"}}));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kInvalidArgument);
  EXPECT_NE(read.error().message.find("claims[1]"), std::string::npos) << read.error().message;
}

TEST(ClaimsWire, RefusesAnotherVersion) {
  std::string bytes = Written(WireRequest{});
  bytes[0] = 1;
  EXPECT_NE(ReadWireRequest(bytes).error().message.find("form 1"), std::string::npos);
}

}  // namespace
}  // namespace assay::claims
