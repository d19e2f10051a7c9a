// Dot products of rows with panels of rows, by the widest instructions of this CPU.
#pragma once
#include <cstddef>

namespace assay::vector::internal {

// How many rows a panel holds: a power of two.
[[nodiscard]] std::size_t PanelRows();

// Lays out `count` <= PanelRows() rows as a panel. Shapes: rows [count * dim], panel
// [PanelRows() * dim].
void PackRows(const float* rows, std::size_t count, std::size_t dim, float* panel);

// out[p * PanelRows() + r] = points[p] . row r of the panel; one pair is summed in one order
// whatever the others are, and whichever of the two is the point.
// Shapes: points [count * dim], out [count * PanelRows()].
void PanelDots(const float* points, std::size_t count, const float* panel, std::size_t dim,
               float* out);

}  // namespace assay::vector::internal
