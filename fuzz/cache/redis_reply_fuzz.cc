// Reads arbitrary bytes as replies of a Redis server: redirects and slots of a cluster.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "redis/cluster.h"

namespace redis = assay::cache::redis;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const redis::Reader reader = redis::MakeReader();
  if (redisReaderFeed(reader.get(), reinterpret_cast<const char*>(data), size) != REDIS_OK)
    return 0;
  void* raw = nullptr;
  while (redisReaderGetReply(reader.get(), &raw) == REDIS_OK && raw != nullptr) {
    const redis::Reply reply(static_cast<redisReply*>(raw));
    if (const auto redirect = redis::RedirectOf(*reply); redirect && redirect->node.port == 0)
      std::abort();
    const auto ranges = redis::SlotsOf(*reply);
    if (!ranges) continue;
    for (const redis::SlotRange& range : *ranges) {
      if (range.first >= redis::kSlots || range.last >= redis::kSlots || range.master.port == 0)
        std::abort();
    }
  }
  return 0;
}
