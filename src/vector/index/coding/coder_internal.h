// What all lists of an index share: its leading directions, its centroids, and how rows and queries
// become codes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "scan_kernels.h"

namespace assay::vector::internal {

// Orthonormal directions [dims() * dim]: the first `front` hold most of the rows' squared length,
// the next `back` most of the rest. Each of the two groups is turned by a random rotation, so that
// every direction of a group carries an equal share, as RaBitQ needs it.
struct Projection {
  std::size_t dim = 0;
  std::size_t front = 0;  // multiples of 8
  std::size_t back = 0;
  std::vector<float> directions;

  [[nodiscard]] std::size_t dims() const { return front + back; }
  // heads [rows / dim * dims()]: the rows' coordinates along the directions.
  void Project(std::span<const float> rows, std::span<float> heads) const;
};

inline constexpr std::size_t kMinProjectedDim = 16;

// By orthogonal iteration on the second moments of the sample (Golub and Van Loan, 4th ed., 8.2.4),
// not centred: it is dot products that the directions have to keep. Requires: dim at least
// kMinProjectedDim, sample [n * dim] with n >= 1, finite. Same result on every run; on all cores.
[[nodiscard]] Projection TrainProjection(std::span<const float> sample, std::size_t dim);

// Lloyd's iterations from k-means++ seeds (Arthur and Vassilvitskii 2007) over a sample.
// Shapes: points [n * dim], result [count * dim]. Requires: 1 <= count <= n. On all cores.
[[nodiscard]] std::vector<float> TrainCentroids(std::span<const float> points, std::size_t dim,
                                                std::size_t count,
                                                const std::function<void(std::size_t)>& on_round);
inline constexpr std::size_t kCentroidRounds = 8;

// The nearest centroid of every point. Shapes: points [n * dim], nearest [n]. On this thread.
void AssignNearest(std::span<const float> points, std::size_t dim, std::span<const float> centroids,
                   std::span<const float> half_squares, std::span<std::uint32_t> nearest);
// Half of each centroid's squared length.
[[nodiscard]] std::vector<float> HalfSquares(std::span<const float> centroids, std::size_t dim);

// A row's residual in 4 bits a direction. Unbiased over the random rotation: the scale is
// |r|^2 / <c, r> (RaBitQ, arXiv 2405.12497, theorem 3.2; the codes as in arXiv 2409.09913).
// codes [values / 2]. Returns the scale. Requires: a multiple of 8 values.
float EncodeGroupCodes(std::span<const float> values, std::span<std::uint8_t> codes);

// Fills `query`, whose memory is used again.
void MakeCodeQuery(std::span<const float> values, CodeQuery& query);

struct EncodedRow {
  std::uint32_t list = 0;
  float front_scale = 0;
  float back_scale = 0;
  std::vector<std::uint8_t> front;
  std::vector<std::uint8_t> back;
};

class Coder {
 public:
  Coder(Projection projection, std::vector<float> centroids);

  [[nodiscard]] const Projection& projection() const { return projection_; }
  [[nodiscard]] const std::vector<float>& centroids() const { return centroids_; }
  [[nodiscard]] const float* Centroid(std::size_t list) const {
    return centroids_.data() + list * projection_.dims();
  }
  [[nodiscard]] std::size_t lists() const { return half_squares_.size(); }
  [[nodiscard]] std::size_t resident_bytes() const;

  [[nodiscard]] EncodedRow Encode(std::span<const float> row) const;
  // From a row's head and its list.
  [[nodiscard]] EncodedRow EncodeHead(std::span<const float> head, std::uint32_t list) const;
  void Assign(std::span<const float> heads, std::span<std::uint32_t> lists) const {
    AssignNearest(heads, projection_.dims(), centroids_, half_squares_, lists);
  }
  // The centroids as blocks of codes, without their mean taken off.
  [[nodiscard]] const std::vector<std::uint8_t>& centroid_blocks() const { return blocks_; }

 private:
  Projection projection_;
  std::vector<float> centroids_;
  std::vector<float> half_squares_;
  std::vector<std::uint8_t> blocks_;
};

// Puts a row's scale and codes at a place of its block.
void StoreInBlock(std::uint8_t* blocks, std::size_t dims, std::size_t entry, float scale,
                  std::span<const std::uint8_t> codes);
// Copies one place's scale and codes to another.
void MoveInBlocks(std::uint8_t* blocks, std::size_t dims, std::size_t from, std::size_t to);

}  // namespace assay::vector::internal
