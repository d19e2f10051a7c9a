#include "assay/crypto/audit_log.h"

#include <cerrno>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include "assay/core/record_file.h"

#include "audit/audit_record_internal.h"
#include "primitives/password_internal.h"

namespace assay::crypto {
namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr std::uint64_t kMaxHeadBytes = 128;

core::FileSystem& FilesOf(const AuditOptions& options) {
  return options.files != nullptr ? *options.files : core::FileSystem::Real();
}

// Keeps other processes from the log while it lives. A killed process gives its lock back.
class FileLock {
 public:
  FileLock() = default;
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock() {
    if (fd_ >= 0) ::close(fd_);
  }

  // `operation` is LOCK_EX or LOCK_SH. A log in memory (a test's) needs no lock.
  static Result<FileLock> Take(const AuditOptions& options, int operation) {
    FileLock lock;
    if (&FilesOf(options) != &core::FileSystem::Real()) return lock;
    const std::string path = options.path + ".lock";
    lock.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    // A copy on a disk that cannot be written has no writers either.
    if (lock.fd_ < 0 && operation == LOCK_SH) return lock;
    int locked = -1;
    do {
      locked = lock.fd_ < 0 ? -1 : ::flock(lock.fd_, operation);
    } while (locked != 0 && lock.fd_ >= 0 && errno == EINTR);
    if (locked == 0) return lock;
    return Fail(errno == EACCES ? Code::kPermissionDenied : Code::kUnavailable,
                fmt::format("cannot lock the audit log by '{}' (error {})", path, errno));
  }

 private:
  int fd_ = -1;
};

// The last record as of the file beside the log: a log that was cut off at its end is noticed.
struct Head {
  std::uint64_t sequence = 0;
  Mac mac{};
};

std::string HeadPath(const AuditOptions& options) {
  return options.path + ".head";
}

Result<std::optional<Head>> ReadHead(const AuditOptions& options) {
  const auto text = FilesOf(options).ReadFile(HeadPath(options), kMaxHeadBytes);
  if (!text && text.error().code == Code::kNotFound) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  std::string_view rest = *text;
  Head head;
  const auto sequence = ParseNumber(CutAt(rest, ' '), "head");
  if (!sequence || !rest.ends_with('\n') || !ParseMacHex(CutAt(rest, '\n'), head.mac)) {
    return Fail(Code::kDataLoss,
                fmt::format("'{}' is damaged; remove it to go on without the check that nothing "
                            "was cut off",
                            HeadPath(options)));
  }
  head.sequence = *sequence;
  return head;
}

Result<void> CheckEvent(const AuditEvent& event) {
  if (event.action.empty()) return Fail(Code::kInvalidArgument, "an audit record needs an action");
  const auto check = [](std::string_view text) -> Result<void> {
    if (text.size() <= kMaxAuditTextBytes) return {};
    return Fail(Code::kOutOfRange, fmt::format("a field of {} bytes in an audit record; at most {}",
                                               text.size(), kMaxAuditTextBytes));
  };
  for (const std::string* text : {&event.action, &event.actor, &event.subject}) {
    ASSAY_TRY(check(*text));
  }
  for (const auto& [name, value] : event.details) {
    ASSAY_TRY(check(name));
    ASSAY_TRY(check(value));
  }
  return {};
}

}  // namespace

class AuditLog::Impl {
 public:
  Impl(AuditOptions options, AuditKeys keys)
      : options_(std::move(options)), keys_(std::move(keys)) {}

  Result<void> Start() {
    const std::lock_guard guard(mutex_);
    ASSAY_ASSIGN(const FileLock lock, FileLock::Take(options_, LOCK_EX));
    return Reopen();
  }

  Result<std::uint64_t> Append(const AuditEvent& event) {
    ASSAY_TRY(CheckEvent(event));
    const std::lock_guard guard(mutex_);
    ASSAY_ASSIGN(const FileLock lock, FileLock::Take(options_, LOCK_EX));
    ASSAY_TRY(CatchUp());
    const std::uint64_t sequence = writer_->next_sequence();
    const core::Clock& clock = options_.clock != nullptr ? *options_.clock : core::Clock::Real();
    const std::uint32_t key_id = keys_.newest_id();
    const std::string body = BodyOf(sequence, clock.wall_ns() / kNanosecondsPerMs, key_id, event);
    const Mac mac = keys_.Sign(key_id, last_, body);
    const std::string payload = WithMac(body, mac);
    if (!ParseAudit(payload)) {
      return Fail(Code::kInvalidArgument, "an audit record holds text that is not UTF-8");
    }
    if (Result<void> written = Write(payload); !written) {
      writer_.reset();  // opened anew by the next record
      return std::unexpected(std::move(written).error());
    }
    last_ = mac;
    ASSAY_TRY(core::WriteFileAtomically(FilesOf(options_), HeadPath(options_),
                                        fmt::format("{} {}\n", sequence, MacHex(mac))));
    return sequence;
  }

 private:
  Result<void> Write(std::string_view payload) {
    ASSAY_TRY(writer_->Append(payload));
    return writer_->Sync();
  }

  // Another process may have written, or an error may have closed the file.
  Result<void> CatchUp() {
    if (writer_) {
      const auto stat = FilesOf(options_).Stat(options_.path);
      if (stat && stat->size_bytes == writer_->size_bytes()) return {};
    }
    return Reopen();
  }

  // Finds the end of the chain. Of the records before it the last one alone is checked.
  Result<void> Reopen() {
    writer_.reset();
    ASSAY_ASSIGN(writer_, core::RecordWriter::Open(FilesOf(options_), options_.path, kAuditKind));
    ASSAY_ASSIGN(core::RecordReader reader,
                 core::RecordReader::Open(FilesOf(options_), options_.path, kAuditKind));
    std::optional<core::Record> last;
    std::optional<core::Record> before;
    while (true) {
      ASSAY_ASSIGN(const std::optional<core::Record> next, reader.Next());
      if (!next) break;
      before = last;
      last = next;
    }
    last_ = kNoMac;
    if (!last) return {};
    Mac previous = kNoMac;
    if (before) {
      ASSAY_ASSIGN(const StoredAudit stored, Parse(*before));
      previous = stored.mac;
    }
    ASSAY_ASSIGN(const StoredAudit stored, Parse(*last));
    if (const std::string wrong = keys_.Check(stored, previous, last->sequence); !wrong.empty()) {
      writer_.reset();
      return Broken(last->sequence, wrong);
    }
    last_ = stored.mac;
    return {};
  }

  Result<StoredAudit> Parse(const core::Record& record) {
    Result<StoredAudit> stored = ParseAudit(record.payload);
    if (stored) return stored;
    writer_.reset();
    return Broken(record.sequence, stored.error().message);
  }

  [[nodiscard]] std::unexpected<Error> Broken(std::uint64_t sequence, std::string_view why) const {
    return Fail(
        Code::kDataLoss,
        fmt::format("the audit log '{}' is broken at record {}: {}; see assay audit verify, "
                    "and move the file away to begin a new log",
                    options_.path, sequence, why));
  }

  const AuditOptions options_;
  const AuditKeys keys_;
  std::mutex mutex_;
  std::optional<core::RecordWriter> writer_;  // guarded by mutex_, as is what follows
  Mac last_ = kNoMac;                         // of the last record
};

AuditLog::AuditLog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuditLog::~AuditLog() = default;

Result<std::unique_ptr<AuditLog>> AuditLog::Open(const AuditOptions& options, const KeyRing& ring) {
  ASSAY_ASSIGN(AuditKeys keys, AuditKeys::Create(ring));
  auto impl = std::make_unique<Impl>(options, std::move(keys));
  ASSAY_TRY(impl->Start());
  return std::unique_ptr<AuditLog>(new AuditLog(std::move(impl)));
}

Result<std::uint64_t> AuditLog::Append(const AuditEvent& event) {
  return impl_->Append(event);
}

namespace {

// Walks the chain; fills `report` up to the first record that does not fit.
void WalkChain(core::RecordReader& reader, const AuditKeys& keys, const std::optional<Head>& head,
               AuditReport& report) {
  const auto broken = [&report](std::string why) {
    report.broken = report.records + 1;
    report.reason = std::move(why);
  };
  Mac before = kNoMac;
  while (true) {
    const auto next = reader.Next();
    if (!next) return broken(next.error().message);
    if (!*next) break;
    const auto stored = ParseAudit((*next)->payload);
    if (!stored) return broken(stored.error().message);
    std::string wrong = keys.Check(*stored, before, report.records + 1);
    if (!wrong.empty()) return broken(std::move(wrong));
    if (head && head->sequence == report.records + 1 && head->mac != stored->mac) {
      return broken("it is not the record that once stood here as the last one");
    }
    before = stored->mac;
    ++report.records;
  }
  if (head && head->sequence > report.records) {
    return broken(fmt::format("it is missing: the log once ended with record {}", head->sequence));
  }
  if (reader.torn_tail()) {
    report.reason = fmt::format("{} bytes of a write that never finished follow the last record",
                                reader.torn_tail()->size_bytes);
  } else if (!head && report.records > 1) {
    report.reason = "the .head file is missing, so records cut off at the end would not be noticed";
  }
}

}  // namespace

Result<AuditReport> AuditLog::Verify(const AuditOptions& options, const KeyRing& ring) {
  ASSAY_ASSIGN(const AuditKeys keys, AuditKeys::Create(ring));
  ASSAY_TRY(FilesOf(options).Stat(options.path));  // before the lock's file is made beside nothing
  ASSAY_ASSIGN(const FileLock lock, FileLock::Take(options, LOCK_SH));
  AuditReport report;
  const auto head = ReadHead(options);
  if (!head && head.error().code != Code::kDataLoss) return std::unexpected(head.error());
  auto reader = core::RecordReader::Open(FilesOf(options), options.path, kAuditKind);
  if (!reader && reader.error().code != Code::kDataLoss &&
      reader.error().code != Code::kFailedPrecondition) {
    return std::unexpected(reader.error());
  }
  if (!reader) {
    report.broken = 1;
    report.reason = reader.error().message;
    return report;
  }
  WalkChain(*reader, keys, head ? *head : std::nullopt, report);
  if (!head && !report.broken) {
    report.broken = report.records + 1;
    report.reason = head.error().message;
  }
  return report;
}

Result<void> AuditLog::ForEach(const AuditOptions& options,
                               const std::function<bool(const AuditRecord&)>& take) {
  ASSAY_TRY(FilesOf(options).Stat(options.path));
  ASSAY_ASSIGN(const FileLock lock, FileLock::Take(options, LOCK_SH));
  ASSAY_ASSIGN(core::RecordReader reader,
               core::RecordReader::Open(FilesOf(options), options.path, kAuditKind));
  while (true) {
    ASSAY_ASSIGN(const std::optional<core::Record> next, reader.Next());
    if (!next) return {};
    const auto stored = ParseAudit(next->payload);
    if (!stored) {
      return Fail(Code::kDataLoss,
                  fmt::format("record {} of '{}' cannot be read: {}", next->sequence, options.path,
                              stored.error().message));
    }
    if (!take(stored->record)) return {};
  }
}

}  // namespace assay::crypto
