#include "assay/core/record_file.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "crash_fs.h"
#include "temp_dir.h"

namespace assay::core {
namespace {

using ::assay::testing::CrashFs;
using ::assay::testing::TempDir;

constexpr RecordFileKind kKind = {.tag = "test", .version = 3};
constexpr const char* kPath = "log";

// Payloads of all paddings, an empty one, and one that is itself a record's look-alike.
std::vector<std::string> Payloads() {
  return {"", "a", "12345678", "a somewhat longer payload", std::string(40, '\0')};
}

std::string FileOf(const std::vector<std::string>& payloads) {
  CrashFs files;
  RecordWriter writer = RecordWriter::Open(files, kPath, kKind).value();
  for (const std::string& payload : payloads) EXPECT_TRUE(writer.Append(payload).has_value());
  return files.Contents(kPath).value();
}

struct Walk {
  std::vector<std::string> payloads;
  std::optional<TornTail> torn_tail;
  std::optional<Error> error;
  std::vector<std::uint64_t> ends;  // of each record
};

Walk ReadAll(std::string_view bytes) {
  Walk walk;
  Result<RecordReader> reader = RecordReader::Over(bytes, kPath, kKind);
  if (!reader) {
    walk.error = reader.error();
    return walk;
  }
  while (true) {
    const Result<std::optional<Record>> record = reader->Next();
    if (!record) walk.error = record.error();
    if (!record || !*record) break;
    EXPECT_EQ((*record)->sequence, walk.payloads.size() + 1);
    walk.payloads.emplace_back((*record)->payload);
    walk.ends.push_back(reader->offset());
  }
  walk.torn_tail = reader->torn_tail();
  return walk;
}

// True when `part` are the first payloads of Payloads().
bool IsPrefix(const std::vector<std::string>& part) {
  const std::vector<std::string> all = Payloads();
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

TEST(RecordFile, GivesBackWhatWasAppendedOverSeveralOpenings) {
  const TempDir dir;
  FileSystem& files = FileSystem::Real();
  std::uint64_t sequence = 0;
  for (const std::string& payload : Payloads()) {
    RecordWriter writer = RecordWriter::Open(files, dir.File("log"), kKind).value();
    EXPECT_EQ(writer.Append(payload).value(), ++sequence);
    EXPECT_TRUE(writer.Sync().has_value());
    EXPECT_FALSE(writer.cut_tail().has_value());
  }
  RecordReader reader = RecordReader::Open(files, dir.File("log"), kKind).value();
  for (const std::string& payload : Payloads()) {
    const std::optional<Record> record = reader.Next().value();
    ASSERT_TRUE(record.has_value());
    EXPECT_EQ(record->payload, payload);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(record->payload.data()) % 8, 0U);
  }
  EXPECT_FALSE(reader.Next().value().has_value());
  EXPECT_FALSE(reader.torn_tail().has_value());
}

TEST(RecordFile, CutAtAnyByteKeepsTheWholeRecordsAndReportsTheRest) {
  const std::string whole = FileOf(Payloads());
  const std::vector<std::uint64_t> ends = ReadAll(whole).ends;
  ASSERT_EQ(ends.size(), Payloads().size());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CrashFs files;
    files.Plant(kPath, whole.substr(0, size));
    Result<RecordWriter> writer = RecordWriter::Open(files, kPath, kKind);
    if (size < kRecordFileHeaderBytes) {
      ASSERT_FALSE(writer.has_value()) << size;
      EXPECT_EQ(writer.error().code, Code::kDataLoss);
      EXPECT_EQ(files.Contents(kPath)->size(), size) << "a foreign file is left alone";
      continue;
    }
    ASSERT_TRUE(writer.has_value()) << size << ": " << writer.error().message;
    std::uint64_t good = kRecordFileHeaderBytes;
    std::size_t count = 0;
    while (count < ends.size() && ends[count] <= size) good = ends[count++];
    EXPECT_EQ(writer->cut_tail().has_value(), good != size) << size;
    if (writer->cut_tail()) {
      EXPECT_EQ(writer->cut_tail()->offset, good);
      EXPECT_EQ(writer->cut_tail()->size_bytes, size - good);
    }
    EXPECT_EQ(writer->Append("next").value(), count + 1);
    const std::string content = files.Contents(kPath).value();
    const Walk walk = ReadAll(content);
    ASSERT_EQ(walk.payloads.size(), count + 1);
    EXPECT_EQ(walk.payloads.back(), "next");
    EXPECT_FALSE(walk.torn_tail || walk.error);
  }
}

TEST(RecordFile, AFlippedBitIsNeverReadAsDataAndIsNamedByItsRecord) {
  const std::string whole = FileOf(Payloads());
  const std::vector<std::uint64_t> ends = ReadAll(whole).ends;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const Walk walk = ReadAll(bytes);
      ASSERT_TRUE(IsPrefix(walk.payloads)) << at;
      if (at < kRecordFileHeaderBytes) {
        ASSERT_TRUE(walk.error.has_value()) << at;
        continue;
      }
      std::size_t damaged = 0;
      while (ends[damaged] <= at) ++damaged;
      ASSERT_EQ(walk.payloads.size(), damaged) << at;
      const std::uint64_t begin = damaged == 0 ? kRecordFileHeaderBytes : ends[damaged - 1];
      if (damaged + 1 == ends.size()) {
        ASSERT_TRUE(walk.torn_tail.has_value()) << at;
        ASSERT_EQ(walk.torn_tail->offset, begin);
      } else {
        ASSERT_TRUE(walk.error.has_value()) << at;
        ASSERT_EQ(walk.error->code, Code::kDataLoss);
        ASSERT_NE(walk.error->message.find("offset " + std::to_string(begin)), std::string::npos)
            << walk.error->message;
      }
    }
  }
}

TEST(RecordFile, DamageInTheMiddleRefusesToOpenForWritingAndChangesNothing) {
  std::string bytes = FileOf(Payloads());
  bytes[kRecordFileHeaderBytes + kRecordHeaderBytes + 4] ^= 1;  // in the second record
  CrashFs files;
  files.Plant(kPath, bytes);
  const Result<RecordWriter> writer = RecordWriter::Open(files, kPath, kKind);
  ASSERT_FALSE(writer.has_value());
  EXPECT_EQ(writer.error().code, Code::kDataLoss);
  EXPECT_EQ(files.Contents(kPath), bytes);
}

TEST(RecordFile, APayloadThatHoldsARecordFileIsNotMistakenForRecords) {
  const std::string inner = FileOf({"x", "y", "z"});
  std::string bytes = FileOf({"first", inner});
  bytes.resize(bytes.size() - 1);  // the outer record is torn
  const Walk walk = ReadAll(bytes);
  EXPECT_EQ(walk.payloads, (std::vector<std::string>{"first"}));
  EXPECT_FALSE(walk.error.has_value());
  EXPECT_TRUE(walk.torn_tail.has_value());
}

TEST(RecordFile, AFullDiskAtAnyByteLosesOnlyTheRecordThatDidNotFit) {
  const std::size_t full_size = FileOf(Payloads()).size();
  for (std::size_t capacity = kRecordFileHeaderBytes; capacity < full_size; ++capacity) {
    CrashFs files;
    RecordWriter writer = RecordWriter::Open(files, kPath, kKind).value();
    files.SetCapacity(capacity);
    std::size_t appended = 0;
    for (const std::string& payload : Payloads()) {
      const Result<std::uint64_t> sequence = writer.Append(payload);
      if (!sequence) {
        EXPECT_EQ(sequence.error().code, Code::kResourceExhausted);
        break;
      }
      ++appended;
    }
    ASSERT_LT(appended, Payloads().size());
    files.SetCapacity(UINT64_MAX);  // somebody frees space
    EXPECT_EQ(writer.Append("later").value(), appended + 1);
    const std::string content = files.Contents(kPath).value();
    const Walk walk = ReadAll(content);
    EXPECT_EQ(walk.payloads.size(), appended + 1) << capacity;
    EXPECT_FALSE(walk.error || walk.torn_tail) << capacity;
  }
}

TEST(RecordFile, ACrashAtAnyOperationKeepsEveryAcknowledgedRecord) {
  bool finished = false;
  for (std::uint64_t stop = 0; !finished; ++stop) {
    for (std::uint64_t unsynced_bytes = 0; unsynced_bytes < 48; ++unsynced_bytes) {
      CrashFs files;
      files.StopAfter(stop);
      std::size_t acknowledged = 0;
      finished = false;
      if (Result<RecordWriter> writer = RecordWriter::Open(files, kPath, kKind)) {
        for (const std::string& payload : Payloads()) {
          if (!writer->Append(payload) || !writer->Sync()) break;
          ++acknowledged;
        }
        finished = acknowledged == Payloads().size();
      }
      files.Crash({.names_survive = stop % 2 == 0, .unsynced_bytes = unsynced_bytes});
      ASSERT_TRUE(RecordWriter::Open(files, kPath, kKind).has_value()) << stop;
      const std::string content = files.Contents(kPath).value();
      const Walk walk = ReadAll(content);
      EXPECT_GE(walk.payloads.size(), acknowledged) << stop;
      EXPECT_TRUE(IsPrefix(walk.payloads));
      EXPECT_FALSE(walk.error || walk.torn_tail);
    }
    ASSERT_LT(stop, 100U);
  }
}

TEST(RecordFile, AFailedSyncEndsTheWriter) {
  CrashFs files;
  RecordWriter writer = RecordWriter::Open(files, kPath, kKind).value();
  ASSERT_TRUE(writer.Append("a").has_value());
  files.FailOperation(0);
  EXPECT_EQ(writer.Sync().error().code, Code::kUnavailable);
  EXPECT_EQ(writer.Append("b").error().code, Code::kFailedPrecondition);
  EXPECT_EQ(writer.Sync().error().code, Code::kFailedPrecondition);
  EXPECT_TRUE(RecordWriter::Open(files, kPath, kKind)->Append("c").has_value());
}

TEST(RecordFile, AnotherKindVersionOrFileIsRefusedWithTheReason) {
  const std::string bytes = FileOf({"a"});
  const auto error_of = [&](const RecordFileKind& kind) {
    return RecordReader::Over(bytes, "f", kind).error();
  };
  EXPECT_EQ(error_of({.tag = "other", .version = 3}).code, Code::kFailedPrecondition);
  EXPECT_NE(error_of({.tag = "test", .version = 4}).message.find("1.3"), std::string::npos);
  EXPECT_EQ(RecordReader::Over(std::string(64, 'x'), "f", kKind).error().code, Code::kDataLoss);
  std::string swapped = bytes;
  std::reverse(swapped.begin() + 8, swapped.begin() + 12);
  EXPECT_NE(RecordReader::Over(swapped, "f", kKind).error().message.find("byte order"),
            std::string::npos);
}

}  // namespace
}  // namespace assay::core
