#include "assay/corpus/update.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "assay/corpus/search.h"

#include "crash_fs.h"
#include "store/image_internal.h"
#include "tests/corpus_fixture.h"

namespace assay::corpus {
namespace {

using core::FileSystem;
using testing::CrashFs;

std::vector<std::string> PassageTexts(const Index& index) {
  std::vector<std::string> texts;
  for (std::uint32_t i = 0; i < index.passage_count(); ++i) {
    texts.emplace_back(index.passage(i).text);
  }
  return texts;
}

// The simulated disk with two documents.
void PlantDocuments(CrashFs& disk) {
  ASSERT_TRUE(disk.MakeDirectories("/docs"));
  ASSERT_TRUE(disk.SyncDirectory("/"));
  disk.Plant("/docs/a.md", "# A\n\nThe office opens at nine.\n");
  disk.Plant("/docs/b.txt", "Bicycles have a warranty of ten years.\n");
}

std::string ReadBack(FileSystem& disk) {
  const auto index = Index::Open(disk, "/docs/.assay/index.assay");
  if (!index) return index.error().code == Code::kNotFound ? "absent" : index.error().message;
  if (const auto sound = (*index)->Verify(); !sound) return sound.error().message;
  return (*index)->passage(0).text == "The office opens at nine." ? "old" : "new";
}

TEST(Update, ReadsOnlyWhatChangedAndEqualsAFreshBuild) {
  const TempFolder docs;
  const HashingEncoder encoder;
  FileSystem& files = FileSystem::Real();
  docs.Write("a.md", "# A\n\nAlpha opens at nine.\n\n# AA\n\nAnd closes at five.\n");
  docs.Write("b.txt", "Beta has a warranty of ten years.");
  docs.Write("c.csv", "name,price\nGamma,20\nDelta,30\n");
  UpdateOptions options;
  options.encoder = &encoder;
  const auto first = BuildOrUpdate(files, docs.path(), options);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->files_added, 3u);
  EXPECT_TRUE(first->written);
  EXPECT_TRUE(first->warnings.empty());
  const std::size_t encoded = encoder.texts_encoded;
  EXPECT_EQ(encoded, first->index->passage_count());

  docs.Write("b.txt", "Beta has a warranty of twelve years.");
  docs.Write("d.md", "New text about epsilon.");
  std::filesystem::remove(docs / "c.csv");
  const auto second = BuildOrUpdate(files, docs.path(), options);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->files_added, 1u);
  EXPECT_EQ(second->files_changed, 1u);
  EXPECT_EQ(second->files_deleted, 1u);
  EXPECT_EQ(second->files_kept, 1u);
  EXPECT_EQ(encoder.texts_encoded - encoded, 2u);
  EXPECT_EQ(PassageTexts(*second->index),
            (std::vector<std::string>{"Alpha opens at nine.", "And closes at five.",
                                      "Beta has a warranty of twelve years.",
                                      "New text about epsilon."}));
  const auto fresh = BuildInMemory(files, docs.path(), options);
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->index->version(), second->index->version());
  EXPECT_FALSE(first->index->version() == second->index->version());
  // The first index is still whole for those who hold it.
  EXPECT_TRUE(first->index->Verify());
}

TEST(Update, WritesNothingWhereNothingChanged) {
  const TempFolder docs;
  docs.Write("a.md", "Alpha opens at nine.");
  // A time stamp of an hour ago, which says for certain that the file stands still.
  std::filesystem::last_write_time(
      docs / "a.md", std::filesystem::file_time_type::clock::now() - std::chrono::hours(1));
  const auto first = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  const auto second = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  ASSERT_TRUE(second);
  EXPECT_FALSE(second->written);
  EXPECT_EQ(second->files_kept, 1u);
  EXPECT_EQ(first->index->version(), second->index->version());
  // A new time stamp on the same bytes changes no passage and no version.
  std::filesystem::last_write_time(
      docs / "a.md", std::filesystem::file_time_type::clock::now() - std::chrono::minutes(1));
  const auto touched = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  EXPECT_EQ(touched->files_kept, 1u);
  EXPECT_EQ(first->index->version(), touched->index->version());
  UpdateOptions rebuild;
  rebuild.rebuild = true;
  EXPECT_EQ(BuildOrUpdate(FileSystem::Real(), docs.path(), rebuild)->files_added, 1u);
}

TEST(Update, SeesAChangeThatKeepsSizeAndTimeOfAFreshFile) {
  const TempFolder docs;
  docs.Write("a.md", "The price is 10 euros.");
  const auto time = std::filesystem::last_write_time(docs / "a.md");
  ASSERT_TRUE(BuildOrUpdate(FileSystem::Real(), docs.path(), {}));
  docs.Write("a.md", "The price is 99 euros.");
  std::filesystem::last_write_time(docs / "a.md", time);
  const auto second = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  EXPECT_EQ(second->files_changed, 1u);
  EXPECT_EQ(second->index->passage(0).text, "The price is 99 euros.");
}

TEST(Update, GoesOnPastFilesThatCannotBeRead) {
  const TempFolder docs;
  docs.Write("good.md", "A readable sentence.");
  docs.Write("fake.pdf", "no pdf");
  docs.Write("empty.txt", "");
  docs.Write("binary.dat", std::string("a\0b", 3));
  docs.Write("latin1.txt", "caf\xE9 opens.");
  const auto report = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->files_added, 2u);
  std::vector<std::string> named;
  for (const Warning& warning : report->warnings) {
    named.push_back(warning.file);
    EXPECT_NE(warning.message.find(warning.file), std::string::npos) << warning.message;
  }
  EXPECT_EQ(named, (std::vector<std::string>{"binary.dat", "empty.txt", "fake.pdf", "latin1.txt"}));
}

TEST(Update, RefusesAFolderWithoutAReadableDocument) {
  const TempFolder docs;
  docs.Write("fake.pdf", "no pdf");
  const auto report = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kInvalidArgument);
  EXPECT_NE(report.error().message.find("fake.pdf"), std::string::npos);
  EXPECT_EQ(BuildOrUpdate(FileSystem::Real(), docs / "absent", {}).error().code, Code::kNotFound);
}

TEST(Update, IndexesASingleFileBesideIt) {
  const TempFolder docs;
  docs.Write("a.md", "Alpha opens at nine.");
  docs.Write("b.md", "Beta.");
  const auto report = BuildOrUpdate(FileSystem::Real(), docs / "a.md", {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->index->file_count(), 1u);
  EXPECT_TRUE(std::filesystem::exists(docs / ".assay-a.md/index.assay"));
}

TEST(Update, NeverIndexesItself) {
  const TempFolder docs;
  docs.Write("a.md", "Alpha opens at nine.");
  UpdateOptions options;
  options.index_folder = docs / "visible";
  for (int i = 0; i < 2; ++i) {
    const auto report = BuildOrUpdate(FileSystem::Real(), docs.path(), options);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->warnings.empty());
    EXPECT_EQ(report->index->file_count(), 1u);
  }
}

TEST(Update, RebuildsADamagedIndexWithAWarning) {
  const TempFolder docs;
  docs.Write("a.md", "Alpha opens at nine.");
  ASSERT_TRUE(BuildOrUpdate(FileSystem::Real(), docs.path(), {}));
  const std::string path = docs / ".assay/index.assay";
  std::string image = *FileSystem::Real().ReadFile(path, 1 << 20);
  image[image.size() / 2] ^= 4;
  std::ofstream(path, std::ios::binary) << image;
  const auto report = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
  ASSERT_TRUE(report);
  ASSERT_EQ(report->warnings.size(), 1u);
  EXPECT_NE(report->warnings[0].message.find("it is built anew"), std::string::npos);
  EXPECT_TRUE(Index::Open(FileSystem::Real(), path));
}

TEST(Update, LetsOneProcessInAtATime) {
  const TempFolder docs;
  docs.Write("a.md", "Alpha opens at nine.");
  UpdateOptions options;
  Code code = Code::kInternal;
  options.on_progress = [&](const UpdateProgress& progress) {
    if (progress.stage != "writing") return;
    const auto second = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
    code = second ? Code::kInternal : second.error().code;
  };
  ASSERT_TRUE(BuildOrUpdate(FileSystem::Real(), docs.path(), options));
  EXPECT_EQ(code, Code::kUnavailable);
  EXPECT_TRUE(BuildOrUpdate(FileSystem::Real(), docs.path(), {}));
}

TEST(Update, KeepsTheOldOrTheNewIndexWhereverThePowerFails) {
  std::uint64_t operations = 0;
  {
    CrashFs disk;
    PlantDocuments(disk);
    ASSERT_TRUE(BuildOrUpdate(disk, "/docs", {}));
    disk.Plant("/docs/a.md", "# A\n\nThe office opens at ten.\n");
    const std::uint64_t before = disk.operations();
    ASSERT_TRUE(BuildOrUpdate(disk, "/docs", {}));
    operations = disk.operations() - before;
    EXPECT_EQ(ReadBack(disk), "new");
  }
  ASSERT_GT(operations, 3u);
  bool saw_old = false;
  for (std::uint64_t at = 0; at <= operations; ++at) {
    for (const bool lucky : {false, true}) {
      CrashFs disk;
      PlantDocuments(disk);
      ASSERT_TRUE(BuildOrUpdate(disk, "/docs", {}));
      disk.Plant("/docs/a.md", "# A\n\nThe office opens at ten.\n");
      disk.StopAfter(at);
      const auto report = BuildOrUpdate(disk, "/docs", {});
      disk.Crash({.names_survive = lucky, .unsynced_bytes = lucky ? 100u : 0u});
      const std::string state = ReadBack(disk);
      EXPECT_TRUE(state == "old" || state == "new") << "operation " << at << ": " << state;
      if (report) {
        EXPECT_EQ(state, "new") << "an acknowledged update was lost";
      }
      saw_old |= state == "old";
      const auto again = BuildOrUpdate(disk, "/docs", {});
      ASSERT_TRUE(again) << again.error().message;
      EXPECT_EQ(ReadBack(disk), "new");
    }
  }
  EXPECT_TRUE(saw_old);
}

TEST(Update, KeepsTheOldIndexWhenOneOperationFailsOrTheDiskIsFull) {
  for (std::uint64_t at = 0; at < 12; ++at) {
    CrashFs disk;
    PlantDocuments(disk);
    ASSERT_TRUE(BuildOrUpdate(disk, "/docs", {}));
    disk.Plant("/docs/a.md", "# A\n\nThe office opens at ten.\n");
    disk.FailOperation(at);
    const auto report = BuildOrUpdate(disk, "/docs", {});
    const std::string state = ReadBack(disk);
    EXPECT_TRUE(state == "old" || state == "new") << "operation " << at << ": " << state;
    if (report) {
      EXPECT_EQ(state, "new");
    }
  }
  CrashFs disk;
  PlantDocuments(disk);
  ASSERT_TRUE(BuildOrUpdate(disk, "/docs", {}));
  disk.Plant("/docs/a.md", "# A\n\nThe office opens at ten.\n");
  disk.SetCapacity(disk.Contents("/docs/.assay/index.assay")->size() + 1000);
  const auto report = BuildOrUpdate(disk, "/docs", {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::kResourceExhausted);
  EXPECT_NE(report.error().message.find("the index before this one is untouched"),
            std::string::npos);
  EXPECT_EQ(ReadBack(disk), "old");
}

TEST(Update, LeavesAWholeIndexWhenKilled) {
  const TempFolder docs;
  for (int i = 0; i < 20; ++i) {
    docs.Write("f" + std::to_string(i) + ".md", "# T\n\nThe number here is " + std::to_string(i));
  }
  ASSERT_TRUE(BuildOrUpdate(FileSystem::Real(), docs.path(), {}));
  for (int round = 0; round < 24; ++round) {
    docs.Write("f3.md", "# T\n\nThe round is " + std::to_string(round));
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      // Dies at the n-th report of progress: while reading, or before and after writing.
      int reports = 0;
      UpdateOptions options;
      options.on_progress = [&](const UpdateProgress&) {
        if (++reports > round) raise(SIGKILL);
      };
      _exit(BuildOrUpdate(FileSystem::Real(), docs.path(), options) ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    const auto index = Index::Open(FileSystem::Real(), docs / ".assay/index.assay");
    ASSERT_TRUE(index) << index.error().message;
    EXPECT_TRUE((*index)->Verify());
    EXPECT_EQ((*index)->passage_count(), 20u);
    // The lock went with the process.
    if (round % 8 == 7) {
      const auto again = BuildOrUpdate(FileSystem::Real(), docs.path(), {});
      ASSERT_TRUE(again) << again.error().message;
    }
  }
}

// A disk on which documents misbehave between two looks at them.
class ShiftyFs final : public FileSystem {
 public:
  explicit ShiftyFs(CrashFs& disk) : disk_(disk) {}
  std::function<void(const std::string&)> after_read;
  std::string forbidden;

  Result<std::string> ReadFile(const std::string& path, std::uint64_t limit) override {
    if (path == forbidden) return Fail(Code::kPermissionDenied, path + ": permission denied");
    auto bytes = disk_.ReadFile(path, limit);
    if (after_read) after_read(path);
    return bytes;
  }
  Result<std::unique_ptr<core::MappedFile>> Map(const std::string& path) override {
    return disk_.Map(path);
  }
  Result<std::unique_ptr<core::ReadableFile>> OpenRead(const std::string& path) override {
    return disk_.OpenRead(path);
  }
  Result<std::unique_ptr<core::WritableFile>> Create(const std::string& path) override {
    return disk_.Create(path);
  }
  Result<std::unique_ptr<core::WritableFile>> OpenAppend(const std::string& path) override {
    return disk_.OpenAppend(path);
  }
  Result<void> Truncate(const std::string& path, std::uint64_t size) override {
    return disk_.Truncate(path, size);
  }
  Result<void> Rename(const std::string& from, const std::string& to) override {
    return disk_.Rename(from, to);
  }
  Result<void> Remove(const std::string& path) override { return disk_.Remove(path); }
  Result<void> MakeDirectories(const std::string& path) override {
    return disk_.MakeDirectories(path);
  }
  Result<void> SyncDirectory(const std::string& path) override { return disk_.SyncDirectory(path); }
  Result<core::FileStat> Stat(const std::string& path) override { return disk_.Stat(path); }
  Result<std::vector<std::string>> List(const std::string& path) override {
    return disk_.List(path);
  }

 private:
  CrashFs& disk_;
};

TEST(Update, WarnsOfFilesThatVanishChangeOrAreForbidden) {
  CrashFs disk;
  PlantDocuments(disk);
  disk.Plant("/docs/c.md", "Steady text.");
  ShiftyFs files(disk);
  files.forbidden = "/docs/c.md";
  std::size_t grown = 0;
  files.after_read = [&](const std::string& path) {
    if (path == "/docs/a.md") disk.Plant(path, std::string(40 + 7 * ++grown, 'x'));
    if (path == "/docs/b.txt") {
      ASSERT_TRUE(disk.Remove(path));
    }
  };
  const auto report = BuildInMemory(files, "/docs", {});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->index->file_count(), 1u);
  ASSERT_EQ(report->warnings.size(), 3u);
  EXPECT_EQ(report->warnings[0].message, "a.md: changes while it is read; indexed as last seen");
  EXPECT_EQ(report->warnings[1].file, "b.txt");
  EXPECT_EQ(report->warnings[2].message, "/docs/c.md: permission denied");
}

}  // namespace
}  // namespace assay::corpus
