// assay/scan/watcher.h: what changed from one look at the services to the next.
// Room: scan (uses core).  Threads: one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/scan/services.h"
#include "assay/scan/targets.h"

namespace assay::scan {

enum class ChangeKind : std::uint8_t {
  kUp,          // it was not known, or was down
  kDown,        // it is not there any more
  kChanged,     // another kind of service, another version, or it asks for a key now
  kModelAdded,  // by a service of the same kind as before
  kModelRemoved,
};
// "up", "down", "changed", "model-added", "model-removed".
[[nodiscard]] std::string_view ChangeName(ChangeKind kind);

struct Change {
  ChangeKind kind = ChangeKind::kUp;
  Service service;                             // as it is now; of kDown as it was last seen
  std::string model = {};                      // of the last two kinds
  ServiceKind before = ServiceKind::kUnknown;  // of kChanged
};

struct WatchOptions {
  std::uint32_t down_after = 1;  // looks in a row that did not see it; 0 counts as 1
};

// Keeps what was there and compares it with what a look (Scan, Identify) sees. It does not look by
// itself and knows no time: who looks how often is the caller's affair.
class Watcher {
 public:
  explicit Watcher(const WatchOptions& options = {}) : options_(options) {}

  // The changes since the look before, by address and port; at the first look all that is there is
  // up. Of equal endpoints the last counts. O(n log n).
  [[nodiscard]] std::vector<Change> Take(std::span<const Service> seen);

  // A service that the last look did not see is up until it was missed often enough.
  [[nodiscard]] bool IsUp(const Endpoint& endpoint) const { return known_.contains(endpoint); }
  [[nodiscard]] std::size_t up() const { return known_.size(); }

 private:
  struct Known {
    Service service;
    std::uint32_t missed = 0;  // looks in a row
  };

  WatchOptions options_;
  std::map<Endpoint, Known> known_;
};

}  // namespace assay::scan
