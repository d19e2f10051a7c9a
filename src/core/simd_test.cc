#include "assay/core/simd.h"

#include <string>

#include <gtest/gtest.h>

#include "assay/core/clock.h"
#include "assay/core/hash.h"

namespace assay::core {
namespace {

// Bit by bit, from the definition.
std::uint32_t SlowCrc32c(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc ^= static_cast<unsigned char>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  return ~crc;
}

class OnEveryTarget : public ::testing::TestWithParam<std::string_view> {
 protected:
  void SetUp() override { ASSERT_TRUE(ForceSimdTarget(GetParam()).has_value()); }
  void TearDown() override { ResetSimdTarget(); }
};

// The vectors of RFC 3720, B.4.
TEST_P(OnEveryTarget, Crc32cHasTheValuesOfRfc3720) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  EXPECT_EQ(Crc32c(rising), 0x46dd794eU);
  EXPECT_EQ(Crc32c(std::string(rising.rbegin(), rising.rend())), 0x113fdb5cU);
  const unsigned char read_command[48] = {
      0x01, 0xc0, 0, 0,    0, 0, 0, 0,    0,    0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 4, 0,
      0,    0,    0, 0x14, 0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 2,    0, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(Crc32c({reinterpret_cast<const char*>(read_command), sizeof(read_command)}),
            0xd9963a56U);
}

TEST_P(OnEveryTarget, Crc32cEqualsItsDefinitionOnEveryLengthAndCut) {
  SeededRng rng(11);
  std::string bytes;
  for (std::size_t size = 0; size < 100; ++size) {
    const std::uint32_t whole = Crc32c(bytes);
    ASSERT_EQ(whole, SlowCrc32c(bytes)) << size;
    const std::string_view view = bytes;
    for (std::size_t cut = 0; cut <= size; ++cut) {
      ASSERT_EQ(Crc32c(view.substr(cut), Crc32c(view.substr(0, cut))), whole) << size << " " << cut;
    }
    bytes += static_cast<char>(rng.NextU64());
  }
}

INSTANTIATE_TEST_SUITE_P(Simd, OnEveryTarget, ::testing::ValuesIn(SimdTargets()),
                         [](const auto& param) { return std::string(param.param); });

TEST(Simd, ForcingATargetMakesItTheActiveOneUntilReset) {
  const std::vector<std::string_view> targets = SimdTargets();
  ASSERT_FALSE(targets.empty());
  EXPECT_EQ(ActiveSimdTarget(), targets.front());
  ASSERT_TRUE(ForceSimdTarget(targets.back()).has_value());
  EXPECT_EQ(ActiveSimdTarget(), targets.back());
  EXPECT_EQ(SimdTargets(), targets) << "the list does not depend on what is forced";
  EXPECT_EQ(ActiveSimdTarget(), targets.back()) << "asking for the list changes nothing";
  ResetSimdTarget();
  EXPECT_EQ(ActiveSimdTarget(), targets.front());
}

TEST(Simd, AnUnknownTargetIsRefusedWithTheChoice) {
  const Result<void> forced = ForceSimdTarget("MMX");
  ASSERT_FALSE(forced.has_value());
  EXPECT_EQ(forced.error().code, Code::kInvalidArgument);
  EXPECT_NE(forced.error().message.find(SimdTargets().back()), std::string::npos);
}

}  // namespace
}  // namespace assay::core
