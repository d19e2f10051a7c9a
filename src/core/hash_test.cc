#include "assay/core/hash.h"

#include <string>

#include <gtest/gtest.h>

namespace assay::core {
namespace {

std::string Pattern(std::size_t size_bytes) {
  std::string bytes(size_bytes, '\0');
  for (std::size_t i = 0; i < size_bytes; ++i) bytes[i] = static_cast<char>(i * 131 + (i >> 8));
  return bytes;
}

// The digests of the empty input are printed in the xxHash specification's test vectors.
TEST(Hash, EqualsThePublishedValuesOfXxh3) {
  EXPECT_EQ(HashBytes64(""), 0x2d06800538d394c2U);
  EXPECT_EQ(ToHex(HashBytes128("")), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, AHasherGivesTheOneShotDigestHoweverTheBytesAreCut) {
  for (const std::size_t size : {0U, 1U, 16U, 17U, 240U, 241U, 1024U, 5000U}) {
    const std::string bytes = Pattern(size);
    for (const std::size_t piece : {1U, 7U, 256U, 4096U}) {
      for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{42}}) {
        Hasher hasher(seed);
        for (std::size_t at = 0; at < size; at += piece) {
          hasher.Add(std::string_view(bytes).substr(at, piece));
        }
        EXPECT_EQ(hasher.Digest64(), HashBytes64(bytes, seed)) << size << " by " << piece;
        EXPECT_EQ(hasher.Digest128(), HashBytes128(bytes, seed)) << size << " by " << piece;
      }
    }
  }
}

TEST(Hash, ACopyOfAHasherGoesItsOwnWay) {
  Hasher first;
  first.Add("one");
  Hasher second = first;
  second.Add("two");
  EXPECT_EQ(first.Digest128(), HashBytes128("one"));
  EXPECT_EQ(second.Digest128(), HashBytes128("onetwo"));
}

}  // namespace
}  // namespace assay::core
