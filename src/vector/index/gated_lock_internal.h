// A lock for many readers whose writers do not starve.
#pragma once
#include <mutex>
#include <shared_mutex>

namespace assay::vector::internal {

// std::shared_mutex lets readers pass a waiting writer for ever. Here everyone goes through a gate,
// which a waiting writer keeps closed.
class GatedLock {
 public:
  class Read {
   public:
    explicit Read(GatedLock& lock) : hold_(lock.rows_, std::defer_lock) {
      const std::lock_guard pass(lock.gate_);
      hold_.lock();
    }

   private:
    std::shared_lock<std::shared_mutex> hold_;
  };
  class Write {
   public:
    explicit Write(GatedLock& lock) : pass_(lock.gate_), hold_(lock.rows_) {}

   private:
    std::lock_guard<std::mutex> pass_;
    std::lock_guard<std::shared_mutex> hold_;
  };

 private:
  std::mutex gate_;
  std::shared_mutex rows_;
};

}  // namespace assay::vector::internal
