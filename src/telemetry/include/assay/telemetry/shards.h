// assay/telemetry/shards.h: cells that each thread adds to alone and anyone may sum.
// Room: telemetry.  Threads: AddToCell from any thread; see the pairing rules at the members.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace assay::telemetry::internal {

// Threads alive at once that have cells of their own; further ones share the last shard and add
// with a locked instruction. The slot of a thread that ends goes to the next new one, which adds
// on.
inline constexpr std::uint32_t kMaxThreads = 128;
inline constexpr std::uint32_t kSharedSlot = kMaxThreads;
inline constexpr std::uint32_t kNoSlot = kMaxThreads + 1;

// One shard's address space: room for about 220 histograms. Pages that are never touched cost
// nothing.
inline constexpr std::uint32_t kCellsPerShard = 1U << 18;
inline constexpr std::size_t kShardBytes = std::size_t{kCellsPerShard} * sizeof(std::uint64_t);

// Histogram layout: buckets, then the sum of the values.
inline constexpr std::uint32_t kStepBits = 5;  // 32 steps in each power of two
inline constexpr std::uint32_t kSteps = 1U << kStepBits;
inline constexpr std::uint32_t kMaxValueBits = 40;
inline constexpr std::int64_t kMaxValue = std::int64_t{1} << kMaxValueBits;
inline constexpr std::uint32_t kBuckets = (kMaxValueBits - kStepBits + 1) * kSteps;
inline constexpr std::uint32_t kSumCell = kBuckets;
inline constexpr std::uint32_t kHistogramCells = kBuckets + 1;

using Cell = std::atomic<std::uint64_t>;

struct Shards {
  // Written once for each slot by ShardOf (release); partner: the acquire loads of AddToCell,
  // ShardOf and SumOfCell. One more place than slots, for kNoSlot, stays null.
  std::array<std::atomic<Cell*>, kMaxThreads + 2> shard{};
};

// A Shards whose cells nobody reads, for handles that forget.
[[nodiscard]] Shards* NullShards();

// Constant-initialised, so that reading it needs no guard.
extern thread_local constinit std::uint32_t thread_slot;

void AddSlow(Shards* shards, std::uint32_t cell, std::uint64_t n) noexcept;
// The cells of a slot, made on first use; null when there is no memory.
[[nodiscard]] Cell* ShardOf(Shards* shards, std::uint32_t slot) noexcept;
// Requires: no thread adds any more.
void FreeShards(Shards* shards) noexcept;
// The shards that exist now.
[[nodiscard]] std::vector<const Cell*> LiveShards(const Shards& shards);
// Over all of them.
[[nodiscard]] std::uint64_t SumOfCell(std::span<const Cell* const> live,
                                      std::uint32_t cell) noexcept;

inline void AddToCell(Shards* shards, std::uint32_t cell, std::uint64_t n) noexcept {
  const std::uint32_t slot = thread_slot;  // kNoSlot at first, whose shard is always null
  Cell* cells = shards->shard[slot].load(std::memory_order_acquire);
  if (cells == nullptr || slot == kSharedSlot) [[unlikely]] {
    AddSlow(shards, cell, n);
    return;
  }
  Cell& mine = cells[cell];  // this thread is the only writer; readers load it relaxed
  mine.store(mine.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
}

// The bucket of a value: (lower, upper] with upper = BucketUpper(bucket). Values 0 and 1 share
// bucket 0.
[[nodiscard]] constexpr std::uint32_t BucketOf(std::int64_t value) noexcept {
  if (value <= 1) return 0;
  const std::uint64_t v = static_cast<std::uint64_t>(value < kMaxValue ? value : kMaxValue) - 1;
  if (v < kSteps) return static_cast<std::uint32_t>(v);
  const auto power = static_cast<std::uint32_t>(std::bit_width(v)) - 1 - kStepBits;
  return (power << kStepBits) + static_cast<std::uint32_t>(v >> power);
}

// The largest value of the bucket. Requires: bucket < kBuckets.
[[nodiscard]] constexpr std::int64_t BucketUpper(std::uint32_t bucket) noexcept {
  if (bucket < 2 * kSteps) return std::int64_t{bucket} + 1;
  const std::uint32_t power = (bucket >> kStepBits) - 1;
  return (std::int64_t{(bucket & (kSteps - 1)) + kSteps} + 1) << power;
}

}  // namespace assay::telemetry::internal
