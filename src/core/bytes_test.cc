#include "assay/core/format/bytes.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assay::core {
namespace {

TEST(Bytes, AValueComesBackFromAnyOffset) {
  struct Pair {
    std::uint32_t a;
    std::uint32_t b;
  };
  const Pair pair{0x01020304, 0xfffefdfc};
  for (std::size_t offset = 0; offset < 9; ++offset) {
    const std::string bytes = std::string(offset, 'x') + std::string(BytesOf(pair)) + "y";
    EXPECT_EQ(LoadAt<Pair>(bytes, offset).a, pair.a);
    EXPECT_EQ(LoadAt<Pair>(bytes, offset).b, pair.b);
  }
}

TEST(Bytes, ElementsLieOneBehindTheOther) {
  const std::vector<std::uint16_t> values = {1, 2, 3};
  const std::string_view bytes = BytesOfAll(values);
  ASSERT_EQ(bytes.size(), 6U);
  EXPECT_EQ(LoadAt<std::uint16_t>(bytes, 4), 3);
  EXPECT_EQ(BytesOfAll(std::array<char, 2>{'a', 'b'}).size(), 2U);
  EXPECT_TRUE(BytesOfAll(std::vector<std::uint64_t>()).empty());
}

}  // namespace
}  // namespace assay::core
