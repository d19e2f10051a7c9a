// Epochs: when is memory that readers may still look at free to go?
//
// A reader pins the current epoch before it loads a shared pointer, and unpins it when it is done
// with what the pointer led to. A writer unlinks an object, takes the number of the epoch that ends
// with that, and frees the object when every pin is younger. All operations that matter are
// sequentially consistent, so there is one order S of them:
//   reader: load epoch E -> store pin E -> load pointer;   writer: unlink -> end epoch R -> load
//   pins.
// If the reader saw the object, its load stands before the unlink in S, so its pin stands before
// the writer's look at the pins, and E <= R: the object stays.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <thread>

namespace assay::claims::cache {

class Epochs {
 public:
  static constexpr std::size_t kPins = 128;

  // Returns the place of the pin. Waits while all are taken.
  [[nodiscard]] std::size_t Pin() {
    std::size_t i = std::hash<std::thread::id>{}(std::this_thread::get_id()) % kPins;
    for (std::size_t tries = 1;; ++tries, i = (i + 1) % kPins) {
      std::uint64_t none = kNone;
      // An epoch that is out of date is only older than need be. Partner of the exchange: the loads
      // in OldestPin.
      if (pins_[i].epoch.load(std::memory_order_relaxed) == kNone &&
          pins_[i].epoch.compare_exchange_strong(none, epoch_.load())) {
        return i;
      }
      if (tries % kPins == 0) std::this_thread::yield();
    }
  }

  // Release: what was read under the pin happens before the free that follows OldestPin.
  void Unpin(std::size_t place) { pins_[place].epoch.store(kNone, std::memory_order_release); }

  // Ends the current epoch and returns its number. Call after the object is unlinked.
  [[nodiscard]] std::uint64_t End() { return epoch_.fetch_add(1); }

  // Objects of epochs before this one can be freed.
  [[nodiscard]] std::uint64_t OldestPin() const {
    std::uint64_t oldest = kNone;
    for (const PinSlot& pin : pins_) {
      const std::uint64_t epoch = pin.epoch.load();
      oldest = epoch < oldest ? epoch : oldest;
    }
    return oldest;
  }

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();

  struct alignas(64) PinSlot {  // a cache line each, so that readers do not disturb each other
    std::atomic<std::uint64_t> epoch{kNone};
  };
  std::array<PinSlot, kPins> pins_;
  alignas(64) std::atomic<std::uint64_t> epoch_{0};
};

}  // namespace assay::claims::cache
