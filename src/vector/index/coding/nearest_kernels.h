// The nearest of many centroids for many points, by the widest instructions of this CPU.
#pragma once
#include <cstddef>
#include <cstdint>

namespace assay::vector::internal {

// nearest[p] = the c with the largest points[p] . centroids[c] - half_squares[c]; of equal ones the
// first. Shapes: points [n * dim], centroids [count * dim], half_squares [count], nearest [n].
// Pays off from some 16 points on, as the centroids are laid out anew for each call.
// Requires: count >= 1. A point that is not a number gets any centroid.
void NearestCentroids(const float* points, std::size_t n, const float* centroids,
                      const float* half_squares, std::size_t count, std::size_t dim,
                      std::uint32_t* nearest);

}  // namespace assay::vector::internal
