// embedding/index_internal.h: where each row is, and how often it was asked for.
// Room: cache (private).  Threads: one at a time.
#pragma once
#include <cstdint>
#include <vector>

#include "assay/core/hash.h"

namespace assay::cache::embedding {

inline constexpr std::uint32_t kNone = UINT32_MAX;

enum class Place : std::uint8_t { kDisk, kSmall, kMain, kHot };

struct Node {
  core::Hash128 key;
  std::uint64_t offset = 0;    // of the encoded row in the log
  std::uint32_t size = 0;      // of the encoded row, bytes
  std::uint32_t slot = kNone;  // in the tier that holds it
  std::uint16_t asked = 0;     // look-ups, halved by Age()
  Place place = Place::kDisk;
};
static_assert(sizeof(Node) == 40);

// Open addressing with linear probing over the nodes' numbers; rows are never removed.
class Index {
 public:
  [[nodiscard]] std::uint32_t Find(const core::Hash128& key) const {
    if (table_.empty()) return kNone;
    for (std::size_t i = key.low & mask(); table_[i] != kNone; i = (i + 1) & mask()) {
      if (nodes_[table_[i]].key == key) return table_[i];
    }
    return kNone;
  }

  // Requires: the key is not there.
  std::uint32_t Add(const Node& node) {
    if ((nodes_.size() + 1) * 4 > table_.size() * 3) Grow();
    const auto number = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back(node);
    Place(number);
    return number;
  }

  [[nodiscard]] Node& operator[](std::uint32_t number) { return nodes_[number]; }
  [[nodiscard]] const Node& operator[](std::uint32_t number) const { return nodes_[number]; }
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }
  [[nodiscard]] std::size_t size_bytes() const {
    return nodes_.capacity() * sizeof(Node) + table_.capacity() * sizeof(std::uint32_t);
  }

  void Age() {
    for (Node& node : nodes_) node.asked /= 2;
  }

 private:
  static constexpr std::size_t kFirstSlots = 64;

  [[nodiscard]] std::size_t mask() const { return table_.size() - 1; }
  void Place(std::uint32_t number) {
    std::size_t i = nodes_[number].key.low & mask();
    while (table_[i] != kNone) i = (i + 1) & mask();
    table_[i] = number;
  }
  void Grow() {
    const std::size_t slots = table_.empty() ? kFirstSlots : table_.size() * 2;
    table_.assign(slots, kNone);
    table_.shrink_to_fit();
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) Place(i);
  }

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> table_;  // a power of two, at most three quarters full
};

}  // namespace assay::cache::embedding
