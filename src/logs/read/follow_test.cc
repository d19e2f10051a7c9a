#include "assay/logs/follow.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "temp_dir.h"

namespace assay::logs {
namespace {

using testing::TempDir;

void Append(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary | std::ios::app) << bytes;
}

std::string Poll(LogFollower& follower) {
  std::string all;
  const auto result = follower.Poll([&](std::string_view lines) { all += lines; });
  EXPECT_TRUE(result.has_value());
  return all;
}

TEST(LogFollower, BeginsAtTheLastLines) {
  TempDir folder;
  const std::string path = folder.File("log");
  Append(path, "one\ntwo\nthree\n");
  const std::string expected[] = {"", "three\n", "two\nthree\n", "one\ntwo\nthree\n",
                                  "one\ntwo\nthree\n"};
  for (std::size_t last = 0; last < 5; ++last) {
    LogFollower follower(path, last);
    EXPECT_EQ(Poll(follower), expected[last]);
  }
}

TEST(LogFollower, FindsTheLastLinesBeyondOneBlock) {
  TempDir folder;
  const std::string path = folder.File("log");
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line " + std::to_string(i) + "\n";
  Append(path, text);
  LogFollower follower(path, 90'000);
  const std::string all = Poll(follower);
  EXPECT_TRUE(all.starts_with("line 10000\n"));
  EXPECT_TRUE(text.ends_with(all));
}

TEST(LogFollower, HandsOutWholeLinesAsTheyCome) {
  TempDir folder;
  const std::string path = folder.File("log");
  LogFollower follower(path, 10);
  EXPECT_EQ(Poll(follower), "");  // not there yet
  Append(path, "one\ntw");
  EXPECT_EQ(Poll(follower), "one\n");
  EXPECT_EQ(Poll(follower), "");
  Append(path, "o\n");
  EXPECT_EQ(Poll(follower), "two\n");
}

TEST(LogFollower, ReadsTheOldFileToItsEndAndThenTheNewOne) {
  TempDir folder;
  const std::string path = folder.File("log");
  Append(path, "one\n");
  LogFollower follower(path, 0);
  EXPECT_EQ(Poll(follower), "");
  Append(path, "two\nthr");
  std::filesystem::rename(path, path + ".1");
  Append(path, "new\n");
  EXPECT_EQ(Poll(follower), "two\nthrnew\n");
  EXPECT_EQ(follower.rotations(), 1U);
  Append(path, "more\n");
  EXPECT_EQ(Poll(follower), "more\n");
}

TEST(LogFollower, WaitsWhileTheNameIsGone) {
  TempDir folder;
  const std::string path = folder.File("log");
  Append(path, "one\n");
  LogFollower follower(path, 1);
  EXPECT_EQ(Poll(follower), "one\n");
  std::filesystem::rename(path, path + ".1");
  Append(path + ".1", "late\n");
  EXPECT_EQ(Poll(follower), "late\n");
  Append(path, "new\n");
  EXPECT_EQ(Poll(follower), "new\n");
}

TEST(LogFollower, BeginsAnewWhenTheFileIsCutShort) {
  TempDir folder;
  const std::string path = folder.File("log");
  Append(path, "one\ntwo\n");
  LogFollower follower(path, 0);
  EXPECT_EQ(Poll(follower), "");
  std::filesystem::resize_file(path, 0);
  Append(path, "x\n");
  EXPECT_EQ(Poll(follower), "x\n");
  EXPECT_EQ(follower.truncations(), 1U);
}

TEST(LogFollower, ALineWithoutEndDoesNotGrowWithoutBound) {
  TempDir folder;
  const std::string path = folder.File("log");
  Append(path, "begin\n");
  LogFollower follower(path, 0);
  EXPECT_EQ(Poll(follower), "");
  const std::string endless(3 << 20, 'x');
  Append(path, endless);
  std::size_t parts = 0;
  std::size_t bytes = 0;
  const auto result = follower.Poll([&](std::string_view lines) {
    ++parts;
    bytes += lines.size();
  });
  ASSERT_TRUE(result.has_value());
  EXPECT_GE(parts, 4U);
  EXPECT_GT(bytes, endless.size() - (1 << 19));
}

TEST(LogFollower, AFolderIsRefused) {
  TempDir folder;
  LogFollower follower(folder.path(), 0);
  const auto result = follower.Poll([](std::string_view) {});
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace assay::logs
