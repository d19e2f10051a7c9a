// A manifest that the reader accepts is written back as one that says the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "store/manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace internal = assay::vector::internal;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto manifest = internal::ParseManifest(text, "manifest");
  if (!manifest) return 0;
  const std::string again = internal::FormatManifest(*manifest);
  const auto second = internal::ParseManifest(again, "manifest");
  if (!second || internal::FormatManifest(*second) != again) std::abort();
  return 0;
}
