// redis/connection.h: one connection to a Redis server, with a time limit on every step.
// Room: cache, private.  Threads: one at a time.
// Method: RESP 2 (redis.io/docs/reference/protocol-spec), replies parsed by hiredis.
#pragma once
#include <chrono>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <hiredis/hiredis.h>

#include "assay/cache/redis_tier.h"
#include "assay/core/result.h"

namespace assay::cache::redis {

using SteadyTime = std::chrono::steady_clock::time_point;

struct ReplyDeleter {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Reply = std::unique_ptr<redisReply, ReplyDeleter>;

struct ReaderDeleter {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
using Reader = std::unique_ptr<redisReader, ReaderDeleter>;
// Reads replies with at most a million elements: hiredis makes room for as many as a server
// announces. Null: no memory.
[[nodiscard]] Reader MakeReader();

// Appends one command.
void AppendCommand(std::string& out, std::span<const std::string_view> parts);
inline void AppendCommand(std::string& out, std::initializer_list<std::string_view> parts) {
  AppendCommand(out, std::span(parts.begin(), parts.size()));
}

[[nodiscard]] inline std::string_view TextOf(const redisReply& reply) {
  return {reply.str, static_cast<std::size_t>(reply.len)};
}

// Errors of all calls: kDeadlineExceeded; kUnavailable when the connection breaks or the server
// speaks something else. The connection is of no use after one.
class Connection {
 public:
  // Connects, logs in, chooses the database. Also kUnauthenticated, kInvalidArgument (TLS files).
  [[nodiscard]] static Result<Connection> Open(const RedisAddress& address,
                                               const std::string& tls_ca_file, SteadyTime deadline);
  Connection(Connection&&) noexcept;
  Connection& operator=(Connection&&) noexcept;
  ~Connection();

  [[nodiscard]] Result<void> Send(std::string_view commands, SteadyTime deadline);
  // The next reply; never null.
  [[nodiscard]] Result<Reply> Receive(SteadyTime deadline);
  // Whether the server has said more than it was asked for.
  [[nodiscard]] bool SaidTooMuch() const;
  // Send and Receive of one command; a reply of type error becomes kUnavailable with its text.
  [[nodiscard]] Result<Reply> Ask(std::initializer_list<std::string_view> parts,
                                  SteadyTime deadline);

 private:
  struct Impl;
  explicit Connection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace assay::cache::redis
