#include "coalescing/coalescer.h"

#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

namespace assay::gateway {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t kShards = 16;           // more than I/O threads, so that few meet at a lock
constexpr std::size_t kMaxJoined = 64 << 10;  // bytes given to a sink at once when it catches up

struct FlightKey {
  core::Hash128 key;
  bool stream = false;
  friend bool operator==(const FlightKey&, const FlightKey&) = default;
};
struct FlightKeyHash {
  std::size_t operator()(const FlightKey& flight) const noexcept {
    return static_cast<std::size_t>(flight.key.low) ^ (flight.stream ? 1U : 0U);
  }
};

// One who asked, and how it is told that there is something new. The timer never fires: it is
// cancelled, and belongs to the thread of its executor.
struct Member {
  explicit Member(const asio::any_io_executor& executor)
      : timer(std::make_shared<asio::steady_timer>(executor,
                                                   asio::steady_timer::time_point::max())) {}

  std::shared_ptr<asio::steady_timer> timer;
  bool waiting = false;  // guarded by the flight's mutex
};

// One call in flight with all who wait for it.
struct Flight {
  Flight(FlightKey flight_key, asio::any_io_executor leader)
      : key(flight_key), executor(std::move(leader)) {}

  const FlightKey key;
  const asio::any_io_executor executor;  // the call runs there
  asio::cancellation_signal signal;      // used on that executor only

  std::mutex mutex;  // guards everything below
  std::vector<Member*> members;
  bool has_head = false;
  int status = 0;
  std::string content_type;
  std::string request_id;
  std::deque<std::string> chunks;  // only grows, and each stays where it is: read outside the lock
  std::size_t bytes = 0;
  bool finished = false;
  std::shared_ptr<const UpstreamReply> reply;
  Error error;

  // Requires: the mutex is held, so that no member leaves (and its io_context with it) meanwhile.
  void WakeAll() {
    for (Member* member : members) {
      if (!member->waiting) continue;
      member->waiting = false;
      asio::post(member->timer->get_executor(), [timer = member->timer] { timer->cancel(); });
    }
  }
};

// Puts what the upstream streams into the flight.
class FlightSink final : public ChunkSink {
 public:
  FlightSink(Flight& flight, std::size_t limit_bytes)
      : flight_(flight), limit_bytes_(limit_bytes) {}

  asio::awaitable<Result<void>> Head(const UpstreamHead& head) override {
    const std::scoped_lock lock(flight_.mutex);
    flight_.has_head = true;
    flight_.status = head.status;
    flight_.content_type = head.content_type;
    flight_.request_id = head.request_id;
    flight_.WakeAll();
    co_return Result<void>();
  }

  asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    const std::scoped_lock lock(flight_.mutex);
    if (bytes.size() > limit_bytes_ - flight_.bytes) {
      co_return Fail(Code::kResourceExhausted,
                     fmt::format("the upstream's stream is longer than {} bytes", limit_bytes_));
    }
    flight_.chunks.emplace_back(bytes);
    flight_.bytes += bytes.size();
    flight_.WakeAll();
    co_return Result<void>();
  }

 private:
  Flight& flight_;
  std::size_t limit_bytes_;
};

}  // namespace

struct Coalescer::State {
  explicit State(std::size_t limit) : limit_bytes(limit) {}

  struct Shard {
    std::mutex mutex;
    std::unordered_map<FlightKey, std::shared_ptr<Flight>, FlightKeyHash> flights;
  };

  Shard& ShardOf(const FlightKey& key) {
    return shards[static_cast<std::size_t>(key.key.high) % kShards];
  }

  // Joins the flight of this key or begins it; the member is in it when this returns.
  std::shared_ptr<Flight> Join(const FlightKey& key, Member& member,
                               const asio::any_io_executor& executor, bool& leader);
  // New callers do not find the flight any more.
  void Forget(const Flight& flight);
  void Finish(Flight& flight, Result<UpstreamReply> result);
  // Takes the member out; cancels the call when it was the last one.
  void Leave(const std::shared_ptr<Flight>& flight, Member& member);

  const std::size_t limit_bytes;
  std::array<Shard, kShards> shards;
  // Counters, each read and written on its own.
  std::atomic<std::uint64_t> leaders{0};
  std::atomic<std::uint64_t> followers{0};
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<std::uint64_t> in_flight{0};
};

std::shared_ptr<Flight> Coalescer::State::Join(const FlightKey& key, Member& member,
                                               const asio::any_io_executor& executor,
                                               bool& leader) {
  Shard& shard = ShardOf(key);
  const std::scoped_lock lock(shard.mutex);
  std::shared_ptr<Flight>& place = shard.flights[key];
  if (place != nullptr) {
    const std::scoped_lock flight_lock(place->mutex);
    // Without members it is being cancelled, and will be forgotten.
    if (!place->finished && !place->members.empty()) {
      place->members.push_back(&member);
      leader = false;
      return place;
    }
  }
  place = std::make_shared<Flight>(key, executor);
  place->members.push_back(&member);
  leader = true;
  return place;
}

void Coalescer::State::Forget(const Flight& flight) {
  Shard& shard = ShardOf(flight.key);
  const std::scoped_lock lock(shard.mutex);
  const auto found = shard.flights.find(flight.key);
  if (found != shard.flights.end() && found->second.get() == &flight) shard.flights.erase(found);
}

void Coalescer::State::Finish(Flight& flight, Result<UpstreamReply> result) {
  Forget(flight);
  const std::scoped_lock lock(flight.mutex);
  if (flight.finished) return;
  flight.finished = true;
  if (result) {
    flight.reply = std::make_shared<const UpstreamReply>(std::move(*result));
  } else {
    flight.error = std::move(result).error();
  }
  --in_flight;
  flight.WakeAll();
}

void Coalescer::State::Leave(const std::shared_ptr<Flight>& flight, Member& member) {
  bool last = false;
  {
    const std::scoped_lock lock(flight->mutex);
    std::erase(flight->members, &member);
    last = flight->members.empty() && !flight->finished;
    if (last) {
      ++cancelled;
      // Posted behind the call's coroutine, so that it has begun by then: Asio 1.81 ends the
      // process when one is cancelled before it begins.
      asio::post(flight->executor,
                 [flight] { flight->signal.emit(asio::cancellation_type::terminal); });
    }
  }
  if (last) Forget(*flight);
}

namespace {

template <typename State>
class Membership {
 public:
  Membership(State& state, std::shared_ptr<Flight> flight, Member& member)
      : state_(state), flight_(std::move(flight)), member_(member) {}
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;
  ~Membership() { state_.Leave(flight_, member_); }

 private:
  State& state_;
  std::shared_ptr<Flight> flight_;
  Member& member_;
};

// Finishes the flight however its coroutine ends, also when that is destroyed with its io_context.
template <typename State>
class Landing {
 public:
  Landing(std::shared_ptr<State> state, std::shared_ptr<Flight> flight)
      : state_(std::move(state)), flight_(std::move(flight)) {}
  Landing(const Landing&) = delete;
  Landing& operator=(const Landing&) = delete;
  ~Landing() { state_->Finish(*flight_, std::move(result)); }

  Result<UpstreamReply> result = Fail(Code::kUnavailable, "the upstream call was given up");

 private:
  std::shared_ptr<State> state_;
  std::shared_ptr<Flight> flight_;
};

template <typename State>
asio::awaitable<void> Fly(std::shared_ptr<State> state, std::shared_ptr<Flight> flight,
                          Coalescer::Call call) {
  Landing<State> landing(state, flight);
  FlightSink sink(*flight, state->limit_bytes);
  try {
    landing.result = co_await call(flight->key.stream ? &sink : nullptr);
  } catch (const boost::system::system_error&) {
    // Asio throws where a cancelled coroutine waits again; nobody waits for the answer.
  } catch (const std::exception& problem) {
    landing.result =
        Fail(Code::kInternal, fmt::format("the upstream call failed: {}", problem.what()));
  }
}

// What a member has not had yet. The text lives in the flight, or in `joined` where it is several
// chunks.
struct News {
  bool head = false;
  UpstreamHead head_view;
  std::string_view text;
  std::string joined;
  bool finished = false;
};

// Looks what is new after `next` chunks; marks the member as waiting when nothing is.
bool Look(Flight& flight, Member& member, bool head_had, std::size_t& next, News& news) {
  const std::scoped_lock lock(flight.mutex);
  news.head = flight.has_head && !head_had;
  // Views of what does not change once it is there.
  if (news.head) news.head_view = {flight.status, flight.content_type, flight.request_id};
  if (next < flight.chunks.size()) {
    news.text = flight.chunks[next++];
    if (next < flight.chunks.size()) {
      news.joined = news.text;
      while (next < flight.chunks.size() &&
             news.joined.size() + flight.chunks[next].size() <= kMaxJoined) {
        news.joined += flight.chunks[next++];
      }
      news.text = news.joined;
    }
  }
  news.finished = flight.finished && next == flight.chunks.size();
  member.waiting = !news.head && news.text.empty() && !news.finished;
  return !member.waiting;
}

// Gives the member all there is until the flight ends. `flight` and `member` outlive it.
asio::awaitable<Result<void>> Follow(Flight& flight, Member& member, ChunkSink* sink) {
  bool head_had = false;
  std::size_t next = 0;
  while (true) {
    News news;
    if (!Look(flight, member, head_had, next, news)) {
      // A wake-up is posted to this thread, so it comes after the wait has begun.
      co_await member.timer->async_wait(kAwait);
      const auto state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none) {
        co_return Fail(Code::kUnavailable, "the call was cancelled");
      }
      continue;
    }
    if (news.head && sink != nullptr) {
      Result<void> taken = co_await sink->Head(news.head_view);
      if (!taken) co_return taken;
    }
    head_had = head_had || news.head;
    if (!news.text.empty() && sink != nullptr) {
      Result<void> taken = co_await sink->Chunk(news.text);
      if (!taken) co_return taken;
    }
    if (news.finished) co_return Result<void>();
  }
}

}  // namespace

Coalescer::Coalescer(std::size_t limit_bytes) : state_(std::make_shared<State>(limit_bytes)) {}
Coalescer::~Coalescer() = default;

asio::awaitable<Result<CoalescedReply>> Coalescer::Ask(core::Hash128 key, Call call,
                                                       ChunkSink* sink) {
  const std::shared_ptr<State> state = state_;
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  Member member(executor);
  bool leader = false;
  const std::shared_ptr<Flight> flight =
      state->Join({key, sink != nullptr}, member, executor, leader);
  const Membership<State> membership(*state, flight, member);
  if (leader) {
    ++state->leaders;
    ++state->in_flight;
    // The handler keeps the flight, and so the signal, until the call has ended.
    auto landed =
        asio::bind_cancellation_slot(flight->signal.slot(), [flight](const std::exception_ptr&) {});
    asio::co_spawn(executor, Fly<State>(state, flight, std::move(call)), std::move(landed));
  } else {
    ++state->followers;
  }
  Result<void> followed;
  try {
    followed = co_await Follow(*flight, member, sink);
  } catch (const boost::system::system_error&) {
    followed = Fail(Code::kUnavailable, "the call was cancelled");
  }
  if (!followed) co_return std::unexpected(std::move(followed).error());
  const std::scoped_lock lock(flight->mutex);
  if (flight->reply == nullptr) co_return std::unexpected(flight->error);
  CoalescedReply reply;
  reply.reply = flight->reply;
  reply.leader = leader;
  co_return reply;
}

CoalescerStats Coalescer::Stats() const {
  return {state_->leaders.load(), state_->followers.load(), state_->cancelled.load(),
          state_->in_flight.load()};
}

}  // namespace assay::gateway
