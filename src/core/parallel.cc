#include "assay/core/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

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
namespace {

#if defined(__SANITIZE_THREAD__)
// libtbb is not instrumented: its internals look like races, and to leave out reports with frames
// of it would leave out every race of a loop's body. So this build runs the loop on threads that
// the sanitizer sees through.
void RunChunks(std::size_t chunks, void* context, void (*body)(void*, std::size_t)) {
  std::atomic<std::size_t> next{0};  // relaxed: hands out numbers only; join() orders the rest
  const auto work = [&] {
    for (std::size_t chunk = 0; (chunk = next.fetch_add(1, std::memory_order_relaxed)) < chunks;) {
      body(context, chunk);
    }
  };
  std::vector<std::jthread> helpers;
  for (std::size_t i = std::min(Parallelism(), chunks); i > 1; --i) helpers.emplace_back(work);
  work();
}
#else
void RunChunks(std::size_t chunks, void* context, void (*body)(void*, std::size_t)) {
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, chunks, 1),
                    [context, body](const tbb::blocked_range<std::size_t>& range) {
                      for (std::size_t chunk = range.begin(); chunk != range.end(); ++chunk)
                        body(context, chunk);
                    });
}
#endif

}  // namespace

void ForEachChunk(std::size_t chunks, void* context, void (*body)(void*, std::size_t)) {
  if (chunks == 0) return;
  if (chunks == 1 || Parallelism() == 1) {
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) body(context, chunk);
    return;
  }
  RunChunks(chunks, context, body);
}

}  // namespace internal
}  // namespace assay::core
