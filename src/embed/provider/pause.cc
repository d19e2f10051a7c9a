#include <chrono>
#include <condition_variable>
#include <mutex>

#include "assay/embed/provider.h"

namespace assay::embed {
namespace {

class RealPause final : public Pause {
 public:
  void For(std::int64_t wait_ns, const std::stop_token& stop) override {
    if (wait_ns <= 0) return;
    std::mutex mutex;  // of this call alone: nobody is waited for but the stop
    std::condition_variable_any changed;
    std::unique_lock lock(mutex);
    (void)changed.wait_for(lock, stop, std::chrono::nanoseconds(wait_ns), [] { return false; });
  }
};

}  // namespace

Pause& Pause::Real() {
  static RealPause pause;
  return pause;
}

}  // namespace assay::embed
