// Jaro's measures of one string against many.
#pragma once
#include <string_view>

#include "assay/text/similarity/edit.h"

#include "similarity/pattern_masks_internal.h"

namespace assay::text::internal {

// kJaro or kJaroWinkler of a and b; `masks` are those of a.
[[nodiscard]] double JaroLike(const PatternMasks& masks, std::u32string_view a,
                              std::u32string_view b, EditMeasure measure);

}  // namespace assay::text::internal
