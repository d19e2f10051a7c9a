// redis/socket.h: a stream socket, plain or TLS, with a time limit on every step.
// Room: cache, private.  Threads: one at a time.
#pragma once
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/cache/redis_tier.h"
#include "assay/core/result.h"

namespace assay::cache::redis {

class Socket {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  // Errors: kUnavailable, kDeadlineExceeded, kInvalidArgument for a CA file that cannot be read.
  // The name lookup itself has the resolver's own time limit.
  [[nodiscard]] static Result<Socket> Connect(const RedisAddress& address,
                                              const std::string& tls_ca_file, SteadyTime deadline);
  Socket(Socket&&) noexcept;
  Socket& operator=(Socket&&) noexcept;
  ~Socket();

  [[nodiscard]] Result<void> Write(std::string_view bytes, SteadyTime deadline);
  // At least one byte. Errors: kUnavailable at the stream's end.
  [[nodiscard]] Result<std::size_t> Read(std::span<char> into, SteadyTime deadline);

 private:
  struct Impl;
  explicit Socket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cache::redis
