#include "assay/logs/log_reader.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "assay/core/simd.h"

#include "read/line_kernels.h"
#include "temp_dir.h"

namespace assay::logs {
namespace {

using testing::TempDir;

void Write(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

std::string Gzip(std::string_view bytes) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, bytes.size()) + 32, '\0');
  std::string in(bytes);
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}

std::string Zstd(std::string_view bytes) {
  std::string out(::ZSTD_compressBound(bytes.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 3));
  return out;
}

struct Content {
  std::string text;  // of all blocks
  std::vector<std::string> lines;
  std::size_t blocks = 0;
};

Content ReadAll(LogReader& reader) {
  Content all;
  LogBlock block;
  std::vector<text::Span> lines;
  while (reader.Next(block)) {
    ++all.blocks;
    all.text += block.lines;
    SplitLines(block.lines, lines);
    for (const text::Span line : lines) all.lines.emplace_back(line.of(block.lines));
  }
  return all;
}

Content ReadAll(const std::string& path, std::size_t block_bytes = kDefaultBlockBytes) {
  LogReader reader({path}, {.block_bytes = block_bytes});
  Content all = ReadAll(reader);
  EXPECT_TRUE(reader.problems().empty()) << reader.problems()[0].error.message;
  return all;
}

// Lines of many lengths that no block border fits.
std::string SomeLines(std::size_t count) {
  std::mt19937 random(7);
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    text += "line " + std::to_string(i) + std::string(random() % 50, 'x') + "\n";
  }
  return text;
}

// Hands out bytes in small pieces and may fail at the end.
class Pieces final : public ByteSource {
 public:
  Pieces(std::string bytes, std::size_t piece, bool fails = false)
      : bytes_(std::move(bytes)), piece_(piece), fails_(fails) {}
  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    const std::size_t size = std::min({piece_, into.size(), bytes_.size() - at_});
    if (size == 0 && fails_) return Fail(Code::kUnavailable, "the disk is gone");
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at_), size, into.begin());
    at_ += size;
    return size;
  }

 private:
  std::string bytes_;
  std::size_t piece_;
  std::size_t at_ = 0;
  bool fails_;
};

TEST(LogReader, GivesTheSameTextWhateverTheBlockSizeAndThePieces) {
  const std::string text = SomeLines(500);
  for (const std::size_t block : {64U, 100U, 1000U, 1U << 20U}) {
    for (const std::size_t piece : {1U, 7U, 100'000U}) {
      LogReader reader(std::make_unique<Pieces>(text, piece), "pieces", {.block_bytes = block});
      const Content all = ReadAll(reader);
      EXPECT_EQ(all.text, text) << block << ' ' << piece;
      EXPECT_EQ(all.lines.size(), 500U);
      EXPECT_EQ(reader.cut_lines(), 0U);
    }
  }
}

TEST(LogReader, EveryBlockButTheLastOfAFileEndsWithALine) {
  TempDir folder;
  Write(folder.File("a"), SomeLines(50) + "no end");
  Write(folder.File("b"), SomeLines(50));
  LogReader reader({folder.File("a"), folder.File("b")}, {.block_bytes = 128});
  LogBlock block;
  std::size_t open_ends = 0;
  std::size_t last_file = 0;
  while (reader.Next(block)) {
    EXPECT_GE(block.file, last_file);
    last_file = block.file;
    if (!block.lines.ends_with('\n')) ++open_ends;
  }
  EXPECT_EQ(open_ends, 1U);
  EXPECT_EQ(last_file, 1U);
}

TEST(LogReader, TakesCarriageReturnsAndTheByteOrderMarkAway) {
  TempDir folder;
  Write(folder.File("a"), "\xef\xbb\xbfone\r\n\r\ntwo\r\nthree");
  EXPECT_EQ(ReadAll(folder.File("a")).lines, (std::vector<std::string>{"one", "", "two", "three"}));
}

TEST(LogReader, AnEmptyFileHasNoBlock) {
  TempDir folder;
  Write(folder.File("a"), "");
  EXPECT_EQ(ReadAll(folder.File("a")).blocks, 0U);
}

TEST(LogReader, BinaryBytesAreLinesToo) {
  TempDir folder;
  std::string bytes;
  for (int i = 0; i < 10'000; ++i) bytes += static_cast<char>(i * 31 % 256);
  Write(folder.File("a"), bytes);
  EXPECT_EQ(ReadAll(folder.File("a"), 512).text, bytes);
}

TEST(LogReader, ALineLongerThanABlockIsCutAndCounted) {
  const std::string text = "before\n" + std::string(1000, 'x') + "\nafter\n" + std::string(63, 'y');
  for (const std::size_t piece : {1U, 63U, 100'000U}) {
    LogReader reader(std::make_unique<Pieces>(text, piece), "long", {.block_bytes = 64});
    EXPECT_EQ(ReadAll(reader).lines, (std::vector<std::string>{"before", std::string(64, 'x'),
                                                               "after", std::string(63, 'y')}))
        << piece;
    EXPECT_EQ(reader.cut_lines(), 1U);
  }
}

TEST(LogReader, ReadsGzipAndZstdWhateverTheirNames) {
  TempDir folder;
  const std::string text = SomeLines(20'000);
  Write(folder.File("a.log"), Gzip(text));
  Write(folder.File("b.log"), Zstd(text));
  EXPECT_EQ(ReadAll(folder.File("a.log"), 4096).text, text);
  EXPECT_EQ(ReadAll(folder.File("b.log"), 4096).text, text);
}

TEST(LogReader, ReadsMembersAndFramesThatFollowEachOther) {
  TempDir folder;
  Write(folder.File("a"),
        Gzip("one\ntw") + Gzip("o\n") + Gzip("") + Gzip("three") + std::string(512, '\0'));
  Write(folder.File("b"), Zstd("one\ntw") + Zstd("o\n") + Zstd("") + Zstd("three"));
  const std::vector<std::string> lines = {"one", "two", "three"};
  EXPECT_EQ(ReadAll(folder.File("a")).lines, lines);
  EXPECT_EQ(ReadAll(folder.File("b")).lines, lines);
}

TEST(LogReader, CompressedBytesMayComeOneByOne) {
  const std::string text = SomeLines(100);
  for (const std::string& bytes : {Gzip(text), Zstd(text), text}) {
    LogReader reader(Decompress(std::make_unique<Pieces>(bytes, 1), "slow"), "slow");
    EXPECT_EQ(ReadAll(reader).text, text);
    EXPECT_TRUE(reader.problems().empty());
  }
}

TEST(LogReader, ATornArchiveNamesFileAndByteAndKeepsWhatStandsBefore) {
  TempDir folder;
  const std::string text = SomeLines(20'000);
  for (const auto& [name, bytes] :
       {std::pair{"a.gz", Gzip(text)}, std::pair{"b.zst", Zstd(text)}}) {
    const std::string torn = bytes.substr(0, bytes.size() * 2 / 3);
    Write(folder.File(name), torn);
    LogReader reader({folder.File(name)});
    const Content all = ReadAll(reader);
    EXPECT_GT(all.lines.size(), 5'000U);
    EXPECT_EQ(all.text, text.substr(0, all.text.size()));
    ASSERT_EQ(reader.problems().size(), 1U);
    const Error& error = reader.problems()[0].error;
    EXPECT_EQ(error.code, Code::kDataLoss);
    EXPECT_NE(error.message.find(name), std::string::npos) << error.message;
    EXPECT_NE(error.message.find("at byte " + std::to_string(torn.size())), std::string::npos)
        << error.message;
  }
}

TEST(LogReader, AFlippedBitIsDamageAndTheNextFileIsReadAllTheSame) {
  TempDir folder;
  const std::string text = SomeLines(5'000);
  std::string bytes = Gzip(text);
  bytes[bytes.size() / 2] ^= 0x10;
  Write(folder.File("a.gz"), bytes);
  bytes = Gzip(text);
  bytes[bytes.size() - 6] ^= 0x10;  // of the checksum
  Write(folder.File("b.gz"), bytes);
  Write(folder.File("c"), "fine\n");
  LogReader reader(
      {folder.File("a.gz"), folder.File("missing"), folder.File("b.gz"), folder.File("c")});
  const Content all = ReadAll(reader);
  ASSERT_EQ(reader.problems().size(), 3U);
  EXPECT_EQ(reader.problems()[0].error.code, Code::kDataLoss);
  EXPECT_EQ(reader.problems()[1].error.code, Code::kNotFound);
  EXPECT_EQ(reader.problems()[2].error.code, Code::kDataLoss);
  EXPECT_EQ(reader.problems()[2].file, folder.File("b.gz"));
  EXPECT_EQ(all.lines.back(), "fine");
}

TEST(LogReader, TextBehindAnArchiveIsDamage) {
  TempDir folder;
  Write(folder.File("a.gz"), Gzip("one\n") + "two\n");
  LogReader reader({folder.File("a.gz")});
  EXPECT_EQ(ReadAll(reader).text, "one\n");
  ASSERT_EQ(reader.problems().size(), 1U);
  EXPECT_EQ(reader.problems()[0].error.code, Code::kDataLoss);
}

TEST(LogReader, AFailingSourceIsAProblemAndItsLinesCount) {
  LogReader reader(std::make_unique<Pieces>("one\ntwo\nthr", 5, true), "disk");
  EXPECT_EQ(ReadAll(reader).lines, (std::vector<std::string>{"one", "two", "thr"}));
  ASSERT_EQ(reader.problems().size(), 1U);
  EXPECT_EQ(reader.problems()[0].error.message, "the disk is gone");
}

TEST(LogReader, AFileThatShrinksWhileItIsReadIsAProblemAndNoCrash) {
  TempDir folder;
  const std::string path = folder.File("a");
  Write(path, SomeLines(10'000));
  LogReader reader({path}, {.block_bytes = 4096});
  LogBlock block;
  ASSERT_TRUE(reader.Next(block));
  std::filesystem::resize_file(path, 5000);
  while (reader.Next(block)) {
  }
  ASSERT_EQ(reader.problems().size(), 1U);
  EXPECT_EQ(reader.problems()[0].error.code, Code::kDataLoss);
  EXPECT_NE(reader.problems()[0].error.message.find("became shorter"), std::string::npos);
}

TEST(LogReader, AFileThatIsRotatedAwayIsReadToItsEndAndGrowthIsLeftOut) {
  TempDir folder;
  const std::string path = folder.File("a");
  const std::string text = SomeLines(1'000);
  Write(path, text);
  LogReader reader({path}, {.block_bytes = 1024});
  LogBlock block;
  std::string seen;
  ASSERT_TRUE(reader.Next(block));
  seen += block.lines;
  std::ofstream(path, std::ios::app) << "more\n";
  std::filesystem::rename(path, path + ".1");
  Write(path, "new\n");
  while (reader.Next(block)) seen += block.lines;
  EXPECT_EQ(seen, text);
  EXPECT_TRUE(reader.problems().empty());
}

TEST(LogReader, ReadsANamedPipe) {
  TempDir folder;
  const std::string path = folder.File("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const int both = ::open(path.c_str(), O_RDWR);  // so that neither side waits to open
  ASSERT_GE(both, 0);
  ASSERT_EQ(::write(both, "one\ntwo\n", 8), 8);
  auto source = OpenSource(core::FileSystem::Real(), path);
  ASSERT_TRUE(source.has_value());
  ::close(both);
  std::string bytes(64, '\0');
  const auto got = (*source)->Read(bytes);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(bytes.substr(0, *got), "one\ntwo\n");
}

TEST(LogReader, AFolderIsRefusedByName) {
  TempDir folder;
  LogReader reader({folder.path()});
  LogBlock block;
  EXPECT_FALSE(reader.Next(block));
  ASSERT_EQ(reader.problems().size(), 1U);
  EXPECT_NE(reader.problems()[0].error.message.find(folder.path()), std::string::npos);
}

TEST(SplitLines, AgreesWithASearchByteByByteOnEveryTarget) {
  std::mt19937 random(11);
  for (const std::string_view target : core::SimdTargets()) {
    ASSERT_TRUE(core::ForceSimdTarget(target).has_value());
    for (std::size_t size = 0; size < 9000; size += 1 + size / 3) {
      std::string bytes(size, 'a');
      for (char& c : bytes) {
        const auto roll = random() % 8;
        c = roll == 0 ? '\n' : roll == 1 ? '\r' : 'a';
      }
      std::vector<text::Span> expected;
      std::uint32_t begin = 0;
      for (std::uint32_t i = 0; i <= size; ++i) {
        if (i < size ? bytes[i] != '\n' : begin == size) continue;
        const bool carriage = i > begin && bytes[i - 1] == '\r';
        expected.push_back({begin, i - (carriage ? 1U : 0U)});
        begin = i + 1;
      }
      std::vector<text::Span> lines;
      SplitLines(bytes, lines);
      EXPECT_EQ(lines, expected) << target << ' ' << size;
      EXPECT_EQ(internal::CountLineEnds(bytes),
                static_cast<std::size_t>(std::ranges::count(bytes, '\n')));
    }
  }
  core::ResetSimdTarget();
}

TEST(RotatedSet, PutsTheOldestFirst) {
  TempDir folder;
  for (const char* name : {"app.log", "app.log.1", "app.log.2.gz", "app.log.10.zst", "app.log.bak",
                           "app.log.1.orig", "other.log.1", "app.logs", "app.log-20260102.gz",
                           "app.log-20260101", "app.log.2025-12-31"}) {
    Write(folder.File(name), "x\n");
  }
  const auto set = RotatedSet(core::FileSystem::Real(), folder.File("app.log"));
  ASSERT_TRUE(set.has_value());
  std::vector<std::string> names;
  for (const std::string& path : *set) names.push_back(path.substr(folder.path().size() + 1));
  EXPECT_EQ(names, (std::vector<std::string>{"app.log.2025-12-31", "app.log-20260101",
                                             "app.log-20260102.gz", "app.log.10.zst",
                                             "app.log.2.gz", "app.log.1", "app.log"}));
}

TEST(RotatedSet, WorksWithoutTheFileItselfAndRefusesWhatIsNotThere) {
  TempDir folder;
  Write(folder.File("app.log.1"), "x\n");
  const auto set = RotatedSet(core::FileSystem::Real(), folder.File("app.log"));
  ASSERT_TRUE(set.has_value());
  EXPECT_EQ(set->size(), 1U);
  const auto none = RotatedSet(core::FileSystem::Real(), folder.File("other.log"));
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, Code::kNotFound);
}

}  // namespace
}  // namespace assay::logs
