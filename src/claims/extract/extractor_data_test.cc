// Real answers: invariants, and equality of whole, batched and streamed extraction.
#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/claims/extractor.h"

namespace assay::claims {
namespace {

// The string value of `"key":"..."` in a JSON line, the usual escapes undone.
std::string Field(const std::string& line, const std::string& key) {
  const std::size_t at = line.find("\"" + key + "\":\"");
  std::string value;
  if (at == std::string::npos) return value;
  for (std::size_t i = at + key.size() + 4; i < line.size() && line[i] != '"'; ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) {
      ++i;
      value += line[i] == 'n' ? '\n' : line[i] == 't' ? '\t' : line[i];
    } else {
      value += line[i];
    }
  }
  return value;
}

std::vector<std::string> Answers(std::size_t limit) {
  std::vector<std::string> answers;
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) return answers;
  std::ifstream lines(std::string(data) + "/grounding/ragtruth.jsonl");
  std::string line;
  while (answers.size() < limit && std::getline(lines, line)) {
    answers.push_back(Field(line, "response"));
  }
  return answers;
}

void ExpectEqual(const Extraction& a, const Extraction& b, const std::string& context) {
  ASSERT_EQ(a.size(), b.size()) << context;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_EQ(a[i].span, b[i].span) << context;
    ASSERT_EQ(a[i].kind, b[i].kind) << context;
    ASSERT_EQ(a[i].check_worthiness, b[i].check_worthiness) << context;
    ASSERT_EQ(a[i].claims.size(), b[i].claims.size()) << context;
    for (std::size_t k = 0; k < a[i].claims.size(); ++k) {
      ASSERT_EQ(a[i].claims[k].text, b[i].claims[k].text) << context;
      ASSERT_EQ(a[i].claims[k].span, b[i].claims[k].span) << context;
      ASSERT_EQ(a[i].claims[k].sentence, b[i].claims[k].sentence) << context;
    }
  }
}

Extraction InPieces(const std::string& text, std::mt19937& random, std::size_t largest) {
  const Extractor extractor;
  ExtractorStream stream(extractor);
  Extraction out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t size = 1 + random() % largest;
    stream.Feed(std::string_view(text).substr(at, size), out);
    at += size;
  }
  stream.Finish(out);
  return out;
}

TEST(RealAnswers, StreamedInRandomCutsEqualWhole) {
  const auto answers = Answers(150);
  if (answers.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  std::mt19937 random(3);
  const Extractor extractor;
  for (const std::string& answer : answers) {
    const Extraction whole = extractor.Extract(answer);
    for (const std::size_t largest : {std::size_t{1}, std::size_t{7}, std::size_t{200}}) {
      ExpectEqual(whole, InPieces(answer, random, largest), answer);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(RealAnswers, BatchEqualsSingleAtEverySize) {
  const auto answers = Answers(60);
  if (answers.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  const std::vector<std::string_view> views(answers.begin(), answers.end());
  const Extractor extractor;
  std::vector<Extraction> single;
  for (const auto view : views) single.push_back(extractor.Extract(view));
  for (const std::size_t size : {std::size_t{1}, std::size_t{5}, views.size()}) {
    for (std::size_t at = 0; at < views.size(); at += size) {
      const std::size_t n = std::min(size, views.size() - at);
      const auto batch = extractor.ExtractBatch(std::span(views).subspan(at, n), 2);
      ASSERT_EQ(batch.size(), n);
      for (std::size_t i = 0; i < n; ++i) ExpectEqual(batch[i], single[at + i], answers[at + i]);
    }
  }
}

TEST(RealAnswers, GiveClaimsInsideTheirSentences) {
  const auto answers = Answers(400);
  if (answers.empty()) GTEST_SKIP() << "ASSAY_DATA is not set";
  const Extractor extractor;
  std::size_t sentences = 0;
  std::size_t claims = 0;
  for (const std::string& answer : answers) {
    std::uint32_t end = 0;
    for (const ExtractedSentence& s : extractor.Extract(answer)) {
      ++sentences;
      EXPECT_GE(s.span.begin, end);
      EXPECT_LT(s.span.begin, s.span.end);
      EXPECT_LE(s.span.end, answer.size());
      end = s.span.end;
      const bool makes = s.kind == SentenceKind::kFactual || s.kind == SentenceKind::kHedge;
      EXPECT_EQ(!s.claims.empty(), makes) << s.span.of(answer);
      std::uint32_t begin = 0;
      for (const Claim& claim : s.claims) {
        ++claims;
        EXPECT_FALSE(claim.text.empty());
        EXPECT_GE(claim.span.begin, std::max(begin, s.span.begin));
        EXPECT_LE(claim.span.end, s.span.end);
        begin = claim.span.begin;
      }
      EXPECT_GE(s.check_worthiness, 0.0F);
      EXPECT_LE(s.check_worthiness, 1.0F);
    }
  }
  EXPECT_GT(claims, answers.size() * 3);
  EXPECT_GT(claims, sentences * 8 / 10);
}

TEST(RandomBytes, StreamedEqualWhole) {
  std::mt19937 random(5);
  const std::vector<std::string> parts = {"The fee",     " is 5 euros",
                                          ". ",          "\n",
                                          "\n\n",        "- ",
                                          "# ",          "```\n",
                                          "| a | b |\n", "? ",
                                          "1. ",         "Dr. ",
                                          "U.S.",        ", and",
                                          " it ",        "\xFF",
                                          "> ",          "    ",
                                          "\t",          "...",
                                          "Ada ",        "said: ",
                                          "\"",          "(",
                                          "===\n",       "\xE2\x80\x99s ",
                                          "!",           "who was ",
                                          "\r\n"};
  for (int round = 0; round < 1500; ++round) {
    std::string text;
    for (auto i = random() % 40; i > 0; --i) text += parts[random() % parts.size()];
    const Extraction whole = Extractor().Extract(text);
    ExpectEqual(whole, InPieces(text, random, 1 + random() % 9), text);
    if (HasFatalFailure()) return;
  }
}

TEST(LongInput, TakesLinearTime) {
  // Text that tempts every rule to look far: no sentence ends, many conjunctions, many terminators.
  const std::vector<std::string> units = {"a. ",     "and it is not ", "1. ",      "x/",  "[](",
                                          "Ada of ", "no no ",         "- a: b\n", "\"(", "she "};
  for (const std::string& unit : units) {
    const auto seconds = [&](std::size_t bytes) {
      std::string text;
      while (text.size() < bytes) text += unit;
      const std::clock_t start = std::clock();
      const Extraction all = Extractor().Extract(text);
      EXPECT_LE(all.size(), text.size());
      return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    };
    const double small = seconds(12'000);
    const double large = seconds(96'000);
    EXPECT_LT(large, 8 * 4 * small + 0.2) << unit;  // quadratic would be 64 times
  }
}

}  // namespace
}  // namespace assay::claims
