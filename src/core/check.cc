#include "assay/core/check.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace assay::core {
namespace {

std::atomic<std::uint64_t> bug_count{0};  // a counter alone; nothing else is ordered by it

// The process's last words are the one thing that a library room prints.
void DefaultHandler(const BugReport& report) {
  if (!report.fatal) return;
  std::fprintf(stderr, "assay: bug at %s:%d: %.*s\n", report.file, report.line,
               static_cast<int>(report.what.size()), report.what.data());
}

// Written by SetBugHandler (release), read by the two reporters (acquire).
std::atomic<BugHandler> bug_handler{&DefaultHandler};

}  // namespace

BugHandler SetBugHandler(BugHandler handler) {
  return bug_handler.exchange(handler == nullptr ? &DefaultHandler : handler,
                              std::memory_order_acq_rel);
}

std::uint64_t BugCount() {
  return bug_count.load(std::memory_order_relaxed);
}

void ReportBug(const char* file, int line, std::string_view what) {
  bug_count.fetch_add(1, std::memory_order_relaxed);
  bug_handler.load(std::memory_order_acquire)(
      {.file = file, .line = line, .what = what, .fatal = false});
}

void StopOnBug(const char* file, int line, std::string_view what) {
  bug_handler.load(std::memory_order_acquire)(
      {.file = file, .line = line, .what = what, .fatal = true});
  std::abort();
}

}  // namespace assay::core
