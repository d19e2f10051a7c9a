#include "assay/crypto/audit_log.h"

#include <csignal>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit_record_internal.h"
#include "crash_fs.h"
#include "fake_clock.h"
#include "temp_dir.h"

namespace assay::crypto {
namespace {

AuditEvent Event(std::string subject) {
  return {.action = "key.create",
          .actor = "cli:alice",
          .subject = std::move(subject),
          .details = {{"tenant", "\"quoted\"\n"}, {"name", "Zoë"}}};
}

// On a disk in memory, where damage can be planted and crashes ordered.
class AuditLogTest : public ::testing::Test {
 protected:
  AuditLogTest() { EXPECT_TRUE(fs_.MakeDirectories("/a")); }
  std::unique_ptr<AuditLog> Open() {
    auto log = AuditLog::Open(options_, ring_);
    EXPECT_TRUE(log) << log.error().message;
    return log ? std::move(*log) : nullptr;
  }
  void Fill(int records) {
    const auto log = Open();
    for (int i = 1; i <= records; ++i) ASSERT_TRUE(log->Append(Event(std::to_string(i))));
  }
  AuditReport Verify() {
    const auto report = AuditLog::Verify(options_, ring_);
    EXPECT_TRUE(report) << report.error().message;
    return report.value_or(AuditReport{});
  }
  // The stored payloads, to be written anew with a change.
  std::vector<std::string> Payloads() {
    std::vector<std::string> payloads;
    EXPECT_TRUE(AuditLog::ForEach(options_, [&](const AuditRecord& record) {
      payloads.push_back(record.json);
      return true;
    }));
    return payloads;
  }
  // A file with valid checksums: what somebody with the disk, but without the key, can make.
  void Forge(const std::vector<std::string>& payloads) {
    ASSERT_TRUE(fs_.Remove(options_.path));
    auto writer = core::RecordWriter::Open(fs_, options_.path, kAuditKind);
    ASSERT_TRUE(writer);
    for (const std::string& payload : payloads) ASSERT_TRUE(writer->Append(payload));
    ASSERT_TRUE(writer->Sync());
  }

  assay::testing::CrashFs fs_;
  assay::testing::FakeClock clock_{1'763'740'800'123'000'000};
  KeyRing ring_ = KeyRing::Generate();
  AuditOptions options_ = {.path = "/a/audit.log", .files = &fs_, .clock = &clock_};
};

TEST_F(AuditLogTest, KeepsWhatHappenedInItsOrder) {
  Fill(3);
  Fill(2);
  EXPECT_EQ(Verify().records, 5U);
  EXPECT_FALSE(Verify().broken);
  EXPECT_EQ(Verify().reason, "");
  std::uint64_t sequence = 0;
  ASSERT_TRUE(AuditLog::ForEach(options_, [&](const AuditRecord& record) {
    EXPECT_EQ(record.sequence, ++sequence);
    EXPECT_EQ(record.time_ms, 1'763'740'800'123);
    EXPECT_EQ(record.event.action, "key.create");
    EXPECT_EQ(record.event.actor, "cli:alice");
    EXPECT_EQ(record.event.details, Event("").details);
    return sequence < 4;
  }));
  EXPECT_EQ(sequence, 4U) << "asked to stop";
}

TEST_F(AuditLogTest, NamesTheFirstRecordThatWasChanged) {
  Fill(5);
  const std::vector<std::string> payloads = Payloads();
  for (std::size_t at = 0; at < payloads.size(); ++at) {
    for (std::size_t byte = 0; byte < payloads[at].size(); byte += 3) {
      std::vector<std::string> changed = payloads;
      changed[at][byte] ^= 1;
      Forge(changed);
      ASSERT_EQ(Verify().broken, at + 1) << "byte " << byte;
      EXPECT_EQ(Verify().records, at);
    }
  }
}

TEST_F(AuditLogTest, NamesTheFirstRecordAfterARemovedSwappedOrInsertedOne) {
  Fill(5);
  const std::vector<std::string> payloads = Payloads();
  std::vector<std::string> removed = payloads;
  removed.erase(removed.begin() + 1);
  Forge(removed);
  EXPECT_EQ(Verify().broken, 2U);
  std::vector<std::string> swapped = payloads;
  std::swap(swapped[2], swapped[3]);
  Forge(swapped);
  EXPECT_EQ(Verify().broken, 3U);
  std::vector<std::string> doubled = payloads;
  doubled.insert(doubled.begin() + 3, payloads[3]);
  Forge(doubled);
  EXPECT_EQ(Verify().broken, 5U);
  EXPECT_EQ(AuditLog::Open(options_, ring_).error().code, Code::kDataLoss);
}

TEST_F(AuditLogTest, NoticesThatTheEndWasCutOff) {
  Fill(5);
  std::vector<std::string> payloads = Payloads();
  payloads.pop_back();
  payloads.pop_back();
  Forge(payloads);
  const AuditReport report = Verify();
  EXPECT_EQ(report.broken, 4U);
  EXPECT_NE(report.reason.find("ended with record 5"), std::string::npos) << report.reason;
  ASSERT_TRUE(fs_.Remove("/a/audit.log.head"));
  EXPECT_FALSE(Verify().broken);
  EXPECT_NE(Verify().reason.find(".head"), std::string::npos);
}

TEST_F(AuditLogTest, NoticesAnyFlippedBitOfTheFile) {
  Fill(4);
  const std::string file = *fs_.Contents(options_.path);
  for (std::size_t at = 0; at < file.size(); at += 5) {
    std::string changed = file;
    changed[at] ^= 4;
    fs_.Plant(options_.path, changed);
    const auto report = AuditLog::Verify(options_, ring_);
    ASSERT_TRUE(report);
    // The padding between records carries nothing.
    if (!report->broken) {
      EXPECT_EQ(changed[at], 4) << "byte " << at;
    }
  }
}

TEST_F(AuditLogTest, AnotherKeyDoesNotVerify) {
  Fill(2);
  const KeyRing stranger = KeyRing::Generate();
  EXPECT_EQ(AuditLog::Verify(options_, stranger)->broken, 1U);
  EXPECT_EQ(AuditLog::Open(options_, stranger).error().code, Code::kDataLoss);
}

TEST_F(AuditLogTest, GoesOnAfterTheKeyIsRotated) {
  Fill(2);
  ASSERT_TRUE(ring_.Rotate());
  Fill(2);
  EXPECT_EQ(Verify().records, 4U);
  EXPECT_FALSE(Verify().broken);
  ASSERT_TRUE(ring_.Remove(1));
  EXPECT_EQ(Verify().broken, 1U);
}

TEST_F(AuditLogTest, LosesNothingAcknowledgedWhereverThePowerFails) {
  for (std::uint64_t stop = 0; stop < 60; ++stop) {
    for (const bool lucky : {false, true}) {
      assay::testing::CrashFs fs;
      ASSERT_TRUE(fs.MakeDirectories("/a"));
      ASSERT_TRUE(fs.SyncDirectory("/"));
      const AuditOptions options = {.path = "/a/audit.log", .files = &fs, .clock = &clock_};
      fs.StopAfter(stop);
      std::uint64_t acknowledged = 0;
      if (auto log = AuditLog::Open(options, ring_)) {
        for (int i = 0; i < 5; ++i) {
          if (const auto sequence = (*log)->Append(Event("x"))) acknowledged = *sequence;
        }
      }
      fs.Crash({.names_survive = lucky, .unsynced_bytes = lucky ? 40U : 0U});
      auto log = AuditLog::Open(options, ring_);
      ASSERT_TRUE(log) << log.error().message;
      const auto report = AuditLog::Verify(options, ring_);
      ASSERT_TRUE(report);
      EXPECT_FALSE(report->broken) << report->reason;
      EXPECT_GE(report->records, acknowledged);
      ASSERT_EQ(*(*log)->Append(Event("after")), report->records + 1);
      EXPECT_FALSE(AuditLog::Verify(options, ring_)->broken);
    }
  }
}

TEST_F(AuditLogTest, GoesOnAfterADiskError) {
  const auto log = Open();
  ASSERT_TRUE(log->Append(Event("1")));
  for (std::uint64_t fail = 0; fail < 6; ++fail) {
    fs_.FailOperation(fail);
    static_cast<void>(log->Append(Event("may fail")));
    ASSERT_TRUE(log->Append(Event("good"))) << fail;
    EXPECT_FALSE(Verify().broken) << Verify().reason;
  }
}

TEST_F(AuditLogTest, RefusesWhatItCannotStore) {
  const auto log = Open();
  EXPECT_EQ(log->Append({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(log->Append(Event("\xff")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(log->Append(Event(std::string(kMaxAuditTextBytes + 1, 'x'))).error().code,
            Code::kOutOfRange);
  ASSERT_TRUE(log->Append(Event("1")));
  EXPECT_EQ(Verify().records, 1U);
  EXPECT_EQ(AuditLog::Open(options_, KeyRing()).error().code, Code::kFailedPrecondition);
}

TEST_F(AuditLogTest, IsNotFoundWhereThereIsNone) {
  EXPECT_EQ(AuditLog::Verify(options_, ring_).error().code, Code::kNotFound);
  EXPECT_EQ(AuditLog::ForEach(options_, [](const AuditRecord&) { return true; }).error().code,
            Code::kNotFound);
}

// The processes of a real disk.
class AuditProcessTest : public ::testing::Test {
 protected:
  assay::testing::TempDir dir_;
  KeyRing ring_ = KeyRing::Generate();
  AuditOptions options_ = {.path = dir_.File("audit.log"), .files = nullptr, .clock = nullptr};
};

TEST_F(AuditProcessTest, SeveralWritersShareOneChain) {
  constexpr int kWriters = 4;
  constexpr int kEach = 15;
  std::vector<std::thread> threads;
  for (int t = 0; t < kWriters; ++t) {
    threads.emplace_back([&, t] {
      auto log = AuditLog::Open(options_, ring_);
      ASSERT_TRUE(log) << log.error().message;
      for (int i = 0; i < kEach; ++i) ASSERT_TRUE((*log)->Append(Event(std::to_string(t))));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const auto report = AuditLog::Verify(options_, ring_);
  ASSERT_TRUE(report);
  EXPECT_FALSE(report->broken) << report->reason;
  EXPECT_EQ(report->records, static_cast<std::uint64_t>(kWriters * kEach));
}

#if !defined(__SANITIZE_THREAD__)  // which does not follow a fork of a process with threads
TEST_F(AuditProcessTest, KillsLoseNothingAcknowledged) {
  std::uint64_t acknowledged = 0;
  for (int round = 0; round < 5; ++round) {
    int ends[2] = {};
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      auto log = AuditLog::Open(options_, ring_);
      while (log) {
        const auto sequence = (*log)->Append(Event("x"));
        if (!sequence || ::write(ends[1], &*sequence, sizeof(*sequence)) < 0) break;
      }
      ::_exit(1);
    }
    ::close(ends[1]);
    std::uint64_t sequence = 0;
    for (int i = 0; i < 10 + 7 * round; ++i) {
      ASSERT_EQ(::read(ends[0], &sequence, sizeof(sequence)),
                static_cast<ssize_t>(sizeof(sequence)));
    }
    ::kill(child, SIGKILL);
    while (::read(ends[0], &sequence, sizeof(sequence)) > 0) {
    }
    ::close(ends[0]);
    ASSERT_EQ(::waitpid(child, nullptr, 0), child);
    acknowledged = sequence;
    const auto report = AuditLog::Verify(options_, ring_);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->broken) << report->reason;
    EXPECT_GE(report->records, acknowledged);
  }
}
#endif

}  // namespace
}  // namespace assay::crypto
