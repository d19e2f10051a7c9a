#include "assay/core/parallel.h"

#include <algorithm>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

// The thread sanitizer does not see into libtbb; these tell it what the library guarantees: what
// was written before the loop is seen in it, and what it writes is seen after.
#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#define ASSAY_HANDS_OVER(address) __tsan_release(address)
#define ASSAY_TAKES_OVER(address) __tsan_acquire(address)
#else
#define ASSAY_HANDS_OVER(address) static_cast<void>(address)
#define ASSAY_TAKES_OVER(address) static_cast<void>(address)
#endif

namespace assay::core {

struct ThreadLimit::Impl {
  tbb::global_control control;
};

std::size_t Parallelism() {
  const std::size_t limit =
      tbb::global_control::active_value(tbb::global_control::max_allowed_parallelism);
  const auto arena = static_cast<std::size_t>(std::max(1, tbb::this_task_arena::max_concurrency()));
  return std::max<std::size_t>(1, std::min(limit, arena));
}

ThreadLimit::ThreadLimit(std::size_t threads)
    : impl_(new Impl{
          tbb::global_control(tbb::global_control::max_allowed_parallelism,
                              std::max<std::size_t>(1, threads)),
      }) {}
ThreadLimit::ThreadLimit(ThreadLimit&&) noexcept = default;
ThreadLimit::~ThreadLimit() = default;

namespace internal {

void ForEachChunk(std::size_t chunks, void* context, void (*body)(void*, std::size_t)) {
  if (chunks == 0) return;
  if (chunks == 1 || Parallelism() == 1) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
    return;
  }
  ASSAY_HANDS_OVER(context);
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, chunks, 1),
                    [context, body](const tbb::blocked_range<std::size_t>& range) {
                      ASSAY_TAKES_OVER(context);
                      for (std::size_t chunk = range.begin(); chunk != range.end(); ++chunk)
                        body(context, chunk);
                      ASSAY_HANDS_OVER(context);
                    });
  ASSAY_TAKES_OVER(context);
}

}  // namespace internal
}  // namespace assay::core
