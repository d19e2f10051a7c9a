// Unit rows around random centres, as embeddings lie: for tests.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace assay::vector {

inline std::vector<float> ClusteredRows(std::size_t rows, std::size_t dim, std::uint32_t seed) {
  constexpr std::size_t kCentres = 60;
  std::mt19937 fixed(4);  // the same centres for every seed
  std::normal_distribution<float> normal;
  std::vector<float> centres(kCentres * dim);
  for (float& v : centres) v = normal(fixed);
  std::mt19937 random(seed);
  std::vector<float> values(rows * dim);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::size_t centre = random() % kCentres;
    double square = 0;
    for (std::size_t i = 0; i < dim; ++i) {
      const float spread = 2 / std::sqrt(1 + static_cast<float>(i) / 4);
      const float v = centres[centre * dim + i] + spread * normal(random);
      values[r * dim + i] = v;
      square += double{v} * v;
    }
    for (std::size_t i = 0; i < dim; ++i) {
      values[r * dim + i] /= static_cast<float>(std::sqrt(square));
    }
  }
  return values;
}

}  // namespace assay::vector
