// CRC-32C: the processor's instruction where the Highway target has it, else eight bytes at a time
// by tables ("slicing by 8": Kounavis and Berry 2005). Intrinsics are used because Highway has no
// such operation.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "assay/core/hash.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "crc32c_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#if HWY_ARCH_ARM_A64 && defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

#ifndef ASSAY_CORE_CRC32C_TABLES
#define ASSAY_CORE_CRC32C_TABLES
namespace assay::core {

using Crc32cTables = std::array<std::array<std::uint32_t, 256>, 8>;

// Row r, byte b: the remainder of b followed by r zero bytes.
constexpr Crc32cTables MakeCrc32cTables() {
  constexpr std::uint32_t kPolynomial = 0x82f63b78;  // 0x1edc6f41 with its bits reversed
  Crc32cTables tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][byte] = crc;
  }
  for (std::size_t row = 1; row < 8; ++row) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t crc = tables[row - 1][byte];
      tables[row][byte] = (crc >> 8) ^ tables[0][crc & 0xff];
    }
  }
  return tables;
}

inline constexpr Crc32cTables kCrc32cTables = MakeCrc32cTables();

inline std::uint32_t Crc32cPortable(const char* bytes, std::size_t size, std::uint32_t crc) {
  const auto byte_at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  while (size >= 8) {
    std::uint32_t next = 0;
    crc ^= static_cast<std::uint32_t>(byte_at(0)) | static_cast<std::uint32_t>(byte_at(1)) << 8 |
           static_cast<std::uint32_t>(byte_at(2)) << 16 |
           static_cast<std::uint32_t>(byte_at(3)) << 24;
    for (std::size_t i = 0; i < 4; ++i) {
      next ^= kCrc32cTables[7 - i][(crc >> (8 * i)) & 0xff] ^ kCrc32cTables[3 - i][byte_at(4 + i)];
    }
    crc = next;
    bytes += 8;
    size -= 8;
  }
  for (; size > 0; --size, ++bytes) crc = (crc >> 8) ^ kCrc32cTables[0][(crc ^ byte_at(0)) & 0xff];
  return crc;
}

}  // namespace assay::core
#endif

HWY_BEFORE_NAMESPACE();
namespace assay::core::HWY_NAMESPACE {

std::uint32_t UpdateCrc32c(const char* bytes, std::size_t size, std::uint32_t crc) {
#if HWY_ARCH_X86_64 && HWY_TARGET <= HWY_SSE4
  std::uint64_t wide = crc;
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++bytes, --size) crc = _mm_crc32_u8(crc, static_cast<unsigned char>(*bytes));
  return crc;
#elif HWY_ARCH_ARM_A64 && defined(__ARM_FEATURE_CRC32)
  for (; size >= 8; bytes += 8, size -= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes, sizeof(word));
    crc = __crc32cd(crc, word);
  }
  for (; size > 0; ++bytes, --size) crc = __crc32cb(crc, static_cast<std::uint8_t>(*bytes));
  return crc;
#else
  return Crc32cPortable(bytes, size, crc);
#endif
}

}  // namespace assay::core::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace assay::core {

HWY_EXPORT(UpdateCrc32c);

std::uint32_t Crc32c(std::string_view bytes, std::uint32_t before) {
  return ~HWY_DYNAMIC_DISPATCH(UpdateCrc32c)(bytes.data(), bytes.size(), ~before);
}

}  // namespace assay::core
#endif
