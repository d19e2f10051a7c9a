// Semantic look-ups against 1,000 cached questions of one context: by encoder, and where the static
// encoder rules a match out. The models are found in ASSAY_MODELS.
#include <array>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/file_system.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

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

BENCHMARK_CAPTURE(Find, transformer, true, kNear)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Find, static, false, kNear)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(Find, ruled_out, true, kFar)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
