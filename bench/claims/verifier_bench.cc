// A ten-claim answer against the handbook in examples/, without and with a warm verifier.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "assay/claims/verdict_cache.h"
#include "assay/claims/verifier.h"
#include "assay/corpus/index.h"
#include "assay/embed/static_encoder.h"

namespace {

using assay::claims::Verifier;

constexpr std::array<std::string_view, 10> kClaims = {
    "Full-time employees receive 27 days of paid annual leave per calendar year.",
    "Up to 10 unused days may be carried over into the next year.",
    "A doctor's note is required from the second day of illness.",
    "The other parent receives 6 weeks of fully paid leave.",
    "Expense claims must be submitted within 3 days of the trip.",
    "Priya Raman is the head of finance.",
    "Passwords must have at least 14 characters.",
    "Employees may work from home every day.",
    "The company pays a one-time allowance of 400 euros for home office equipment.",
    "The company offers free lunches in the cafeteria.",
};

struct Setting {
  std::unique_ptr<assay::embed::Encoder> encoder;
  std::shared_ptr<const assay::corpus::Index> index;
};

std::string Variable(const char* name, const char* otherwise) {
  const char* const value = std::getenv(name);
  return value == nullptr ? otherwise : value;
}

Setting Open() {
  Setting setting;
  auto& files = assay::core::FileSystem::Real();
  const std::vector<std::string> folders = {Variable("ASSAY_MODELS", ".models")};
  const auto folder = assay::embed::FindModel(files, folders, assay::embed::kStaticMiniLm);
  if (!folder) return setting;
  auto encoder = assay::embed::OpenStaticEncoder(files, *folder);
  if (!encoder) return setting;
  setting.encoder = std::move(*encoder);
  std::vector<std::pair<std::string, std::string>> pages;
  const std::string root = Variable("ASSAY_SOURCE_DIR", ".") + "/examples/handbook";
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.path().extension() != ".md") continue;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    pages.emplace_back(entry.path().filename().string(), text.str());
  }
  std::ranges::sort(pages);
  std::vector<assay::corpus::TextSource> sources;
  for (const auto& [name, text] : pages) {
    sources.push_back({name, text, assay::corpus::Format::kMarkdown});
  }
  auto index = assay::corpus::Index::FromTexts(sources, setting.encoder.get());
  if (index) setting.index = *index;
  return setting;
}

void Judge(benchmark::State& state, bool keep_verifier, bool with_cache) {
  const Setting setting = Open();
  if (setting.index == nullptr) return state.SkipWithError("no static encoder or no handbook");
  auto cache = assay::claims::VerdictCache::Create();
  const auto make = [&] {
    return Verifier::Create(setting.index, setting.encoder.get(), setting.encoder.get(), {},
                            nullptr, with_cache ? cache->get() : nullptr);
  };
  auto kept = make();
  if (!kept) return state.SkipWithError(kept.error().message.c_str());
  for (auto _ : state) {
    if (keep_verifier) {
      auto judgements = kept->VerifyBatch(kClaims);
      benchmark::DoNotOptimize(judgements);
    } else {
      auto fresh = make();
      auto judgements = fresh->VerifyBatch(kClaims);
      benchmark::DoNotOptimize(judgements);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kClaims.size()));
}

BENCHMARK_CAPTURE(Judge, ten_claims_fresh_verifier, false, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Judge, ten_claims_warm_verifier, true, false)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(Judge, ten_claims_cached, true, true)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
