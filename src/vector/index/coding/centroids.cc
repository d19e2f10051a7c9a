#include <algorithm>
#include <limits>
#include <random>

#include "assay/core/parallel.h"

#include "coder_internal.h"
#include "nearest_kernels.h"
#include "top_k_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr std::size_t kSeedPoints = 8192;  // k-means++ looks at so many, or 4 a centroid
constexpr std::size_t kParallelGrain = 1024;

// k-means++: each next seed is drawn by its squared distance to those before.
std::vector<float> Seeds(std::span<const float> points, std::size_t dim, std::size_t count,
                         std::mt19937& random) {
  const std::size_t all = points.size() / dim;
  const std::size_t n = std::min(all, std::max(kSeedPoints, 4 * count));
  const std::vector<float> halves = HalfSquares(points.first(n * dim), dim);
  std::vector<float> distances(n, std::numeric_limits<float>::max());
  std::vector<float> dots(n);
  std::vector<float> seeds(count * dim);
  std::size_t chosen = random() % n;
  for (std::size_t s = 0; s < count; ++s) {
    const float* seed = points.data() + chosen * dim;
    std::copy_n(seed, dim, seeds.begin() + static_cast<std::ptrdiff_t>(s * dim));
    core::ParallelFor(n, kParallelGrain, [&](std::size_t begin, std::size_t end) {
      FloatDots(seed, 1, points.data() + begin * dim, end - begin, dim, dots.data() + begin);
    });
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const float distance = std::max(0.0F, halves[i] + halves[chosen] - dots[i]);
      distances[i] = std::min(distances[i], distance);
      sum += distances[i];
    }
    double left = std::uniform_real_distribution<double>(0, sum)(random);
    chosen = random() % n;  // where all are equal
    for (std::size_t i = 0; i < n; ++i) {
      left -= distances[i];
      if (left < 0) {
        chosen = i;
        break;
      }
    }
  }
  return seeds;
}

}  // namespace

std::vector<float> HalfSquares(std::span<const float> centroids, std::size_t dim) {
  std::vector<float> halves(centroids.size() / dim);
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const float* centroid = centroids.data() + i * dim;
    FloatDots(centroid, 1, centroid, 1, dim, &halves[i]);
    halves[i] /= 2;
  }
  return halves;
}

void AssignNearest(std::span<const float> points, std::size_t dim, std::span<const float> centroids,
                   std::span<const float> half_squares, std::span<std::uint32_t> nearest) {
  constexpr std::size_t kFewPoints = 16;  // not worth laying out the centroids for
  if (nearest.size() >= kFewPoints) {
    NearestCentroids(points.data(), nearest.size(), centroids.data(), half_squares.data(),
                     half_squares.size(), dim, nearest.data());
    return;
  }
  std::vector<float> dots(half_squares.size());
  for (std::size_t p = 0; p < nearest.size(); ++p) {
    FloatDots(points.data() + p * dim, 1, centroids.data(), dots.size(), dim, dots.data());
    float best = -std::numeric_limits<float>::infinity();
    nearest[p] = 0;
    for (std::size_t c = 0; c < dots.size(); ++c) {
      const float score = dots[c] - half_squares[c];
      if (score <= best) continue;
      best = score;
      nearest[p] = static_cast<std::uint32_t>(c);
    }
  }
}

std::vector<float> TrainCentroids(std::span<const float> points, std::size_t dim, std::size_t count,
                                  const std::function<void(std::size_t)>& on_round) {
  const std::size_t n = points.size() / dim;
  std::mt19937 random(17);  // any seed; a fixed one makes builds repeat
  std::vector<float> centroids = Seeds(points, dim, count, random);
  std::vector<std::uint32_t> nearest(n);
  std::vector<double> sums;
  std::vector<std::size_t> sizes;
  for (std::size_t round = 0; round < kCentroidRounds; ++round) {
    on_round(round);
    const std::vector<float> halves = HalfSquares(centroids, dim);
    core::ParallelFor(n, kParallelGrain, [&](std::size_t begin, std::size_t end) {
      AssignNearest(points.subspan(begin * dim, (end - begin) * dim), dim, centroids, halves,
                    std::span(nearest).subspan(begin, end - begin));
    });
    sums.assign(count * dim, 0);
    sizes.assign(count, 0);
    for (std::size_t i = 0; i < n; ++i) {
      ++sizes[nearest[i]];
      double* sum = sums.data() + nearest[i] * dim;
      for (std::size_t x = 0; x < dim; ++x) sum[x] += points[i * dim + x];
    }
    for (std::size_t c = 0; c < count; ++c) {
      if (sizes[c] == 0) continue;  // keeps its place: a later row may fall there
      for (std::size_t x = 0; x < dim; ++x) {
        centroids[c * dim + x] =
            static_cast<float>(sums[c * dim + x] / static_cast<double>(sizes[c]));
      }
    }
  }
  return centroids;
}

}  // namespace assay::vector::internal
