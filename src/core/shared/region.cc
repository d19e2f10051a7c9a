#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/region_internal.h"

namespace assay::core::internal {
namespace {

constexpr std::size_t kPage = 4096;

std::size_t Rounded(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

std::size_t LanesAt() {
  return Rounded(sizeof(RegionHead), kSharedLine);
}

std::size_t RingsAt(std::size_t lanes) {
  return Rounded(LanesAt() + lanes * sizeof(Lane), kPage);
}

std::size_t TotalBytes(std::size_t lanes, std::size_t ring_bytes) {
  return RingsAt(lanes) + 2 * lanes * ring_bytes;
}

bool IsValid(const SharedChannelOptions& options) {
  return options.lanes >= 1 && options.lanes <= 256 && options.ring_bytes >= (1U << 12) &&
         options.ring_bytes <= (1U << 28) && std::has_single_bit(options.ring_bytes);
}

Result<std::string> PathOf(std::string_view name) {
  const bool known = std::ranges::all_of(name, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '_' || c == '-';
  });
  if (name.empty() || name.size() > 64 || !known) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no name for shared memory; use 1 to 64 letters, digits, '.', "
                            "'_' or '-'",
                            name));
  }
  return fmt::format("/assay-{}", name);
}

auto SystemFail(std::string_view what, const std::string& name, int error) {
  const bool refused = error == EACCES || error == EPERM || error == EROFS;
  const bool full = error == ENOSPC || error == ENOMEM || error == EMFILE || error == ENFILE;
  return Fail(refused           ? Code::kPermissionDenied
              : full            ? Code::kResourceExhausted
              : error == ENOENT ? Code::kNotFound
                                : Code::kUnavailable,
              fmt::format("cannot {} the shared memory '/dev/shm{}': {}", what, name,
                          std::generic_category().message(error)));
}

// Whether the name still means the open region.
bool StillNamed(int descriptor, const std::string& name) {
  const int other = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (other < 0) return false;
  struct stat mine = {};
  struct stat named = {};
  const bool same = ::fstat(descriptor, &mine) == 0 && ::fstat(other, &named) == 0 &&
                    mine.st_ino == named.st_ino && mine.st_dev == named.st_dev;
  ::close(other);
  return same;
}

struct flock ByteLock(short type, std::size_t byte) {
  struct flock lock = {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(byte);
  lock.l_len = 1;
  return lock;
}

}  // namespace

bool Region::TakeLock(std::size_t byte) const {
  struct flock lock = ByteLock(F_WRLCK, byte);
  return ::fcntl(descriptor_, F_OFD_SETLK, &lock) == 0;
}

bool Region::IsLocked(std::size_t byte) const {
  struct flock lock = ByteLock(F_WRLCK, byte);
  // A descriptor that cannot be asked says nothing about the other side.
  return ::fcntl(descriptor_, F_OFD_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

Result<void> Region::Map(std::size_t bytes, bool populate) {
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (populate ? MAP_POPULATE : 0), descriptor_, 0);
  if (memory == MAP_FAILED) return SystemFail("map", name_, errno);
  memory_ = {static_cast<char*>(memory), bytes};
  return {};
}

// Nothing where another process was quicker, so that the caller tries again.
Result<std::unique_ptr<Region>> Region::CreateOnce(const std::string& name, std::size_t bytes) {
  int descriptor = ::shm_open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0 && errno == EEXIST) {
    descriptor = ::shm_open(name.c_str(), O_RDWR | O_CLOEXEC, 0);
    if (descriptor < 0) {
      if (errno == ENOENT) return nullptr;
      return SystemFail("open", name, errno);
    }
    const Region old(name, descriptor);
    if (!old.TakeLock(0)) {
      return Fail(Code::kAlreadyExists,
                  fmt::format("another server has the shared memory '/dev/shm{}'; stop it, or "
                              "choose another name",
                              name));
    }
    // Its server is dead. The lock keeps others from removing what replaces it.
    if (StillNamed(descriptor, name)) ::shm_unlink(name.c_str());
    return nullptr;
  }
  if (descriptor < 0) return SystemFail("create", name, errno);
  auto region = std::unique_ptr<Region>(new Region(name, descriptor));
  if (!region->TakeLock(0) || !StillNamed(descriptor, name)) return nullptr;
  // Memory that is not there shows now, and not as a signal later.
  if (const int error = ::posix_fallocate(descriptor, 0, static_cast<off_t>(bytes)); error != 0) {
    ::shm_unlink(name.c_str());
    return SystemFail("fill", name, error);
  }
  ASSAY_TRY(region->Map(bytes, true));
  return region;
}

Result<std::unique_ptr<Region>> Region::Create(std::string_view name,
                                               const SharedChannelOptions& options) {
  ASSAY_ASSIGN(const std::string path, PathOf(name));
  if (!IsValid(options)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} lanes of {} bytes: there may be 1 to 256 lanes of a power of two "
                            "from 2^12 to 2^28 bytes",
                            options.lanes, options.ring_bytes));
  }
  for (int attempt = 0; attempt < 16; ++attempt) {
    ASSAY_ASSIGN(auto region, CreateOnce(path, TotalBytes(options.lanes, options.ring_bytes)));
    if (region == nullptr) continue;
    region->lanes_ = options.lanes;
    region->ring_bytes_ = options.ring_bytes;
    RegionHead& head = region->head();
    head.lanes = options.lanes;
    head.ring_bytes = options.ring_bytes;
    head.total_bytes = region->memory_.size();
    // Releases the fields above; partner: Open.
    head.magic.store(kRegionMagic, std::memory_order_release);
    return region;
  }
  return Fail(Code::kUnavailable,
              fmt::format("other servers keep taking the shared memory '/dev/shm{}'", path));
}

Result<std::unique_ptr<Region>> Region::Open(std::string_view name) {
  ASSAY_ASSIGN(const std::string path, PathOf(name));
  const int descriptor = ::shm_open(path.c_str(), O_RDWR | O_CLOEXEC, 0);
  if (descriptor < 0) {
    if (errno == ENOENT) {
      return Fail(Code::kNotFound,
                  fmt::format("no server has the shared memory '/dev/shm{}'; start one with "
                              "`assay serve --shm {}`",
                              path, name));
    }
    return SystemFail("open", path, errno);
  }
  auto region = std::unique_ptr<Region>(new Region(path, descriptor));
  const auto strange = [&](std::string_view why) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("'/dev/shm{}' {}; use the same version of Assay on both sides", path, why));
  };
  if (!region->ServerLives()) {
    return Fail(Code::kUnavailable,
                fmt::format("the server of the shared memory '/dev/shm{}' is gone", path));
  }
  struct stat status = {};
  if (::fstat(descriptor, &status) != 0) return SystemFail("look at", path, errno);
  const auto bytes = static_cast<std::size_t>(status.st_size);
  if (bytes < sizeof(RegionHead)) return strange("is too short, or is being made");
  ASSAY_TRY(region->Map(bytes, false));
  const RegionHead& head = region->head();
  // Acquires the fields; partner: Create.
  if (head.magic.load(std::memory_order_acquire) != kRegionMagic) {
    return strange("has another version, or is being made");
  }
  const SharedChannelOptions options{.lanes = head.lanes, .ring_bytes = head.ring_bytes};
  if (!IsValid(options) || head.total_bytes != bytes ||
      TotalBytes(options.lanes, options.ring_bytes) != bytes) {
    return strange("has a size that does not fit its lanes");
  }
  region->lanes_ = options.lanes;
  region->ring_bytes_ = options.ring_bytes;
  return region;
}

Lane& Region::lane(std::size_t i) const {
  return reinterpret_cast<Lane*>(memory_.data() + LanesAt())[i];
}

std::span<char> Region::request_ring(std::size_t lane) const {
  return memory_.subspan(RingsAt(lanes_) + 2 * lane * ring_bytes_, ring_bytes_);
}

std::span<char> Region::reply_ring(std::size_t lane) const {
  return memory_.subspan(RingsAt(lanes_) + (2 * lane + 1) * ring_bytes_, ring_bytes_);
}

void Region::ReleaseClientLock(std::size_t lane) const {
  struct flock lock = ByteLock(F_UNLCK, 1 + lane);
  ::fcntl(descriptor_, F_OFD_SETLK, &lock);
}

void Region::ReleaseLocks() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

void Region::RemoveName() {
  if (StillNamed(descriptor_, name_)) ::shm_unlink(name_.c_str());
}

Region::~Region() {
  ReleaseLocks();
  if (!memory_.empty()) ::munmap(memory_.data(), memory_.size());
}

}  // namespace assay::core::internal
