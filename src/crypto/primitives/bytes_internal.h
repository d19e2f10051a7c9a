// bytes_internal.h: Assay's byte strings as the C libraries take them.
// Room: crypto.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace assay::crypto {

inline const unsigned char* Bytes(std::string_view view) {
  return reinterpret_cast<const unsigned char*>(view.data());
}
inline unsigned char* Bytes(std::span<char> span) {
  return reinterpret_cast<unsigned char*>(span.data());
}

// Little-endian numbers, the same on every machine.
inline void PutU32(char* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<char>(value >> (8 * i));
}
inline void PutU64(char* at, std::uint64_t value) {
  for (int i = 0; i < 8; ++i) at[i] = static_cast<char>(value >> (8 * i));
}
inline std::uint32_t GetU32(const char* at) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(at[i])} << (8 * i);
  }
  return value;
}
inline std::uint64_t GetU64(const char* at) {
  return GetU32(at) | (std::uint64_t{GetU32(at + 4)} << 32);
}

}  // namespace assay::crypto
