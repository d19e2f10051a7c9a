// SHA-256 (FIPS 180-4), only to compare model files with their manifest; nothing secret passes
// here.
#pragma once
#include <string>
#include <string_view>

namespace assay::embed::internal {

// 64 lower-case hexadecimal digits. About 300 MB/s.
[[nodiscard]] std::string Sha256Hex(std::string_view bytes);

}  // namespace assay::embed::internal
