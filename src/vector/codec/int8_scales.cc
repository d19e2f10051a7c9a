#include "codec/int8_scales.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "codec/float_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr int kBias = 128;
constexpr int kMaxLeast = 16;  // tried as the smallest magnitude of a row's integers

float Restored(int integer, float scale, bool divided) {
  const auto value = static_cast<float>(integer);
  return divided ? value / scale : value * scale;
}

// Whether the scale restores the row; `symbols` then has its integers.
bool Fits(std::span<const float> row, float scale, bool divided, std::span<std::uint16_t> symbols) {
  for (std::size_t i = 0; i < row.size(); ++i) {
    const float quotient = divided ? row[i] * scale : row[i] / scale;
    if (!(std::abs(quotient) < kBias + 1)) return false;
    const int integer = static_cast<int>(std::lrint(quotient));
    if (integer < -kBias || integer >= kBias) return false;
    if (integer == 0 && std::signbit(row[i])) {
      if (row[i] != 0) return false;
      symbols[i] = kMinusZero;
      continue;
    }
    const float restored = Restored(integer, scale, divided);
    if (std::bit_cast<std::uint32_t>(restored) != std::bit_cast<std::uint32_t>(row[i])) {
      return false;
    }
    symbols[i] = static_cast<std::uint16_t>(integer + kBias);
  }
  return true;
}

// The number is known to a few units in the last place from the largest value and its integer.
std::optional<float> FitNear(std::span<const float> row, float guess, bool divided,
                             std::span<std::uint16_t> symbols) {
  float below = guess;
  float above = guess;
  if (Fits(row, guess, divided, symbols)) return guess;
  for (int step = 0; step < 2; ++step) {
    below = std::nextafter(below, 0.0F);
    above = std::nextafter(above, std::numeric_limits<float>::max());
    if (Fits(row, below, divided, symbols)) return below;
    if (Fits(row, above, divided, symbols)) return above;
  }
  return std::nullopt;
}

std::optional<float> FindScale(std::span<const float> row, bool divided,
                               std::span<std::uint16_t> symbols) {
  float least = std::numeric_limits<float>::max();
  float most = 0;
  for (const float value : row) {
    const float magnitude = std::abs(value);
    if (!std::isfinite(value)) return std::nullopt;
    if (magnitude > 0) least = std::min(least, magnitude);
    most = std::max(most, magnitude);
  }
  if (most == 0) return FitNear(row, divided ? 1.0F : 0.0F, divided, symbols);
  const auto with_most = [&](float integer) {
    return FitNear(row, divided ? integer / most : most / integer, divided, symbols);
  };
  for (int smallest = 1; smallest <= kMaxLeast; ++smallest) {
    const float integer = std::round(most / least * static_cast<float>(smallest));
    if (!(integer <= kBias)) break;
    if (const auto scale = with_most(integer)) return scale;
  }
  return with_most(kBias - 1);
}

bool FindAll(std::span<const float> rows, std::size_t dim, ScaledRows& found) {
  found.symbols.resize(rows.size());
  found.scales.clear();
  for (std::size_t at = 0; at < rows.size(); at += dim) {
    const auto scale =
        FindScale(rows.subspan(at, dim), found.divided, std::span(found.symbols).subspan(at, dim));
    if (!scale) return false;
    found.scales.push_back(*scale);
  }
  return true;
}

}  // namespace

std::optional<ScaledRows> FindScales(std::span<const float> rows, std::size_t dim) {
  ScaledRows found;
  if (FindAll(rows, dim, found)) return found;
  found.divided = true;
  if (FindAll(rows, dim, found)) return found;
  return std::nullopt;
}

}  // namespace assay::vector::internal
