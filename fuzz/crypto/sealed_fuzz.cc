// Bytes that somebody else made do not open, in one call or in a batch; what the sealer makes of
// them does.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "assay/crypto/aead.h"
#include "assay/crypto/key_ring.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using assay::crypto::KeyRing;
  using assay::crypto::Sealer;
  static const Sealer sealer = *Sealer::Create(KeyRing::Generate(), "fuzz");
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (sealer.Open("aad", bytes)) std::abort();
  const assay::crypto::SealItem item = {"aad", bytes};
  std::string out;
  if (sealer.OpenBatch({&item, 1}, {&out, 1})) std::abort();
  const auto sealed = sealer.Seal(bytes, bytes);
  if (!sealed || sealer.Open(bytes, *sealed) != std::string(bytes)) std::abort();
  return 0;
}
