// assay/cache/redis_tier.h: cached answers in a Redis or Valkey that many gateways share, or in a
// cluster of them.
// Room: cache (uses core, crypto).  Threads: safe for many threads; a Get waits at most
// answer_timeout_ms, everything else that callers do waits no longer.
// Method: for each server one thread owns the connection and sends what callers ask in pipelines; a
// server that does not answer in time is asked no more until a probe in the background finds it
// back. Of a cluster each server is asked for its own slots; MOVED and ASK are followed, and the
// slots are asked for anew when they move and when a server is lost.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/cache/tier.h"
#include "assay/core/clock.h"

namespace assay::crypto {
class Sealer;  // assay/crypto/aead.h
}

namespace assay::cache {

// What a URL says: redis://[user:password@]host[:port][/database], rediss:// for TLS,
// unix:/path/to/socket for a socket of this machine.
struct RedisAddress {
  std::string host;  // empty for a Unix socket
  std::uint16_t port = 6379;
  std::string socket_path;
  std::string user;
  std::string password;  // never in an error or a log
  std::uint32_t database = 0;
  bool tls = false;

  // Errors: kInvalidArgument; the message does not repeat the password.
  [[nodiscard]] static Result<RedisAddress> Parse(std::string_view url);
  // As Parse, with several hosts separated by commas: redis://one:6379,two:6379. At least one.
  [[nodiscard]] static Result<std::vector<RedisAddress>> ParseList(std::string_view url);
  // Without user and password.
  [[nodiscard]] std::string Display() const;
};

struct RedisOptions {
  std::string url = "redis://127.0.0.1:6379";  // or some servers of a cluster, see ParseList
  std::string key_prefix = "assay:";
  std::int64_t answer_timeout_ms = 5;      // of a Get; a server that is slower counts as dead
  std::int64_t connect_timeout_ms = 1000;  // in the background, nobody waits for it
  std::int64_t first_backoff_ms = 100;     // between probes of a dead server, doubled up to
  std::int64_t longest_backoff_ms = 30'000;
  std::size_t queue_entries = 4096;  // asked and not yet answered; more are refused
  std::size_t queue_bytes = std::size_t{64} << 20;
  std::size_t pipeline = 256;                           // commands in one write
  std::size_t compress_from_bytes = 1024;               // as in DiskOptions
  std::size_t max_value_bytes = std::size_t{32} << 20;  // larger answers are not stored
  std::shared_ptr<const crypto::Sealer> sealer = nullptr;
  std::string tls_ca_file = {};  // empty: the system's; the server's name is always verified
  // Told once when the server is lost and once when it is back. Called by the tier's thread.
  std::function<void(bool up, const std::string& message)> on_change = {};
};

struct RedisStats {
  bool up = false;  // at least one server
  std::uint64_t connects = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t refused = 0;  // calls that cost nothing because the server is lost
  std::uint64_t dropped = 0;  // puts that the full queue did not take, or that a lost server lost
  std::uint64_t pipelines = 0;
  std::uint64_t commands = 0;
};

class RedisTier final : public Tier {
 public:
  // Connects in the background: a server that is not there is no error. Errors: kInvalidArgument
  // for a URL that is none.
  [[nodiscard]] static Result<std::unique_ptr<RedisTier>> Create(RedisOptions options);
  ~RedisTier() override;

  [[nodiscard]] std::string_view name() const override { return "redis"; }
  // kUnavailable at once while the server is lost.
  [[nodiscard]] Result<EntryRef> Get(const Key& key, std::int64_t now_ms) override;
  [[nodiscard]] Result<void> GetBatch(std::span<const Key> keys, std::int64_t now_ms,
                                      std::span<EntryRef> out) override;
  // Queues; a later Get of any thread sees it. Sync() tells whether the server took it.
  [[nodiscard]] Result<void> Put(const EntryRef& entry, std::int64_t now_ms) override;
  [[nodiscard]] Result<bool> Erase(const Key& key) override;
  // Both walk over all keys with the prefix (SCAN) on a connection of their own; may take seconds.
  [[nodiscard]] Result<std::uint64_t> Purge(const Filter& filter) override;
  [[nodiscard]] Result<void> ForEach(std::int64_t now_ms, const Visitor& visit) override;
  // Waits until the server has answered all that was asked. Errors: kUnavailable when it was lost,
  // kResourceExhausted when it refused (out of memory), for any Put since the last Sync.
  [[nodiscard]] Result<void> Sync() override;
  [[nodiscard]] TierStats Stats() const override;
  [[nodiscard]] RedisStats Details() const;

  // Whether the server answers, or every one of a cluster that is known so far; waits up to wait_ms
  // for each.
  [[nodiscard]] bool WaitUntilUp(std::int64_t wait_ms);

  // A script in Lua (EVAL) over keys that one server holds: the names below give such ones.
  struct ScriptCall {
    std::string_view script;
    std::vector<std::string> keys;  // at least one
    std::vector<std::string> arguments;
  };
  // What it returned: integers and texts as text, null as empty, each element of a list. Errors:
  // those of Get; kUnavailable where the server refused it.
  using ScriptReply = Result<std::vector<std::string>>;
  // All in one pipeline for each server; those of one that fails do not hurt the others. Waits as
  // long as a Get does, for each server that is silent.
  [[nodiscard]] std::vector<ScriptReply> RunScripts(std::span<const ScriptCall> calls);

  // The name under which an entry is stored.
  [[nodiscard]] std::string NameOf(const Key& key) const;
  // A name for something beside it, on the same server of a cluster; `what` has no braces. Entries
  // are never found under it. For prefixes with lone braces no such server is promised.
  [[nodiscard]] std::string NameBeside(const Key& key, std::string_view what) const;
  // A name for something that belongs to no entry.
  [[nodiscard]] std::string NameFor(std::string_view what) const;

 private:
  class Client;  // of one server
  class Nodes;
  explicit RedisTier(std::unique_ptr<Nodes> nodes);
  std::unique_ptr<Nodes> nodes_;
};

}  // namespace assay::cache
