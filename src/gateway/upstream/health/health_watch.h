// upstream/health/health_watch.h: looks whether upstreams are there before a request pays for it.
// Room: gateway (private).  Threads: Update() may be called by any thread; a thread of its own
// looks.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "assay/core/clock.h"
#include "assay/gateway/settings/routes.h"
#include "assay/scan/watcher.h"

#include "upstream/upstream.h"

namespace assay::gateway {

struct WatchedUpstream {
  std::string name;
  std::string url;
  HealthSettings settings;
  std::shared_ptr<Upstream> upstream;
};

// Connects to each upstream that has an interval (scan::Scan; nothing is sent) and tells it by
// SetReachable(). One that cannot be reached at the first look is down at once, later ones after
// settings.down_after looks in a row; one that is reached is up.
class HealthWatch {
 public:
  // Called when an upstream goes down or comes back, by the thread that looks.
  using Note = std::function<void(std::string_view name, bool up)>;

  explicit HealthWatch(Note note, core::Clock& clock = core::Clock::Real());
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;
  ~HealthWatch();

  // These are watched from now on, instead of those before. Upstreams without an interval count as
  // reachable. Starts the thread when it is first needed and `by_itself` is set; else the caller
  // calls LookAtDue().
  void Update(std::vector<WatchedUpstream> upstreams, bool by_itself = true);

  // Looks at those that are due. All at once: as long as the longest time-out of theirs and the
  // look-up of their names take. Returns when the next one is due by the clock's monotonic time;
  // INT64_MAX: never.
  std::int64_t LookAtDue();

 private:
  struct State {
    WatchedUpstream watched;
    scan::Watcher watcher;
    std::int64_t due_ns = 0;
    bool up = true;
  };

  void Run();
  // Those of `states_` whose time has come.
  [[nodiscard]] std::vector<std::shared_ptr<State>> Due();
  void Judge(State& state, std::span<const scan::Service> seen);

  Note note_;
  core::Clock& clock_;
  std::mutex look_mutex_;  // one look at a time; guards what is in a State, but for due_ns
  std::mutex mutex_;       // guards what follows
  std::condition_variable wake_;
  std::map<std::string, std::shared_ptr<State>, std::less<>> states_;
  bool changed_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace assay::gateway
