#include "assay/scan/scanner.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "assay/core/clock.h"

#include "connect/socket_address_internal.h"

namespace assay::scan {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr int kEvents = 256;
constexpr std::uint64_t kProgressEvery = 256;  // decided targets
constexpr std::uint32_t kUnasked = 32;         // tries after one that is not answered at once

class ConnectScan {
 public:
  ConnectScan(const TargetSet& targets, const ScanOptions& options, const ScanProgress& progress)
      : targets_(targets),
        options_(options),
        progress_(progress),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)),
        most_(options.in_flight) {
    tries_.resize(std::min<std::uint64_t>(options.in_flight, targets.size()));
    for (std::uint32_t i = 0; i < tries_.size(); ++i) free_.push_back(i);
  }
  ConnectScan(const ConnectScan&) = delete;
  ConnectScan& operator=(const ConnectScan&) = delete;
  ~ConnectScan() {
    for (const Try& one : tries_) {
      if (one.descriptor >= 0) ::close(one.descriptor);
    }
    for (const int spare : spares_) {
      if (spare >= 0) ::close(spare);
    }
    if (epoll_ >= 0) ::close(epoll_);
  }

  Result<ScanReport> Run() {
    if (epoll_ < 0) return NoSocket(errno);
    begin_ns_ = core::Clock::Real().monotonic_ns();
    now_ns_ = begin_ns_;
    while (done_ < targets_.size()) {
      ASSAY_TRY(StartMany());
      if (done_ < targets_.size()) WaitAndTake();
      EndLate();
    }
    std::ranges::sort(report_.open, {},
                      [](const OpenPort& one) { return std::tuple(one.address, one.port); });
    return std::move(report_);
  }

 private:
  struct Try {
    int descriptor = -1;
    std::uint32_t number = 0;  // of the use of this place: an old deadline does not fit it
    std::uint32_t tries = 0;   // of its target, with this one
    std::uint64_t target = 0;
    std::int64_t start_ns = 0;
  };
  struct Again {
    std::uint64_t target;
    std::uint32_t tries;  // so far
  };
  struct Deadline {
    std::int64_t at_ns;
    std::uint32_t place;
    std::uint32_t number;
  };

  static std::unexpected<Error> NoSocket(int error) {
    return Fail(Code::kResourceExhausted,
                fmt::format("cannot open a socket: {}", std::generic_category().message(error)));
  }

  Result<void> StartMany() {
    while (!free_.empty() && free_.size() + most_ > tries_.size() && MayStart()) {
      Again next{next_, 0};
      if (next_ < targets_.size()) {
        ++next_;
      } else if (!again_.empty()) {
        next = again_.front();
        again_.pop_front();
      } else {
        break;
      }
      ASSAY_ASSIGN(const bool started, Start(next));
      if (!started) break;
    }
    return {};
  }

  // Within the rate.
  [[nodiscard]] bool MayStart() const {
    if (options_.per_second == 0) return true;
    return NextStartNs() <= now_ns_;
  }
  [[nodiscard]] std::int64_t NextStartNs() const {
    return begin_ns_ +
           static_cast<std::int64_t>(static_cast<double>(report_.tries) *
                                     static_cast<double>(kNsPerSecond) / options_.per_second);
  }

  // False where the system has no more sockets or local ports now: the target waits its turn again.
  Result<bool> Start(const Again& next) {
    const Address address = targets_.address(next.target);
    sockaddr_storage to;
    const socklen_t size = internal::SocketAddress(address, targets_.port(next.target), to);
    int& spare = spares_[to.ss_family == AF_INET ? 0 : 1];
    int descriptor = std::exchange(spare, -1);
    if (descriptor < 0) {
      descriptor = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
    }
    if (descriptor < 0) {
      const int error = errno;
      if (error == EAFNOSUPPORT) return Decided(++report_.unreachable);
      return Later(next, error);
    }
    now_ns_ = core::Clock::Real().monotonic_ns();
    const int error = Connect(descriptor, reinterpret_cast<const sockaddr*>(&to), size);
    if (error == 0) {
      NoteOpen(next.target, now_ns_);
      ::close(descriptor);
      ++report_.tries;
      return true;
    }
    if (error == EINPROGRESS && Await(next, descriptor)) return true;
    if (error == ECONNREFUSED) {
      spare = descriptor;  // Linux lets it connect again, which saves two calls of three
    } else {
      ::close(descriptor);
    }
    if (error == EADDRNOTAVAIL || error == EAGAIN || error == EINPROGRESS)
      return Later(next, error);
    ++report_.tries;
    NoteRefusal(error);
    return true;
  }

  // 0: it is open. EINPROGRESS: nothing is known yet.
  int Connect(int descriptor, const sockaddr* to, socklen_t size) {
    if (::connect(descriptor, to, size) == 0) return 0;
    if (errno != EINPROGRESS) return errno;
    if (unasked_ > 0) {
      --unasked_;
      return EINPROGRESS;
    }
    // A port of this machine has answered by now, but Linux says so only when it is asked again.
    // That spares all the calls that waiting for one socket takes.
    if (::connect(descriptor, to, size) == 0) return 0;
    if (errno != EALREADY) return errno;
    unasked_ = kUnasked;
    return EINPROGRESS;
  }

  // The try goes on while others begin. False where it cannot be watched.
  bool Await(const Again& next, int descriptor) {
    const std::uint32_t place = free_.back();
    epoll_event event{};
    event.events = EPOLLOUT | EPOLLONESHOT;
    event.data.u32 = place;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) return false;
    free_.pop_back();
    Try& one = tries_[place];
    one = {descriptor, one.number + 1, next.tries + 1, next.target, now_ns_};
    deadlines_.push_back({now_ns_ + options_.timeout_ms * kNsPerMs, place, one.number});
    ++report_.tries;
    report_.most_at_once =
        std::max<std::uint64_t>(report_.most_at_once, tries_.size() - free_.size());
    return true;
  }

  Result<bool> Later(const Again& next, int error) {
    const std::size_t busy = tries_.size() - free_.size();
    if (busy == 0) return NoSocket(error);
    most_ = busy;  // from now on no more than there are
    again_.push_front(next);
    return false;
  }

  bool Decided(std::uint64_t /*counted*/) {
    ++done_;
    if (progress_ && (done_ % kProgressEvery == 0 || done_ == targets_.size())) {
      progress_(done_, targets_.size());
    }
    return true;
  }

  void NoteOpen(std::uint64_t target, std::int64_t start_ns) {
    report_.open.push_back({targets_.address(target), targets_.port(target),
                            core::Clock::Real().monotonic_ns() - start_ns});
    Decided(report_.open.size());
  }

  void NoteRefusal(int error) {
    switch (error) {
      case ECONNREFUSED:
      case ECONNRESET:
        Decided(++report_.refused);
        break;
      case ETIMEDOUT:
        Decided(++report_.silent);
        break;
      default:
        Decided(++report_.unreachable);
    }
  }

  void WaitAndTake() {
    std::array<epoll_event, kEvents> events;
    const int count = ::epoll_wait(epoll_, events.data(), kEvents, WaitMs());
    now_ns_ = core::Clock::Real().monotonic_ns();
    for (int i = 0; i < count; ++i) {
      const std::uint32_t place = events[static_cast<std::size_t>(i)].data.u32;
      const Try one = tries_[place];
      int error = 0;
      socklen_t size = sizeof(error);
      if (::getsockopt(one.descriptor, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      Free(place);
      if (error == 0) {
        NoteOpen(one.target, one.start_ns);
      } else {
        NoteRefusal(error);
      }
    }
  }

  // Until the next deadline or the next start that the rate allows.
  [[nodiscard]] int WaitMs() {
    while (!deadlines_.empty() && !IsCurrent(deadlines_.front())) deadlines_.pop_front();
    std::int64_t until = deadlines_.empty() ? now_ns_ : deadlines_.front().at_ns;
    const bool more = next_ < targets_.size() || !again_.empty();
    if (options_.per_second != 0 && more && !free_.empty()) {
      const std::int64_t start = NextStartNs();
      until = deadlines_.empty() ? start : std::min(until, start);
    }
    const std::int64_t wait_ns = std::max<std::int64_t>(0, until - now_ns_);
    return static_cast<int>((wait_ns + kNsPerMs - 1) / kNsPerMs);
  }

  [[nodiscard]] bool IsCurrent(const Deadline& deadline) const {
    const Try& one = tries_[deadline.place];
    return one.descriptor >= 0 && one.number == deadline.number;
  }

  // All tries have the same time, so the oldest is the first to be late.
  void EndLate() {
    while (!deadlines_.empty() && deadlines_.front().at_ns <= now_ns_) {
      const Deadline deadline = deadlines_.front();
      deadlines_.pop_front();
      if (!IsCurrent(deadline)) continue;
      const Try one = tries_[deadline.place];
      Free(deadline.place);
      if (one.tries <= options_.retries) {
        again_.push_back({one.target, one.tries});
      } else {
        Decided(++report_.silent);
      }
    }
  }

  void Free(std::uint32_t place) {
    ::close(tries_[place].descriptor);
    tries_[place].descriptor = -1;
    free_.push_back(place);
  }

  const TargetSet& targets_;
  const ScanOptions& options_;
  const ScanProgress& progress_;
  int epoll_;
  std::size_t most_;                      // tries at once
  std::array<int, 2> spares_ = {-1, -1};  // sockets that were refused at once: IPv4, IPv6
  std::vector<Try> tries_;
  std::vector<std::uint32_t> free_;  // places in tries_
  std::deque<Deadline> deadlines_;   // of places, some of them used anew since
  std::deque<Again> again_;
  std::uint32_t unasked_ = 0;  // tries that are not asked at once whether they are done
  std::uint64_t next_ = 0;     // target
  std::uint64_t done_ = 0;
  std::int64_t begin_ns_ = 0;
  std::int64_t now_ns_ = 0;
  ScanReport report_;
};

Result<void> Check(std::string_view name, std::uint64_t value, std::uint64_t least,
                   std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("{} is {}; it may be {} to {}", name, value, least, most));
}

}  // namespace

Result<ScanReport> Scan(const TargetSet& targets, const ScanOptions& options,
                        const ScanProgress& progress) {
  ASSAY_TRY(Check("timeout_ms", options.timeout_ms, 1, 60'000));
  ASSAY_TRY(Check("retries", options.retries, 0, 10));
  ASSAY_TRY(Check("in_flight", options.in_flight, 1, 65'536));
  ConnectScan scan(targets, options, progress);
  return scan.Run();
}

}  // namespace assay::scan
