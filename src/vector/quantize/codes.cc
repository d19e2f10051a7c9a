#include "assay/vector/codes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>

#include <fmt/format.h>

#include "assay/vector/top_k.h"

#include "index/coding/coder_internal.h"
#include "quantize/bit_kernels.h"

namespace assay::vector {
namespace {

constexpr std::size_t kWordBits = 64;
constexpr std::size_t kRounds = 4;   // sign flips and two transforms each; fewer leave structure
constexpr float kConfidence = 1.9F;  // the paper's epsilon_0, section 3.2.2
constexpr float kQueryLevels = 255;  // of the planes of a query

// In place, by butterflies. Requires: a power of two of values.
void HadamardTransform(std::span<float> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * half) {
      for (std::size_t i = begin; i < begin + half; ++i) {
        const float sum = values[i] + values[i + half];
        values[i + half] = values[i] - values[i + half];
        values[i] = sum;
      }
    }
  }
  const float factor = 1 / std::sqrt(static_cast<float>(values.size()));
  for (float& v : values) v *= factor;
}

float LengthOf(std::span<const float> values) {
  double square = 0;
  for (const float v : values) square += double{v} * v;
  return static_cast<float>(std::sqrt(square));
}

bool AllFinite(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return std::isfinite(v); });
}

}  // namespace

void ToFloat16(std::span<const float> values, std::span<std::uint16_t> halves) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto bits = std::bit_cast<std::uint32_t>(values[i]);
    const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
    const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
    std::uint32_t half = 0;
    if (magnitude > 0x7F800000U) {
      half = 0x7E00U | ((magnitude >> 13) & 0x3FFU);  // not a number; some of its payload
    } else if (magnitude >= 0x477FF000U) {
      half = 0x7C00U;  // 65520 and above round to infinity
    } else if (magnitude < 0x38800000U) {
      // Below 2^-14: a multiple of 2^-24. The addition rounds to even.
      const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
      half = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5F);
    } else {
      const std::uint32_t odd = (magnitude >> 13) & 1U;
      half = (magnitude - 0x38000000U + 0xFFFU + odd) >> 13;
    }
    halves[i] = static_cast<std::uint16_t>(sign | half);
  }
}

void FromFloat16(std::span<const std::uint16_t> halves, std::span<float> values) {
  for (std::size_t i = 0; i < halves.size(); ++i) {
    const std::uint32_t sign = std::uint32_t{halves[i] & 0x8000U} << 16;
    const std::uint32_t exponent = (halves[i] >> 10) & 31U;
    const std::uint32_t fraction = halves[i] & 0x3FFU;
    if (exponent == 0) {
      const float value = static_cast<float>(fraction) * 0x1p-24F;
      values[i] = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
    } else {
      const std::uint32_t wide = exponent == 31 ? 255 : exponent + 112;
      values[i] = std::bit_cast<float>(sign | wide << 23 | fraction << 13);
    }
  }
}

Rotation::Rotation(std::size_t dim, std::uint64_t seed)
    : dim_(dim),
      padded_dim_((dim + kWordBits - 1) / kWordBits * kWordBits),
      power_(std::bit_floor(padded_dim_)),
      signs_(kRounds * padded_dim_) {
  std::mt19937_64 random(seed);
  for (float& sign : signs_) sign = (random() & 1U) != 0 ? 1.0F : -1.0F;
}

void Rotation::Apply(std::span<const float> row, std::span<float> turned) const {
  std::ranges::copy(row, turned.begin());
  std::ranges::fill(turned.subspan(row.size()), 0.0F);
  for (std::size_t round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < padded_dim_; ++i) turned[i] *= signs_[round * padded_dim_ + i];
    // The first and the last values in turn, which overlap, so that all are mixed with all.
    HadamardTransform(round % 2 == 0 ? turned.first(power_) : turned.last(power_));
  }
}

RabitqCodes::RabitqCodes(std::size_t dim, std::size_t bits, std::uint64_t seed)
    : rotation_(dim, seed), bits_(bits), code_bytes_(rotation_.padded_dim() * bits / 8) {}

Result<RabitqCodes> RabitqCodes::Encode(std::span<const float> rows, std::size_t dim,
                                        std::size_t bits, std::uint64_t seed) {
  if (dim == 0 || dim > kMaxDim || (bits != 1 && bits != 4)) {
    return Fail(
        Code::kOutOfRange,
        fmt::format("codes of {} bits for {} dimensions; 1 or 4 bits and 1 to {} dimensions "
                    "are possible",
                    bits, dim, kMaxDim));
  }
  if (rows.size() % dim != 0 || !AllFinite(rows)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values are no rows of {} finite numbers", rows.size(), dim));
  }
  RabitqCodes codes(dim, bits, seed);
  const std::size_t count = rows.size() / dim;
  codes.codes_.resize(count * codes.code_bytes_);
  std::vector<float> turned(codes.rotation_.padded_dim());
  for (std::size_t r = 0; r < count; ++r) {
    codes.rotation_.Apply(rows.subspan(r * dim, dim), turned);
    const float length = LengthOf(turned);
    const auto code = std::span(codes.codes_).subspan(r * codes.code_bytes_, codes.code_bytes_);
    float scale = 0;
    double code_square = 0;  // squared length of the code's values
    if (bits == 1) {
      double sum = 0;
      for (std::size_t i = 0; i < turned.size(); ++i) {
        sum += std::abs(turned[i]);
        if (turned[i] > 0) code[i / 8] |= static_cast<std::uint8_t>(1U << (i % 8));
      }
      scale = sum > 0 ? static_cast<float>(double{length} * length / sum) : 0;
      code_square = static_cast<double>(turned.size());
    } else {
      scale = internal::EncodeGroupCodes(turned, code);
      for (const std::uint8_t byte : code) {
        const double low = (byte & 15) - 7.5;
        const double high = (byte >> 4) - 7.5;
        code_square += low * low + high * high;
      }
    }
    // cos = <code, row> / (|code| |row|) = |row| / (scale |code|)
    const double code_length = double{scale} * std::sqrt(code_square);
    const double cosine = code_length > 0 ? std::min(1.0, length / code_length) : 1;
    const double tangent = std::sqrt(1 - cosine * cosine) / cosine;
    codes.lengths_.push_back(length);
    codes.scales_.push_back(scale);
    codes.errors_.push_back(
        static_cast<float>(tangent / std::sqrt(static_cast<double>(turned.size() - 1))));
  }
  return codes;
}

DotEstimate RabitqCodes::Finish(std::size_t row, float code_dot, float length) const {
  return {scales_[row] * code_dot, kConfidence * errors_[row] * lengths_[row] * length};
}

// <signs, q> = 2 * sum of q over the set bits - sum of q.
void RabitqCodes::EstimateBits(std::span<const float> turned, float length,
                               std::span<DotEstimate> estimates) const {
  const std::size_t words = turned.size() / kWordBits;
  const auto [least, most] = std::ranges::minmax(turned);
  const float step = (most - least) / kQueryLevels;
  std::vector<std::uint64_t> planes(internal::kQueryPlanes * words);
  double sum = 0;
  for (std::size_t i = 0; i < turned.size(); ++i) {
    const auto level =
        step > 0 ? static_cast<std::uint64_t>(std::lrintf((turned[i] - least) / step)) : 0;
    sum += double{least} + double{step} * static_cast<double>(level);
    for (std::size_t p = 0; p < internal::kQueryPlanes; ++p) {
      planes[p * words + i / kWordBits] |= ((level >> p) & 1U) << (i % kWordBits);
    }
  }
  constexpr std::size_t kAtOnce = 256;
  std::vector<std::uint64_t> codes(kAtOnce * words);
  std::vector<std::uint32_t> shared(kAtOnce);
  for (std::size_t first = 0; first < rows(); first += kAtOnce) {
    const std::size_t count = std::min(kAtOnce, rows() - first);
    std::memcpy(codes.data(), codes_.data() + first * code_bytes_, count * code_bytes_);
    internal::SharedBits(codes.data(), planes.data(), count, words, shared.data());
    for (std::size_t r = 0; r < count; ++r) {
      std::size_t set = 0;
      for (std::size_t w = 0; w < words; ++w) {
        set += static_cast<std::size_t>(std::popcount(codes[r * words + w]));
      }
      const double in_set =
          double{least} * static_cast<double>(set) + double{step} * static_cast<double>(shared[r]);
      estimates[first + r] = Finish(first + r, static_cast<float>(2 * in_set - sum), length);
    }
  }
}

void RabitqCodes::EstimateNibbles(std::span<const float> turned, float length,
                                  std::span<DotEstimate> estimates) const {
  internal::CodeQuery query;
  internal::MakeCodeQuery(turned, query);
  for (std::size_t r = 0; r < rows(); ++r) {
    const auto sum = static_cast<float>(internal::CodeDot(query, codes_.data() + r * code_bytes_));
    estimates[r] = Finish(r, query.scale * sum + query.offset, length);
  }
}

Result<void> RabitqCodes::Estimate(std::span<const float> query,
                                   std::span<DotEstimate> estimates) const {
  if (query.size() != rotation_.dim() || estimates.size() != rows() || !AllFinite(query)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a query of {} values for codes of {} dimensions, {} estimates of {} "
                            "rows; all finite",
                            query.size(), rotation_.dim(), estimates.size(), rows()));
  }
  std::vector<float> turned(rotation_.padded_dim());
  rotation_.Apply(query, turned);
  const float length = LengthOf(query);
  if (bits_ == 1) {
    EstimateBits(turned, length, estimates);
  } else {
    EstimateNibbles(turned, length, estimates);
  }
  return {};
}

}  // namespace assay::vector
