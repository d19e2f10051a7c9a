// assay/core/check.h: what to do when the code itself is wrong. Never for bad input.
// Room: core.  Threads: safe.
//
//   ASSAY_DCHECK(condition)   provable from the code around it; tested only without NDEBUG
//   ASSAY_BUG("...")          doubtful but survivable: counted, reported to the handler, goes on
//   ASSAY_CHECK(condition)    going on would do harm: reported, then the process stops
#pragma once
#include <cstdint>
#include <string_view>

namespace assay::core {

struct BugReport {
  const char* file;
  int line;
  std::string_view what;
  bool fatal;  // the process stops as soon as the handler returns
};

// Called for each report, from any thread; must not itself report. Apps log here; the default does
// nothing for a survivable bug and writes a fatal one to standard error.
using BugHandler = void (*)(const BugReport&);

// Replaces the handler and returns the one before; nullptr restores the default.
BugHandler SetBugHandler(BugHandler handler);

// How many survivable bugs were reported since the process began.
[[nodiscard]] std::uint64_t BugCount();

void ReportBug(const char* file, int line, std::string_view what);
[[noreturn]] void StopOnBug(const char* file, int line, std::string_view what);

}  // namespace assay::core

#define ASSAY_BUG(what) ::assay::core::ReportBug(__FILE__, __LINE__, (what))

#define ASSAY_CHECK(condition)                                               \
  do {                                                                       \
    if (!(condition)) [[unlikely]] {                                         \
      ::assay::core::StopOnBug(__FILE__, __LINE__, "not true: " #condition); \
    }                                                                        \
  } while (false)

#ifdef NDEBUG
#define ASSAY_DCHECK(condition) \
  do {                          \
    if (false) {                \
      (void)(condition);        \
    }                           \
  } while (false)
#else
#define ASSAY_DCHECK(condition) ASSAY_CHECK(condition)
#endif
