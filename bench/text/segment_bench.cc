// Bytes a second of UTF-8 validation, sentences and words, on all responses and sources of RAGTruth
// (ASSAY_DATA). Read JSON as it stands there: text with its escapes would measure something else.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include "assay/text/segment.h"
#include "assay/text/utf8.h"

namespace {

const std::vector<std::string>& Texts() {
  static const std::vector<std::string> texts = [] {
    std::vector<std::string> out;
    const char* data = std::getenv("ASSAY_DATA");
    simdjson::dom::parser parser;
    simdjson::dom::document_stream records;
    const std::string path = std::string(data == nullptr ? "" : data) + "/grounding/ragtruth.jsonl";
    if (parser.load_many(path).get(records) != simdjson::SUCCESS) return out;
    for (auto record : records) {
      for (const char* field : {"source", "response"}) {
        std::string_view text;
        if (record[field].get(text) == simdjson::SUCCESS) out.emplace_back(text);
      }
    }
    return out;
  }();
  return texts;
}

template <typename Function>
void Measure(benchmark::State& state, Function function) {
  if (Texts().empty()) {
    state.SkipWithError("ASSAY_DATA holds no grounding/ragtruth.jsonl");
    return;
  }
  std::size_t size_bytes = 0;
  for (const std::string& text : Texts()) size_bytes += text.size();
  std::size_t items = 0;
  for (auto _ : state) {
    for (const std::string& text : Texts()) items += function(text);
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size_bytes));
  state.counters["items"] = static_cast<double>(items) / static_cast<double>(state.iterations());
}

void FindUtf8Error(benchmark::State& state) {
  Measure(state, [](std::string_view text) {
    return assay::text::FindUtf8Error(text).has_value() ? std::size_t{1} : std::size_t{0};
  });
}
BENCHMARK(FindUtf8Error);

void SplitSentences(benchmark::State& state) {
  std::vector<assay::text::Sentence> out;
  Measure(state, [&out](std::string_view text) {
    out.clear();
    assay::text::SplitSentences(text, out);
    return out.size();
  });
}
BENCHMARK(SplitSentences);

void SplitWords(benchmark::State& state) {
  std::vector<assay::text::Span> out;
  Measure(state, [&out](std::string_view text) {
    out.clear();
    assay::text::SplitWords(text, out);
    return out.size();
  });
}
BENCHMARK(SplitWords);

}  // namespace

BENCHMARK_MAIN();
