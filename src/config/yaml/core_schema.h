// The core schema of YAML 1.2.
#pragma once
#include <cstdint>
#include <string_view>

#include "assay/config/value.h"

namespace assay::config::yaml {

// What a plain scalar means (10.3.2): null, a boolean, a number, or the text itself, to which the
// value then points. Integers outside int64 become floats.
[[nodiscard]] Value MakePlain(std::string_view text, std::uint32_t offset);

}  // namespace assay::config::yaml
