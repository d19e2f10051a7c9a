#include <bit>
#include <cmath>
#include <complex>
#include <numbers>
#include <numeric>

#include "assay/consensus/pattern.h"

namespace assay::consensus {
namespace {

using Complex = std::complex<double>;

// In place, radix 2, decimation in time (Cooley and Tukey 1965). Requires: a power of two.
void Transform(std::vector<Complex>& data) {
  const std::size_t n = data.size();
  for (std::size_t i = 1, j = 0; i < n; ++i) {
    std::size_t bit = n >> 1;
    for (; (j & bit) != 0; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(data[i], data[j]);
  }
  std::vector<Complex> roots(n / 2);
  for (std::size_t k = 0; k < roots.size(); ++k) {
    roots[k] =
        std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(n));
  }
  for (std::size_t half = 1; half < n; half *= 2) {
    const std::size_t stride = n / (2 * half);
    for (std::size_t begin = 0; begin < n; begin += 2 * half) {
      for (std::size_t k = 0; k < half; ++k) {
        const Complex a = data[begin + k];
        const Complex w = roots[k * stride];
        const Complex x = data[begin + k + half];
        // Written out: operator* asks for infinities first.
        const Complex b(x.real() * w.real() - x.imag() * w.imag(),
                        x.real() * w.imag() + x.imag() * w.real());
        data[begin + k] = a + b;
        data[begin + k + half] = a - b;
      }
    }
  }
}

}  // namespace

std::vector<double> Autocorrelation(std::span<const double> values) {
  const std::size_t n = values.size();
  std::vector<double> out(n, 0.0);
  if (n == 0) return out;
  out[0] = 1;
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(n);
  std::vector<Complex> data(std::bit_ceil(2 * n));  // padded, so that it does not wrap around
  double scale = 0;
  for (std::size_t i = 0; i < n; ++i) {
    data[i] = values[i] - mean;
    scale += std::norm(data[i]);
  }
  if (scale <= 1e-24 * (1 + mean * mean) * static_cast<double>(n)) return out;
  Transform(data);
  for (Complex& x : data) x = std::norm(x);
  Transform(data);  // of a real and even sequence: its own inverse but for the size
  for (std::size_t k = 0; k < n; ++k) out[k] = data[k].real() / data[0].real();
  return out;
}

}  // namespace assay::consensus
