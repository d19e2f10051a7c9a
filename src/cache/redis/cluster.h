// redis/cluster.h: which server of a Redis Cluster holds a key.
// Room: cache, private.  Threads: pure functions.
// Source: Redis cluster specification (redis.io/docs/reference/cluster-spec): slots by CRC-16, hash
// tags, the replies MOVED and ASK, the command CLUSTER SLOTS.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/redis_tier.h"

#include "redis/connection.h"

namespace assay::cache::redis {

inline constexpr std::uint16_t kSlots = 16384;

// Of the key, or of what stands between its first '{' and the next '}' if that is not empty.
[[nodiscard]] std::uint16_t SlotOf(std::string_view key);

struct NodeName {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const NodeName&, const NodeName&) = default;
};

// "Ask there": for good (MOVED), or this once, with ASKING in front (ASK).
struct Redirect {
  bool once = false;
  NodeName node;  // its host is empty where that is the one that said so
};
// Nothing for any other reply.
[[nodiscard]] std::optional<Redirect> RedirectOf(const redisReply& reply);

struct SlotRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  NodeName master;
};
// The answer to CLUSTER SLOTS. Errors: kUnavailable for one that is none.
[[nodiscard]] Result<std::vector<SlotRange>> SlotsOf(const redisReply& reply);

}  // namespace assay::cache::redis
