// store/row/packed_delta.h: the difference of two vectors, value by value in one of four widths.
// Room: vector, private.  Threads: pure functions.
// Format: docs/formats/vector-store.md. Without tables and without one value's place depending on
// another's content, so that reading a difference takes about a microsecond for 1,536 dimensions.
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace assay::vector::internal {

// The four widths are those that make this difference shortest. Shapes: delta [n].
[[nodiscard]] std::string PackDelta(std::span<const float> delta);

// values[i] ^= the difference's value i. False where `packed` is none of values.size() values;
// `values` are as they were then. Nothing outside of `packed` is read, whatever it is.
[[nodiscard]] bool XorPackedDelta(std::string_view packed, std::span<float> values);

}  // namespace assay::vector::internal
