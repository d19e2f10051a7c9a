#include <algorithm>

#include "embedding/memory_tiers_internal.h"

namespace assay::cache::embedding {
namespace {

constexpr std::size_t kSmallShare = 10;  // a tenth, as S3-FIFO has it
constexpr std::size_t kRivals = 5;  // of the oldest rows, the least asked one is the one to leave
// Of a row's bytes on the heap: the allocator's header, rounding, the slot and its links.
constexpr std::size_t kSlotBytes = 24 + 40 + 8;
constexpr std::size_t kHotSlotBytes = 4 + 8;  // besides the row

std::size_t FootprintOf(std::size_t encoded_bytes) {
  return encoded_bytes + kSlotBytes;
}

}  // namespace

void SlotQueue::PushNewest(std::vector<Links>& links, std::uint32_t slot) {
  links[slot] = {.newer = kNone, .older = newest_};
  (newest_ == kNone ? oldest_ : links[newest_].newer) = slot;
  newest_ = slot;
  ++size_;
}

void SlotQueue::Remove(std::vector<Links>& links, std::uint32_t slot) {
  const Links& at = links[slot];
  (at.newer == kNone ? newest_ : links[at.newer].older) = at.older;
  (at.older == kNone ? oldest_ : links[at.older].newer) = at.newer;
  --size_;
}

MemoryTiers::MemoryTiers(Index& index, std::size_t dim, std::size_t hot_bytes,
                         std::size_t compressed_bytes)
    : index_(index),
      dim_(dim),
      hot_capacity_(hot_bytes / (dim * sizeof(float) + kHotSlotBytes)),
      compressed_capacity_bytes_(compressed_bytes) {
  hot_values_.reserve(hot_capacity_ * dim_);
  hot_nodes_.reserve(hot_capacity_);
  hot_links_.reserve(hot_capacity_);
}

std::span<const float> MemoryTiers::HotRow(std::uint32_t node) const {
  return std::span(hot_values_).subspan(index_[node].slot * dim_, dim_);
}

std::string_view MemoryTiers::CompressedRow(std::uint32_t node) const {
  return slots_[index_[node].slot].bytes;
}

std::size_t MemoryTiers::hot_bytes() const {
  return hot_.size() * (dim_ * sizeof(float) + kHotSlotBytes);
}

std::uint32_t MemoryTiers::WeakestHot() const {
  std::uint32_t weakest = hot_.oldest();
  std::uint32_t slot = weakest;
  for (std::size_t i = 1; i < kRivals && slot != kNone; ++i) {
    slot = hot_links_[slot].newer;
    if (slot != kNone && index_[hot_nodes_[slot]].asked < index_[hot_nodes_[weakest]].asked) {
      weakest = slot;
    }
  }
  return weakest;
}

std::uint32_t MemoryTiers::WeakestMain() const {
  std::uint32_t weakest = main_.oldest();
  std::uint32_t slot = weakest;
  for (std::size_t i = 1; i < kRivals && slot != kNone; ++i) {
    slot = links_[slot].newer;
    if (slot != kNone && index_[slots_[slot].node].asked < index_[slots_[weakest].node].asked) {
      weakest = slot;
    }
  }
  return weakest;
}

bool MemoryTiers::Deserves(std::uint32_t node) {
  if (hot_.size() < hot_capacity_) return true;
  if (hot_capacity_ == 0) return false;
  if (index_[node].asked > index_[hot_nodes_[WeakestHot()]].asked) return true;
  const std::uint32_t oldest = hot_.oldest();
  hot_.Remove(hot_links_, oldest);
  hot_.PushNewest(hot_links_, oldest);
  return false;
}

std::optional<std::uint32_t> MemoryTiers::MakeHot(std::uint32_t node, std::span<const float> row) {
  Drop(index_[node].slot);
  std::optional<std::uint32_t> left;
  std::uint32_t slot = 0;
  if (hot_.size() < hot_capacity_) {
    slot = static_cast<std::uint32_t>(hot_nodes_.size());
    hot_nodes_.push_back(node);
    hot_links_.emplace_back();
    hot_values_.insert(hot_values_.end(), row.begin(), row.end());
  } else {
    slot = WeakestHot();
    hot_.Remove(hot_links_, slot);
    left = hot_nodes_[slot];
    index_[*left].place = Place::kDisk;
    index_[*left].slot = kNone;
    hot_nodes_[slot] = node;
    std::ranges::copy(row, hot_values_.begin() + static_cast<std::ptrdiff_t>(slot * dim_));
  }
  hot_.PushNewest(hot_links_, slot);
  index_[node].place = Place::kHot;
  index_[node].slot = slot;
  return left;
}

void MemoryTiers::Insert(std::uint32_t node, std::string_view encoded, Place place) {
  if (FootprintOf(encoded.size()) > compressed_capacity_bytes_ / 2) return;
  const std::uint32_t slot = TakeSlot();
  slots_[slot].node = node;
  slots_[slot].bytes.assign(encoded);
  slots_[slot].bytes.shrink_to_fit();
  index_[node].slot = slot;
  Enqueue(slot, place);
  while (compressed_bytes() > compressed_capacity_bytes_) EvictOne();
}

std::uint32_t MemoryTiers::TakeSlot() {
  if (free_slots_.empty()) {
    slots_.emplace_back();
    links_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

void MemoryTiers::Enqueue(std::uint32_t slot, Place place) {
  index_[slots_[slot].node].place = place;
  QueueOf(place).PushNewest(links_, slot);
  BytesOf(place) += FootprintOf(slots_[slot].bytes.size());
}

void MemoryTiers::Dequeue(std::uint32_t slot) {
  const Place place = index_[slots_[slot].node].place;
  QueueOf(place).Remove(links_, slot);
  BytesOf(place) -= FootprintOf(slots_[slot].bytes.size());
}

void MemoryTiers::Drop(std::uint32_t slot) {
  Dequeue(slot);
  Node& node = index_[slots_[slot].node];
  node.place = Place::kDisk;
  node.slot = kNone;
  slots_[slot] = {};
  free_slots_.push_back(slot);
}

void MemoryTiers::EvictOne() {
  const std::size_t small_capacity = compressed_capacity_bytes_ / kSmallShare;
  if (small_bytes_ <= small_capacity) {
    Drop(WeakestMain());
    return;
  }
  const std::uint32_t slot = small_.oldest();
  const std::size_t footprint = FootprintOf(slots_[slot].bytes.size());
  const bool room = main_bytes_ + footprint <= compressed_capacity_bytes_ - small_capacity;
  if (!room) {
    const std::uint32_t rival = WeakestMain();
    const bool wins =
        rival != kNone && index_[slots_[slot].node].asked > index_[slots_[rival].node].asked;
    if (!wins) {
      if (const std::uint32_t oldest = main_.oldest(); oldest != kNone) {
        main_.Remove(links_, oldest);
        main_.PushNewest(links_, oldest);
      }
      Drop(slot);
      return;
    }
    Drop(rival);
  }
  Dequeue(slot);
  Enqueue(slot, Place::kMain);
}

}  // namespace assay::cache::embedding
