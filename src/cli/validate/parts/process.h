// Other programs as processes of their own, for measurements.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

#include "assay/core/result.h"

#include "validate/parts/wire.h"

namespace assay::cli::validate {

struct ProcessOptions {
  std::string program;                 // a path, or a name that PATH knows
  std::vector<std::string> arguments;  // without the program
  std::string error_file;              // gets its standard error
  // Beside this process's variables, less those named ASSAY_* but for ASSAY_MODELS and ASSAY_SIMD.
  std::vector<std::pair<std::string, std::string>> environment = {};
};

// Ends with its owner, and when this process does. Threads: one at a time.
class Process {
 public:
  // Errors: kUnavailable; a program that is not there ends at once with the exit code 127.
  [[nodiscard]] static Result<Process> Start(const ProcessOptions& options);
  Process(Process&& other) noexcept;
  Process& operator=(Process&&) = delete;
  ~Process();  // as Stop

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool Alive() const;
  // The next line of its standard output. Errors: kUnavailable when it ends or takes longer.
  [[nodiscard]] Result<std::string> ReadLine(int timeout_s);
  // All of its standard output until it ends of itself; then its exit code as of Stop.
  struct Ended {
    std::string output;
    int exit_code = 0;
  };
  [[nodiscard]] Result<Ended> ReadToEnd(int timeout_s);

  // SIGTERM and the wait for its end; SIGKILL after 30 s. The exit code, 128 + N after signal N.
  int Stop();

 private:
  Process() = default;
  Result<bool> ReadMore(std::int64_t until_ms);  // false at the end
  int Wait();

  pid_t pid_ = -1;
  int exit_code_ = 0;
  Socket output_;
  std::string buffer_;
  std::string error_file_;
};

// This very program.
[[nodiscard]] Result<std::string> OwnPath();

// A size of /proc/PID/status in bytes, such as "VmHWM", the most memory that the process has had at
// once; 0 where it is gone.
[[nodiscard]] std::uint64_t StatusBytes(pid_t pid, std::string_view field);
// CPU seconds of user and system that all its threads have used.
[[nodiscard]] double CpuSeconds(pid_t pid);

}  // namespace assay::cli::validate
