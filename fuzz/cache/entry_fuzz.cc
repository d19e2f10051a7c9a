// Reads arbitrary bytes as a cache entry. The first byte decides whether the checksum is made right
// first, so that what lies behind it is reached. What is accepted must be written as the same
// bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "assay/cache/entry.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kCrcAt = 8;
  if (size == 0) return 0;
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 1) != 0 && bytes.size() >= kCrcAt + 4) {
    const std::uint32_t crc = assay::core::Crc32c(std::string_view(bytes).substr(kCrcAt + 4));
    for (std::size_t i = 0; i < 4; ++i) bytes[kCrcAt + i] = static_cast<char>(crc >> (8 * i));
  }
  const auto entry = assay::cache::EntryFromBytes(bytes);
  if (!entry) return 0;
  std::string again;
  assay::cache::AppendEntryBytes(**entry, again);
  if (again != bytes) std::abort();
  return 0;
}
