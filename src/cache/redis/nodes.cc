#include "redis/nodes.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <iterator>
#include <optional>
#include <set>

namespace assay::cache {

using redis::Connection;
using redis::Redirect;
using redis::Reply;

namespace {

constexpr int kMostHops = 5;  // of one command, while slots move

std::string Asking() {
  std::string out;
  redis::AppendCommand(out, {"ASKING"});
  return out;
}

void Add(const RedisStats& one, RedisStats& sum) {
  sum.up = sum.up || one.up;
  sum.connects += one.connects;
  sum.timeouts += one.timeouts;
  sum.refused += one.refused;
  sum.dropped += one.dropped;
  sum.pipelines += one.pipelines;
  sum.commands += one.commands;
}

// The key of a posted command, for its slot: "*2 $3 DEL $5 a key", with line ends for the blanks.
std::string_view NameIn(std::string_view command) {
  const std::size_t verb = command.find("\r\n", command.find('$')) + 2;
  std::string_view rest = command.substr(command.find('$', verb) + 1);
  std::size_t size = 0;
  std::from_chars(rest.data(), rest.data() + rest.size(), size);
  rest.remove_prefix(rest.find("\r\n") + 2);
  return rest.substr(0, size);
}

}  // namespace

struct RedisTier::Nodes::Open {
  std::size_t index = 0;  // of the command
  ClientRef at;
  bool once = false;  // with ASKING
};

RedisTier::Nodes::Nodes(RedisOptions options, const std::vector<RedisAddress>& seeds)
    : options_(std::move(options)),
      seeds_(seeds.size()),
      codec_(options_.compress_from_bytes, options_.sealer) {
  const std::scoped_lock lock(mutex_);
  for (const RedisAddress& address : seeds) MakeClient(address);
}

RedisTier::Nodes::~Nodes() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  // One may send on to another that has ended already; that command is lost, as on a lost server.
  for (const ClientRef& client : Clients()) client->Stop();
  for (const ClientRef& client : leaving_) client->Stop();
}

// With the lock held.
RedisTier::Nodes::ClientRef RedisTier::Nodes::MakeClient(RedisAddress address) {
  Client::Hooks hooks;
  hooks.redirect = [this](const Client& from, const Redirect& redirect, std::string_view commands,
                          int hops) {
    if (hops >= kMostHops) return false;
    const std::string asking = Asking();
    if (commands.starts_with(asking)) commands.remove_prefix(asking.size());
    const ClientRef target = Follow(redirect, NameIn(commands), from);
    if (target == nullptr) return false;
    std::string whole = redirect.once ? asking : std::string();
    whole += commands;
    return target->Post(std::move(whole), redirect.once ? 2 : 1, hops + 1).has_value();
  };
  hooks.connected = [this](const Client& client, Connection& connection) -> Result<void> {
    if (!MayBeOfCluster()) return {};
    ASSAY_TRY(LearnFrom(connection, client.address()));
    return {};
  };
  hooks.lost = [this] { LearnSlots(); };
  clients_.push_back(
      std::make_shared<Client>(options_, std::move(address), figures, std::move(hooks)));
  return clients_.back();
}

std::vector<RedisTier::Nodes::ClientRef> RedisTier::Nodes::Clients() const {
  const std::scoped_lock lock(mutex_);
  return clients_;
}

std::vector<RedisTier::Nodes::ClientRef> RedisTier::Nodes::ClientsThatAreUp() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ClientRef> up;
  std::ranges::copy_if(clients_, std::back_inserter(up), &Client::up,
                       [](const ClientRef& one) -> const Client& { return *one; });
  return up;
}

// A server alone is not troubled with the question.
bool RedisTier::Nodes::MayBeOfCluster() const {
  const std::scoped_lock lock(mutex_);
  return clients_.size() > 1 || !slots_.empty();
}

RedisTier::Nodes::ClientRef RedisTier::Nodes::FirstThatIsUp() const {
  const std::vector<ClientRef> clients = Clients();
  const auto up = std::ranges::find_if(clients, [](const ClientRef& one) { return one->up(); });
  return up == clients.end() ? clients.front() : *up;
}

RedisTier::Nodes::ClientRef RedisTier::Nodes::HolderOf(std::string_view name) {
  {
    const std::scoped_lock lock(mutex_);
    if (slots_.empty() && clients_.size() == 1) return clients_.front();
    if (!slots_.empty()) {
      if (ClientRef holder = slots_[redis::SlotOf(name)]) return holder;
    }
  }
  return FirstThatIsUp();
}

RedisTier::Nodes::ClientRef RedisTier::Nodes::ClientAt(const redis::NodeName& node,
                                                       const RedisAddress& named_by,
                                                       Unknown unknown) {
  RedisAddress address = named_by;
  if (!node.host.empty()) address.host = node.host;
  address.port = node.port;
  address.socket_path.clear();
  address.database = 0;  // a cluster has no other
  const std::scoped_lock lock(mutex_);
  if (stopping_) return nullptr;
  const auto known = std::ranges::find_if(clients_, [&](const ClientRef& client) {
    return client->address().host == address.host && client->address().port == address.port;
  });
  if (known != clients_.end()) return *known;
  if (unknown == Unknown::kLeave) return nullptr;
  if (clients_.size() >= kMostRedisNodes && !MakeRoom()) return nullptr;
  return MakeClient(std::move(address));
}

// With the lock held. Where servers get new addresses all the time, the old ones must not fill the
// room. One that nobody else refers to, slots included, cannot be referred to meanwhile.
bool RedisTier::Nodes::MakeRoom() {
  std::erase_if(leaving_, [](const ClientRef& one) { return one->ended(); });
  if (leaving_.size() >= kMostRedisNodes) return false;
  const auto idle =
      std::find_if(clients_.begin() + static_cast<std::ptrdiff_t>(seeds_), clients_.end(),
                   [](const ClientRef& one) { return one.use_count() == 1 && !one->up(); });
  if (idle == clients_.end()) return false;
  RedisStats last = (*idle)->Details();
  last.up = false;
  Add(last, gone_);
  (*idle)->BeginStop();
  leaving_.push_back(std::move(*idle));
  clients_.erase(idle);
  return true;
}

RedisTier::Nodes::ClientRef RedisTier::Nodes::Follow(const Redirect& redirect,
                                                     std::string_view name, const Client& from) {
  // A server that is given its first slot is in no answer to CLUSTER SLOTS yet.
  const Unknown unknown = redirect.once ? Unknown::kMake : Unknown::kLeave;
  ClientRef target = ClientAt(redirect.node, from.address(), unknown);
  if (target == nullptr && !redirect.once) {
    if (Result<Connection> opened = from.OpenAnother()) {
      const Result<bool> learned = LearnFrom(*opened, from.address());
      if (learned && *learned) target = ClientAt(redirect.node, from.address(), unknown);
    }
  }
  if (target == nullptr || redirect.once) return target;
  const std::scoped_lock lock(mutex_);
  if (slots_.empty()) slots_.resize(redis::kSlots);
  slots_[redis::SlotOf(name)] = target;
  return target;
}

Result<bool> RedisTier::Nodes::LearnFrom(Connection& connection, const RedisAddress& address) {
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(options_.connect_timeout_ms);
  std::string command;
  redis::AppendCommand(command, {"CLUSTER", "SLOTS"});
  ASSAY_TRY(connection.Send(command, deadline));
  ASSAY_ASSIGN(const Reply reply, connection.Receive(deadline));
  const auto ranges = redis::SlotsOf(*reply);  // none where cluster support is off
  if (!ranges || ranges->empty()) return false;
  std::vector<ClientRef> slots(redis::kSlots);
  for (const redis::SlotRange& range : *ranges) {
    const ClientRef master = ClientAt(range.master, address, Unknown::kMake);
    for (std::uint32_t slot = range.first; slot <= range.last; ++slot) slots[slot] = master;
  }
  const std::scoped_lock lock(mutex_);
  slots_ = std::move(slots);
  return true;
}

void RedisTier::Nodes::LearnSlots() {
  if (!MayBeOfCluster()) return;
  const std::unique_lock learning(learn_mutex_, std::try_to_lock);
  if (!learning) return;  // another thread is about it
  for (const ClientRef& client : ClientsThatAreUp()) {
    Result<Connection> opened = client->OpenAnother();
    if (!opened) continue;
    const Result<bool> learned = LearnFrom(*opened, client->address());
    if (learned && *learned) return;
  }
}

Result<void> RedisTier::Nodes::AskOne(const ClientRef& client, std::span<const Open> open,
                                      std::span<const Command> commands,
                                      std::vector<Reply>& replies, std::vector<Open>& again) {
  std::string joined;
  std::size_t count = 0;
  for (const Open& one : open) {
    if (one.once) joined += Asking();
    joined += commands[one.index].second;
    count += one.once ? 2 : 1;
  }
  ASSAY_ASSIGN(std::vector<Reply> got, client->Ask(std::move(joined), count));
  std::size_t at = 0;
  for (const Open& one : open) {
    at += one.once ? 1 : 0;  // the "OK" to ASKING
    Reply reply = std::move(got[at++]);
    if (const auto redirect = redis::RedirectOf(*reply)) {
      const ClientRef target = Follow(*redirect, commands[one.index].first, *client);
      if (target != nullptr) again.push_back({one.index, target, redirect->once});
    }
    replies[one.index] = std::move(reply);
  }
  return {};
}

template <typename Failed>
void RedisTier::Nodes::AskAll(std::span<const Command> commands, std::vector<Reply>& replies,
                              const Failed& failed) {
  std::vector<Open> open;
  for (std::size_t i = 0; i < commands.size(); ++i)
    open.push_back({i, HolderOf(commands[i].first), false});
  for (int hop = 0; !open.empty() && hop <= kMostHops; ++hop) {
    // After a redirect ASKING counts too.
    const std::size_t most = std::max<std::size_t>(options_.pipeline / (hop == 0 ? 1 : 2), 1);
    std::ranges::stable_sort(open, std::less<>(), [](const Open& one) { return one.at.get(); });
    std::vector<Open> again;
    for (std::size_t begin = 0; begin < open.size();) {
      std::size_t end = begin + 1;
      while (end < open.size() && end - begin < most && open[end].at == open[begin].at) ++end;
      // A server that was just named is still being connected to.
      if (hop > 0) open[begin].at->WaitUntilUp(options_.answer_timeout_ms);
      const auto batch = std::span(open).subspan(begin, end - begin);
      const Result<void> asked = AskOne(open[begin].at, batch, commands, replies, again);
      if (!asked && !failed(batch, asked.error())) return;
      begin = end;
    }
    const bool moved = std::ranges::any_of(again, [](const Open& one) { return !one.once; });
    if (moved) LearnSlots();
    open = std::move(again);
  }
}

Result<std::vector<Reply>> RedisTier::Nodes::Ask(std::span<const Command> commands) {
  std::vector<Reply> replies(commands.size());
  std::optional<Error> first;
  AskAll(commands, replies, [&](std::span<const Open>, const Error& error) {
    first = error;
    return false;
  });
  if (first) return std::unexpected(*std::move(first));
  return replies;
}

std::vector<Result<Reply>> RedisTier::Nodes::AskEach(std::span<const Command> commands) {
  std::vector<Reply> replies(commands.size());
  std::vector<std::optional<Error>> errors(commands.size());
  AskAll(commands, replies, [&](std::span<const Open> batch, const Error& error) {
    for (const Open& one : batch) errors[one.index] = error;
    return true;
  });
  std::vector<Result<Reply>> each;
  for (std::size_t i = 0; i < commands.size(); ++i) {
    if (errors[i]) {
      each.emplace_back(std::unexpected(*std::move(errors[i])));
    } else {
      each.emplace_back(std::move(replies[i]));
    }
  }
  return each;
}

Result<void> RedisTier::Nodes::Post(std::string_view name, std::string command) {
  return HolderOf(name)->Post(std::move(command));
}

Result<void> RedisTier::Nodes::Drain() {
  Result<void> first;
  const auto posted = [this] {
    std::uint64_t sum = 0;
    for (const ClientRef& client : Clients()) sum += client->posted();
    return sum;
  };
  // What one server sends on to another counts there before it is done here.
  for (std::uint64_t before = 0, now = posted(); now != before; before = now, now = posted()) {
    for (const ClientRef& client : Clients()) {
      Result<void> drained = client->Drain();
      if (!drained && first) first = std::move(drained);
    }
  }
  return first;
}

Result<std::vector<Connection>> RedisTier::Nodes::OpenAll() {
  LearnSlots();
  std::set<ClientRef> holders;
  {
    const std::scoped_lock lock(mutex_);
    for (const ClientRef& holder : slots_) {
      if (holder != nullptr) holders.insert(holder);
    }
  }
  if (holders.empty()) holders.insert(FirstThatIsUp());
  std::vector<Connection> connections;
  for (const ClientRef& holder : holders) {
    holder->WaitUntilUp(options_.connect_timeout_ms);
    ASSAY_ASSIGN(Connection connection, holder->OpenAnother());
    connections.push_back(std::move(connection));
  }
  return connections;
}

bool RedisTier::Nodes::WaitUntilUp(std::int64_t wait_ms) {
  if (!FirstThatIsUp()->WaitUntilUp(wait_ms)) return false;
  const std::vector<ClientRef> clients = Clients();
  return std::ranges::all_of(clients,
                             [&](const ClientRef& one) { return one->WaitUntilUp(wait_ms); });
}

RedisStats RedisTier::Nodes::Details() const {
  const std::scoped_lock lock(mutex_);
  RedisStats sum = gone_;
  for (const ClientRef& client : clients_) Add(client->Details(), sum);
  return sum;
}

}  // namespace assay::cache
