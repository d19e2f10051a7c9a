// assay/core/parallel.h: loops over index ranges on all cores.
// Room: core.  Threads: every function may be called from any thread, also from inside a body.
// Method: work stealing by oneTBB; chunk borders depend on `grain` alone, never on the threads.
#pragma once
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "assay/core/result.h"

namespace assay::core {

// How many threads loops use now, at least 1.
[[nodiscard]] std::size_t Parallelism();

// Bounds the threads of all loops of the process while it lives; of several, the lowest holds.
class ThreadLimit {
 public:
  explicit ThreadLimit(std::size_t threads);  // Requires: threads >= 1
  ThreadLimit(ThreadLimit&&) noexcept;
  ThreadLimit& operator=(ThreadLimit&&) = delete;
  ~ThreadLimit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

namespace internal {
// Calls body(context, chunk) for every chunk in [0, chunks), in any order, and waits.
void ForEachChunk(std::size_t chunks, void* context, void (*body)(void*, std::size_t));
}  // namespace internal

// Calls body(begin, end) for consecutive ranges of `grain` indices (the last may be shorter) that
// cover [0, n), on many threads, and returns when all are done. The body must not throw.
// Choose `grain` so that a range takes at least about 20 us. Requires: grain >= 1.
template <typename Body>
void ParallelFor(std::size_t n, std::size_t grain, Body&& body) {
  struct Context {
    std::size_t n;
    std::size_t grain;
    Body& body;
  } context{n, grain, body};
  const std::size_t chunks = n / grain + (n % grain != 0 ? 1 : 0);
  internal::ForEachChunk(chunks, &context, [](void* opaque, std::size_t chunk) {
    auto& self = *static_cast<Context*>(opaque);
    const std::size_t begin = chunk * self.grain;
    const std::size_t end = self.n - begin < self.grain ? self.n : begin + self.grain;
    self.body(begin, end);
  });
}

// As ParallelFor with a body that returns Result<void>. All ranges run; the error of the lowest
// failing range is returned, whatever the order in which they ran.
template <typename Body>
[[nodiscard]] Result<void> ParallelTry(std::size_t n, std::size_t grain, Body&& body) {
  std::vector<std::optional<Error>> errors(n / grain + 1);
  ParallelFor(n, grain, [&](std::size_t begin, std::size_t end) {
    if (Result<void> result = body(begin, end); !result) {
      errors[begin / grain] = std::move(result).error();
    }
  });
  for (std::optional<Error>& error : errors) {
    if (error) return std::unexpected(*std::move(error));
  }
  return {};
}

// Folds map(begin, end) of consecutive ranges, in their order, into `initial`: the same value on
// every run and every number of threads, also for sums of floating point. Space O(n / grain).
template <typename T, typename Map, typename Combine>
[[nodiscard]] T ParallelReduce(std::size_t n, std::size_t grain, T initial, Map&& map,
                               Combine&& combine) {
  std::vector<std::optional<T>> parts(n / grain + 1);
  ParallelFor(n, grain, [&](std::size_t begin, std::size_t end) {
    parts[begin / grain].emplace(map(begin, end));
  });
  for (std::optional<T>& part : parts) {
    if (part) initial = combine(std::move(initial), *std::move(part));
  }
  return initial;
}

}  // namespace assay::core
