// Code points numbered in the order in which they first occur.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace assay::text::internal {

inline constexpr std::uint32_t kNoSymbol = 0xFFFFFFFF;

// Latin-1 by a table, the rest by open addressing at a load of at most one half.
class Symbols {
 public:
  Symbols() { low_.fill(kNoSymbol); }

  [[nodiscard]] std::size_t size() const { return count_; }

  // kNoSymbol where it was never added.
  [[nodiscard]] std::uint32_t Find(char32_t c) const {
    if (c < low_.size()) return low_[c];
    return high_.empty() ? kNoSymbol : high_[SlotOf(c)].second;
  }

  std::uint32_t Add(char32_t c) {
    std::uint32_t* number = nullptr;
    if (c < low_.size()) {
      number = &low_[c];
    } else {
      if (2 * (high_count_ + 1) > high_.size()) Grow();
      auto& slot = high_[SlotOf(c)];
      if (slot.second == kNoSymbol) {
        slot.first = c;
        ++high_count_;
      }
      number = &slot.second;
    }
    if (*number == kNoSymbol) *number = static_cast<std::uint32_t>(count_++);
    return *number;
  }

 private:
  using Slot = std::pair<char32_t, std::uint32_t>;

  // The slot that holds c, or the empty one where it belongs.
  [[nodiscard]] std::size_t SlotOf(char32_t c) const {
    const std::size_t mask = high_.size() - 1;
    std::size_t at = (std::uint64_t{c} * 0x9E3779B97F4A7C15U >> 32) & mask;  // Knuth, TAOCP 3, 6.4
    while (high_[at].second != kNoSymbol && high_[at].first != c) at = (at + 1) & mask;
    return at;
  }

  void Grow() {
    std::vector<Slot> old(high_.empty() ? 64 : 2 * high_.size(), Slot{0, kNoSymbol});
    old.swap(high_);
    for (const Slot& slot : old) {
      if (slot.second != kNoSymbol) high_[SlotOf(slot.first)] = slot;
    }
  }

  std::array<std::uint32_t, 256> low_;
  std::vector<Slot> high_;
  std::size_t high_count_ = 0;
  std::size_t count_ = 0;
};

}  // namespace assay::text::internal
