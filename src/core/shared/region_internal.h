// The region of a shared channel: its form, its name and its locks.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"
#include "assay/core/shared/channel.h"

#include "shared/bell_internal.h"
#include "shared/ring_internal.h"

namespace assay::core::internal {

inline constexpr std::uint64_t kRegionMagic = 0x0131'4C48'4359'5341;  // "ASYCHL1\1" in memory

enum class LaneState : std::uint32_t {
  kFree = 0,
  kOpen = 1,     // a client holds the lane's lock
  kClosed = 2,   // by its client
  kDamaged = 3,  // by the server, for a broken form
};

// All zeros is a free lane.
struct Lane {
  alignas(kSharedLine) std::atomic<std::uint32_t> state;  // a LaneState
  RingPositions requests;
  RingPositions replies;
  Bell to_client;  // a reply is there, or room for a request, or the lane is damaged
  Bell to_server;  // room for a reply
};

struct RegionHead {
  std::atomic<std::uint64_t> magic;  // written last
  std::uint64_t total_bytes;
  std::uint32_t lanes;
  std::uint32_t ring_bytes;
  Bell to_server;  // a request is there, or a lane was closed
};

// A mapping with an open descriptor. The lock on byte 0 is the server's, that on byte 1 + i the
// client's of lane i; locks belong to the description (F_OFD_SETLK), so they work within one
// process too, and die with the last descriptor of it.
class Region {
 public:
  static Result<std::unique_ptr<Region>> Create(std::string_view name,
                                                const SharedChannelOptions& options);
  static Result<std::unique_ptr<Region>> Open(std::string_view name);
  Region(Region&&) = delete;
  ~Region();

  [[nodiscard]] RegionHead& head() const { return *reinterpret_cast<RegionHead*>(memory_.data()); }
  [[nodiscard]] Lane& lane(std::size_t i) const;
  [[nodiscard]] std::span<char> request_ring(std::size_t lane) const;
  [[nodiscard]] std::span<char> reply_ring(std::size_t lane) const;
  [[nodiscard]] std::uint32_t lanes() const { return lanes_; }
  [[nodiscard]] std::uint32_t ring_bytes() const { return ring_bytes_; }

  // Whether somebody else holds the lock.
  [[nodiscard]] bool ServerLives() const { return IsLocked(0); }
  [[nodiscard]] bool ClientLives(std::size_t lane) const { return IsLocked(1 + lane); }
  [[nodiscard]] bool TakeClientLock(std::size_t lane) const { return TakeLock(1 + lane); }
  void ReleaseClientLock(std::size_t lane) const;
  void ReleaseLocks();  // closes the descriptor; the memory stays
  void RemoveName();

 private:
  Region(std::string name, int descriptor) : name_(std::move(name)), descriptor_(descriptor) {}

  [[nodiscard]] bool IsLocked(std::size_t byte) const;
  [[nodiscard]] bool TakeLock(std::size_t byte) const;
  Result<void> Map(std::size_t bytes, bool populate);
  static Result<std::unique_ptr<Region>> CreateOnce(const std::string& name, std::size_t bytes);

  std::string name_;  // as shm_open wants it
  int descriptor_ = -1;
  std::span<char> memory_;
  std::uint32_t lanes_ = 0;
  std::uint32_t ring_bytes_ = 0;
};

}  // namespace assay::core::internal
