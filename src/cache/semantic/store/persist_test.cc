#include <array>
#include <cmath>
#include <csignal>
#include <cstring>
#include <set>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/cache/semantic/semantic_cache.h"
#include "assay/core/hash.h"

#include "crash_fs.h"
#include "sanitizers.h"
#include "temp_dir.h"

namespace assay::cache {
namespace {

using assay::testing::CrashFs;
using assay::testing::TempDir;

// Words as directions: the more words two texts share, the nearer they are.
class WordEncoder final : public embed::Encoder {
 public:
  explicit WordEncoder(std::string name, std::size_t dim = 64)
      : name_(std::move(name)), dim_(dim) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] std::size_t dim() const override { return dim_; }
  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    for (std::size_t t = 0; t < texts.size(); ++t) {
      const auto row = out.subspan(t * dim_, dim_);
      std::ranges::fill(row, 0.0F);
      for (std::string_view rest = texts[t]; !rest.empty();) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        core::SeededRng rng(core::HashBytes64(rest.substr(0, end)));
        for (float& value : row) value += static_cast<float>(rng.NextUnit() - 0.5);
        rest.remove_prefix(std::min(end + 1, rest.size()));
      }
      float norm = 1e-9F;
      for (const float value : row) norm += value * value;
      for (float& value : row) value /= std::sqrt(norm);
    }
    return {};
  }

 private:
  std::string name_;
  std::size_t dim_;
};

const WordEncoder& Fast() {
  static const WordEncoder encoder("fast@1");
  return encoder;
}
const WordEncoder& Precise() {
  static const WordEncoder encoder("precise@1");
  return encoder;
}

std::string QuestionOf(std::uint64_t i) {
  return fmt::format("how does part w{} of machine w{} work", i % 7, i / 7);
}

struct Cache {
  explicit Cache(std::size_t max_entries = 20'000, const embed::Encoder& precise = Precise())
      : cache({.risk = {.budget = 0.05}, .max_entries = max_entries, .floor = 0}, Fast(), precise,
              nullptr, rng) {}

  SemanticRestore Open(core::FileSystem& files, const std::string& path,
                       OtherEncoders other = OtherEncoders::kRefuse, std::int64_t now_ms = 0) {
    auto restored = cache.Persist(files, path, other, now_ms);
    EXPECT_TRUE(restored.has_value()) << restored.error().message;
    return restored ? *restored : SemanticRestore();
  }
  void Put(std::uint64_t i, std::int64_t expires_ms = INT64_MAX) {
    const auto lookup = cache.Prepare({}, QuestionOf(i));
    ASSERT_TRUE(cache.Insert(*lookup, {.high = 1, .low = i}, {}, expires_ms).has_value());
  }
  // A request whose answer is that of its nearest question or not, by chance.
  void Ask(std::uint64_t i, core::Rng& chance) {
    const auto lookup = cache.Find({}, QuestionOf(i));
    ASSERT_TRUE(lookup.has_value());
    if (lookup->served && !lookup->check) return;
    std::vector<std::optional<bool>> same;
    for (std::size_t k = 0; k < lookup->candidates.size(); ++k) {
      same.emplace_back(chance.NextUnit() < 0.7);
    }
    cache.Learn(*lookup, same);
    if (!lookup->served) {
      ASSERT_TRUE(cache.Insert(*lookup, {.high = 2, .low = i}, same).has_value());
    }
  }

  core::SeededRng rng{7};
  SemanticCache cache;
};

void ExpectEqual(const SemanticCache& a, const SemanticCache& b) {
  const SemanticStats x = a.Stats();
  const SemanticStats y = b.Stats();
  EXPECT_EQ(x.entries, y.entries);
  EXPECT_EQ(x.requests, y.requests);
  EXPECT_EQ(x.hits, y.hits);
  EXPECT_EQ(x.refused_by_fact, y.refused_by_fact);
  EXPECT_EQ(x.ruled_out_fast, y.ruled_out_fast);
  EXPECT_EQ(x.checked, y.checked);
  EXPECT_EQ(x.wrong, y.wrong);
  EXPECT_EQ(x.threshold, y.threshold);
  EXPECT_EQ(x.calibrated, y.calibrated);
  EXPECT_EQ(x.open, y.open);
}

TEST(SemanticFileTest, QuestionsAndWhatWasLearnedSurviveARestartToTheLastBit) {
  const TempDir folder;
  core::FileSystem& files = core::FileSystem::Real();
  core::SeededRng chance(1);
  Cache first;
  first.Open(files, folder.File("semantic"));
  constexpr std::uint64_t kAsked = assay::testing::Sized<std::uint64_t>(900, 200);
  for (std::uint64_t i = 0; i < kAsked; ++i) first.Ask(i % 300, chance);
  // Whether fewer make a threshold of their own is left to them.
  if (!assay::testing::kUnderThreadSanitizer) {
    ASSERT_TRUE(first.cache.Stats().calibrated);
  }
  ASSERT_TRUE(first.cache.Sync().has_value());
  // A copy, since one file has one owner.
  const std::string bytes = *files.ReadFile(folder.File("semantic"), UINT64_MAX);
  ASSERT_TRUE(core::WriteFileAtomically(files, folder.File("copy"), bytes).has_value());
  Cache second;
  const SemanticRestore restored = second.Open(files, folder.File("copy"));
  EXPECT_EQ(restored.note, "");
  EXPECT_TRUE(restored.learned);
  EXPECT_EQ(restored.entries, first.cache.Stats().entries);
  ExpectEqual(first.cache, second.cache);
  // And both go on alike.
  core::SeededRng one(2);
  core::SeededRng two(2);
  first.rng = second.rng = core::SeededRng(3);
  for (std::uint64_t i = 0; i < assay::testing::Sized<std::uint64_t>(300, 60); ++i) {
    first.Ask(i, one);
    second.Ask(i, two);
  }
  ExpectEqual(first.cache, second.cache);
}

TEST(SemanticFileTest, ATornTailIsCutAndNamed) {
  CrashFs files;
  {
    Cache cache;
    cache.Open(files, "semantic");
    for (std::uint64_t i = 0; i < 5; ++i) cache.Put(i);
  }
  std::string bytes = *files.Contents("semantic");
  bytes.resize(bytes.size() - 9);
  files.Plant("semantic", bytes);
  Cache cache;
  const SemanticRestore restored = cache.Open(files, "semantic");
  EXPECT_EQ(restored.entries, 4U);
  EXPECT_NE(restored.note.find("cut off"), std::string::npos) << restored.note;
}

TEST(SemanticFileTest, DamageDropsWhatFollowsAndIsNamedOnce) {
  CrashFs files;
  {
    Cache cache;
    cache.Open(files, "semantic");
    for (std::uint64_t i = 0; i < 50; ++i) cache.Put(i);
  }
  std::string bytes = *files.Contents("semantic");
  bytes[bytes.size() * 3 / 4] ^= 0x10;
  files.Plant("semantic", bytes);
  std::uint64_t kept = 0;
  {
    Cache cache;
    const SemanticRestore restored = cache.Open(files, "semantic");
    kept = restored.entries;
    EXPECT_GT(kept, 20U);
    EXPECT_LT(kept, 50U);
    EXPECT_NE(restored.note.find("dropped"), std::string::npos) << restored.note;
  }
  Cache cache;
  const SemanticRestore again = cache.Open(files, "semantic");
  EXPECT_EQ(again.note, "");
  EXPECT_EQ(again.entries, kept);
}

TEST(SemanticFileTest, VectorsOfOtherEncodersAreRefusedOrEncodedAnew) {
  CrashFs files;
  {
    Cache cache;
    cache.Open(files, "semantic");
    for (std::uint64_t i = 0; i < 5; ++i) cache.Put(i);
  }
  const WordEncoder newer("precise@2", 48);
  {
    Cache cache(20'000, newer);
    const auto refused = cache.cache.Persist(files, "semantic", OtherEncoders::kRefuse);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, core::Code::kFailedPrecondition);
    EXPECT_NE(refused.error().message.find("precise@1"), std::string::npos);
    EXPECT_NE(refused.error().message.find("precise@2"), std::string::npos);
  }
  Cache cache(20'000, newer);
  const SemanticRestore restored = cache.Open(files, "semantic", OtherEncoders::kRebuild);
  EXPECT_EQ(restored.encoded, 5U);
  EXPECT_FALSE(restored.learned);
  EXPECT_NE(restored.note.find("encoded anew"), std::string::npos);
  const auto lookup = cache.cache.Find({}, QuestionOf(3));
  ASSERT_FALSE(lookup->candidates.empty());
  EXPECT_EQ(lookup->candidates[0].answer.low, 3U);
}

TEST(SemanticFileTest, ErasedEvictedAndExpiredEntriesDoNotComeBack) {
  CrashFs files;
  {
    Cache cache(10);
    cache.Open(files, "semantic");
    for (std::uint64_t i = 0; i < 12; ++i) cache.Put(i, i == 11 ? 5 : INT64_MAX);
    cache.cache.Erase({.high = 1, .low = 7});
  }
  Cache cache(10);
  EXPECT_EQ(cache.Open(files, "semantic", OtherEncoders::kRefuse, 6).entries, 8U);
  const auto lookup = cache.cache.Find({}, QuestionOf(7));
  for (const Candidate& candidate : lookup->candidates) EXPECT_NE(candidate.answer.low, 7U);
}

TEST(SemanticFileTest, TheFileStaysBoundedWhileEntriesComeAndGo) {
  CrashFs files;
  Cache cache(50);
  cache.Open(files, "semantic");
  for (std::uint64_t i = 0; i < 20'000; ++i) cache.Put(i);
  EXPECT_LT(cache.cache.Stats().file_bytes, std::uint64_t{5} << 20U);
  EXPECT_EQ(cache.cache.Stats().file_error, "");
}

TEST(SemanticFileTest, AFileThatWasLetGoIsTakenOverByAnotherCache) {
  CrashFs files;
  Cache first;
  first.Open(files, "semantic");
  first.Put(1);
  ASSERT_TRUE(first.cache.LetGo().has_value());
  first.Put(2);
  Cache second;
  EXPECT_EQ(second.Open(files, "semantic").entries, 1U);
}

TEST(SemanticFileTest, AFullDiskEndsTheKeepingAndNotTheCache) {
  CrashFs files;
  Cache cache;
  cache.Open(files, "semantic");
  files.SetCapacity(4'000);
  for (std::uint64_t i = 0; i < 100; ++i) cache.Put(i);
  const SemanticStats stats = cache.cache.Stats();
  EXPECT_EQ(stats.entries, 100U);
  EXPECT_NE(stats.file_error, "");
}

TEST(SemanticFileTest, ACrashAtAnyOperationKeepsWhatWasSynced) {
  for (std::uint64_t stop = 0; stop < 24; ++stop) {
    CrashFs files;
    std::uint64_t synced = 0;
    {
      Cache cache;
      ASSERT_TRUE(files.SyncDirectory("").has_value());
      cache.Open(files, "semantic");
      files.StopAfter(stop);
      for (std::uint64_t i = 0; i < 10; ++i) {
        cache.Put(i);
        if (i % 3 == 2 && cache.cache.Sync().has_value() &&
            cache.cache.Stats().file_error.empty()) {
          synced = i + 1;
        }
      }
    }
    files.Crash({});
    Cache cache;
    EXPECT_GE(cache.Open(files, "semantic").entries, synced) << stop;
  }
}

// In the child: inserts and tells of each insert through the pipe.
[[noreturn]] void PutForEver(const std::string& path, std::uint64_t first, int pipe) {
  Cache cache;
  if (!cache.cache.Persist(core::FileSystem::Real(), path, OtherEncoders::kRefuse)) ::_exit(1);
  for (std::uint64_t i = first;; ++i) {
    cache.Put(i);
    if (::write(pipe, &i, sizeof(i)) != sizeof(i)) ::_exit(3);
  }
}

TEST(SemanticFileTest, KilledAtAnyMomentItLosesNoQuestionThatWasInserted) {
  const TempDir folder;
  core::SeededRng rng(7);
  std::uint64_t told = 0;
  for (int round = 0; round < 8; ++round) {
    std::array<int, 2> pipe{};
    ASSERT_EQ(::pipe(pipe.data()), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) PutForEver(folder.File("semantic"), told, pipe[1]);
    ::close(pipe[1]);
    const std::uint64_t until = told + 5 + rng.Below(100);
    std::uint64_t i = 0;
    while (told < until && ::read(pipe[0], &i, sizeof(i)) == sizeof(i)) told = i + 1;
    ::kill(child, SIGKILL);
    while (::read(pipe[0], &i, sizeof(i)) == sizeof(i)) told = i + 1;
    ::close(pipe[0]);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    Cache cache;
    // One more may have been inserted and not told; it is told of again in the next round.
    const std::uint64_t entries =
        cache.Open(core::FileSystem::Real(), folder.File("semantic")).entries;
    EXPECT_GE(entries, told) << round;
    EXPECT_LE(entries, told + 1 + static_cast<std::uint64_t>(round)) << round;
  }
}

}  // namespace
}  // namespace assay::cache
