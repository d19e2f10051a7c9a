// redis/nodes.h: one client for each server, and which of them holds a key.
// Room: cache, private.  Threads: safe for many threads.
//
// A server alone has all keys. One of a cluster says MOVED to what it does not hold; then the slots
// are asked for and kept until the next MOVED, or until a server is lost. A client, which is a
// thread, is made when CLUSTER SLOTS or ASK first names a server: MOVED alone makes none. There are
// at most kMostRedisNodes; then one whose server is gone and holds no slot makes room.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "payload/payload.h"
#include "redis/client.h"
#include "redis/cluster.h"

namespace assay::cache {

inline constexpr std::size_t kMostRedisNodes = 128;

class RedisTier::Nodes {
 public:
  // Requires: seeds is not empty. The first that answers is asked; the others are for when it does
  // not.
  Nodes(RedisOptions options, const std::vector<RedisAddress>& seeds);
  ~Nodes();

  // The reply to each command, in order: name and command of a key each. Redirects are followed.
  // Errors: those of Client::Ask.
  using Command = std::pair<std::string, std::string>;
  Result<std::vector<redis::Reply>> Ask(std::span<const Command> commands);
  // The same, where a server that fails hurts only the commands that it was sent.
  std::vector<Result<redis::Reply>> AskEach(std::span<const Command> commands);
  // Queues one command; its redirects are followed.
  Result<void> Post(std::string_view name, std::string command);
  // Waits for the replies to all that was posted; the first error since the last call.
  Result<void> Drain();
  // A connection of its own to each server that holds keys, for walks over all of them.
  Result<std::vector<redis::Connection>> OpenAll();

  bool WaitUntilUp(std::int64_t wait_ms);
  [[nodiscard]] RedisStats Details() const;
  [[nodiscard]] const RedisOptions& options() const { return options_; }
  [[nodiscard]] const PayloadCodec& codec() const { return codec_; }

  RedisFigures figures;

 private:
  using ClientRef = std::shared_ptr<Client>;
  struct Open;  // a command that waits for its reply

  [[nodiscard]] ClientRef HolderOf(std::string_view name);
  [[nodiscard]] bool MayBeOfCluster() const;
  [[nodiscard]] ClientRef FirstThatIsUp() const;
  enum class Unknown : bool { kLeave, kMake };
  // The client of a server. Null for one that is not known and not made: while everything ends, or
  // for too many.
  [[nodiscard]] ClientRef ClientAt(const redis::NodeName& node, const RedisAddress& named_by,
                                   Unknown unknown);
  bool MakeRoom();
  // Whom to ask instead of `from`; null: nobody that its CLUSTER SLOTS names.
  [[nodiscard]] ClientRef Follow(const redis::Redirect& redirect, std::string_view name,
                                 const Client& from);
  // Calls failed(commands, error) for each server that fails; it returns false to stop.
  template <typename Failed>
  void AskAll(std::span<const Command> commands, std::vector<redis::Reply>& replies,
              const Failed& failed);
  Result<void> AskOne(const ClientRef& client, std::span<const Open> open,
                      std::span<const Command> commands, std::vector<redis::Reply>& replies,
                      std::vector<Open>& again);
  // Asks for the slots of all servers. False: it is of no cluster, or does not know them. Errors:
  // the connection broke.
  Result<bool> LearnFrom(redis::Connection& connection, const RedisAddress& address);
  // The same of the first server that is up and knows them, on a connection of its own.
  void LearnSlots();
  ClientRef MakeClient(RedisAddress address);
  [[nodiscard]] std::vector<ClientRef> Clients() const;
  [[nodiscard]] std::vector<ClientRef> ClientsThatAreUp() const;

  const RedisOptions options_;
  const std::size_t seeds_;
  const PayloadCodec codec_;

  mutable std::mutex mutex_;        // never held while a client is asked
  std::vector<ClientRef> clients_;  // first those that the settings name
  std::vector<ClientRef> leaving_;  // made room
  RedisStats gone_;                 // of those that left
  std::vector<ClientRef> slots_;    // by slot; empty until a server said MOVED; null: nobody's
  bool stopping_ = false;
  std::mutex learn_mutex_;  // one thread asks for the slots
};

}  // namespace assay::cache
