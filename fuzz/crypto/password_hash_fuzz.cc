// A password hash that the reader accepts has one spelling: the one that is written.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/crypto/password.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto hash = assay::crypto::ParsePasswordHash(text);
  if (hash && assay::crypto::FormatPasswordHash(*hash) != text) std::abort();
  // A cheap one is computed as well.
  if (hash && hash->params.memory_kib <= 64 && hash->params.passes <= 2) {
    if (!assay::crypto::VerifyPassword("password", text)) std::abort();
  }
  return 0;
}
