// Which keys were evicted lately from a queue: fingerprints of 32 bits, no entries.
//
// A set-associative table; each cell holds a fingerprint and the number of the eviction. Of the
// last `capacity` evictions nearly all are remembered: a full set forgets its oldest.
#pragma once
#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "assay/cache/entry.h"

namespace assay::cache::memory {

class Ghosts {
 public:
  // Remembers that `key` was evicted, the last of `capacity` evictions.
  void Add(const Key& key, std::uint64_t capacity) {
    if (capacity == 0) return;
    if (capacity * 4 > sets_.size() * kWays * 3) Grow(static_cast<std::size_t>(capacity));
    Set& set = SetOf(key);
    Cell* oldest = set.data();
    for (Cell& cell : set) {
      if (Age(cell) > Age(*oldest)) oldest = &cell;
    }
    *oldest = {PrintOf(key), ++now_};
  }

  // Whether the key is among the last `capacity` evictions; it is then forgotten.
  [[nodiscard]] bool Take(const Key& key, std::uint64_t capacity) {
    if (sets_.empty()) return false;
    for (Cell& cell : SetOf(key)) {
      if (cell.print == PrintOf(key) && cell.number != 0 && Age(cell) < capacity) {
        cell = {};
        return true;
      }
    }
    return false;
  }

  [[nodiscard]] std::size_t size_bytes() const noexcept { return sets_.capacity() * sizeof(Set); }

 private:
  static constexpr std::size_t kWays = 8;
  struct Cell {
    std::uint32_t print = 0;
    std::uint32_t number = 0;  // of the eviction; 0: free
  };
  using Set = std::array<Cell, kWays>;

  [[nodiscard]] static std::uint32_t PrintOf(const Key& key) {
    return static_cast<std::uint32_t>(key.high);
  }
  [[nodiscard]] Set& SetOf(const Key& key) {
    // Not the bits that choose the shard or the print.
    return sets_[static_cast<std::size_t>(key.low >> 8) & (sets_.size() - 1)];
  }
  // How many evictions ago; numbers go round after 2^32.
  [[nodiscard]] std::uint32_t Age(const Cell& cell) const {
    return cell.number == 0 ? UINT32_MAX : now_ - cell.number;
  }
  // The old cells are spread over the sets that they may now belong to.
  void Grow(std::size_t capacity) {
    std::vector<Set> old(std::bit_ceil(capacity * 4 / (kWays * 3) + 1));
    old.swap(sets_);
    if (old.empty()) return;
    for (std::size_t i = 0; i < sets_.size(); ++i) sets_[i] = old[i & (old.size() - 1)];
  }

  std::vector<Set> sets_;
  std::uint32_t now_ = 0;
};

}  // namespace assay::cache::memory
