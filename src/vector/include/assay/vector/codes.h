// assay/vector/codes.h: lossy codes of vectors, and dot products estimated from them.
// Room: vector (uses core).  Threads: pure functions; a Rotation and RabitqCodes never change.
// Method: RaBitQ (Gao and Long, arXiv 2405.12497) with 1 bit a dimension and its extended form
// (arXiv 2409.09913) with 4, after a random rotation made of sign flips and Hadamard transforms
// (Ailon and Chazelle 2006). For 8 bits a dimension see QuantizeRows in top_k.h.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"

namespace assay::vector {

// IEEE 754 binary16, rounded to the nearest, ties to even; what is too large becomes infinite.
// Shapes: [n] each. Requires: equal sizes.
void ToFloat16(std::span<const float> values, std::span<std::uint16_t> halves);
void FromFloat16(std::span<const std::uint16_t> halves, std::span<float> values);

// A random orthogonal map, the same for the same seed; time O(dim log dim), space O(dim).
class Rotation {
 public:
  Rotation(std::size_t dim, std::uint64_t seed);  // Requires: dim >= 1

  [[nodiscard]] std::size_t dim() const { return dim_; }
  // dim rounded up to a multiple of 64: rows are filled up with zeros.
  [[nodiscard]] std::size_t padded_dim() const { return padded_dim_; }
  // Shapes: row [dim], turned [padded_dim].
  void Apply(std::span<const float> row, std::span<float> turned) const;

 private:
  std::size_t dim_;
  std::size_t padded_dim_;
  std::size_t power_;         // the largest power of two that is no larger than padded_dim
  std::vector<float> signs_;  // [rounds * padded_dim]
};

struct DotEstimate {
  float dot = 0;    // without bias over the random rotation
  float bound = 0;  // the exact value is further off in at most about 8% of all cases
};

class RabitqCodes {
 public:
  // `bits` a dimension: 1 or 4. Shape: rows [n * dim]. Errors: kInvalidArgument if the shapes do
  // not fit or a value is not finite; kOutOfRange for dim (1 to kMaxDim) or bits.
  [[nodiscard]] static Result<RabitqCodes> Encode(std::span<const float> rows, std::size_t dim,
                                                  std::size_t bits, std::uint64_t seed);

  [[nodiscard]] std::size_t rows() const { return lengths_.size(); }
  [[nodiscard]] std::size_t bits() const { return bits_; }
  // Codes and the three factors of a row.
  [[nodiscard]] std::size_t bytes_per_row() const { return code_bytes_ + 3 * sizeof(float); }

  // The query's dot products with all rows, in 8-bit arithmetic on the query. Shapes: query [dim],
  // estimates [rows()]. Errors: kInvalidArgument for another shape or a value that is not finite.
  [[nodiscard]] Result<void> Estimate(std::span<const float> query,
                                      std::span<DotEstimate> estimates) const;

 private:
  RabitqCodes(std::size_t dim, std::size_t bits, std::uint64_t seed);

  void EstimateBits(std::span<const float> turned, float length,
                    std::span<DotEstimate> estimates) const;
  void EstimateNibbles(std::span<const float> turned, float length,
                       std::span<DotEstimate> estimates) const;
  [[nodiscard]] DotEstimate Finish(std::size_t row, float code_dot, float length) const;

  Rotation rotation_;
  std::size_t bits_;
  std::size_t code_bytes_;
  std::vector<std::uint8_t> codes_;  // [rows * code_bytes_]
  std::vector<float> lengths_;       // |row|
  std::vector<float> scales_;        // |row|^2 / <code, row>: restores the dot product
  std::vector<float> errors_;        // tan of the angle between code and row / sqrt(padded dim - 1)
};

}  // namespace assay::vector
