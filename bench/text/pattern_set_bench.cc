// Which of 66 patterns occur in 100,000 sentences: PatternSet beside Vectorscan and RE2.
// Input: bench/{sentences,literals,regexes}.txt under $ASSAY_DATA. First proves that all answers
// are equal, then times; `per_sentence` is CPU time of the calling thread (wall time for two
// threads).
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <benchmark/benchmark.h>
#include <hs/hs.h>
#include <hwy/targets.h>
#include <re2/re2.h>
#include <re2/set.h>

#include "assay/text/pattern_set.h"

namespace {

using assay::text::Pattern;
using assay::text::PatternKind;
using assay::text::PatternSet;
using assay::text::Span;

struct Workload {
  std::string buffer;
  std::vector<Span> sentences;
  std::vector<Pattern> patterns;

  [[nodiscard]] std::string_view sentence(std::size_t i) const { return sentences[i].of(buffer); }
};

std::vector<std::string> ReadLines(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

Workload ReadWorkload(const std::string& folder) {
  Workload work;
  for (const std::string& line : ReadLines(folder + "/sentences.txt")) {
    const auto begin = static_cast<std::uint32_t>(work.buffer.size());
    work.buffer += line;
    work.sentences.push_back({begin, static_cast<std::uint32_t>(work.buffer.size())});
    work.buffer += '\n';
  }
  for (const std::string& line : ReadLines(folder + "/literals.txt")) {
    work.patterns.push_back({line});
  }
  for (const std::string& line : ReadLines(folder + "/regexes.txt")) {
    work.patterns.push_back({line, PatternKind::kRegex});
  }
  return work;
}

// Vectorscan's block mode, all patterns, without HS_FLAG_SINGLEMATCH (which loses a match here).
class Vectorscan {
 public:
  explicit Vectorscan(const Workload& work) {
    std::vector<std::string> texts;
    for (const Pattern& p : work.patterns) {
      texts.push_back(p.kind == PatternKind::kRegex ? p.text : re2::RE2::QuoteMeta(p.text));
    }
    std::vector<const char*> expressions;
    std::vector<unsigned> flags(texts.size(), HS_FLAG_CASELESS);
    std::vector<unsigned> ids;
    for (const std::string& text : texts) {
      ids.push_back(static_cast<unsigned>(expressions.size()));
      expressions.push_back(text.c_str());
    }
    hs_compile_error_t* error = nullptr;
    if (hs_compile_multi(expressions.data(), flags.data(), ids.data(),
                         static_cast<unsigned>(texts.size()), HS_MODE_BLOCK, nullptr, &database_,
                         &error) != HS_SUCCESS) {
      std::fprintf(stderr, "vectorscan: %s\n", error->message);
      std::exit(1);
    }
    hs_alloc_scratch(database_, &scratch_);
  }
  Vectorscan(const Vectorscan&) = delete;
  Vectorscan& operator=(const Vectorscan&) = delete;
  ~Vectorscan() {
    hs_free_scratch(scratch_);
    hs_free_database(database_);
  }

  void Match(std::string_view text, std::uint64_t* bits) const {
    const auto on_match = [](unsigned id, unsigned long long, unsigned long long, unsigned,
                             void* context) {
      static_cast<std::uint64_t*>(context)[id / 64] |= std::uint64_t{1} << (id % 64);
      return 0;
    };
    hs_scan(database_, text.data(), static_cast<unsigned>(text.size()), 0, scratch_, on_match,
            bits);
  }

  // One scan of the whole buffer; matches come in the order of their ends.
  void MatchBatch(const Workload& work, std::size_t words, std::uint64_t* bits) const {
    struct Context {
      const Workload* work;
      std::size_t words;
      std::uint64_t* bits;
      std::size_t at;
    } context{&work, words, bits, 0};
    const auto on_match = [](unsigned id, unsigned long long, unsigned long long end, unsigned,
                             void* opaque) {
      auto& c = *static_cast<Context*>(opaque);
      while (c.work->sentences[c.at].end < end) ++c.at;
      c.bits[c.at * c.words + id / 64] |= std::uint64_t{1} << (id % 64);
      return 0;
    };
    hs_scan(database_, work.buffer.data(), static_cast<unsigned>(work.buffer.size()), 0, scratch_,
            on_match, &context);
  }

 private:
  hs_database_t* database_ = nullptr;
  hs_scratch_t* scratch_ = nullptr;
};

std::unique_ptr<re2::RE2::Set> MakeRe2(const Workload& work) {
  re2::RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(re2::RE2::Options::EncodingLatin1);
  auto set = std::make_unique<re2::RE2::Set>(options, re2::RE2::UNANCHORED);
  for (const Pattern& p : work.patterns) {
    set->Add(p.kind == PatternKind::kRegex ? p.text : re2::RE2::QuoteMeta(p.text), nullptr);
  }
  set->Compile();
  return set;
}

void MatchRe2(const re2::RE2::Set& set, std::string_view text, std::vector<int>& ids,
              std::uint64_t* bits) {
  ids.clear();
  set.Match(re2::StringPiece(text.data(), text.size()), &ids);
  for (const int id : ids) bits[id / 64] |= std::uint64_t{1} << (id % 64);
}

struct Bench {
  Workload work;
  PatternSet set;
  Vectorscan vectorscan;
  std::unique_ptr<re2::RE2::Set> re2_set;
  std::size_t words;
  std::vector<std::uint64_t> bits;

  Bench(Workload w, PatternSet s)
      : work(std::move(w)),
        set(std::move(s)),
        vectorscan(work),
        re2_set(MakeRe2(work)),
        words(set.words_per_text()),
        bits(work.sentences.size() * words) {}

  void Clear() { std::fill(bits.begin(), bits.end(), 0); }

  void OursBatch(std::size_t threads) {
    set.MatchBatch(work.buffer, work.sentences, bits, threads);
  }
  void OursSingle() {
    for (std::size_t i = 0; i < work.sentences.size(); ++i) {
      set.Match(work.sentence(i), std::span(bits).subspan(i * words, words));
    }
  }
  void VectorscanBatch() {
    Clear();
    vectorscan.MatchBatch(work, words, bits.data());
  }
  void VectorscanSingle() {
    Clear();
    for (std::size_t i = 0; i < work.sentences.size(); ++i) {
      vectorscan.Match(work.sentence(i), bits.data() + i * words);
    }
  }
  void Re2Single() {
    Clear();
    std::vector<int> ids;
    for (std::size_t i = 0; i < work.sentences.size(); ++i) {
      MatchRe2(*re2_set, work.sentence(i), ids, bits.data() + i * words);
    }
  }
};

template <typename Run>
std::vector<std::uint64_t> Answers(Bench& bench, const Run& run) {
  std::fill(bench.bits.begin(), bench.bits.end(), ~std::uint64_t{0});
  run();
  return bench.bits;
}

bool AnswersAreEqual(Bench& bench) {
  const auto expected = Answers(bench, [&] { bench.Re2Single(); });
  std::size_t pairs = 0;
  for (const std::uint64_t word : expected) pairs += static_cast<std::size_t>(std::popcount(word));
  const bool equal = expected == Answers(bench, [&] { bench.OursBatch(1); }) &&
                     expected == Answers(bench, [&] { bench.OursBatch(2); }) &&
                     expected == Answers(bench, [&] { bench.OursSingle(); }) &&
                     expected == Answers(bench, [&] { bench.VectorscanBatch(); }) &&
                     expected == Answers(bench, [&] { bench.VectorscanSingle(); });
  std::printf("%zu sentences, %zu (pattern, sentence) pairs; answers of all matchers are %s\n",
              bench.work.sentences.size(), pairs, equal ? "equal" : "DIFFERENT");
  return equal;
}

template <typename Run>
void Register(const char* name, Bench& bench, Run run, bool wall = false) {
  auto* registered = benchmark::RegisterBenchmark(name, [&bench, run](benchmark::State& state) {
    for (auto _ : state) run();
    const auto sentences = static_cast<double>(bench.work.sentences.size());
    state.counters["per_sentence"] = benchmark::Counter(
        sentences, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
    state.counters["bytes"] = benchmark::Counter(static_cast<double>(bench.work.buffer.size()),
                                                 benchmark::Counter::kIsIterationInvariantRate);
  });
  registered->Unit(benchmark::kMillisecond);
  if (wall) registered->UseRealTime();
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) {
    std::fprintf(stderr, "ASSAY_DATA is not set\n");
    return 2;
  }
  Workload work = ReadWorkload(std::string(data) + "/bench");
  auto set = PatternSet::Compile(work.patterns);
  if (!set) {
    std::fprintf(stderr, "%s\n", set.error().message.c_str());
    return 1;
  }
  Bench bench(std::move(work), *std::move(set));
  std::printf("SIMD target %s\n", hwy::TargetName(hwy::SupportedAndGeneratedTargets().front()));
  if (!AnswersAreEqual(bench)) return 1;
  Register("batch/assay", bench, [&] { bench.OursBatch(1); });
  Register("batch/vectorscan", bench, [&] { bench.VectorscanBatch(); });
  Register("batch/assay_one_thread_wall", bench, [&] { bench.OursBatch(1); }, true);
  Register("batch/assay_two_threads_wall", bench, [&] { bench.OursBatch(2); }, true);
  Register("single/assay", bench, [&] { bench.OursSingle(); });
  Register("single/vectorscan", bench, [&] { bench.VectorscanSingle(); });
  Register("single/re2_set", bench, [&] { bench.Re2Single(); });
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
