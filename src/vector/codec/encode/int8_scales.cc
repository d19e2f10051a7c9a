#include "codec/encode/int8_scales.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "codec/encode/encode_kernels.h"

namespace assay::vector::internal {
namespace {

constexpr int kBias = 128;
constexpr int kMaxLeast = 16;  // tried as the smallest magnitude of a row's integers

// The number is known to a few units in the last place from the largest value and its integer.
std::optional<float> FitNear(std::span<const float> row, float guess, bool divided,
                             std::span<std::uint16_t> symbols) {
  float below = guess;
  float above = guess;
  const auto fits = [&](float scale) {
    return FitsScale(row.data(), row.size(), scale, divided, symbols.data());
  };
  if (fits(guess)) return guess;
  for (int step = 0; step < 2; ++step) {
    below = std::nextafter(below, 0.0F);
    above = std::nextafter(above, std::numeric_limits<float>::max());
    if (fits(below)) return below;
    if (fits(above)) return above;
  }
  return std::nullopt;
}

std::optional<float> FindScale(std::span<const float> row, bool divided,
                               std::span<std::uint16_t> symbols) {
  const auto [least, most] = MagnitudesOf(row.data(), row.size());
  if (!std::isfinite(most)) return std::nullopt;
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
