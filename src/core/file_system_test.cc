#include "assay/core/file_system.h"

#include <array>
#include <csignal>
#include <functional>
#include <set>
#include <string>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crash_fs.h"
#include "temp_dir.h"

namespace assay::core {
namespace {

using ::assay::testing::CrashFs;
using ::assay::testing::TempDir;

// What every FileSystem must do, run on the real disk and on the one in memory.
class FileSystemContract : public ::testing::TestWithParam<bool> {
 protected:
  FileSystem& files() { return GetParam() ? FileSystem::Real() : crash_fs_; }
  std::string Path(const std::string& name) { return root_.File(name); }
  const std::string& root_path() { return root_.path(); }
  void SetUp() override { ASSERT_TRUE(files().MakeDirectories(root_.path()).has_value()); }

 private:
  TempDir root_;
  CrashFs crash_fs_;
};

std::string CodeName(const Error& error) {
  return std::string(InfoOf(error.code).name);
}

TEST_P(FileSystemContract, BytesAppendedInPiecesAreReadWholeAndMapped) {
  auto file = files().Create(Path("a")).value();
  ASSERT_TRUE(file->Append("one ").has_value());
  ASSERT_TRUE(file->Append(std::string("two\0three", 9)).has_value());
  ASSERT_TRUE(file->Sync().has_value());
  EXPECT_EQ(file->size_bytes(), 13U);
  const std::string expected("one two\0three", 13);
  EXPECT_EQ(files().ReadFile(Path("a"), 13).value(), expected);
  EXPECT_EQ(files().Map(Path("a")).value()->bytes(), expected);
  EXPECT_EQ(files().Stat(Path("a"))->size_bytes, 13U);
}

TEST_P(FileSystemContract, AnOpenFileIsReadAnywhereWhileItGrowsAndAfterItsRemoval) {
  auto file = files().Create(Path("a")).value();
  ASSERT_TRUE(file->Append("one two").has_value());
  const auto reader = files().OpenRead(Path("a")).value();
  std::array<char, 3> some{};
  EXPECT_EQ(reader->ReadAt(4, some).value(), 3U);
  EXPECT_EQ(std::string_view(some.data(), 3), "two");
  EXPECT_EQ(reader->ReadAt(6, some).value(), 1U);
  EXPECT_EQ(reader->ReadAt(7, some).value(), 0U);
  ASSERT_TRUE(file->Append(" three").has_value());
  EXPECT_EQ(reader->ReadAt(8, some).value(), 3U);
  EXPECT_EQ(std::string_view(some.data(), 3), "thr");
  ASSERT_TRUE(files().Remove(Path("a")).has_value());
  EXPECT_EQ(reader->ReadAt(0, some).value(), 3U);
  EXPECT_EQ(files().OpenRead(Path("a")).error().code, Code::kNotFound);
  EXPECT_EQ(files().OpenRead(root_path()).error().code, Code::kInvalidArgument);
}

TEST_P(FileSystemContract, AppendingGoesOnWhereTheFileEndsAndCreatingEmptiesIt) {
  ASSERT_TRUE(files().OpenAppend(Path("a")).value()->Append("abc").has_value());
  auto file = files().OpenAppend(Path("a")).value();
  EXPECT_EQ(file->size_bytes(), 3U);
  ASSERT_TRUE(file->Append("def").has_value());
  ASSERT_TRUE(files().Truncate(Path("a"), 4).has_value());
  EXPECT_EQ(files().ReadFile(Path("a"), 100).value(), "abcd");
  ASSERT_TRUE(files().Create(Path("a")).has_value());
  EXPECT_EQ(files().ReadFile(Path("a"), 100).value(), "");
  EXPECT_EQ(files().Map(Path("a")).value()->bytes(), "");
}

TEST_P(FileSystemContract, ErrorsNameThePathAndFitTheCause) {
  const auto missing = files().ReadFile(Path("missing"), 10);
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(CodeName(missing.error()), "not_found");
  EXPECT_NE(missing.error().message.find(Path("missing")), std::string::npos);
  EXPECT_NE(missing.error().message.find("check the path"), std::string::npos);
  ASSERT_TRUE(WriteFileAtomically(files(), Path("big"), "12345").has_value());
  EXPECT_EQ(CodeName(files().ReadFile(Path("big"), 4).error()), "out_of_range");
  EXPECT_EQ(files().ReadFile(Path("big"), 5).value(), "12345");
  ASSERT_TRUE(files().MakeDirectories(Path("dir")).has_value());
  EXPECT_EQ(CodeName(files().ReadFile(Path("dir"), 4).error()), "invalid_argument");
  EXPECT_EQ(CodeName(files().Map(Path("dir")).error()), "invalid_argument");
  EXPECT_EQ(CodeName(files().Create(Path("no/such")).error()), "not_found");
  EXPECT_EQ(CodeName(files().Rename(Path("x"), Path("y")).error()), "not_found");
  EXPECT_EQ(CodeName(files().Remove(Path("x")).error()), "not_found");
  EXPECT_EQ(CodeName(files().Truncate(Path("x"), 0).error()), "not_found");
  EXPECT_EQ(CodeName(files().Stat(Path("x")).error()), "not_found");
  EXPECT_EQ(CodeName(files().List(Path("x")).error()), "not_found");
}

TEST_P(FileSystemContract, DirectoriesAreMadeWithTheirParentsAndListedInOrder) {
  ASSERT_TRUE(files().MakeDirectories(Path("a/b/c")).has_value());
  ASSERT_TRUE(files().MakeDirectories(Path("a/b/c/")).has_value());
  ASSERT_TRUE(files().Create(Path("a/b/z")).has_value());
  ASSERT_TRUE(files().Create(Path("a/b/A")).has_value());
  EXPECT_EQ(files().List(Path("a/b")).value(), (std::vector<std::string>{"A", "c", "z"}));
  EXPECT_TRUE(files().Stat(Path("a/b"))->is_directory);
  EXPECT_EQ(CodeName(files().Remove(Path("a/b")).error()), "failed_precondition");
  ASSERT_TRUE(files().Rename(Path("a/b"), Path("a/d")).has_value());
  EXPECT_EQ(files().List(Path("a/d")).value(), (std::vector<std::string>{"A", "c", "z"}));
  ASSERT_TRUE(files().Remove(Path("a/d/z")).has_value());
  EXPECT_EQ(files().List(Path("a/d")).value(), (std::vector<std::string>{"A", "c"}));
}

TEST_P(FileSystemContract, AnAtomicWriteReplacesTheContentAndLeavesNothingBeside) {
  ASSERT_TRUE(WriteFileAtomically(files(), Path("a"), "old").has_value());
  ASSERT_TRUE(WriteFileAtomically(files(), Path("a"), "new").has_value());
  EXPECT_EQ(files().ReadFile(Path("a"), 100).value(), "new");
  EXPECT_EQ(files().List(Path(".").substr(0, Path(".").size() - 2))->size(), 1U);
}

INSTANTIATE_TEST_SUITE_P(EveryFileSystem, FileSystemContract, ::testing::Bool(),
                         [](const auto& param) { return param.param ? "Real" : "Crash"; });

TEST(RealFileSystem, RefusesWhatIsNotARegularFileInsteadOfHanging) {
  const TempDir dir;
  ASSERT_EQ(::mkfifo(dir.File("pipe").c_str(), 0600), 0);
  const auto read = FileSystem::Real().ReadFile(dir.File("pipe"), 100);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(CodeName(read.error()), "invalid_argument");
}

TEST(RealFileSystem, ReadsFilesWhoseSizeTheKernelDoesNotSay) {
  const auto status = FileSystem::Real().ReadFile("/proc/self/status", 1 << 20);
  ASSERT_TRUE(status.has_value());
  EXPECT_TRUE(status->starts_with("Name:"));
}

TEST(RealFileSystem, AFullDiskIsResourceExhausted) {
  const auto file = FileSystem::Real().OpenAppend("/dev/full");
  if (!file) GTEST_SKIP() << "no /dev/full on this system";
  const auto written = (*file)->Append("x");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(CodeName(written.error()), "resource_exhausted");
}

// An atomic write that is stopped at each of its operations, with every sort of luck: the file is
// whole, old or new, and new for certain once the call has said so.
TEST(WriteFileAtomically, ACrashAtAnyOperationLeavesTheOldOrTheNewContent) {
  bool finished = false;
  for (std::uint64_t stop = 0; !finished; ++stop) {
    for (const bool names_survive : {false, true}) {
      for (const std::uint64_t unsynced_bytes : {0U, 2U, 100U}) {
        CrashFs files;
        files.Plant("a", "old");
        files.StopAfter(stop);
        finished = WriteFileAtomically(files, "a", "brand-new").has_value();
        files.Crash({.names_survive = names_survive, .unsynced_bytes = unsynced_bytes});
        const std::string content = files.Contents("a").value_or("gone");
        if (finished) {
          EXPECT_EQ(content, "brand-new") << stop;
        } else {
          EXPECT_TRUE(content == "old" || content == "brand-new") << content << " at " << stop;
        }
      }
    }
    ASSERT_LT(stop, 20U);
  }
}

TEST(WriteFileAtomically, AFailureKeepsTheOldContentAndRemovesTheTemporaryFile) {
  CrashFs full;
  full.Plant("a", "old");
  full.SetCapacity(8);
  const auto written = WriteFileAtomically(full, "a", "brand-new");
  ASSERT_FALSE(written.has_value());
  EXPECT_EQ(CodeName(written.error()), "resource_exhausted");
  EXPECT_EQ(full.Contents("a"), "old");
  EXPECT_EQ(full.List(".").value(), (std::vector<std::string>{"a"}));
}

TEST(CrashFs, LosesWhatWasNotSyncedAndStopsOpenFiles) {
  CrashFs files;
  auto file = files.Create("f").value();
  ASSERT_TRUE(file->Append("kept").has_value());
  ASSERT_TRUE(file->Sync().has_value());
  ASSERT_TRUE(files.SyncDirectory(".").has_value());
  ASSERT_TRUE(file->Append("lost").has_value());
  ASSERT_TRUE(files.Create("unsynced-name").value()->Sync().has_value());
  files.Crash({.names_survive = false, .unsynced_bytes = 0});
  EXPECT_EQ(files.Contents("f"), "kept");
  EXPECT_EQ(files.Contents("unsynced-name"), std::nullopt);
  EXPECT_FALSE(file->Append("x").has_value());
}

TEST(CrashFs, ARenameWithoutSyncedBytesCanLeaveATornFile) {
  CrashFs files;
  files.Plant("a", "old");
  ASSERT_TRUE(files.Create("b").value()->Append("new content").has_value());
  ASSERT_TRUE(files.Rename("b", "a").has_value());
  files.Crash({.names_survive = true, .unsynced_bytes = 3});
  EXPECT_EQ(files.Contents("a"), "new");
}

TEST(CrashFs, ABadSectorFailsReadsThatTouchIt) {
  CrashFs files;
  files.Plant("/a", "0123456789");
  const auto reader = files.OpenRead("/a").value();
  files.FailReadsFrom(5);
  std::array<char, 4> some{};
  EXPECT_EQ(reader->ReadAt(1, some).value(), 4U);
  EXPECT_EQ(reader->ReadAt(2, some).error().code, Code::kUnavailable);
  files.FailReadsFrom(std::nullopt);
  EXPECT_EQ(reader->ReadAt(2, some).value(), 4U);
}

TEST(CrashFs, AnOrderedFaultWritesShortOnce) {
  CrashFs files;
  auto file = files.Create("f").value();
  files.FailOperation(1);
  ASSERT_TRUE(file->Append("aa").has_value());
  EXPECT_EQ(CodeName(file->Append("bbbb").error()), "unavailable");
  EXPECT_EQ(files.Contents("f"), "aabb");
  EXPECT_TRUE(file->Append("c").has_value());
}

}  // namespace
}  // namespace assay::core
