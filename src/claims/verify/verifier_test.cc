#include "assay/claims/verifier.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "assay/claims/verdict_cache.h"
#include "assay/corpus/index.h"

#include "static_encoder_fixture.h"
#include "verify/judging_internal.h"
#include "verify/model_internal.h"

namespace assay::claims {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

class VerifierTest : public assay::testing::StaticEncoderTest {
 protected:
  std::shared_ptr<const corpus::Index> IndexOf(std::string_view text,
                                               corpus::Format format = corpus::Format::kText) {
    const corpus::TextSource source{"doc.txt", text, format};
    auto index = corpus::Index::FromTexts(std::span(&source, 1), encoder_.get());
    EXPECT_TRUE(index) << index.error().message;
    return index ? *index : nullptr;
  }

  Verifier VerifierOf(std::shared_ptr<const corpus::Index> index,
                      const VerifierOptions& options = {}, const Entailment* entailment = nullptr,
                      JudgementStore* store = nullptr) {
    auto verifier = Verifier::Create(std::move(index), encoder_.get(), encoder_.get(), options,
                                     entailment, store);
    EXPECT_TRUE(verifier) << verifier.error().message;
    return std::move(*verifier);
  }
};

// A row "key: value; key: value" is what the readers make of a record of a JSON file.
std::string AsJson(std::string_view row) {
  std::string json = "{";
  while (!row.empty()) {
    const std::size_t end = std::min(row.find("; "), row.size());
    const std::string_view field = row.substr(0, end);
    const std::size_t colon = field.find(": ");
    if (json.size() > 1) json += ',';
    json += "\"" + std::string(field.substr(0, colon)) + "\":\"" +
            std::string(field.substr(colon + 2)) + "\"";
    row.remove_prefix(std::min(end + 2, row.size()));
  }
  return json + "}";
}

TEST_F(VerifierTest, JudgesTheGoldenCases) {
  const char* const root = std::getenv("ASSAY_SOURCE_DIR");
  ASSERT_NE(root, nullptr);
  std::ifstream file(std::string(root) + "/src/claims/verify/testdata/verdicts.txt");
  int cases = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string_view> parts;
    for (std::string_view rest = line; parts.size() < 4;) {
      const std::size_t end = std::min(rest.find('|'), rest.size());
      parts.push_back(Trim(rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    ++cases;
    const bool is_record = parts[0].find("; attributes.") != std::string_view::npos;
    const std::string document = is_record ? AsJson(parts[0]) : std::string(parts[0]);
    Verifier verifier =
        VerifierOf(IndexOf(document, is_record ? corpus::Format::kJson : corpus::Format::kText));
    const auto judgement = verifier.Verify(parts[1]);
    ASSERT_TRUE(judgement) << judgement.error().message;
    EXPECT_EQ(VerdictName(judgement->verdict), parts[2])
        << line << "\n"
        << judgement->reason << " (support " << judgement->support << ")";
    EXPECT_NE(judgement->reason.find(parts[3]), std::string::npos) << line << "\n"
                                                                   << judgement->reason;
  }
  EXPECT_GE(cases, 60);
}

constexpr std::string_view kDocument =
    "The company was founded in 2009 in Rotterdam. It employs 214 people in three offices.\n\n"
    "Full-time employees receive 27 days of paid leave. Part-time employees receive leave in "
    "proportion to their hours. Up to 5 unused days may be carried over into the next year.\n\n"
    "Passwords must have at least 14 characters. They must never be shared. Lost devices must be "
    "reported within 24 hours.\n";

TEST_F(VerifierTest, PointsToTheBytesAndTheLineOfItsEvidence) {
  Verifier verifier = VerifierOf(IndexOf(kDocument));
  const auto judgement = verifier.Verify("Full-time employees receive 30 days of paid leave.");
  ASSERT_TRUE(judgement);
  EXPECT_EQ(judgement->verdict, Verdict::kContradicted);
  EXPECT_EQ(judgement->reason, "doc.txt says 27 days, the answer says 30 days");
  ASSERT_FALSE(judgement->evidence.empty());
  const Evidence& evidence = judgement->evidence[0];
  EXPECT_EQ(evidence.file, "doc.txt");
  EXPECT_EQ(evidence.line, 3U);
  EXPECT_EQ(evidence.bytes.of(kDocument), "Full-time employees receive 27 days of paid leave.");
  EXPECT_GT(evidence.score, 0.5F);
  ASSERT_FALSE(judgement->findings.empty());
  EXPECT_EQ(judgement->findings[0].claim_says, "30 days");
  EXPECT_EQ(judgement->findings[0].evidence_says, "27 days");
}

TEST_F(VerifierTest, GivesTheSameJudgementWhateverTheBatchAndItsOrder) {
  const std::vector<std::string_view> claims = {
      "The company was founded in 1999.",
      "Passwords may be shared.",
      "Part-time employees receive leave in proportion to their hours.",
      "The company sells insurance.",
      "It employs 214 people.",
      ""};
  Verifier batch = VerifierOf(IndexOf(kDocument));
  const auto together = batch.VerifyBatch(claims);
  ASSERT_TRUE(together);
  std::vector<std::string_view> turned(claims.rbegin(), claims.rend());
  const auto backwards = batch.VerifyBatch(turned);
  ASSERT_TRUE(backwards);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Verifier fresh = VerifierOf(IndexOf(kDocument));
    const auto alone = fresh.Verify(claims[i]);
    ASSERT_TRUE(alone);
    for (const Judgement& other : {(*together)[i], (*backwards)[claims.size() - 1 - i]}) {
      EXPECT_EQ(alone->verdict, other.verdict) << claims[i];
      EXPECT_EQ(alone->support, other.support) << claims[i];
      EXPECT_EQ(alone->confidence, other.confidence) << claims[i];
      EXPECT_EQ(alone->reason, other.reason) << claims[i];
      EXPECT_EQ(alone->evidence.size(), other.evidence.size()) << claims[i];
    }
  }
}

TEST_F(VerifierTest, SaysThatAnEmptyClaimIsUnverified) {
  Verifier verifier = VerifierOf(IndexOf(kDocument));
  for (const std::string_view claim : {"", "  ", "...", "\xFF\xFE"}) {
    const auto judgement = verifier.Verify(claim);
    ASSERT_TRUE(judgement);
    EXPECT_EQ(judgement->verdict, Verdict::kUnverified);
  }
  const auto none = verifier.VerifyBatch({});
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

TEST_F(VerifierTest, JudgesAClaimOfManyWordsInBoundedTime) {
  std::string claim;
  for (int i = 0; i < 20000; ++i) claim += "employees receive leave " + std::to_string(i) + " ";
  Verifier verifier = VerifierOf(IndexOf(kDocument));
  const auto judgement = verifier.Verify(claim);
  ASSERT_TRUE(judgement);
  EXPECT_NE(judgement->verdict, Verdict::kSupported);
}

TEST_F(VerifierTest, WorksWithoutAnEncoder) {
  const corpus::TextSource source{"doc.txt", kDocument, corpus::Format::kText};
  auto index = corpus::Index::FromTexts(std::span(&source, 1));
  ASSERT_TRUE(index);
  auto verifier = Verifier::Create(*index, nullptr, nullptr);
  ASSERT_TRUE(verifier);
  const auto wrong = verifier->Verify("Passwords must have at least 8 characters.");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->verdict, Verdict::kContradicted);
  const auto right = verifier->Verify("Passwords must have at least 14 characters.");
  ASSERT_TRUE(right);
  EXPECT_EQ(right->verdict, Verdict::kSupported);
}

TEST_F(VerifierTest, RefusesOptionsOutOfRange) {
  const auto index = IndexOf(kDocument);
  for (const VerifierOptions& options :
       {VerifierOptions{.passages = 0}, VerifierOptions{.passages = 65},
        VerifierOptions{.max_evidence = 0}, VerifierOptions{.support_threshold = 1.5F}}) {
    const auto verifier = Verifier::Create(index, encoder_.get(), nullptr, options);
    ASSERT_FALSE(verifier);
    EXPECT_EQ(verifier.error().code, Code::kInvalidArgument);
  }
}

class FixedEntailment final : public Entailment {
 public:
  explicit FixedEntailment(EntailmentScore score) : score_(std::move(score)) {}
  std::string_view name() const override { return "fixed"; }
  Result<void> Score(std::span<const EntailmentPair> pairs,
                     std::span<EntailmentScore> out) const override {
    if (pairs.size() != out.size()) return Fail(Code::kInvalidArgument, "sizes differ");
    std::ranges::fill(out, score_);
    return {};
  }

 private:
  EntailmentScore score_;
};

TEST_F(VerifierTest, AsksAnEntailmentWhereNoFactDecides) {
  const FixedEntailment against({0.01F, 0.98F, 0.01F});
  Verifier verifier = VerifierOf(IndexOf(kDocument), {.entailment_weight = 1.0F}, &against);
  const auto open = verifier.Verify("Staff who work part time get leave in proportion.");
  ASSERT_TRUE(open);
  EXPECT_EQ(open->verdict, Verdict::kContradicted);
  const FixedEntailment in_favour({0.98F, 0.01F, 0.01F});
  Verifier other = VerifierOf(IndexOf(kDocument), {.entailment_weight = 1.0F}, &in_favour);
  const auto fact = other.Verify("Full-time employees receive 30 days of paid leave.");
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->verdict, Verdict::kContradicted);
}

// Its card says that its words alone count.
class MixedEntailment final : public Entailment {
 public:
  explicit MixedEntailment(float worst_word) : worst_word_(worst_word) {}
  std::string_view name() const override { return "mixed"; }
  std::optional<embed::CrossEncoderCard::Mixes> mix() const override {
    const embed::CrossEncoderCard::Mix words{.verifier = 0, .words = 1};
    return embed::CrossEncoderCard::Mixes{.documents = words, .sentences = words};
  }
  Result<void> Score(std::span<const EntailmentPair> /*pairs*/,
                     std::span<EntailmentScore> out) const override {
    std::ranges::fill(out, EntailmentScore{.neutral = 1, .least_borne_out = worst_word_});
    return {};
  }

 private:
  float worst_word_;
};

TEST_F(VerifierTest, MixesAModelsScoresByTheWeightsOfItsCardWhereTheOddsDecide) {
  constexpr std::string_view kOpen = "Staff who work part time get leave in proportion.";
  const MixedEntailment in_favour(0.01F);
  Verifier yes = VerifierOf(IndexOf(kDocument), {}, &in_favour);
  const auto supported = yes.Verify(kOpen);
  ASSERT_TRUE(supported);
  EXPECT_EQ(supported->verdict, Verdict::kSupported);
  EXPECT_NEAR(supported->support, 0.99, 0.001);
  const auto fact = yes.Verify("Full-time employees receive 30 days of paid leave.");
  ASSERT_TRUE(fact);
  EXPECT_EQ(fact->verdict, Verdict::kContradicted);
  const auto elsewhere = yes.Verify("Bees make honey in the summer.");
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(elsewhere->verdict, Verdict::kUnverified) << "the documents do not speak of it";
  const MixedEntailment against(0.99F);
  Verifier no = VerifierOf(IndexOf(kDocument), {}, &against);
  const auto unsupported = no.Verify(kOpen);
  ASSERT_TRUE(unsupported);
  EXPECT_NE(unsupported->verdict, Verdict::kSupported);
  EXPECT_NEAR(unsupported->support, 0.01, 0.001);
}

// Says of each pair what its texts decide, and counts calls.
class CountingEntailment final : public Entailment {
 public:
  std::string_view name() const override { return "counting"; }
  bool tells_words_apart() const override { return true; }
  Result<void> Score(std::span<const EntailmentPair> pairs,
                     std::span<EntailmentScore> out) const override {
    ++calls;
    asked += pairs.size();
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto share = static_cast<float>(pairs[i].evidence.size() % 97) / 97;
      const float contradicted = (1 - share) * 0.6F;
      out[i] = {share, contradicted, 1 - share - contradicted, {{0, 3}}};
      if (pairs[i].evidence.find("Passwords") == std::string_view::npos) {
        out[i].unsupported_words.push_back({4, 8});
      }
    }
    return {};
  }
  mutable std::size_t calls = 0;
  mutable std::size_t asked = 0;
};

constexpr std::string_view kOpenClaims[] = {
    "Staff who work part time get leave in proportion.",
    "Full-time employees receive 30 days of paid leave.",  // a fact decides
    "Secret words need a minimum length.",
    "They must never be shared.",  // the very words
    "A phone that is lost has to be reported quickly.",
};

TEST_F(VerifierTest, AsksAnEntailmentOnceForAllClaimsThatAreNotPlainlySupported) {
  for (const std::uint32_t passages : {0U, 2U}) {
    const CountingEntailment entailment;
    const VerifierOptions options{.entailment_passages = passages};
    Verifier verifier = VerifierOf(IndexOf(kDocument), options, &entailment);
    const auto batch = verifier.VerifyBatch(kOpenClaims);
    ASSERT_TRUE(batch) << batch.error().message;
    EXPECT_EQ(entailment.calls, 1U);
    EXPECT_GE(entailment.asked, 2U);
    EXPECT_LE(entailment.asked, 4 * std::max(passages, 1U)) << "the very words decide";
    for (std::size_t i = 0; i < batch->size(); ++i) {
      const auto one = verifier.Verify(kOpenClaims[i]);
      ASSERT_TRUE(one);
      EXPECT_EQ((*batch)[i].verdict, one->verdict) << kOpenClaims[i];
      EXPECT_EQ((*batch)[i].support, one->support);
      EXPECT_EQ((*batch)[i].confidence, one->confidence);
      EXPECT_EQ((*batch)[i].reason, one->reason);
      EXPECT_EQ((*batch)[i].unsupported_words, one->unsupported_words);
    }
  }
}

TEST_F(VerifierTest, AnEntailmentThatFailsIsAnError) {
  class Broken final : public Entailment {
   public:
    std::string_view name() const override { return "broken"; }
    Result<void> Score(std::span<const EntailmentPair>, std::span<EntailmentScore>) const override {
      return Fail(Code::kInternal, "no engine");
    }
  };
  const Broken broken;
  Verifier verifier = VerifierOf(IndexOf(kDocument), {}, &broken);
  EXPECT_EQ(verifier.VerifyBatch(kOpenClaims).error().message, "no engine");
  EXPECT_TRUE(verifier.Verify(kOpenClaims[1])) << "a fact decides, nobody is asked";
  EXPECT_TRUE(verifier.Verify(kOpenClaims[3])) << "the very words";
}

TEST(MergeScores, TakesTheBestPassageAndLeavesTheRestToContradiction) {
  const EntailmentScore scores[] = {{0.1F, 0.8F, 0.1F, {{0, 3}, {4, 8}, {9, 12}}},
                                    {0.7F, 0.1F, 0.2F, {{0, 8}}}};
  const EntailmentScore merged = internal::MergeScores(scores);
  EXPECT_FLOAT_EQ(merged.supported, 0.7F);
  EXPECT_FLOAT_EQ(merged.contradicted, 0.3F);
  EXPECT_NEAR(merged.neutral, 0, 1e-6);
  EXPECT_EQ(merged.unsupported_words, (std::vector<text::Span>{{0, 3}, {4, 8}}));
}

std::vector<std::string> UnsupportedOf(Verifier& verifier, std::string_view claim) {
  const auto judgement = verifier.Verify(claim);
  EXPECT_TRUE(judgement);
  std::vector<std::string> words;
  for (const text::Span& span : judgement->unsupported_words) words.emplace_back(span.of(claim));
  return words;
}

TEST_F(VerifierTest, SaysWhichWordsAreUnsupported) {
  using Words = std::vector<std::string>;
  Verifier verifier = VerifierOf(IndexOf(kDocument));
  EXPECT_EQ(UnsupportedOf(verifier, "Full-time employees receive 30 days of paid leave."),
            Words{"30 days"});
  EXPECT_EQ(UnsupportedOf(verifier, "Full-time employees receive 27 days of paid leave."), Words{});
  const Words football = UnsupportedOf(verifier, "The company sponsors a football club.");
  EXPECT_NE(std::ranges::find_if(football,
                                 [](const std::string& word) { return word.contains("sponsors"); }),
            football.end());
}

// Does not believe a claim, and of its words not "leave".
class DoubtfulEntailment final : public Entailment {
 public:
  explicit DoubtfulEntailment(float marks_words_from = 0) : marks_words_from_(marks_words_from) {}
  std::string_view name() const override { return "doubtful"; }
  bool tells_words_apart() const override { return true; }
  float marks_words_from() const override { return marks_words_from_; }
  Result<void> Score(std::span<const EntailmentPair> pairs,
                     std::span<EntailmentScore> out) const override {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      const auto begin = static_cast<std::uint32_t>(pairs[i].claim.find("leave"));
      out[i] = {0, 0, 1, {{begin, begin + 5}}};
    }
    return {};
  }

 private:
  float marks_words_from_;
};

TEST_F(VerifierTest, TheWordsOfAModelTakeThePlaceOfThoseThatNothingIsNear) {
  constexpr std::string_view kOpen = "Staff who work part time get leave in proportion.";
  const DoubtfulEntailment model;
  Verifier verifier = VerifierOf(IndexOf(kDocument), {.entailment_weight = 1}, &model);
  EXPECT_EQ(UnsupportedOf(verifier, kOpen), std::vector<std::string>{"leave"});
  const DoubtfulEntailment careful(0.9F);
  Verifier half = VerifierOf(IndexOf(kDocument), {.support_threshold = 0.9F}, &careful);
  const auto judged = half.Verify(kOpen);
  ASSERT_TRUE(judged);
  EXPECT_NE(judged->verdict, Verdict::kSupported);
  EXPECT_GT(judged->support, 0.1F) << "too little doubt for its words";
  EXPECT_TRUE(judged->unsupported_words.empty());
}

TEST_F(VerifierTest, AModelAddsWordsToWhatAFactDecidesUnlessTheFactIsAllThatDiffers) {
  const DoubtfulEntailment model;
  Verifier verifier = VerifierOf(IndexOf(kDocument), {.entailment_weight = 1}, &model);
  EXPECT_EQ(UnsupportedOf(verifier, "Full-time employees receive 30 days of paid leave."),
            std::vector<std::string>{"30 days"});
  constexpr std::string_view kReworded =
      "Each year people with a full contract get 30 days of leave.";
  const auto judged = verifier.Verify(kReworded);
  ASSERT_TRUE(judged);
  EXPECT_NE(judged->verdict, Verdict::kSupported);
  EXPECT_EQ(UnsupportedOf(verifier, kReworded), (std::vector<std::string>{"30 days", "leave"}));
  EXPECT_EQ(judged->support, judged->support_by_facts) << "the fact's word stands";
}

TEST_F(VerifierTest, KeepsJudgementsInAStore) {
  auto cache = VerdictCache::Create();
  ASSERT_TRUE(cache);
  const auto index = IndexOf(kDocument);
  Verifier verifier = VerifierOf(index, {}, nullptr, cache->get());
  const auto first = verifier.Verify("The company was founded in 1999.");
  ASSERT_TRUE(first);
  EXPECT_EQ((*cache)->stats().entries, 1U);
  const auto second = verifier.Verify("The company was founded in 1999.");
  ASSERT_TRUE(second);
  EXPECT_EQ(first->reason, second->reason);
  EXPECT_EQ((*cache)->stats().insertions, 1U);
  // Other options are another verifier.
  Verifier strict = VerifierOf(index, {.support_threshold = 0.9F}, nullptr, cache->get());
  ASSERT_TRUE(strict.Verify("The company was founded in 1999."));
  EXPECT_EQ((*cache)->stats().entries, 2U);
}

TEST_F(VerifierTest, CountsVerdictsAndTheRiskOfAnAnswer) {
  Verifier verifier = VerifierOf(IndexOf(kDocument));
  const std::vector<std::string_view> sound = {"It employs 214 people in three offices.",
                                               "Lost devices must be reported within 24 hours."};
  const std::vector<std::string_view> unsound = {
      "It employs 214 people in three offices.",
      "The management has announced generous bonuses for everyone."};
  const auto good = verifier.VerifyBatch(sound);
  const auto bad = verifier.VerifyBatch(unsound);
  ASSERT_TRUE(good && bad);
  EXPECT_EQ(Summarize(*good).supported, 2U);
  EXPECT_EQ(Summarize(*bad).supported, 1U);
  const auto low = AnswerRisk(*good);
  const auto high = AnswerRisk(*bad);
  ASSERT_TRUE(low && high);
  EXPECT_LT(*low, *high);
  const auto none = AnswerRisk({});
  ASSERT_TRUE(none);
  EXPECT_EQ(*none, 0.0F);
}

TEST(VerifierModelTest, IsSoundInTheBinary) {
  const auto model = internal::ShippedModel();
  ASSERT_TRUE(model) << model.error().message;
  EXPECT_GE((*model)->unsupported.trees.size(), 100U);
}

TEST(VerifierModelTest, RefusesDamagedText) {
  for (const std::string_view text :
       {"", "assay-verifier 2", "assay-verifier 1", "assay-verifier 1 features 3 a b c",
        "assay-verifier 1 unsupported 1 0 1 9999 0 -1 -2 0 0",
        "assay-verifier 1 unsupported 1 0 1 0 0 0 0 0 0", "assay-verifier 1 nonsense 1"}) {
    const auto model = internal::ParseModel(text);
    ASSERT_FALSE(model) << text;
    EXPECT_EQ(model.error().code, Code::kDataLoss);
    EXPECT_NE(model.error().message.find("line 1"), std::string::npos) << model.error().message;
  }
}

}  // namespace
}  // namespace assay::claims
