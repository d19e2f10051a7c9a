// The C++ column of docs/python.md: what bench/python/binding_speed.py does through the binding,
// without Python. Prints "name nanoseconds" a line: the best of several rounds, for one unit of
// work.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/memory_cache.h"
#include "assay/claims/verdict_cache.h"
#include "assay/claims/verifier.h"
#include "assay/consensus/cluster.h"
#include "assay/core/hash.h"
#include "assay/crypto/hmac.h"
#include "assay/experiments/resample.h"
#include "assay/experiments/tests.h"
#include "assay/text/similarity/edit.h"
#include "assay/vector/top_k.h"

namespace {

using namespace assay;  // NOLINT(google-build-using-namespace): a program, not a library

// The generator of the script: 0 to 2^31 - 1.
class Numbers {
 public:
  std::uint32_t Next() {
    state_ = (state_ * 1103515245U + 12345U) & 0x7FFFFFFFU;
    return state_;
  }
  double Unit() { return Next() / 2147483648.0; }

 private:
  std::uint32_t state_ = 1;
};

std::string RandomText(Numbers& numbers, std::size_t size) {
  std::string text;
  for (std::size_t i = 0; i < size; ++i) text += "etaoin shrdlu"[(numbers.Next() >> 16) % 13];
  return text;
}

volatile double sink = 0;

// Rounds of about 50 ms each, at least 7 and one call.
template <typename Work>
void Time(const char* name, double units, Work&& work) {
  using Clock = std::chrono::steady_clock;
  double best = std::numeric_limits<double>::infinity();
  std::size_t calls = 1;
  for (int round = 0; round < 8; ++round) {
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < calls; ++i) sink = sink + work();
    const double ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
    if (round > 0) best = std::min(best, ns / static_cast<double>(calls) / units);
    if (round == 0) calls = static_cast<std::size_t>(std::max(1.0, 5e7 / ns));
  }
  std::printf("%s %.3f\n", name, best);
}

void Texts(Numbers& numbers) {
  const std::string a = RandomText(numbers, 120);
  const std::string b = RandomText(numbers, 120);
  Time("similarity of two texts", 1,
       [&] { return text::EditSimilarity(a, b, text::EditMeasure::kLevenshtein); });
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back(RandomText(numbers, 120));
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  Time("similarity matrix of 40 texts", 1,
       [&] { return text::EditMatrix(views, text::EditMeasure::kLevenshtein, 1).back(); });
}

void Vectors(Numbers& numbers) {
  std::vector<float> rows(10'000 * 256);
  for (float& value : rows) value = static_cast<float>(numbers.Unit() - 0.5);
  const std::span<const float> all(rows);
  Time("10 nearest of 10,000 rows", 1,
       [&] { return vector::TopKBatch(all.first(256), 256, all, 10)->front().score; });
  Time("10 nearest of 10,000 rows, 64 queries", 1,
       [&] { return vector::TopKBatch(all.first(64 * 256), 256, all, 10)->front().score; });
}

void Statistics(Numbers& numbers) {
  std::vector<double> a(10'000);
  std::vector<double> b(10'000);
  for (double& value : a) value = numbers.Unit();
  for (double& value : b) value = numbers.Unit();
  Time("Welch's test of 2 x 10,000 values", 1, [&] {
    return experiments::Welch(*experiments::Summarize(a), *experiments::Summarize(b), 0.95).p;
  });
  const std::span<const double> few(a.data(), 500);
  Time("bootstrap, 200 x 2 x 500 draws", 1,
       [&] { return experiments::Bootstrap(few, few, {.resamples = 200})->error; });
  std::vector<double> agreement(30 * 30, 1.0);
  for (std::size_t i = 0; i < 30; ++i) {
    for (std::size_t j = i + 1; j < 30; ++j)
      agreement[i * 30 + j] = agreement[j * 30 + i] = numbers.Unit();
  }
  Time("clusters of 30 answers", 1, [&] {
    return static_cast<double>(
        consensus::ClusterByAgreement(agreement, consensus::Linkage::kAverage, 0.75)->size());
  });
}

void Bytes(Numbers& numbers) {
  const auto key = crypto::HmacKey::Create("0123456789abcdef0123456789abcdef");
  const std::string message = RandomText(numbers, 100);
  Time("HMAC-SHA256 of 100 bytes", 1, [&] { return static_cast<double>(key->Sign(message)[0]); });
  const std::string block = RandomText(numbers, 65'536);
  Time("CRC-32C of 64 KiB", 1, [&] { return static_cast<double>(core::Crc32c(block)); });
  const auto held = cache::MemoryCache::Create({});
  const cache::Key name = core::HashBytes128("a key of the cache");
  (*held)->Put(*cache::Entry::Make(name, {.expires_ms = cache::kNeverExpires}, {.body = message}),
               1);
  Time("hit of the exact cache", 1, [&] {
    const auto found = (*held)->Get(core::HashBytes128("a key of the cache"), 2);
    return static_cast<double>(found->body().size());
  });
}

void Claims(Numbers& numbers) {
  constexpr std::size_t kClaims = 10'000;
  std::vector<std::string> claims;
  for (std::size_t i = 0; i < kClaims; ++i) claims.push_back(RandomText(numbers, 60));
  const std::vector<std::string_view> views(claims.begin(), claims.end());
  const auto cached = claims::VerdictCache::Create({});
  claims::Judgement judgement;
  judgement.confidence = 0.5F;
  for (const std::string_view claim : views) (*cached)->Put(claim, {1, 2}, 3, judgement);
  std::vector<const claims::Judgement*> found(kClaims);
  Time("verdict of a claim, warm cache", kClaims, [&] {
    const auto reader = (*cached)->Read();
    reader.FindBatch(views, {1, 2}, 3, found);
    double sum = 0;
    for (const claims::Judgement* one : found) sum += one == nullptr ? 0 : one->confidence;
    return sum;
  });
}

}  // namespace

int main() {
  Numbers numbers;
  Texts(numbers);
  Vectors(numbers);
  Statistics(numbers);
  Bytes(numbers);
  Claims(numbers);
}
