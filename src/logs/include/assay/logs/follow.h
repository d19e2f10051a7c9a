// assay/logs/follow.h: the lines that come to a log while it is written.
// Room: logs (uses core).  Threads: a LogFollower belongs to one thread at a time.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::logs {

// Follows a file by its name, as `tail -F` does: when it is renamed and made anew, the old one is
// read to its end and the new one from its begin; when it is cut short, it is read from its begin.
class LogFollower {
 public:
  // Begins at the file's last `last_lines` lines. A file that is not there yet is waited for.
  LogFollower(std::string path, std::size_t last_lines);
  LogFollower(const LogFollower&) = delete;
  LogFollower& operator=(const LogFollower&) = delete;
  ~LogFollower();

  // Calls take(lines) with the whole lines that have come since the last call ("\n" at the end of
  // each; a line longer than 256 KiB comes in parts). Does not wait. Errors: kPermissionDenied,
  // kUnavailable when the file cannot be opened or read; a later call may succeed.
  [[nodiscard]] Result<void> Poll(const std::function<void(std::string_view)>& take);

  // How often a new file of the name was begun, and how often the file was cut short.
  [[nodiscard]] std::uint64_t rotations() const { return rotations_; }
  [[nodiscard]] std::uint64_t truncations() const { return truncations_; }

 private:
  [[nodiscard]] Result<bool> Open();
  [[nodiscard]] Result<void> SkipToLastLines();
  [[nodiscard]] Result<void> ReadOn(const std::function<void(std::string_view)>& take);
  [[nodiscard]] bool Replaced() const;
  void Close();

  std::string path_;
  std::size_t last_lines_;
  int descriptor_ = -1;
  bool begun_ = false;  // a file was opened once
  std::uint64_t device_ = 0;
  std::uint64_t inode_ = 0;
  std::uint64_t offset_ = 0;
  std::string partial_;  // the begin of a line whose end has not come
  std::uint64_t rotations_ = 0;
  std::uint64_t truncations_ = 0;
};

}  // namespace assay::logs
