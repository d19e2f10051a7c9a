#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "assay/core/parallel.h"

#include "coder_internal.h"
#include "top_k_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr std::size_t kMostDims = 256;   // more cost each query more than they save
constexpr std::size_t kIterations = 12;  // the energy kept is within 1% of its limit by then
constexpr double kFrontEnergy = 0.70;    // measured: fewer directions let too many rows survive
constexpr double kBackEnergy = 0.95;
constexpr std::size_t kLeastFront = 64;
constexpr std::size_t kMostFront = 128;
constexpr std::size_t kStep = 32;

// Every direction made orthogonal to those before it, twice, which is enough (Giraud et al. 2005).
// Requires: count <= dim.
void Orthonormalise(std::vector<float>& rows, std::size_t dim, std::mt19937& random) {
  std::vector<float> shares(rows.size() / dim);
  std::normal_distribution<float> normal;
  for (std::size_t i = 0; i * dim < rows.size(); ++i) {
    float* row = rows.data() + i * dim;
    for (int pass = 0; pass < 2;) {
      if (i > 0) FloatDots(row, 1, rows.data(), i, dim, shares.data());
      for (std::size_t j = 0; j < i; ++j) {
        const float* other = rows.data() + j * dim;
        const float share = shares[j];
        for (std::size_t x = 0; x < dim; ++x) row[x] -= share * other[x];
      }
      float square = 0;
      FloatDots(row, 1, row, 1, dim, &square);
      if (square > 1e-12F) {
        const float factor = 1 / std::sqrt(square);
        for (std::size_t x = 0; x < dim; ++x) row[x] *= factor;
        ++pass;
      } else {  // nothing is left of it, as in a sample of few dimensions: any direction does
        for (std::size_t x = 0; x < dim; ++x) row[x] = normal(random);
        pass = 0;
      }
    }
  }
}

// [dim * dim]: sums of products of the sample's columns, each divided by the number of rows.
std::vector<float> SecondMoments(std::span<const float> sample, std::size_t dim) {
  constexpr std::size_t kPiece = 1024;  // keeps the columns of a block in L2
  constexpr std::size_t kColumns = 64;
  const std::size_t rows = sample.size() / dim;
  std::vector<float> moments(dim * dim);
  std::vector<float> columns(dim * kPiece);
  for (std::size_t first = 0; first < rows; first += kPiece) {
    const std::size_t count = std::min(kPiece, rows - first);
    core::ParallelFor(dim, kColumns, [&](std::size_t begin, std::size_t end) {
      for (std::size_t r = 0; r < count; ++r) {
        const float* row = sample.data() + (first + r) * dim;
        for (std::size_t c = begin; c < end; ++c) columns[c * count + r] = row[c];
      }
    });
    core::ParallelFor(dim, kColumns, [&](std::size_t begin, std::size_t end) {
      std::vector<float> dots((end - begin) * kColumns);
      for (std::size_t other = 0; other < dim; other += kColumns) {
        const std::size_t width = std::min(kColumns, dim - other);
        FloatDots(columns.data() + begin * count, end - begin, columns.data() + other * count,
                  width, count, dots.data());
        for (std::size_t c = begin; c < end; ++c) {
          for (std::size_t o = 0; o < width; ++o) {
            moments[c * dim + other + o] +=
                dots[(c - begin) * width + o] / static_cast<float>(rows);
          }
        }
      }
    });
  }
  return moments;
}

// out[i] = directions[i] times the symmetric matrix.
void Multiply(const std::vector<float>& moments, std::size_t dim,
              const std::vector<float>& directions, std::vector<float>& out) {
  constexpr std::size_t kRows = 16;
  core::ParallelFor(directions.size() / dim, kRows, [&](std::size_t begin, std::size_t end) {
    FloatDots(directions.data() + begin * dim, end - begin, moments.data(), dim, dim,
              out.data() + begin * dim);
  });
}

// The least multiple of `step` directions that hold `wanted` of the energy; `most` if none does.
std::size_t DimsFor(const std::vector<double>& energies, double whole, double wanted,
                    std::size_t step, std::size_t most) {
  double sum = 0;
  for (std::size_t i = 0; i < most; ++i) {
    sum += energies[i];
    if ((i + 1) % step == 0 && sum >= wanted * whole) return i + 1;
  }
  return most;
}

// Turns directions [begin, end) by a random rotation of their own.
void Rotate(std::vector<float>& directions, std::size_t dim, std::size_t begin, std::size_t end,
            std::mt19937& random) {
  const std::size_t count = end - begin;
  if (count == 0) return;
  std::vector<float> rotation(count * count);
  std::normal_distribution<float> normal;
  for (float& v : rotation) v = normal(random);
  Orthonormalise(rotation, count, random);
  std::vector<float> turned(count * dim);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      const float share = rotation[i * count + j];
      const float* from = directions.data() + (begin + j) * dim;
      for (std::size_t x = 0; x < dim; ++x) turned[i * dim + x] += share * from[x];
    }
  }
  std::ranges::copy(turned, directions.begin() + static_cast<std::ptrdiff_t>(begin * dim));
}

}  // namespace

Projection TrainProjection(std::span<const float> sample, std::size_t dim) {
  const std::vector<float> moments = SecondMoments(sample, dim);
  const std::size_t step = dim < 2 * kLeastFront ? kGroupDims : kStep;
  const std::size_t most = std::min(dim, kMostDims) / step * step;
  std::mt19937 random(20240522);  // any seed; a fixed one makes builds repeat
  std::normal_distribution<float> normal;
  std::vector<float> directions(most * dim);
  for (float& v : directions) v = normal(random);
  std::vector<float> product(directions.size());
  Orthonormalise(directions, dim, random);
  for (std::size_t i = 0; i < kIterations; ++i) {
    Multiply(moments, dim, directions, product);
    std::swap(directions, product);
    Orthonormalise(directions, dim, random);
  }
  Multiply(moments, dim, directions, product);
  std::vector<double> energies(most);
  double whole = 0;
  for (std::size_t i = 0; i < dim; ++i) whole += moments[i * dim + i];
  for (std::size_t i = 0; i < most; ++i) {
    float energy = 0;
    FloatDots(directions.data() + i * dim, 1, product.data() + i * dim, 1, dim, &energy);
    energies[i] = energy;
  }
  Projection projection;
  projection.dim = dim;
  const std::size_t least = std::min(kLeastFront, most);
  projection.front =
      std::max(least, DimsFor(energies, whole, kFrontEnergy, step, std::min(kMostFront, most)));
  const std::size_t enough = DimsFor(energies, whole, kBackEnergy, step, most);
  const bool reached = enough < most || most >= dim / step * step;
  const std::size_t all = reached ? enough : std::min(2 * projection.front, most);
  projection.back = std::max(all, projection.front) - projection.front;
  Rotate(directions, dim, 0, projection.front, random);
  Rotate(directions, dim, projection.front, projection.dims(), random);
  directions.resize(projection.dims() * dim);
  projection.directions = std::move(directions);
  return projection;
}

void Projection::Project(std::span<const float> rows, std::span<float> heads) const {
  FloatDots(rows.data(), rows.size() / dim, directions.data(), dims(), dim, heads.data());
}

}  // namespace assay::vector::internal
