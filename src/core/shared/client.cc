#include <chrono>
#include <utility>

#include "assay/core/shared/channel.h"

#include "shared/region_internal.h"
#include "shared/wait_internal.h"

namespace assay::core {

using internal::Lane;
using internal::LaneState;
using internal::Region;

struct SharedClient::Impl {
  Impl(std::unique_ptr<Region> opened, std::size_t number)
      : region(std::move(opened)),
        lane(region->lane(number)),
        requests(lane.requests, region->request_ring(number)),
        replies(lane.replies, region->reply_ring(number)) {}

  ~Impl() {
    auto expected = static_cast<std::uint32_t>(LaneState::kOpen);
    // The lock goes before the ring: the server frees a lane only when nobody holds it.
    lane.state.compare_exchange_strong(expected, static_cast<std::uint32_t>(LaneState::kClosed));
    region->ReleaseLocks();
    region->head().to_server.Ring();
  }

  // Tries until there is a result, the time is over or the other side gone.
  template <typename Try>
  auto Until(std::chrono::nanoseconds timeout, const Try& attempt) {
    return internal::WaitFor(lane.to_client, timeout, attempt, [&]() -> Result<void> {
      // Partner: the server's Damage.
      if (lane.state.load(std::memory_order_acquire) ==
          static_cast<std::uint32_t>(LaneState::kDamaged)) {
        return Fail(Code::kDataLoss, "the server has closed this lane for its broken form");
      }
      if (!region->ServerLives()) {
        return Fail(Code::kUnavailable, "the server of the shared memory is gone");
      }
      return {};
    });
  }

  std::unique_ptr<Region> region;
  Lane& lane;
  internal::RingWriter requests;
  internal::RingReader replies;
  std::size_t pending = 0;
  bool reading = false;  // a reply is lent to the caller
};

SharedClient::SharedClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SharedClient::SharedClient(SharedClient&&) noexcept = default;
SharedClient& SharedClient::operator=(SharedClient&&) noexcept = default;
SharedClient::~SharedClient() = default;

Result<SharedClient> SharedClient::Connect(std::string_view name) {
  ASSAY_ASSIGN(auto region, Region::Open(name));
  for (std::size_t i = 0; i < region->lanes(); ++i) {
    Lane& lane = region->lane(i);
    auto expected = static_cast<std::uint32_t>(LaneState::kFree);
    if (lane.state.load(std::memory_order_acquire) != expected) continue;
    if (!region->TakeClientLock(i)) continue;
    // Acquires the emptied rings; partner: the server's Free. Fails where another client had the
    // lane meanwhile.
    if (lane.state.compare_exchange_strong(expected,
                                           static_cast<std::uint32_t>(LaneState::kOpen))) {
      return SharedClient(std::make_unique<Impl>(std::move(region), i));
    }
    region->ReleaseClientLock(i);
  }
  return Fail(Code::kResourceExhausted,
              "all lanes of the shared memory are taken; start the server with more lanes");
}

std::size_t SharedClient::max_bytes() const {
  return internal::MaxFrameBytes(impl_->region->ring_bytes());
}

std::size_t SharedClient::pending() const {
  return impl_->pending;
}

Result<std::span<char>> SharedClient::Begin(std::size_t bytes, std::chrono::nanoseconds timeout) {
  if (bytes > max_bytes()) return internal::TooLong(bytes, max_bytes());
  return impl_->Until(timeout, [&] { return impl_->requests.Reserve(bytes); });
}

void SharedClient::Send() {
  impl_->requests.Commit();
  ++impl_->pending;
  impl_->region->head().to_server.Ring();
}

Result<std::string_view> SharedClient::Receive(std::chrono::nanoseconds timeout) {
  if (std::exchange(impl_->reading, false)) {
    impl_->replies.Pop();
    impl_->lane.to_server.Ring();
  }
  if (impl_->pending == 0) {
    return Fail(Code::kFailedPrecondition, "no request waits for a reply; send one first");
  }
  ASSAY_ASSIGN(const std::string_view reply,
               impl_->Until(timeout, [&] { return impl_->replies.Front(); }));
  impl_->reading = true;
  --impl_->pending;
  return reply;
}

}  // namespace assay::core
