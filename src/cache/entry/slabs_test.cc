#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "entry/slabs_internal.h"

namespace assay::cache {
namespace {

constexpr std::size_t kChunk = std::size_t{2} << 20;

struct Held {
  unsigned char* block;
  std::size_t size_bytes;
  unsigned char mark;
};

void Check(const Held& held) {
  EXPECT_EQ(held.block[0], held.mark);
  EXPECT_EQ(held.block[held.size_bytes - 1], held.mark);
}

TEST(Slabs, HandOutAlignedBlocksOfEverySize) {
  Slabs slabs;
  std::vector<Held> all;
  for (std::size_t size = 1; size <= Slabs::kMostBytes; ++size) {
    auto* block = static_cast<unsigned char*>(slabs.Allocate(size));
    ASSERT_NE(block, nullptr);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(block) % 64, 0U);
    const auto mark = static_cast<unsigned char>(size * 7);
    std::memset(block, mark, size);
    all.push_back({block, size, mark});
    ASSERT_GE(Slabs::FootprintOf(size), size);
    ASSERT_LE(Slabs::FootprintOf(size), size + size / 4 + 64);
  }
  for (const Held& held : all) {
    for (std::size_t i = 0; i < held.size_bytes; ++i) ASSERT_EQ(held.block[i], held.mark);
    slabs.Free(held.block);
  }
  EXPECT_EQ(slabs.size_bytes(), kChunk);  // one is kept
}

TEST(Slabs, KeepBlocksApartOverRandomUse) {
  Slabs slabs;
  core::SeededRng rng(7);
  std::vector<Held> held;
  for (int i = 0; i < 200'000; ++i) {
    if (held.size() < 2'000 || rng.Below(2) == 0) {
      const std::size_t size = 1 + rng.Below(rng.Below(8) == 0 ? Slabs::kMostBytes : 600);
      auto* block = static_cast<unsigned char*>(slabs.Allocate(size));
      const auto mark = static_cast<unsigned char>(i);
      block[0] = mark;
      block[size - 1] = mark;
      held.push_back({block, size, mark});
    }
    if (held.size() > 4'000 || (!held.empty() && rng.Below(2) == 0)) {
      const std::size_t at = rng.Below(held.size());
      Check(held[at]);
      slabs.Free(held[at].block);
      held[at] = held.back();
      held.pop_back();
    }
  }
  for (const Held& one : held) {
    Check(one);
    slabs.Free(one.block);
  }
  EXPECT_EQ(slabs.size_bytes(), kChunk);
}

// As in a cache that evicts in the order of arrival while the sizes of answers change.
TEST(Slabs, TakeLittleMoreThanTheMostThatWasLiveWhileSizesChange) {
  Slabs slabs;
  std::vector<void*> ring(4'000, nullptr);
  std::vector<std::size_t> sizes(ring.size());
  std::size_t live_bytes = 0;
  std::size_t most_bytes = 0;
  for (std::size_t i = 0; i < 400'000; ++i) {
    const std::size_t at = i % ring.size();
    if (ring[at] != nullptr) {
      slabs.Free(ring[at]);
      live_bytes -= sizes[at];
    }
    sizes[at] = 200 + (i / 20'000 * 397) % 3'000 + i % 50;
    live_bytes += Slabs::FootprintOf(sizes[at]);
    ring[at] = slabs.Allocate(sizes[at]);
    sizes[at] = Slabs::FootprintOf(sizes[at]);
    most_bytes = std::max(most_bytes, live_bytes);
    ASSERT_LE(slabs.size_bytes(), most_bytes * 9 / 8 + 2 * kChunk);
  }
  for (void* block : ring) slabs.Free(block);
}

TEST(Slabs, ServeManyThreads) {
  Slabs slabs;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&slabs, t] {
      std::vector<Held> held;
      for (std::size_t i = 0; i < 20'000; ++i) {
        const std::size_t size = 64 + (i * 37 + t) % 900;
        auto* block = static_cast<unsigned char*>(slabs.Allocate(size));
        const auto mark = static_cast<unsigned char>(t + 1);
        block[0] = block[size - 1] = mark;
        held.push_back({block, size, mark});
        if (held.size() > 300) {
          Check(held[i % 300]);
          slabs.Free(held[i % 300].block);
          held[i % 300] = held.back();
          held.pop_back();
        }
      }
      for (const Held& one : held) slabs.Free(one.block);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(slabs.size_bytes(), kChunk);
}

}  // namespace
}  // namespace assay::cache
