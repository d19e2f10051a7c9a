// assay/telemetry/log.h: one JSON object a line, written by a thread of its own.
// Room: telemetry (uses core).  Threads: Write may be called from any thread; it takes a short
// lock, never waits for the disk, and drops and counts the line when the queue is full. A value is
// never a secret: fields named like one (authorization, cookie, password, token, secret, api_key,
// ...) and texts that look like one (Bearer ..., sk-..., ask_...) are written as "[redacted]".
#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "assay/core/clock.h"
#include "assay/core/result.h"

namespace assay::telemetry {

enum class Level : std::uint8_t { kDebug, kInfo, kWarn, kError, kOff };

// Text that a client or a model wrote: logged only when LogOptions::texts is set.
struct ClientText {
  std::string_view text;
};

// Text that is written as it is, which costs less: a constant of the program, or letters and digits
// that it made itself. Never what somebody else sent.
struct PlainText {
  std::string_view text;
};

struct LogField {
  std::string_view key;  // lower case with underscores
  std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool, ClientText, PlainText>
      value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(std::string_view(v)) {}
  LogField(std::string_view k, std::int64_t v) : key(k), value(v) {}
  LogField(std::string_view k, std::uint64_t v) : key(k), value(v) {}
  LogField(std::string_view k, int v) : key(k), value(std::int64_t{v}) {}
  LogField(std::string_view k, unsigned v) : key(k), value(std::uint64_t{v}) {}
  LogField(std::string_view k, double v) : key(k), value(v) {}
  LogField(std::string_view k, bool v) : key(k), value(v) {}
  LogField(std::string_view k, ClientText v) : key(k), value(v) {}
  LogField(std::string_view k, PlainText v) : key(k), value(v) {}
};

struct LogOptions {
  Level level = Level::kInfo;
  std::string file;  // appended to; empty: standard error. Reopen() makes log rotation work
  bool texts = false;
  std::size_t queue_bytes = 4'000'000;
};

struct LogStats {
  std::uint64_t lines = 0;
  std::uint64_t dropped = 0;       // queue full
  std::uint64_t write_errors = 0;  // lines lost to a full disk or a closed pipe
};

class Log {
 public:
  // A log that writes nothing.
  [[nodiscard]] static Log& Null();

  // Errors: those of opening the file.
  [[nodiscard]] static Result<std::unique_ptr<Log>> Open(LogOptions options,
                                                         core::Clock& clock = core::Clock::Real());
  // Writes what is queued.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  [[nodiscard]] bool enabled(Level level) const noexcept;
  // {"time":"2026-11-21T16:01:37.123456Z","level":"info","event":event, fields...}
  void Write(Level level, std::string_view event, std::span<const LogField> fields) noexcept;
  void Write(Level level, std::string_view event, std::initializer_list<LogField> fields) noexcept {
    Write(level, event, std::span<const LogField>(fields.begin(), fields.size()));
  }
  void SetLevel(Level level) noexcept;
  void SetTexts(bool texts) noexcept;

  // Opens the file again (after rotation). Errors: those of opening; the old one stays in use then.
  [[nodiscard]] Result<void> Reopen();
  // Waits until everything written before is in the file.
  void Flush();
  [[nodiscard]] LogStats stats() const;

 private:
  struct Impl;
  explicit Log(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// `text` with what looks like a secret replaced by "[redacted]".
[[nodiscard]] std::string RedactSecrets(std::string_view text);

}  // namespace assay::telemetry
