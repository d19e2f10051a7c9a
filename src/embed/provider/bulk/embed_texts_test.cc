#include "assay/embed/embed_texts.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crash_fs.h"
#include "fake_clock.h"
#include "provider/bulk/batch_plan.h"
#include "temp_dir.h"

namespace assay::embed {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::size_t kDim = 3;

// Turns the clock instead of waiting.
class FakePause final : public Pause {
 public:
  explicit FakePause(testing::FakeClock& clock) : clock_(clock) {}
  void For(std::int64_t wait_ns, const std::stop_token&) override {
    const std::scoped_lock lock(mutex_);
    waits_ns.push_back(wait_ns);
    clock_.Advance(wait_ns);
  }
  std::vector<std::int64_t> waits_ns;

 private:
  testing::FakeClock& clock_;
  std::mutex mutex_;
};

// Gives each text the vector {its size, its first byte, 1}, and fails on command.
class FakeProvider final : public Provider {
 public:
  explicit FakeProvider(ProviderLimits limits = {}) {
    info_ = {.name = "fake/1", .dim = kDim, .limits = limits, .usd_per_million_tokens = 2};
  }
  [[nodiscard]] const ProviderInfo& info() const override { return info_; }
  [[nodiscard]] Result<void> Embed(std::span<const std::string_view> texts, std::span<float> out,
                                   const CallContext&, CallNotes& notes) override {
    const std::scoped_lock lock(mutex_);
    ++notes.requests;
    calls.emplace_back(texts.begin(), texts.end());
    if (!failures.empty()) {
      const auto [error, retry_after_ms] = failures.front();
      failures.erase(failures.begin());
      if (error.code != Code::kInternal) {
        notes.retry_after_ms = retry_after_ms;
        return std::unexpected(error);
      }
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ++sent[std::string(texts[i])];
      out[i * kDim] = static_cast<float>(texts[i].size());
      out[i * kDim + 1] = static_cast<float>(texts[i][0]);
      out[i * kDim + 2] = 1;
      notes.tokens += tokens_per_text;
    }
    return {};
  }
  // Of the calls to come; kInternal stands for a good one.
  std::vector<std::pair<Error, std::int64_t>> failures;
  std::vector<std::vector<std::string>> calls;
  std::map<std::string, int> sent;  // texts that were answered
  std::uint64_t tokens_per_text = 0;

 private:
  ProviderInfo info_;
  std::mutex mutex_;
};

std::vector<std::string_view> Views(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

std::vector<float> Expected(const std::vector<std::string>& texts) {
  std::vector<float> rows;
  for (const std::string& text : texts) {
    rows.insert(rows.end(), {static_cast<float>(text.size()), static_cast<float>(text[0]), 1});
  }
  return rows;
}

std::vector<std::string> Numbered(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) texts.push_back(std::to_string(i * 37));
  return texts;
}

TEST(PlanBatches, KeepsBothLimitsAndTheOrder) {
  const std::vector<std::size_t> tokens = {5, 5, 1, 20, 1, 1, 1, 1};
  const auto batches = internal::PlanBatches(tokens, {.texts_per_call = 3, .tokens_per_call = 10});
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (const auto& batch : batches) ranges.emplace_back(batch.begin, batch.end);
  EXPECT_EQ(ranges, (std::vector<std::pair<std::size_t, std::size_t>>{
                        {0, 2}, {2, 3}, {3, 4}, {4, 7}, {7, 8}}));
  EXPECT_EQ(batches[0].tokens, 10U);
  EXPECT_TRUE(internal::PlanBatches({}, {}).empty());
}

TEST(EmbedTexts, SendsEachTextOnceAndKeepsTheOrder) {
  FakeProvider provider({.texts_per_call = 2, .parallel_calls = 3});
  const std::vector<std::string> texts = {"b", "a", "b", "ccc", "a", "dd", "b"};
  std::vector<float> rows(texts.size() * kDim);
  const auto done = EmbedTexts(provider, Views(texts), rows, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(rows, Expected(texts));
  EXPECT_EQ(provider.sent, (std::map<std::string, int>{{"a", 1}, {"b", 1}, {"ccc", 1}, {"dd", 1}}));
  EXPECT_EQ(provider.calls.size(), 2U);
  EXPECT_EQ(done->embedded, 4U);
  EXPECT_EQ(done->repeated, 3U);
  EXPECT_EQ(done->done, 7U);
  EXPECT_EQ(done->tokens, 4U) << "estimated, as the provider did not count";
  EXPECT_DOUBLE_EQ(done->usd, 8e-6);
}

TEST(EmbedTexts, WhatACacheHasIsNotSent) {
  testing::TempDir folder;
  auto cache = ProgressFile::Open(core::FileSystem::Real(), folder.File("p"), "fake/1", kDim);
  ASSERT_TRUE(cache);
  EmbeddingCache* const caches[] = {cache->get()};
  FakeProvider provider;
  const std::vector<std::string> texts = Numbered(20);
  std::vector<float> rows(texts.size() * kDim);
  ASSERT_TRUE(EmbedTexts(provider, Views(texts), rows, {.caches = caches}));
  const std::vector<std::string> more = Numbered(25);
  std::vector<float> more_rows(more.size() * kDim);
  const auto done = EmbedTexts(provider, Views(more), more_rows, {.caches = caches});
  ASSERT_TRUE(done);
  EXPECT_EQ(more_rows, Expected(more));
  EXPECT_EQ(done->from_cache, 20U);
  EXPECT_EQ(done->embedded, 5U);
  for (const auto& [text, count] : provider.sent) EXPECT_EQ(count, 1) << text;
}

TEST(EmbedTexts, AfterAFailureWhatCameIsKeptAndTheTextNamed) {
  testing::TempDir folder;
  auto cache = ProgressFile::Open(core::FileSystem::Real(), folder.File("p"), "fake/1", kDim);
  ASSERT_TRUE(cache);
  EmbeddingCache* const caches[] = {cache->get()};
  FakeProvider provider;
  const std::vector<std::string> texts = Numbered(10);
  std::vector<float> rows(texts.size() * kDim);
  const Error good{.code = Code::kInternal, .message = {}};
  provider.failures = {{good, -1}, {good, -1}, {{Code::kInvalidArgument, "too long"}, -1}};
  const auto failed = EmbedTexts(provider, Views(texts), rows, {.caches = caches});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "text 3: too long");
  EXPECT_EQ((*cache)->rows(), 2U);
  ASSERT_TRUE(EmbedTexts(provider, Views(texts), rows, {.caches = caches}));
  EXPECT_EQ(rows, Expected(texts));
  for (const auto& [text, count] : provider.sent) EXPECT_EQ(count, 1) << text;
}

TEST(EmbedTexts, AnEstimateEqualsWhatThenHappens) {
  FakeProvider provider({.texts_per_call = 3});
  const std::vector<std::string> texts = {"one text", "another one", "one text", "third", "4", "5"};
  const auto estimate = EstimateTexts(provider.info(), Views(texts), {});
  std::vector<float> rows(texts.size() * kDim);
  const auto done = EmbedTexts(provider, Views(texts), rows, {});
  ASSERT_TRUE(estimate && done);
  EXPECT_EQ(estimate->embedded, done->embedded);
  EXPECT_EQ(estimate->repeated, done->repeated);
  EXPECT_EQ(estimate->calls, done->calls);
  EXPECT_EQ(estimate->tokens, done->tokens);
  EXPECT_DOUBLE_EQ(estimate->usd, done->usd);
}

TEST(EmbedTexts, RefusesEmptyTextsWrongShapesAndForeignCaches) {
  FakeProvider provider;
  const std::vector<std::string_view> texts = {"a", ""};
  std::vector<float> rows(2 * kDim);
  EXPECT_EQ(EmbedTexts(provider, texts, rows, {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(EmbedTexts(provider, std::span(texts).first(1), rows, {}).error().code,
            Code::kInvalidArgument);
  testing::TempDir folder;
  auto cache = ProgressFile::Open(core::FileSystem::Real(), folder.File("p"), "fake/1", kDim + 1);
  EmbeddingCache* const caches[] = {cache->get()};
  EXPECT_FALSE(EmbedTexts(provider, std::span(texts).first(1), std::span(rows).first(kDim),
                          {.caches = caches}));
  EXPECT_TRUE(provider.calls.empty());
}

TEST(EmbedTexts, AStopThatWasAskedForSendsNothingMore) {
  FakeProvider provider;
  std::stop_source stop;
  const std::vector<std::string> texts = Numbered(10);
  std::vector<float> rows(texts.size() * kDim);
  const auto done =
      EmbedTexts(provider, Views(texts), rows,
                 {.context = {.stop = stop.get_token()}, .progress = [&](const EmbedProgress& now) {
                    if (now.calls == 4) stop.request_stop();
                  }});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Code::kUnavailable);
  EXPECT_EQ(provider.calls.size(), 4U);
}

class PoliteTest : public ::testing::Test {
 protected:
  Result<void> Embed(Provider& provider, std::int64_t deadline_ns = INT64_MAX) {
    std::vector<float> row(kDim);
    const std::vector<std::string_view> texts = {"12345678"};
    return provider.Embed(texts, row, {.deadline_ns = deadline_ns}, notes_);
  }
  // `inner` stays owned by what is returned.
  std::unique_ptr<Provider> Retrying(std::unique_ptr<Provider> inner, RetryOptions options) {
    return WithRetries(std::move(inner), options, rng_, clock_, pause_);
  }

  testing::FakeClock clock_;
  FakePause pause_{clock_};
  core::SeededRng rng_{7};
  CallNotes notes_;
};

TEST_F(PoliteTest, WaitsGrowWithFullJitterAndNeverPassTheirBound) {
  std::int64_t most_first = 0;
  std::int64_t most_fourth = 0;
  for (int round = 0; round < 200; ++round) {
    pause_.waits_ns.clear();
    auto inner = std::make_unique<FakeProvider>();
    inner->failures.assign(5, {{Code::kUnavailable, "down"}, -1});
    const auto provider =
        Retrying(std::move(inner), {.attempts = 6, .first_wait_ms = 100, .most_wait_ms = 500});
    ASSERT_TRUE(Embed(*provider));
    ASSERT_EQ(pause_.waits_ns.size(), 5U);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_LE(pause_.waits_ns[i], std::min<std::int64_t>(500, 100 << i) * kMs);
      EXPECT_GE(pause_.waits_ns[i], 0);
    }
    most_first = std::max(most_first, pause_.waits_ns[0]);
    most_fourth = std::max(most_fourth, pause_.waits_ns[3]);
  }
  EXPECT_GT(most_first, 90 * kMs);
  EXPECT_GT(most_fourth, 450 * kMs) << "the bound is reached, not only kept";
}

TEST_F(PoliteTest, RetryAfterIsTheLeastWait) {
  auto inner = std::make_unique<FakeProvider>();
  inner->failures = {{{Code::kResourceExhausted, "slow down"}, 2'000}};
  const auto provider = Retrying(std::move(inner), {.first_wait_ms = 10});
  ASSERT_TRUE(Embed(*provider));
  ASSERT_EQ(pause_.waits_ns.size(), 1U);
  EXPECT_GE(pause_.waits_ns[0], 2'000 * kMs);
  EXPECT_LE(pause_.waits_ns[0], 2'010 * kMs);
  EXPECT_EQ(notes_.requests, 2U);
}

TEST_F(PoliteTest, WhatCannotHelpIsNotTriedAgain) {
  for (const Code code : {Code::kInvalidArgument, Code::kPermissionDenied, Code::kUnauthenticated,
                          Code::kFailedPrecondition, Code::kNotFound, Code::kOutOfRange}) {
    auto inner = std::make_unique<FakeProvider>();
    inner->failures = {{{code, "no"}, -1}};
    FakeProvider& fake = *inner;
    const auto provider = Retrying(std::move(inner), {});
    EXPECT_EQ(Embed(*provider).error().code, code);
    EXPECT_EQ(fake.calls.size(), 1U);
  }
}

TEST_F(PoliteTest, AttemptsAndDeadlineEndTheRetries) {
  auto inner = std::make_unique<FakeProvider>();
  inner->failures.assign(9, {{Code::kUnavailable, "down"}, -1});
  FakeProvider& fake = *inner;
  const auto provider = Retrying(std::move(inner), {.attempts = 3});
  EXPECT_NE(Embed(*provider).error().message.find("3 attempts"), std::string::npos);
  EXPECT_EQ(fake.calls.size(), 3U);
  fake.failures.assign(9, {{Code::kUnavailable, "down"}, 60'000});
  EXPECT_EQ(Embed(*provider, clock_.monotonic_ns() + 1'000 * kMs).error().code,
            Code::kDeadlineExceeded);
  EXPECT_EQ(fake.calls.size(), 4U);
}

TEST_F(PoliteTest, LimitsSpaceRequestsAndSettleTokens) {
  auto inner = std::make_unique<FakeProvider>(
      ProviderLimits{.requests_per_minute = 600, .tokens_per_minute = 6'000});
  FakeProvider& fake = *inner;
  const auto provider = WithLimits(std::move(inner), CountBytesByFour(), clock_, pause_);
  for (int i = 0; i < 11; ++i) ASSERT_TRUE(Embed(*provider));
  EXPECT_EQ(clock_.monotonic_ns(), 1'000 * kMs) << "ten a second";
  fake.tokens_per_text = 1'200;  // far more than the two that were estimated
  ASSERT_TRUE(Embed(*provider));
  const std::int64_t before = clock_.monotonic_ns();
  ASSERT_TRUE(Embed(*provider));
  EXPECT_GT(clock_.monotonic_ns() - before, 5'000 * kMs) << "600 of the 1,200 tokens are debt";
}

TEST_F(PoliteTest, APauseThatOneCallWasAskedForHoldsTheNext) {
  auto inner = std::make_unique<FakeProvider>();
  inner->failures = {{{Code::kResourceExhausted, "slow down"}, 3'000}};
  const auto provider = WithLimits(std::move(inner), CountBytesByFour(), clock_, pause_);
  ASSERT_FALSE(Embed(*provider));
  EXPECT_EQ(Embed(*provider, 1'000 * kMs).error().code, Code::kDeadlineExceeded);
  EXPECT_EQ(clock_.monotonic_ns(), 0);
  ASSERT_TRUE(Embed(*provider));
  EXPECT_EQ(clock_.monotonic_ns(), 3'000 * kMs);
}

TEST(RealPause, EndsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  Pause::Real().For(3'600'000 * kMs, stop.get_token());
  Pause::Real().For(1, {});
}

TEST(ProgressFileTest, LosesNothingThatWasSyncedWhereverThePowerFails) {
  for (std::uint64_t stop = 0; stop < 30; ++stop) {
    testing::CrashFs files;
    std::set<int> synced;
    ASSERT_TRUE(files.MakeDirectories("d"));
    ASSERT_TRUE(files.SyncDirectory("."));
    files.StopAfter(stop);
    {
      auto file = ProgressFile::Open(files, "d/p", "fake/1", kDim);
      for (int i = 0; file && i < 10; ++i) {
        const std::vector<float> row = {static_cast<float>(i), 1, 2};
        if (!(*file)->Put(EmbeddingKey("fake/1", std::to_string(i)), row)) break;
        if (!(*file)->Sync()) break;
        synced.insert(i);
      }
    }
    files.Crash({.names_survive = stop % 2 == 0, .unsynced_bytes = stop * 3});
    auto file = ProgressFile::Open(files, "d/p", "fake/1", kDim);
    if (!file && !synced.empty()) FAIL() << stop << ": " << file.error().message;
    if (!file) continue;
    for (const int i : synced) {
      std::vector<float> row(kDim);
      EXPECT_TRUE((*file)->Get(EmbeddingKey("fake/1", std::to_string(i)), row)) << stop;
      EXPECT_EQ(row, (std::vector<float>{static_cast<float>(i), 1, 2}));
    }
  }
}

TEST(ProgressFileTest, IsOfOneProviderAndOneProcess) {
  testing::TempDir folder;
  core::FileSystem& files = core::FileSystem::Real();
  const std::string path = folder.File("p");
  {
    const auto first = ProgressFile::Open(files, path, "a", kDim);
    ASSERT_TRUE(first);
    const auto second = ProgressFile::Open(files, path, "a", kDim);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  }
  EXPECT_TRUE(ProgressFile::Open(files, path, "a", kDim));
  const auto other = ProgressFile::Open(files, path, "b", kDim);
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("'a' with 3 dimensions"), std::string::npos);
  EXPECT_FALSE(ProgressFile::Open(files, path, "a", kDim + 1));
}

TEST(EmbeddingKeyTest, DependsOnProviderAndText) {
  EXPECT_NE(EmbeddingKey("a", "b"), EmbeddingKey("ab", ""));
  EXPECT_NE(EmbeddingKey("a", "x"), EmbeddingKey("b", "x"));
  EXPECT_EQ(EmbeddingKey("a", "x"), EmbeddingKey("a", "x"));
}

}  // namespace
}  // namespace assay::embed
