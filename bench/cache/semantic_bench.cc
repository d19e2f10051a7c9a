// Semantic look-ups against 1,000 cached questions of one context: by encoder, and where the static
// encoder rules a match out; the encoding alone; the nearest of n rows, exact or by inverted lists;
// taking over a file of 20,000 questions; whole look-ups but for the encoding among 20,000 and
// 100,000 questions of one context. The models are found in ASSAY_MODELS.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/hash.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"
#include "assay/vector/index.h"
#include "assay/vector/top_k.h"

namespace {

using namespace assay;  // NOLINT: a program of its own

constexpr std::array<const char*, 10> kVerbs = {"reset",  "change", "renew",   "cancel", "print",
                                                "export", "report", "replace", "update", "find"};
constexpr std::array<const char*, 10> kThings = {
    "password",    "invoice", "delivery address", "subscription",    "parking permit",
    "travel visa", "badge",   "tax statement",    "insurance claim", "phone number"};
constexpr std::array<const char*, 10> kPlaces = {
    "on the website", "by phone", "in the app", "at the office", "for my child",
    "for my team",    "by email", "at night",   "abroad",        "for a client"};

struct Fixture {
  std::unique_ptr<embed::Encoder> fast;
  std::unique_ptr<embed::Encoder> precise;
  std::unique_ptr<cache::SemanticCache> cache;
  core::SeededRng rng{1};
};

Result<std::unique_ptr<Fixture>> Make(bool transformer) {
  core::FileSystem& files = core::FileSystem::Real();
  const char* folder = std::getenv("ASSAY_MODELS");
  const std::array<std::string, 1> folders = {folder == nullptr ? ".models" : folder};
  auto fixture = std::make_unique<Fixture>();
  ASSAY_ASSIGN(const auto fast, embed::FindModel(files, folders, embed::kStaticMiniLm));
  ASSAY_ASSIGN(fixture->fast, embed::OpenStaticEncoder(files, fast));
  if (transformer) {
    embed::TransformerOptions options;
    options.threads = 1;
    ASSAY_ASSIGN(const auto precise, embed::FindModel(files, folders, embed::kMiniLmInt8));
    ASSAY_ASSIGN(fixture->precise, embed::OpenTransformerEncoder(files, precise, options));
  }
  const embed::Encoder& precise = transformer ? *fixture->precise : *fixture->fast;
  fixture->cache = std::make_unique<cache::SemanticCache>(cache::SemanticOptions{}, *fixture->fast,
                                                          precise, nullptr, fixture->rng);
  std::uint64_t number = 0;
  for (const char* verb : kVerbs) {
    for (const char* thing : kThings) {
      for (const char* place : kPlaces) {
        const std::string question = fmt::format("How do I {} my {} {}?", verb, thing, place);
        ASSAY_ASSIGN(const auto lookup, fixture->cache->Prepare({}, question));
        ASSAY_TRY(fixture->cache->Insert(lookup, {.high = 0, .low = ++number}, {}));
      }
    }
  }
  return fixture;
}

void Find(benchmark::State& state, bool transformer, const char* question) {
  static std::array<std::unique_ptr<Fixture>, 2> fixtures;
  auto& fixture = fixtures[transformer ? 1 : 0];
  if (!fixture) {
    auto made = Make(transformer);
    if (!made) {
      state.SkipWithError(made.error().message.c_str());
      return;
    }
    fixture = *std::move(made);
  }
  std::size_t candidates = 0;
  for (auto _ : state) {
    const auto lookup = fixture->cache->Find({}, question);
    if (!lookup) {
      state.SkipWithError(lookup.error().message.c_str());
      return;
    }
    candidates = lookup->candidates.size();
  }
  state.counters["candidates"] = static_cast<double>(candidates);
}

constexpr const char* kNear = "What are the steps to renew my travel visa by phone?";
constexpr const char* kFar = "Who painted the ceiling of the Sistine Chapel?";

void Encode(benchmark::State& state) {
  const auto fixture = Make(true);
  if (!fixture) {
    state.SkipWithError(fixture.error().message.c_str());
    return;
  }
  const embed::Encoder& encoder = *(*fixture)->precise;
  std::vector<float> out(encoder.dim());
  const std::array<std::string_view, 1> texts = {kNear};
  for (auto _ : state) benchmark::DoNotOptimize(encoder.Encode(texts, out).has_value());
}

// Unit rows in clumps of about 50, like questions that were asked in several ways.
std::vector<float> Clumps(std::size_t n, std::size_t dim, std::uint64_t seed) {
  core::SeededRng rng(seed);
  std::vector<float> rows(n * dim);
  std::vector<float> centre(dim);
  for (std::size_t i = 0; i < n; ++i) {
    if (i % 50 == 0) {
      for (float& value : centre) value = static_cast<float>(rng.NextUnit() - 0.5);
    }
    float norm = 0;
    for (std::size_t d = 0; d < dim; ++d) {
      const float value = centre[d] + static_cast<float>(rng.NextUnit() - 0.5) * 0.8F;
      rows[i * dim + d] = value;
      norm += value * value;
    }
    for (std::size_t d = 0; d < dim; ++d) rows[i * dim + d] /= std::sqrt(norm);
  }
  return rows;
}

constexpr std::size_t kDim = 384;
constexpr std::size_t kNearest = 8;

void ExactRows(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<float> rows = Clumps(n, kDim, 1);
  std::vector<std::int8_t> values(n * kDim);
  std::vector<float> scales(n);
  if (!vector::QuantizeRows(rows, kDim, values, scales)) state.SkipWithError("rows");
  std::size_t i = 0;
  for (auto _ : state) {
    const std::span query(rows.data() + (i++ * 37 % n) * kDim, kDim);
    benchmark::DoNotOptimize(vector::TopK(query, vector::Int8Rows{values, scales}, kNearest));
  }
}

void InvertedLists(benchmark::State& state) {
  const auto n = static_cast<std::size_t>(state.range(0));
  const std::vector<float> rows = Clumps(n, kDim, 1);
  auto index = vector::Index::Create({.dim = kDim});
  if (!index) return state.SkipWithError("index");
  for (std::size_t i = 0; i < n; ++i) {
    if (!(*index)->Insert(i, std::span(rows.data() + i * kDim, kDim))) state.SkipWithError("row");
  }
  const auto begin = core::Clock::Real().monotonic_ns();
  if (!(*index)->Optimize({})) return state.SkipWithError("lists");
  const auto stats = (*index)->Stats();
  state.counters["build_s"] = static_cast<double>(core::Clock::Real().monotonic_ns() - begin) / 1e9;
  state.counters["recall"] = stats.calibrated_recall;
  state.counters["bytes_per_row"] =
      static_cast<double>(stats.resident_bytes) / static_cast<double>(n);
  std::size_t i = 0;
  for (auto _ : state) {
    const std::span query(rows.data() + (i++ * 37 % n) * kDim, kDim);
    benchmark::DoNotOptimize((*index)->Search(query, kNearest));
  }
}

// Words as numbers, so that 20,000 questions are there quickly.
class NumberEncoder final : public embed::Encoder {
 public:
  [[nodiscard]] std::string_view name() const override { return "numbers@1"; }
  [[nodiscard]] std::size_t dim() const override { return kDim; }
  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto row = Clumps(1, kDim, core::HashBytes64(texts[t]));
      std::ranges::copy(row, out.begin() + static_cast<std::ptrdiff_t>(t * kDim));
    }
    return {};
  }
};

void TakeOver(benchmark::State& state) {
  core::FileSystem& files = core::FileSystem::Real();
  const std::string path =
      (std::filesystem::temp_directory_path() / fmt::format("semantic_bench.{}", ::getpid()))
          .string();
  const NumberEncoder encoder;
  core::SeededRng rng(1);
  {
    cache::SemanticCache cache({}, encoder, encoder, nullptr, rng);
    if (!cache.Persist(files, path, cache::OtherEncoders::kRefuse)) state.SkipWithError("file");
    for (std::uint64_t i = 0; i < 20'000; ++i) {
      const auto lookup =
          cache.Prepare({}, fmt::format("How do I renew the parking permit of flat {} in house {}?",
                                        i % 100, i / 100));
      if (!cache.Insert(*lookup, {.high = 0, .low = i}, {})) state.SkipWithError("insert");
    }
    state.counters["bytes"] = static_cast<double>(cache.Stats().file_bytes);
  }
  for (auto _ : state) {
    cache::SemanticCache cache({}, encoder, encoder, nullptr, rng);
    const auto restored = cache.Persist(files, path, cache::OtherEncoders::kRefuse);
    if (!restored || restored->entries != 20'000) state.SkipWithError("not all came back");
  }
  static_cast<void>(files.Remove(path));
}

// Texts near each other by what stands before '#'.
class ClumpEncoder final : public embed::Encoder {
 public:
  [[nodiscard]] std::string_view name() const override { return "clumps@1"; }
  [[nodiscard]] std::size_t dim() const override { return kDim; }
  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      core::SeededRng centre(core::HashBytes64(texts[t].substr(0, texts[t].find('#'))));
      core::SeededRng rest(core::HashBytes64(texts[t]));
      const auto row = out.subspan(t * kDim, kDim);
      float norm = 0;
      for (float& value : row) {
        value = static_cast<float>(centre.NextUnit() - 0.5 + (rest.NextUnit() - 0.5) * 0.8);
        norm += value * value;
      }
      for (float& value : row) value /= std::sqrt(norm);
    }
    return {};
  }
};

// `range(1)`: from how many questions on there are lists.
void Grown(benchmark::State& state) {
  const auto n = static_cast<std::uint64_t>(state.range(0));
  const ClumpEncoder encoder;
  core::SeededRng rng(1);
  cache::SemanticCache cache(
      {.max_entries = n, .index_above = static_cast<std::size_t>(state.range(1))}, encoder, encoder,
      nullptr, rng);
  const auto question = [](std::uint64_t i) {
    return fmt::format("What does the form for permit {} ask # {}", i / 50, i);
  };
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto lookup = cache.Prepare({}, question(i));
    if (!cache.Insert(*lookup, {.high = 0, .low = i}, {})) state.SkipWithError("insert");
  }
  const auto begin = core::Clock::Real().monotonic_ns();
  cache.FinishIndexing();
  state.counters["waited_s"] =
      static_cast<double>(core::Clock::Real().monotonic_ns() - begin) / 1e9;
  state.counters["indexed"] = static_cast<double>(cache.Stats().indexed);
  std::uint64_t found = 0;
  std::uint64_t asked = 0;
  for (auto _ : state) {
    const std::uint64_t i = asked++ * 37 % n;
    const auto lookup = cache.Find({}, question(i));
    if (lookup && !lookup->candidates.empty() && lookup->candidates[0].answer.low == i) ++found;
  }
  state.counters["found"] = static_cast<double>(found) / static_cast<double>(asked);
}

// What Grown's encoder takes of a look-up.
void ClumpEncode(benchmark::State& state) {
  const ClumpEncoder encoder;
  std::vector<float> out(2 * kDim);
  const std::array<std::string_view, 2> texts = {"What does the form for permit 1 ask # 1",
                                                 "What does the form for permit 1 ask # 2"};
  for (auto _ : state) benchmark::DoNotOptimize(encoder.Encode(texts, out).has_value());
}

BENCHMARK(ClumpEncode)->Unit(benchmark::kMicrosecond);
BENCHMARK(Grown)
    ->Args({20'000, 1'000'000})
    ->Args({20'000, 19'999})
    ->Args({100'000, 1'000'000})
    ->Args({100'000, 99'999})
    ->Unit(benchmark::kMicrosecond);
BENCHMARK(Encode)->Unit(benchmark::kMicrosecond);
BENCHMARK(ExactRows)->Arg(1000)->Arg(10000)->Arg(20000)->Arg(100000)->Unit(benchmark::kMicrosecond);
BENCHMARK(InvertedLists)->Arg(10000)->Arg(20000)->Arg(100000)->Unit(benchmark::kMicrosecond);
BENCHMARK(TakeOver)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Find, transformer, true, kNear)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Find, static, false, kNear)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Find, ruled_out, true, kFar)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
