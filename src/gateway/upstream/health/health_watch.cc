#include "upstream/health/health_watch.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "assay/scan/scanner.h"
#include "assay/scan/targets.h"

#include "upstream/http/url.h"

namespace assay::gateway {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// The addresses of its host; none where the name has none now.
std::vector<scan::Endpoint> EndpointsOf(const std::string& url) {
  const auto parsed = ParseUpstreamUrl(url);
  if (!parsed) return {};
  const auto targets = scan::TargetSet::Create(
      {.hosts = {parsed->host}, .ports = {parsed->port}, .allow_public = true});
  std::vector<scan::Endpoint> endpoints;
  for (std::uint64_t i = 0; targets && i < targets->size(); ++i) {
    endpoints.push_back({targets->address(i), targets->port(i)});
  }
  return endpoints;
}

bool SameWatch(const WatchedUpstream& a, const WatchedUpstream& b) {
  return a.url == b.url && a.settings == b.settings;
}

}  // namespace

HealthWatch::HealthWatch(Note note, core::Clock& clock) : note_(std::move(note)), clock_(clock) {}

HealthWatch::~HealthWatch() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void HealthWatch::Update(std::vector<WatchedUpstream> upstreams, bool by_itself) {
  {
    const std::scoped_lock look_lock(look_mutex_);
    const std::scoped_lock lock(mutex_);
    auto before = std::exchange(states_, {});
    for (WatchedUpstream& watched : upstreams) {
      if (watched.settings.interval_ms == 0) {
        watched.upstream->SetReachable(true, 0);
        continue;
      }
      auto& state = states_[watched.name];
      const auto known = before.find(watched.name);
      if (known != before.end() && SameWatch(known->second->watched, watched)) {
        state = known->second;
        watched.upstream->SetReachable(state->up, state->due_ns);
      } else {
        const scan::WatchOptions options{
            .down_after = static_cast<std::uint32_t>(watched.settings.down_after)};
        state = std::make_shared<State>();
        state->watcher = scan::Watcher(options);
        watched.upstream->SetReachable(true, 0);
      }
      state->watched = std::move(watched);
    }
    changed_ = true;
    if (by_itself && !states_.empty() && !thread_.joinable()) {
      thread_ = std::thread([this] { Run(); });
    }
  }
  wake_.notify_all();
}

void HealthWatch::Run() {
  while (true) {
    const std::int64_t next_ns = LookAtDue();
    std::unique_lock lock(mutex_);
    const auto told = [this] { return stopping_ || changed_; };
    if (next_ns == INT64_MAX) {
      wake_.wait(lock, told);
    } else {
      const std::int64_t wait_ns = std::max<std::int64_t>(0, next_ns - clock_.monotonic_ns());
      wake_.wait_for(lock, std::chrono::nanoseconds(wait_ns), told);
    }
    if (stopping_) return;
    changed_ = false;
  }
}

std::vector<std::shared_ptr<HealthWatch::State>> HealthWatch::Due() {
  const std::int64_t now_ns = clock_.monotonic_ns();
  const std::scoped_lock lock(mutex_);
  std::vector<std::shared_ptr<State>> due;
  for (const auto& [name, state] : states_) {
    if (state->due_ns > now_ns) continue;
    state->due_ns = now_ns + state->watched.settings.interval_ms * kNsPerMs;
    due.push_back(state);
  }
  return due;
}

std::int64_t HealthWatch::LookAtDue() {
  const std::scoped_lock look_lock(look_mutex_);
  const std::vector<std::shared_ptr<State>> due = Due();
  std::vector<std::vector<scan::Endpoint>> endpoints;
  std::vector<scan::Endpoint> all;
  std::int64_t timeout_ms = 1;
  for (const auto& state : due) {
    endpoints.push_back(EndpointsOf(state->watched.url));
    all.insert(all.end(), endpoints.back().begin(), endpoints.back().end());
    timeout_ms = std::max(timeout_ms, state->watched.settings.timeout_ms);
  }
  std::map<scan::Endpoint, std::int64_t> reached;  // and after how many ns
  if (!all.empty()) {
    const auto report =
        scan::Scan(scan::TargetSet::Of(std::move(all)),
                   {.timeout_ms = static_cast<std::uint32_t>(timeout_ms), .retries = 0});
    // Without a socket to try with, nothing is known of anybody.
    if (!report) return clock_.monotonic_ns() + kNsPerMs * 1'000;
    for (const scan::OpenPort& one : report->open) {
      reached[{one.address, one.port}] = one.connect_ns;
    }
  }
  for (std::size_t i = 0; i < due.size(); ++i) {
    std::vector<scan::Service> seen;
    for (const scan::Endpoint& endpoint : endpoints[i]) {
      const auto found = reached.find(endpoint);
      if (found == reached.end() ||
          found->second > due[i]->watched.settings.timeout_ms * kNsPerMs) {
        continue;
      }
      scan::Service& service = seen.emplace_back();
      service.address = endpoint.address;
      service.port = endpoint.port;
    }
    Judge(*due[i], seen);
  }
  std::int64_t next_ns = INT64_MAX;
  const std::scoped_lock lock(mutex_);
  for (const auto& [name, state] : states_) next_ns = std::min(next_ns, state->due_ns);
  return next_ns;
}

void HealthWatch::Judge(State& state, std::span<const scan::Service> seen) {
  (void)state.watcher.Take(seen);
  const bool up = state.watcher.up() > 0;
  state.watched.upstream->SetReachable(up, state.due_ns);
  if (std::exchange(state.up, up) != up && note_) note_(state.watched.name, up);
}

}  // namespace assay::gateway
