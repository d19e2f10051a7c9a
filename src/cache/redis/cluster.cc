#include "redis/cluster.h"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace assay::cache::redis {
namespace {

// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, starts at 0.
constexpr std::array<std::uint16_t, 256> MakeCrcTable() {
  std::array<std::uint16_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte << 8;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1;
    table[byte] = static_cast<std::uint16_t>(crc);
  }
  return table;
}
constexpr std::array<std::uint16_t, 256> kCrcTable = MakeCrcTable();

std::uint16_t Crc16(std::string_view bytes) {
  std::uint32_t crc = 0;
  for (const char byte : bytes) {
    crc = (crc << 8 ^ kCrcTable[(crc >> 8 ^ static_cast<unsigned char>(byte)) & 0xFF]) & 0xFFFF;
  }
  return static_cast<std::uint16_t>(crc);
}

// host:port, [address]:port, or :port
std::optional<NodeName> NodeOf(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view digits = text.substr(colon + 1);
  NodeName node;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), node.port);
  if (error != std::errc() || end != digits.data() + digits.size() || node.port == 0)
    return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host != "?") node.host = host;
  return node;
}

bool IsSlot(const redisReply& reply) {
  return reply.type == REDIS_REPLY_INTEGER && reply.integer >= 0 && reply.integer < kSlots;
}

}  // namespace

std::uint16_t SlotOf(std::string_view key) {
  if (const std::size_t open = key.find('{'); open != std::string_view::npos) {
    const std::size_t close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1)
      key = key.substr(open + 1, close - open - 1);
  }
  return Crc16(key) % kSlots;
}

std::optional<Redirect> RedirectOf(const redisReply& reply) {
  if (reply.type != REDIS_REPLY_ERROR) return std::nullopt;
  std::string_view text = TextOf(reply);  // "MOVED 3999 127.0.0.1:6381"
  const bool once = text.starts_with("ASK ");
  if (!once && !text.starts_with("MOVED ")) return std::nullopt;
  text.remove_prefix(text.find(' ') + 1);
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  std::optional<NodeName> node = NodeOf(text.substr(space + 1));
  if (!node) return std::nullopt;
  return Redirect{once, *std::move(node)};
}

Result<std::vector<SlotRange>> SlotsOf(const redisReply& reply) {
  const auto strange = [] {
    return Fail(Code::kUnavailable, "its answer to CLUSTER SLOTS is none");
  };
  if (reply.type != REDIS_REPLY_ARRAY) return strange();
  std::vector<SlotRange> ranges;
  for (std::size_t i = 0; i < reply.elements; ++i) {
    const redisReply& range = *reply.element[i];
    if (range.type != REDIS_REPLY_ARRAY || range.elements < 3 || !IsSlot(*range.element[0]) ||
        !IsSlot(*range.element[1])) {
      return strange();
    }
    const redisReply& master = *range.element[2];
    if (master.type != REDIS_REPLY_ARRAY || master.elements < 2 ||
        master.element[1]->type != REDIS_REPLY_INTEGER || master.element[1]->integer < 1 ||
        master.element[1]->integer > UINT16_MAX) {
      return strange();
    }
    SlotRange& out = ranges.emplace_back();
    out.first = static_cast<std::uint16_t>(range.element[0]->integer);
    out.last = static_cast<std::uint16_t>(range.element[1]->integer);
    out.master.port = static_cast<std::uint16_t>(master.element[1]->integer);
    const redisReply& host = *master.element[0];
    if (host.type == REDIS_REPLY_STRING && TextOf(host) != "?") out.master.host = TextOf(host);
  }
  return ranges;
}

}  // namespace assay::cache::redis
