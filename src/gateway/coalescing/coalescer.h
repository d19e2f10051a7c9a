// coalescing/coalescer.h: equal requests in flight are asked once.
// Room: gateway (private).  Threads: shared by all I/O threads; each caller's executor runs on one
// thread at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include <boost/asio/awaitable.hpp>

#include "assay/core/hash.h"
#include "assay/core/result.h"

#include "upstream/provider.h"

namespace assay::gateway {

struct CoalescedReply {
  std::shared_ptr<const UpstreamReply> reply;  // shared by all who asked
  bool leader = false;                         // this caller's request made the call
};

struct CoalescerStats {
  std::uint64_t leaders = 0;
  std::uint64_t followers = 0;
  std::uint64_t cancelled = 0;  // calls given up because nobody waited any more
  std::uint64_t in_flight = 0;
};

class Coalescer {
 public:
  // Makes the call; runs detached on the leader's executor, so it must own all it needs (the
  // leader's client may leave while others wait). What must happen once per answer (storing it)
  // belongs at its end, before it returns: a request that comes later finds either the call in
  // flight or what it stored. It passes the sink that it is given to the upstream, directly or
  // behind one of its own.
  using Call = std::function<asio::awaitable<Result<UpstreamReply>>(ChunkSink* sink)>;

  // `limit_bytes`: a streamed answer is kept whole while anybody may join it; a longer one fails.
  explicit Coalescer(std::size_t limit_bytes = 16UL << 20);
  Coalescer(Coalescer&&) = delete;
  ~Coalescer();

  // Joins the call in flight for (key, stream), or makes it. A stream's chunks go to `sink`, those
  // so far at once, the rest as they come, each caller at its own pace: a slow one holds nobody
  // back. Requires: sink iff stream. All who wait get the same answer or error. Cancelling a caller
  // (or an error of its sink) takes only that caller out; when the last one leaves, the call is
  // cancelled. Errors: those of the call and of the caller's sink; kUnavailable when the caller was
  // cancelled.
  [[nodiscard]] asio::awaitable<Result<CoalescedReply>> Ask(core::Hash128 key, Call call,
                                                            ChunkSink* sink);

  [[nodiscard]] CoalescerStats Stats() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace assay::gateway
