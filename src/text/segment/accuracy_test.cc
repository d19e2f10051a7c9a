// Boundary F1 of SplitSentences on sets whose records are single sentences: ten are joined by
// spaces and split again. Only sentences that end in a terminator take part, because nothing marks
// the end of the others.
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "assay/text/segment.h"

namespace assay::text {
namespace {

using Strings = std::vector<std::string>;

std::string WithSingleSpaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) out.push_back(c);
    if (space && !out.empty() && out.back() != ' ') out.push_back(' ');
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

bool EndsInTerminator(std::string_view text) {
  const std::size_t last = text.find_last_not_of("\"')]*");
  return last != std::string_view::npos && last >= 3 &&
         std::string_view(".!?").find(text[last]) != std::string_view::npos;
}

// The sentences in `field` (a string or a list of strings) of a file of JSON lines.
Strings SentencesIn(const std::string& path, const char* field) {
  Strings out;
  simdjson::dom::parser parser;
  simdjson::dom::document_stream records;
  if (parser.load_many(path).get(records) != simdjson::SUCCESS) return out;
  const auto add = [&out](std::string_view text) {
    std::string sentence = WithSingleSpaces(text);
    if (EndsInTerminator(sentence)) out.push_back(std::move(sentence));
  };
  for (auto record : records) {
    std::string_view text;
    simdjson::dom::array list;
    if (record[field].get(text) == simdjson::SUCCESS) {
      add(text);
    } else if (record[field].get(list) == simdjson::SUCCESS) {
      for (auto item : list) {
        if (item.get(text) == simdjson::SUCCESS) add(text);
      }
    }
  }
  return out;
}

double BoundaryF1(const Strings& sentences) {
  std::size_t found = 0;
  std::size_t wrong = 0;
  std::size_t missed = 0;
  std::vector<Sentence> split;
  for (std::size_t first = 0; first < sentences.size(); first += 10) {
    std::string text;
    std::set<std::size_t> truth;
    for (std::size_t i = first; i < std::min(first + 10, sentences.size()); ++i) {
      if (i > first) text += ' ';
      text += sentences[i];
      truth.insert(text.size());
    }
    truth.erase(text.size());
    split.clear();
    SplitSentences(text, split);
    std::size_t hits = 0;
    for (std::size_t i = 0; i + 1 < split.size(); ++i) {
      hits += truth.contains(split[i].span.end) ? 1U : 0U;
    }
    found += hits;
    wrong += split.empty() ? 0 : split.size() - 1 - hits;
    missed += truth.size() - hits;
  }
  return 2.0 * static_cast<double>(found) / static_cast<double>(2 * found + wrong + missed);
}

struct Set {
  const char* path;
  const char* field;
  std::size_t at_least;  // sentences
  double floor_f1;
};

// The floors are the measured values less about 0.002.
class SentenceAccuracy : public testing::TestWithParam<Set> {};

TEST_P(SentenceAccuracy, StaysAboveItsFloor) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  const Set& set = GetParam();
  const Strings sentences = SentencesIn(std::string(data) + "/" + set.path, set.field);
  ASSERT_GE(sentences.size(), set.at_least);
  const double f1 = BoundaryF1(sentences);
  std::printf("%-45s %6zu sentences, boundary F1 %.4f\n", set.path, sentences.size(), f1);
  EXPECT_GE(f1, set.floor_f1);
}

INSTANTIATE_TEST_SUITE_P(
    RealSentences, SentenceAccuracy,
    testing::Values(Set{"claim_detection/claimbuster.jsonl", "text", 12000, 0.996},
                    Set{"claim_decomposition/factscore.jsonl", "sentence", 3500, 0.995},
                    Set{"claim_decomposition/propsegment.jsonl", "sentence", 350, 0.99},
                    Set{"pairs/mrpc.jsonl", "a", 3500, 0.995},
                    Set{"nli/vitaminc.jsonl", "hypothesis", 40000, 0.996},
                    Set{"grounding/wice_claims.jsonl", "evidence", 15000, 0.98}));

}  // namespace
}  // namespace assay::text
