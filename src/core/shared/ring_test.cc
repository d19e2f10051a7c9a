#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "assay/core/clock.h"

#include "shared/ring_internal.h"

namespace assay::core::internal {
namespace {

TEST(Ring, HoldsTheSameFramesAsAQueueUnderRandomUse) {
  for (const std::size_t bytes : {std::size_t{64}, std::size_t{256}, std::size_t{4096}}) {
    std::vector<char> memory(bytes);
    RingPositions positions{};
    RingWriter writer(positions, memory);
    RingReader reader(positions, memory);
    std::deque<std::string> model;
    SeededRng random(bytes);
    for (int step = 0; step < 20'000; ++step) {
      if (random.Below(2) == 0) {
        const std::string text(random.Below(MaxFrameBytes(bytes) + 1),
                               static_cast<char>('a' + step % 26));
        const auto room = writer.Reserve(text.size());
        ASSERT_TRUE(room);
        if (!*room) {
          ASSERT_FALSE(model.empty()) << "an empty ring has room for every frame";
          continue;
        }
        text.copy((*room)->data(), text.size());
        writer.Commit();
        model.push_back(text);
      } else {
        ASSERT_EQ(reader.empty(), model.empty());
        const auto front = reader.Front();
        ASSERT_TRUE(front);
        ASSERT_EQ(front->has_value(), !model.empty());
        if (model.empty()) continue;
        ASSERT_EQ(**front, model.front());
        reader.Pop();
        model.pop_front();
      }
    }
  }
}

TEST(Ring, DoesNotShowAFrameBeforeItsCommit) {
  std::vector<char> memory(64);
  RingPositions positions{};
  RingWriter writer(positions, memory);
  RingReader reader(positions, memory);
  ASSERT_TRUE(writer.Reserve(4)->has_value());
  EXPECT_FALSE(reader.Front()->has_value());
  ASSERT_TRUE(writer.Reserve(8)->has_value());  // thinks again
  writer.Commit();
  EXPECT_EQ(reader.Front()->value().size(), 8U);
}

TEST(Ring, RefusesPositionsThatNobodyCanHaveReached) {
  std::vector<char> memory(64);
  RingPositions positions{};
  RingWriter writer(positions, memory);
  RingReader reader(positions, memory);
  positions.written = 65;
  EXPECT_EQ(reader.Front().error().code, Code::kDataLoss);
  positions.written = 16;
  const std::uint64_t size = 9;  // 24 bytes with its head
  std::memcpy(memory.data(), &size, sizeof(size));
  EXPECT_EQ(reader.Front().error().code, Code::kDataLoss);
  positions.read = 8;
  EXPECT_EQ(writer.Reserve(1).error().code, Code::kDataLoss);
}

}  // namespace
}  // namespace assay::core::internal
