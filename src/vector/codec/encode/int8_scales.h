// codec/encode/int8_scales.h: are these floats 8-bit integers in disguise?
// Room: vector, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace assay::vector::internal {

// Rows that are integers q in [-128, 127] times, or divided by, a number of their own.
struct ScaledRows {
  bool divided = false;
  std::vector<float> scales;           // [n]
  std::vector<std::uint16_t> symbols;  // [n * dim] q + 128
};

// The integers and numbers that restore every value bit for bit; nullopt where there are none.
// Time: a few values of rows that are none, a few passes over a row that is.
[[nodiscard]] std::optional<ScaledRows> FindScales(std::span<const float> rows, std::size_t dim);

}  // namespace assay::vector::internal
