// A key file that the reader accepts is written as it was read. Without a passphrase: with one each
// input would cost an Argon2id.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/crypto/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto ring = assay::crypto::KeyRing::Parse(text, "input");
  if (!ring) return 0;
  const auto again = ring->ToText();
  if (!again || again->view() != text) std::abort();
  return 0;
}
