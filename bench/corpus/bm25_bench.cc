// Keyword search over real sentences: `bm25_bench DATA_FOLDER OUT_FOLDER [ROUNDS | -]`.
// With `-` it runs one round for each line on standard input.
//
// Writes the analysed sentences and queries and the top ten of every query to OUT_FOLDER, so that
// bench/peers/bm25.py can give the same tokens to other engines and compare the answers, and prints
// queries a second of CPU time for each round on one thread.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "assay/corpus/analysis.h"
#include "assay/corpus/bm25.h"

namespace {

constexpr std::size_t kPassages = 100'000;
constexpr std::size_t kQueries = 5'000;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Keeps the first of equal texts.
class Distinct {
 public:
  void Add(std::string_view text, std::size_t limit) {
    if (texts.size() < limit && seen_.emplace(text).second) texts.emplace_back(text);
  }
  std::vector<std::string> texts;

 private:
  std::unordered_set<std::string> seen_;
};

template <typename Use>
void ForEachRecord(const std::string& path, Use use) {
  simdjson::dom::parser parser;
  std::ifstream stream(path);
  for (std::string line; std::getline(stream, line);) {
    simdjson::dom::element record;
    if (parser.parse(line).get(record) == simdjson::SUCCESS) use(record);
  }
}

std::string_view Field(simdjson::dom::element record, const char* name) {
  std::string_view value;
  return record[name].get(value) == simdjson::SUCCESS ? value : std::string_view();
}

void Load(const std::string& data, Distinct& passages, Distinct& queries) {
  ForEachRecord(data + "/nli/vitaminc.jsonl", [&](simdjson::dom::element record) {
    passages.Add(Field(record, "premise"), kPassages);
    queries.Add(Field(record, "hypothesis"), kQueries);
  });
  ForEachRecord(data + "/grounding/wice_claims.jsonl", [&](simdjson::dom::element record) {
    simdjson::dom::array evidence;
    if (record["evidence"].get(evidence) != simdjson::SUCCESS) return;
    for (const simdjson::dom::element sentence : evidence) {
      std::string_view text;
      if (sentence.get(text) == simdjson::SUCCESS) passages.Add(text, kPassages);
    }
  });
  ForEachRecord(data + "/grounding/ragtruth.jsonl", [&](simdjson::dom::element record) {
    for (std::string_view rest = Field(record, "source"); !rest.empty();) {
      const std::size_t end = std::min(rest.find(". "), rest.size());
      if (end > 20) passages.Add(rest.substr(0, end), kPassages);
      rest.remove_prefix(std::min(end + 2, rest.size()));
    }
  });
  for (const char* name : {"mnli_dev", "snli_dev", "conjnli", "scitail_test", "snli_test"}) {
    ForEachRecord(data + "/nli/" + name + ".jsonl", [&](simdjson::dom::element record) {
      passages.Add(Field(record, "premise"), kPassages);
      passages.Add(Field(record, "hypothesis"), kPassages);
    });
  }
  for (const char* name : {"qqp", "stsb", "mrpc"}) {
    ForEachRecord(data + "/pairs/" + name + ".jsonl", [&](simdjson::dom::element record) {
      passages.Add(Field(record, "a"), kPassages);
      passages.Add(Field(record, "b"), kPassages);
    });
  }
}

using Tokens = std::vector<std::vector<std::string>>;

Tokens Analyse(const std::vector<std::string>& texts, const std::string& path) {
  assay::corpus::Analyzer analyzer;
  std::vector<std::string_view> terms;
  Tokens tokens;
  std::ofstream stream(path);
  for (const std::string& text : texts) {
    terms.clear();
    analyzer.Analyze(text, terms);
    tokens.emplace_back(terms.begin(), terms.end());
    for (std::size_t i = 0; i < terms.size(); ++i) stream << (i == 0 ? "" : " ") << terms[i];
    stream << '\n';
  }
  return tokens;
}

// All queries once; prints queries a second.
void Round(const assay::corpus::Bm25View& view,
           const std::vector<std::vector<std::string_view>>& queries) {
  assay::corpus::Bm25Scratch scratch;
  std::vector<assay::corpus::Bm25Hit> hits;
  const double start = CpuSeconds();
  std::size_t found = 0;
  for (const auto& tokens : queries) {
    view.SearchTokens(tokens, 10, scratch, hits);
    found += hits.size();
  }
  const double seconds = CpuSeconds() - start;
  fmt::print("queries_per_second {:.0f} ({} hits)\n", double(queries.size()) / seconds, found);
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: bm25_bench DATA_FOLDER OUT_FOLDER [ROUNDS | -]\n");
    return 2;
  }
  const std::string out = argv[2];
  const bool lockstep = argc > 3 && std::string_view(argv[3]) == "-";
  const int rounds = argc > 3 ? std::atoi(argv[3]) : 5;
  Distinct passages;
  Distinct queries;
  Load(argv[1], passages, queries);
  const Tokens rows = Analyse(passages.texts, out + "/passages.txt");
  const Tokens asked = Analyse(queries.texts, out + "/queries.txt");

  const double build_start = CpuSeconds();
  assay::corpus::Bm25Memory memory;
  for (const std::string& text : passages.texts) memory.AddText(text);
  const assay::corpus::Bm25View view = memory.Finish();
  const double build_seconds = CpuSeconds() - build_start;
  fmt::print("passages {}\nterms {}\npostings {}\nbuild_seconds {:.3f}\n", view.row_count,
             view.terms.size(), view.rows.size(), build_seconds);

  std::vector<std::vector<std::string_view>> views;
  for (const auto& tokens : asked) views.emplace_back(tokens.begin(), tokens.end());
  assay::corpus::Bm25Scratch scratch;
  std::vector<assay::corpus::Bm25Hit> hits;
  std::ofstream stream(out + "/assay_hits.txt");
  for (const auto& tokens : views) {
    view.SearchTokens(tokens, 10, scratch, hits);
    for (const auto& hit : hits) stream << fmt::format("{}:{:.6f} ", hit.row, hit.score);
    stream << '\n';
  }
  stream.close();
  if (lockstep) {
    fmt::print("ready\n");
    std::fflush(stdout);
    for (int line = std::getchar(); line != EOF; line = std::getchar()) {
      if (line == '\n') Round(view, views);
    }
    return 0;
  }
  for (int round = 0; round < rounds; ++round) Round(view, views);
  const double start = CpuSeconds();
  for (const std::string& text : queries.texts) view.Search(text, 10, scratch, hits);
  fmt::print("queries_per_second_with_analysis {:.0f}\n",
             double(queries.texts.size()) / (CpuSeconds() - start));
  return 0;
}
