// Lines are formatted by the caller and appended to one buffer under a lock; a thread swaps the
// buffer and writes it as a whole, so that a line costs its formatting and one copy.
#include "assay/telemetry/log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_text.h"
#include "line_writer.h"

namespace assay::telemetry {
namespace {

using internal::LineWriter;

constexpr std::size_t kMaxFieldBytes = 16'384;
constexpr std::size_t kMaxClientTextBytes = 262'144;
// How long lines wait for company; an error does not wait.
constexpr auto kCollect = std::chrono::milliseconds(20);
constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warn", "error", "off"};

Result<int> OpenFile(const std::string& path) {
  if (path.empty()) return STDERR_FILENO;
  constexpr mode_t kMode = 0640;
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, kMode);
  if (fd >= 0) return fd;
  const int error = errno;
  const Code code = error == ENOENT || error == ENOTDIR ? Code::kNotFound
                    : error == ENOSPC                   ? Code::kResourceExhausted
                                                        : Code::kPermissionDenied;
  return Fail(code, fmt::format("{}: the log cannot be opened: {}", path,
                                std::error_code(error, std::generic_category()).message()));
}

// Writes a value behind its name.
struct WriteValue {
  LineWriter& out;
  std::string_view key;

  void operator()(std::string_view text) const {
    if (internal::IsSecretName(key)) {
      out.Plain("\"[redacted]\"");
    } else {
      out.String(text, kMaxFieldBytes);
    }
  }
  void operator()(std::int64_t number) const { out.Number(number); }
  void operator()(std::uint64_t number) const { out.Number(number); }
  void operator()(double number) const {
    if (std::isfinite(number)) {
      out.Number(number);
    } else {
      out.Plain("null");
    }
  }
  void operator()(bool value) const { out.Plain(value ? "true" : "false"); }
  void operator()(ClientText text) const { out.String(text.text, kMaxClientTextBytes); }
  void operator()(PlainText text) const { out.Quoted(text.text); }
};

}  // namespace

struct Log::Impl {
  explicit Impl(LogOptions o, core::Clock& c)
      : options(std::move(o)), clock(c), level(options.level), texts(options.texts) {}

  ~Impl() {
    if (writer.joinable()) {
      {
        const std::scoped_lock lock(mutex);
        stopping = true;
      }
      wake.notify_all();
      writer.join();
    }
    CloseFile(fd);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void CloseFile(int file) const {
    if (file >= 0 && !options.file.empty()) ::close(file);
  }

  void Append(std::string_view line, bool urgent);
  void Run();
  // The number of lines that did not get into the file.
  std::uint64_t WriteAll(int file, const std::string& bytes, std::uint64_t lines);

  const LogOptions options;
  core::Clock& clock;
  std::atomic<Level> level;  // partner: SetLevel; a lone value
  std::atomic<bool> texts;   // partner: SetTexts; a lone value

  mutable std::mutex mutex;         // guards all below
  std::condition_variable wake;     // the writer waits
  std::condition_variable written;  // Flush waits
  int fd = -1;
  std::string queued;
  std::uint64_t queued_lines = 0;
  std::uint64_t round = 0;  // grows with each buffer that is written
  bool writing = false;
  bool hurry = false;
  bool stopping = false;
  LogStats counts;

  bool torn = false;  // the writer's own: the file ends inside a line
  std::thread writer;
};

void Log::Impl::Append(std::string_view line, bool urgent) {
  bool notify = false;
  {
    const std::scoped_lock lock(mutex);
    if (queued.size() + line.size() > options.queue_bytes) {
      ++counts.dropped;
      return;
    }
    notify = queued.empty() || (urgent && !hurry) ||
             (!hurry && queued.size() + line.size() > options.queue_bytes / 2);
    hurry = hurry || urgent || queued.size() + line.size() > options.queue_bytes / 2;
    queued += line;
    ++queued_lines;
  }
  if (notify) wake.notify_one();
}

void Log::Impl::Run() {
  std::string bytes;
  std::unique_lock lock(mutex);
  while (true) {
    wake.wait(lock, [&] { return stopping || !queued.empty(); });
    wake.wait_for(lock, kCollect, [&] { return stopping || hurry; });
    if (queued.empty() && stopping) return;
    bytes.clear();
    bytes.swap(queued);
    const std::uint64_t lines = std::exchange(queued_lines, 0);
    hurry = false;
    writing = true;
    const int file = fd;
    lock.unlock();
    const std::uint64_t lost = WriteAll(file, bytes, lines);
    lock.lock();
    counts.write_errors += lost;
    counts.lines += lines - lost;
    writing = false;
    ++round;
    written.notify_all();
  }
}

namespace {

// Bytes of a regular file; -1 for a pipe or a terminal.
off_t SizeOf(int file) {
  struct stat about{};
  return ::fstat(file, &about) == 0 && S_ISREG(about.st_mode) ? about.st_size : -1;
}

}  // namespace

std::uint64_t Log::Impl::WriteAll(int file, const std::string& bytes, std::uint64_t lines) {
  if (torn && ::write(file, "\n", 1) == 1) torn = false;
  const off_t begin = SizeOf(file);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::write(file, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) break;
    done += static_cast<std::size_t>(count);
  }
  if (done == bytes.size()) return 0;
  const std::string_view passed(bytes.data(), done);
  const std::size_t whole = passed.find_last_of('\n') + 1;  // 0 where there is none
  if (whole < done) {
    // A half line is taken back where nobody has written after it.
    const off_t end = begin + static_cast<off_t>(whole);
    const bool last = begin >= 0 && SizeOf(file) == begin + static_cast<off_t>(done);
    torn = !last || ::ftruncate(file, end) != 0;
  }
  return lines - static_cast<std::uint64_t>(std::ranges::count(passed, '\n'));
}

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Log::~Log() = default;

Log& Log::Null() {
  static auto* log =
      new Log(std::make_unique<Impl>(LogOptions{Level::kOff, {}, false, 0}, core::Clock::Real()));
  return *log;
}

Result<std::unique_ptr<Log>> Log::Open(LogOptions options, core::Clock& clock) {
  auto impl = std::make_unique<Impl>(std::move(options), clock);
  ASSAY_ASSIGN(impl->fd, OpenFile(impl->options.file));
  impl->writer = std::thread([state = impl.get()] { state->Run(); });
  return std::unique_ptr<Log>(new Log(std::move(impl)));
}

bool Log::enabled(Level level) const noexcept {
  return level >= impl_->level.load(std::memory_order_relaxed) && level != Level::kOff &&
         impl_->writer.joinable();
}

void Log::SetLevel(Level level) noexcept {
  impl_->level.store(level, std::memory_order_relaxed);
}

void Log::SetTexts(bool texts) noexcept {
  impl_->texts.store(texts, std::memory_order_relaxed);
}

void Log::Write(Level level, std::string_view event, std::span<const LogField> fields) noexcept {
  if (!enabled(level)) return;
  try {
    thread_local LineWriter line;
    thread_local std::string time;
    time.clear();
    internal::AppendTime(time, impl_->clock.wall_ns());
    line.Clear();
    line.Plain("{\"time\":");
    line.Quoted(time);
    line.Name("level");
    line.Quoted(kLevelNames[static_cast<std::size_t>(level)]);
    line.Name("event");
    line.String(event, kMaxFieldBytes);
    for (const LogField& field : fields) {
      if (std::holds_alternative<ClientText>(field.value) &&
          !impl_->texts.load(std::memory_order_relaxed)) {
        continue;
      }
      line.Name(field.key);
      std::visit(WriteValue{line, field.key}, field.value);
    }
    line.Plain("}\n");
    impl_->Append(line.text(), level >= Level::kError);
  } catch (const std::exception&) {  // no memory
    const std::scoped_lock lock(impl_->mutex);
    ++impl_->counts.dropped;
  }
}

Result<void> Log::Reopen() {
  if (impl_->options.file.empty()) return {};
  ASSAY_ASSIGN(const int fresh, OpenFile(impl_->options.file));
  std::unique_lock lock(impl_->mutex);
  impl_->written.wait(lock, [&] { return !impl_->writing; });  // the old one is in use
  impl_->CloseFile(std::exchange(impl_->fd, fresh));
  return {};
}

void Log::Flush() {
  std::unique_lock lock(impl_->mutex);
  if (!impl_->writer.joinable()) return;
  // What is queued now is in the next buffer; one that is being written comes before it.
  const std::uint64_t wanted =
      impl_->round + (impl_->writing ? 1U : 0U) + (impl_->queued.empty() ? 0U : 1U);
  impl_->hurry = true;
  impl_->wake.notify_one();
  impl_->written.wait(lock, [&] { return impl_->round >= wanted; });
}

LogStats Log::stats() const {
  const std::scoped_lock lock(impl_->mutex);
  return impl_->counts;
}

}  // namespace assay::telemetry
