// Validation, decoding and repair must agree with each other on any bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/text/utf8.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::text;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t first_error = std::string_view::npos;
  for (std::size_t at = 0; at < size;) {
    const Decoded decoded = DecodeUtf8(text, at);
    Require(decoded.size_bytes >= 1 && at + decoded.size_bytes <= size);
    if (!decoded.valid && first_error == std::string_view::npos) first_error = at;
    at += decoded.size_bytes;
    const Decoded before = DecodeUtf8Before(text, at);
    if (decoded.valid) Require(before.valid && before.code_point == decoded.code_point);
  }
  const auto error = FindUtf8Error(text);
  Require((error ? error->offset : std::string_view::npos) == first_error);
  const std::string repaired = RepairUtf8(text);
  Require(!FindUtf8Error(repaired));
  if (!error) Require(repaired == text);
  std::string folded;
  AppendFolded(repaired, folded);
  Require(!FindUtf8Error(folded));
  return 0;
}
