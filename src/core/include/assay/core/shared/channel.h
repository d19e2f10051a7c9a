// assay/core/shared/channel.h: requests and replies between processes of one machine, in shared
// memory.
// Room: core.  Threads: as said at each class.
// Method: a region under /dev/shm with one lane a client; a lane is a pair of single-producer
// single-consumer rings (Lamport 1983) whose frames are read where they were written. Who waits
// sleeps on a futex; each side holds a lock on a byte of the region, which the kernel frees when
// the process dies, and by which the other side finds out. Only processes of the same user can open
// a region; they trust one another with its content, not with its form: sizes and positions are
// checked before use.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::core {

struct SharedChannelOptions {
  std::uint32_t lanes = 16;             // clients at once, 1 to 256
  std::uint32_t ring_bytes = 1U << 20;  // of each direction of a lane, a power of two, 2^12 to 2^28
};

// Where a handler writes its reply.
class SharedReply {
 public:
  // Room for a reply of `bytes` in shared memory, sent when the handler returns; waits while the
  // client has not read enough. At most one call a request; none sends an empty reply. Errors:
  // kOutOfRange for more than max_bytes(), kUnavailable when the client is gone.
  [[nodiscard]] virtual Result<std::span<char>> Reserve(std::size_t bytes) = 0;
  [[nodiscard]] virtual std::size_t max_bytes() const = 0;

 protected:
  ~SharedReply() = default;
};

struct SharedServerStats {
  std::uint64_t requests = 0;
  std::uint32_t clients = 0;  // connected now
  std::uint64_t lost = 0;     // clients that died without closing
  std::uint64_t damaged = 0;  // lanes that were closed for an impossible size or position
};

// The serving side. Threads: Serve by as many as there shall be workers; the rest by any.
class SharedServer {
 public:
  // Creates the region. A region of that name whose server died is replaced. `name`: 1 to 64 of
  // A-Z a-z 0-9 . _ -. Errors: kInvalidArgument for name or options; kAlreadyExists while another
  // server has the name; kPermissionDenied; kResourceExhausted without memory for it.
  [[nodiscard]] static Result<SharedServer> Create(std::string_view name,
                                                   const SharedChannelOptions& options = {});
  SharedServer(SharedServer&&) noexcept;
  SharedServer& operator=(SharedServer&&) noexcept;
  // Removes the region; clients that wait get an error. Requires: no Serve is running.
  ~SharedServer();

  // `request` is readable until the handler returns. What a client sends next may be there already
  // and be handled by another thread only after this one: replies keep the order of requests.
  using Handler = std::function<void(std::string_view request, SharedReply& reply)>;
  // Handles requests on the calling thread until Stop().
  void Serve(const Handler& handler);
  void Stop();

  [[nodiscard]] SharedServerStats stats() const;

 private:
  struct Impl;
  explicit SharedServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One client's lane. Threads: one at a time. Must not be used in a forked child.
class SharedClient {
 public:
  // Errors: kNotFound without such a server, kUnavailable when it is dead, kFailedPrecondition for
  // a region of another version, kResourceExhausted when all lanes are taken.
  [[nodiscard]] static Result<SharedClient> Connect(std::string_view name);
  SharedClient(SharedClient&&) noexcept;
  SharedClient& operator=(SharedClient&&) noexcept;
  ~SharedClient();

  // Room for a request in shared memory; waits while the server has not read enough of the earlier
  // ones. Requires: every Begin is followed by Send. Errors: kOutOfRange for more than max_bytes();
  // kUnavailable when the server is gone; kDeadlineExceeded; kDataLoss for a damaged lane.
  [[nodiscard]] Result<std::span<char>> Begin(std::size_t bytes, std::chrono::nanoseconds timeout);
  void Send();

  // The reply to the oldest request that has none yet, readable until the next Receive. Several
  // requests may be sent first, as long as requests and replies fit their rings. Errors: as Begin;
  // kFailedPrecondition when nothing was sent.
  [[nodiscard]] Result<std::string_view> Receive(std::chrono::nanoseconds timeout);

  [[nodiscard]] std::size_t max_bytes() const;  // of a request
  [[nodiscard]] std::size_t pending() const;    // requests without reply

 private:
  struct Impl;
  explicit SharedClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::core
