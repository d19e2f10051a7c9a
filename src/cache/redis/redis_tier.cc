#include "assay/cache/redis_tier.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "redis/nodes.h"
#include "redis/value.h"

namespace assay::cache {

using redis::AppendCommand;
using redis::Connection;
using redis::Reply;
using redis::TextOf;

namespace {

constexpr std::int64_t kLongestExpiryMs = 315'360'000'000;  // 10 years; Redis has a limit too
constexpr auto kWalkStepLimit = std::chrono::seconds(5);
constexpr std::string_view kScanCount = "512";

redis::SteadyTime WalkDeadline() {
  return std::chrono::steady_clock::now() + kWalkStepLimit;
}

std::unexpected<Error> Strange(const redisReply& reply) {
  return Fail(Code::kUnavailable,
              reply.type == REDIS_REPLY_ERROR
                  ? fmt::format("Redis says: {}", TextOf(reply))
                  : fmt::format("Redis gave a reply of type {}, which does not fit", reply.type));
}

// Calls visit(connection, names) for all keys with the prefix, some of them perhaps twice; it
// returns false to stop, and so does this.
template <typename Visit>
Result<bool> Walk(Connection& connection, const std::string& prefix, Visit& visit) {
  const std::string pattern = redis::PatternOf(prefix);
  std::string cursor = "0";
  do {
    ASSAY_ASSIGN(
        const Reply reply,
        connection.Ask({"SCAN", cursor, "MATCH", pattern, "COUNT", kScanCount}, WalkDeadline()));
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_ARRAY) {
      return Strange(*reply);
    }
    cursor = TextOf(*reply->element[0]);
    std::vector<std::string> names;
    Key key;
    for (std::size_t i = 0; i < reply->element[1]->elements; ++i) {
      const redisReply& name = *reply->element[1]->element[i];
      if (name.type != REDIS_REPLY_STRING) return Strange(name);
      if (redis::KeyOfName(prefix, TextOf(name), key)) names.emplace_back(TextOf(name));
    }
    ASSAY_ASSIGN(const bool goes_on, visit(connection, names));
    if (!goes_on) return false;
  } while (cursor != "0");
  return true;
}

template <typename Visit>
Result<void> WalkAll(std::vector<Connection>& connections, const std::string& prefix,
                     Visit& visit) {
  for (Connection& connection : connections) {
    ASSAY_ASSIGN(const bool goes_on, Walk(connection, prefix, visit));
    if (!goes_on) break;
  }
  return {};
}

// One command for each name, in one pipeline.
template <typename Command>
Result<std::vector<Reply>> AskAll(Connection& connection, const std::vector<std::string>& names,
                                  Command&& command) {
  std::string commands;
  for (const std::string& name : names) command(commands, name);
  ASSAY_TRY(connection.Send(commands, WalkDeadline()));
  std::vector<Reply> replies;
  for (std::size_t i = 0; i < names.size(); ++i) {
    ASSAY_ASSIGN(Reply reply, connection.Receive(WalkDeadline()));
    replies.push_back(std::move(reply));
  }
  return replies;
}

// ---- scripts ----

std::string CommandOf(const RedisTier::ScriptCall& call) {
  const std::string key_count = std::to_string(call.keys.size());
  std::vector<std::string_view> parts = {"EVAL", call.script, key_count};
  parts.insert(parts.end(), call.keys.begin(), call.keys.end());
  parts.insert(parts.end(), call.arguments.begin(), call.arguments.end());
  std::string command;
  redis::AppendCommand(command, parts);
  return command;
}

bool AppendValue(const redisReply& reply, std::vector<std::string>& out) {
  switch (reply.type) {
    case REDIS_REPLY_INTEGER:
      out.push_back(std::to_string(reply.integer));
      return true;
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
      out.emplace_back(TextOf(reply));
      return true;
    case REDIS_REPLY_NIL:
      out.emplace_back();
      return true;
    default:
      return false;
  }
}

RedisTier::ScriptReply ValuesOf(const redisReply& reply) {
  std::vector<std::string> values;
  if (reply.type != REDIS_REPLY_ARRAY) {
    if (!AppendValue(reply, values)) return Strange(reply);
    return values;
  }
  for (std::size_t i = 0; i < reply.elements; ++i) {
    if (!AppendValue(*reply.element[i], values)) return Strange(*reply.element[i]);
  }
  return values;
}

}  // namespace

RedisTier::RedisTier(std::unique_ptr<Nodes> nodes) : nodes_(std::move(nodes)) {}
RedisTier::~RedisTier() = default;

Result<std::unique_ptr<RedisTier>> RedisTier::Create(RedisOptions options) {
  ASSAY_ASSIGN(const std::vector<RedisAddress> seeds, RedisAddress::ParseList(options.url));
  return std::unique_ptr<RedisTier>(
      new RedisTier(std::make_unique<Nodes>(std::move(options), seeds)));
}

Result<EntryRef> RedisTier::Get(const Key& key, std::int64_t now_ms) {
  EntryRef entry;
  ASSAY_TRY(GetBatch({&key, 1}, now_ms, {&entry, 1}));
  return entry;
}

Result<void> RedisTier::GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                                 std::span<EntryRef> out) {
  std::ranges::fill(out, EntryRef());
  const auto fail = [&](const Error& error) {
    nodes_->figures.errors.fetch_add(1, std::memory_order_relaxed);
    std::ranges::fill(out, EntryRef());
    return std::unexpected(error);
  };
  const std::string& prefix = nodes_->options().key_prefix;
  std::vector<Nodes::Command> commands(keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) {
    commands[i].first = redis::KeyName(prefix, keys[i]);
    AppendCommand(commands[i].second, {"GET", commands[i].first});
  }
  const Result<std::vector<Reply>> replies = nodes_->Ask(commands);
  if (!replies) return fail(replies.error());
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const redisReply& reply = *(*replies)[i];
    if (reply.type == REDIS_REPLY_NIL) continue;
    if (reply.type != REDIS_REPLY_STRING) return fail(Strange(reply).error());
    Result<EntryRef> entry = redis::EntryOf(keys[i], TextOf(reply), nodes_->codec());
    if (!entry) {
      if (entry.error().code == Code::kDataLoss) {
        std::string drop;
        AppendCommand(drop, {"DEL", commands[i].first});
        static_cast<void>(nodes_->Post(commands[i].first, std::move(drop)));
      }
      return fail(entry.error());
    }
    if ((*entry)->ExpiredAt(now_ms)) continue;
    out[i] = *std::move(entry);
    ++hits;
  }
  nodes_->figures.hits.fetch_add(hits, std::memory_order_relaxed);
  nodes_->figures.misses.fetch_add(keys.size() - hits, std::memory_order_relaxed);
  return {};
}

Result<void> RedisTier::Put(const EntryRef& entry, std::int64_t now_ms) {
  const std::string name = redis::KeyName(nodes_->options().key_prefix, entry->key());
  std::string command;
  const auto post = [&]() -> Result<void> {
    if (entry->ExpiredAt(now_ms)) {
      AppendCommand(command, {"DEL", name});
      return nodes_->Post(name, std::move(command));
    }
    ASSAY_ASSIGN(const std::string value, redis::ValueOf(*entry, nodes_->codec()));
    if (value.size() > nodes_->options().max_value_bytes) {
      AppendCommand(command, {"DEL", name});
    } else if (entry->info().expires_ms == kNeverExpires) {
      AppendCommand(command, {"SET", name, value});
    } else {
      const std::int64_t left_ms = std::min(entry->info().expires_ms - now_ms, kLongestExpiryMs);
      AppendCommand(command, {"SET", name, value, "PX", std::to_string(left_ms)});
    }
    return nodes_->Post(name, std::move(command));
  };
  Result<void> posted = post();
  auto& figure = posted ? nodes_->figures.puts : nodes_->figures.errors;
  figure.fetch_add(1, std::memory_order_relaxed);
  return posted;
}

Result<bool> RedisTier::Erase(const Key& key) {
  Nodes::Command command;
  command.first = redis::KeyName(nodes_->options().key_prefix, key);
  AppendCommand(command.second, {"DEL", command.first});
  ASSAY_ASSIGN(const std::vector<Reply> replies, nodes_->Ask({&command, 1}));
  if (replies[0]->type != REDIS_REPLY_INTEGER) return Strange(*replies[0]);
  return replies[0]->integer > 0;
}

Result<std::uint64_t> RedisTier::Purge(const Filter& filter) {
  // What is queued was put before; its own errors are for Sync().
  static_cast<void>(Sync());
  ASSAY_ASSIGN(std::vector<Connection> connections, nodes_->OpenAll());
  std::uint64_t removed = 0;
  const auto remove = [&](Connection& connection,
                          const std::vector<std::string>& names) -> Result<bool> {
    ASSAY_ASSIGN(const std::vector<Reply> heads,
                 AskAll(connection, names, [](std::string& out, const std::string& name) {
                   AppendCommand(
                       out, {"GETRANGE", name, "0", std::to_string(redis::kValueHeadBytes - 1)});
                 }));
    std::vector<std::string> matching;
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (heads[i]->type == REDIS_REPLY_STRING && redis::HeadMatches(TextOf(*heads[i]), filter)) {
        matching.push_back(names[i]);
      }
    }
    ASSAY_ASSIGN(const std::vector<Reply> done,
                 AskAll(connection, matching, [](std::string& out, const std::string& name) {
                   AppendCommand(out, {"UNLINK", name});
                 }));
    for (const Reply& reply : done) {
      if (reply->type != REDIS_REPLY_INTEGER) return Strange(*reply);
      removed += static_cast<std::uint64_t>(reply->integer);
    }
    return true;
  };
  ASSAY_TRY(WalkAll(connections, nodes_->options().key_prefix, remove));
  return removed;
}

Result<void> RedisTier::ForEach(std::int64_t now_ms, const Visitor& visit) {
  static_cast<void>(Sync());
  ASSAY_ASSIGN(std::vector<Connection> connections, nodes_->OpenAll());
  const std::string& prefix = nodes_->options().key_prefix;
  std::unordered_set<Key> seen;
  const auto show = [&](Connection& connection,
                        const std::vector<std::string>& names) -> Result<bool> {
    ASSAY_ASSIGN(const std::vector<Reply> values,
                 AskAll(connection, names, [](std::string& out, const std::string& name) {
                   AppendCommand(out, {"GET", name});
                 }));
    for (std::size_t i = 0; i < names.size(); ++i) {
      Key key;
      if (values[i]->type != REDIS_REPLY_STRING) continue;  // gone meanwhile
      if (!redis::KeyOfName(prefix, names[i], key) || !seen.insert(key).second) continue;
      const Result<EntryRef> entry = redis::EntryOf(key, TextOf(*values[i]), nodes_->codec());
      if (!entry) {
        nodes_->figures.errors.fetch_add(1, std::memory_order_relaxed);
        if (entry.error().code != Code::kDataLoss) return std::unexpected(entry.error());
        continue;
      }
      if (!(*entry)->ExpiredAt(now_ms) && !visit(*entry)) return false;
    }
    return true;
  };
  return WalkAll(connections, prefix, show);
}

Result<void> RedisTier::Sync() {
  return nodes_->Drain();
}

TierStats RedisTier::Stats() const {
  TierStats stats;
  stats.hits = nodes_->figures.hits.load(std::memory_order_relaxed);
  stats.misses = nodes_->figures.misses.load(std::memory_order_relaxed);
  stats.puts = nodes_->figures.puts.load(std::memory_order_relaxed);
  stats.errors = nodes_->figures.errors.load(std::memory_order_relaxed);
  return stats;
}

RedisStats RedisTier::Details() const {
  return nodes_->Details();
}

bool RedisTier::WaitUntilUp(std::int64_t wait_ms) {
  return nodes_->WaitUntilUp(wait_ms);
}

// ---- what gateways share besides entries ----

std::vector<RedisTier::ScriptReply> RedisTier::RunScripts(std::span<const ScriptCall> calls) {
  std::vector<Nodes::Command> commands;
  commands.reserve(calls.size());
  for (const ScriptCall& call : calls) commands.emplace_back(call.keys.front(), CommandOf(call));
  std::vector<Result<Reply>> replies = nodes_->AskEach(commands);
  std::vector<ScriptReply> out;
  out.reserve(replies.size());
  for (Result<Reply>& reply : replies) {
    out.push_back(reply ? ValuesOf(**reply) : std::unexpected(std::move(reply).error()));
  }
  return out;
}

std::string RedisTier::NameOf(const Key& key) const {
  return redis::KeyName(nodes_->options().key_prefix, key);
}

// The slot of a name is that of what stands in its first braces: the prefix's own, or the whole
// name of the entry.
std::string RedisTier::NameBeside(const Key& key, std::string_view what) const {
  return fmt::format("{}{}:{{{}}}", nodes_->options().key_prefix, what, NameOf(key));
}

std::string RedisTier::NameFor(std::string_view what) const {
  return fmt::format("{}{{{}}}", nodes_->options().key_prefix, what);
}

}  // namespace assay::cache
