#include <atomic>
#include <chrono>
#include <mutex>
#include <utility>
#include <vector>

#include "assay/core/shared/channel.h"

#include "shared/region_internal.h"
#include "shared/wait_internal.h"

namespace assay::core {

using internal::Lane;
using internal::LaneState;
using internal::Region;

namespace {

LaneState StateOf(const Lane& lane) {
  // Acquires what the client did before; partner: SharedClient.
  return static_cast<LaneState>(lane.state.load(std::memory_order_acquire));
}

// How many requests of one lane are handled before the others have their turn.
constexpr int kTurn = 32;
constexpr std::chrono::milliseconds kDeadClientsEvery{200};

}  // namespace

struct SharedServer::Impl {
  // What the server knows of a lane; used only by who has set `busy`.
  struct Served {
    internal::RingReader requests;
    internal::RingWriter replies;
    std::atomic_flag busy;  // acquired and released around every use of the two above
  };

  explicit Impl(std::unique_ptr<Region> created)
      : region(std::move(created)), served(region->lanes()) {
    for (std::size_t i = 0; i < served.size(); ++i) Attach(i);
  }

  ~Impl() {
    region->RemoveName();
    region->ReleaseLocks();
    for (std::size_t i = 0; i < served.size(); ++i) region->lane(i).to_client.Ring();
  }

  void Attach(std::size_t i) {
    Lane& lane = region->lane(i);
    served[i].requests = {lane.requests, region->request_ring(i)};
    served[i].replies = {lane.replies, region->reply_ring(i)};
  }

  // Makes a lane ready for its next client. Requires: busy, and nobody holds its lock.
  void Free(std::size_t i) {
    Lane& lane = region->lane(i);
    if (StateOf(lane) == LaneState::kOpen) lost.fetch_add(1, std::memory_order_relaxed);
    for (internal::RingPositions* ring : {&lane.requests, &lane.replies}) {
      ring->written.store(0, std::memory_order_relaxed);
      ring->read.store(0, std::memory_order_relaxed);
    }
    lane.to_client.Forget();
    Attach(i);
    // Releases the emptied rings; partner: SharedClient::Connect.
    lane.state.store(static_cast<std::uint32_t>(LaneState::kFree), std::memory_order_release);
  }

  void Damage(Lane& lane) {
    damaged.fetch_add(1, std::memory_order_relaxed);
    auto expected = static_cast<std::uint32_t>(LaneState::kOpen);
    lane.state.compare_exchange_strong(expected, static_cast<std::uint32_t>(LaneState::kDamaged));
    lane.to_client.Ring();
  }

  // Nothing more is handled for a client that is gone. Requires: busy.
  void Close(std::size_t i) {
    // Counted before anybody can see that the lane is closed.
    if (!region->ClientLives(i)) lost.fetch_add(1, std::memory_order_relaxed);
    auto expected = static_cast<std::uint32_t>(LaneState::kOpen);
    region->lane(i).state.compare_exchange_strong(expected,
                                                  static_cast<std::uint32_t>(LaneState::kClosed));
  }

  [[nodiscard]] bool ServeLane(std::size_t i, const Handler& handler);
  [[nodiscard]] bool ServeOne(std::size_t i, const Handler& handler);
  void FreeDeadLanes();

  std::unique_ptr<Region> region;
  std::vector<Served> served;
  std::atomic<bool> stopping = false;            // partner: Serve
  std::mutex looking;                            // for dead clients
  std::chrono::steady_clock::time_point looked;  // guarded by looking
  // Counters; nothing is ordered by them.
  std::atomic<std::uint64_t> requests = 0;
  std::atomic<std::uint64_t> lost = 0;
  std::atomic<std::uint64_t> damaged = 0;
};

namespace {

class Reply final : public SharedReply {
 public:
  Reply(internal::RingWriter& ring, Lane& lane, const Region& region, std::size_t number,
        const std::atomic<bool>& stopping)
      : ring_(ring), lane_(lane), region_(region), number_(number), stopping_(stopping) {}

  Result<std::span<char>> Reserve(std::size_t bytes) override {
    if (bytes > max_bytes()) return internal::TooLong(bytes, max_bytes());
    auto room = internal::WaitFor(
        lane_.to_server, std::chrono::hours(24), [&] { return ring_.Reserve(bytes); },
        [&]() -> Result<void> {
          if (region_.ClientLives(number_) && !stopping_.load(std::memory_order_relaxed)) return {};
          return Fail(Code::kUnavailable, "the client of the shared memory is gone");
        });
    reserved_ = room.has_value();
    return room;
  }

  [[nodiscard]] std::size_t max_bytes() const override {
    return internal::MaxFrameBytes(region_.ring_bytes());
  }

  // Errors: those of Reserve.
  [[nodiscard]] Result<void> Send() {
    if (!reserved_) {
      if (auto room = Reserve(0); !room) return std::unexpected(std::move(room).error());
    }
    ring_.Commit();
    return {};
  }

 private:
  internal::RingWriter& ring_;
  Lane& lane_;
  const Region& region_;
  std::size_t number_;
  const std::atomic<bool>& stopping_;
  bool reserved_ = false;
};

}  // namespace

// Whether there was a request. Requires: busy.
bool SharedServer::Impl::ServeOne(std::size_t i, const Handler& handler) {
  Lane& lane = region->lane(i);
  const auto request = served[i].requests.Front();
  if (!request) {
    Damage(lane);
    return false;
  }
  if (!*request) return false;
  Reply reply(served[i].replies, lane, *region, i, stopping);
  handler(**request, reply);
  requests.fetch_add(1, std::memory_order_relaxed);
  if (const auto sent = reply.Send(); !sent) {
    if (sent.error().code == Code::kDataLoss) {
      Damage(lane);
    } else {
      Close(i);
    }
    return false;
  }
  served[i].requests.Pop();
  lane.to_client.Ring();
  return true;
}

bool SharedServer::Impl::ServeLane(std::size_t i, const Handler& handler) {
  const Lane& lane = region->lane(i);
  if (StateOf(lane) == LaneState::kFree) return false;
  if (served[i].busy.test_and_set(std::memory_order_acquire)) return false;
  bool worked = false;
  for (int turn = 0; turn < kTurn && StateOf(lane) == LaneState::kOpen; ++turn) {
    if (!ServeOne(i, handler)) break;
    worked = true;
  }
  const LaneState state = StateOf(lane);
  if (state == LaneState::kClosed && !region->ClientLives(i)) Free(i);
  served[i].busy.clear(std::memory_order_release);
  return worked;
}

void SharedServer::Impl::FreeDeadLanes() {
  const std::unique_lock<std::mutex> lock(looking, std::try_to_lock);
  const auto now = std::chrono::steady_clock::now();
  if (!lock.owns_lock() || now - looked < kDeadClientsEvery) return;
  looked = now;
  for (std::size_t i = 0; i < served.size(); ++i) {
    if (StateOf(region->lane(i)) == LaneState::kFree || region->ClientLives(i)) continue;
    if (served[i].busy.test_and_set(std::memory_order_acquire)) continue;
    // Looked at again: it may have been freed, and taken by the next client.
    if (StateOf(region->lane(i)) != LaneState::kFree && !region->ClientLives(i)) Free(i);
    served[i].busy.clear(std::memory_order_release);
  }
}

SharedServer::SharedServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SharedServer::SharedServer(SharedServer&&) noexcept = default;
SharedServer& SharedServer::operator=(SharedServer&&) noexcept = default;
SharedServer::~SharedServer() = default;

Result<SharedServer> SharedServer::Create(std::string_view name,
                                          const SharedChannelOptions& options) {
  ASSAY_ASSIGN(auto region, Region::Create(name, options));
  return SharedServer(std::make_unique<Impl>(std::move(region)));
}

void SharedServer::Serve(const Handler& handler) {
  internal::Bell& bell = impl_->region->head().to_server;
  // Partner: Stop.
  while (!impl_->stopping.load(std::memory_order_acquire)) {
    const std::uint32_t seen = bell.rung();
    bool worked = false;
    for (std::size_t i = 0; i < impl_->served.size(); ++i) {
      worked = impl_->ServeLane(i, handler) || worked;
    }
    if (!worked && !internal::SpinUntil([&] { return bell.rung() != seen; })) {
      bell.Wait(seen, kDeadClientsEvery);
    }
    impl_->FreeDeadLanes();
  }
}

void SharedServer::Stop() {
  impl_->stopping.store(true, std::memory_order_release);
  impl_->region->head().to_server.Ring();
}

SharedServerStats SharedServer::stats() const {
  SharedServerStats stats{.requests = impl_->requests.load(std::memory_order_relaxed),
                          .lost = impl_->lost.load(std::memory_order_relaxed),
                          .damaged = impl_->damaged.load(std::memory_order_relaxed)};
  for (std::size_t i = 0; i < impl_->served.size(); ++i) {
    if (StateOf(impl_->region->lane(i)) == LaneState::kOpen) ++stats.clients;
  }
  return stats;
}

}  // namespace assay::core
