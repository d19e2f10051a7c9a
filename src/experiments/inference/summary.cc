#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/experiments/tests.h"

#include "math/moments_kernels.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

// The values that are there, times `factor`.
struct Clean {
  std::vector<double> values;
  double scale = 1;
};

Result<Clean> CleanAndScale(std::span<const double> values) {
  Clean clean;
  clean.values.reserve(values.size());
  double largest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isinf(values[i])) {
      return Fail(Code::kInvalidArgument, fmt::format("value {} is infinite", i));
    }
    if (std::isnan(values[i])) continue;
    largest = std::max(largest, std::fabs(values[i]));
    clean.values.push_back(values[i]);
  }
  // Powers of two change no digit. Sums of 2^63 values of size 1 and their squares stay in range.
  if (largest > 1e140 || (largest > 0 && largest < 1e-140)) {
    int exponent = 0;
    std::frexp(largest, &exponent);
    exponent = std::clamp(exponent, -1021, 1023);
    for (double& value : clean.values) value = std::ldexp(value, -exponent);
    clean.scale = std::ldexp(1.0, exponent);
  }
  return clean;
}

// As MomentsOf, and exact for a sample of equal values, whose computed mean may be a last digit
// off.
internal::Moments MomentsWithConstants(std::span<const double> values) {
  const internal::Moments moments = internal::MomentsOf(values);
  const double digits = moments.mean * 1e-14;
  if (values.empty() ||
      !(moments.squares <= digits * digits * static_cast<double>(values.size()))) {
    return moments;
  }
  const bool constant = std::ranges::all_of(values, [&](double v) { return v == values[0]; });
  if (constant) return {values[0], 0};
  // Distances whose squares underflow: report them as small, so that the caller scales the values.
  return {moments.mean, std::max(moments.squares, std::numeric_limits<double>::denorm_min())};
}

}  // namespace

double Summary::deviation() const {
  return std::sqrt(variance) * scale;
}

Result<Summary> Summarize(std::span<const double> values) {
  Summary out;
  internal::Moments moments = MomentsWithConstants(values);
  std::size_t n = values.size();
  // An ordinary sample is done here; NaN, infinite and extreme values show in the sums.
  const bool extreme = moments.squares == 0 ? moments.mean != 0 && std::fabs(moments.mean) < 1e-140
                                            : moments.squares < 1e-270;
  if (!(moments.squares < 1e280) || !(std::fabs(moments.mean) < 1e140) || extreme) {
    ASSAY_ASSIGN(const Clean clean, CleanAndScale(values));
    moments = MomentsWithConstants(clean.values);
    n = clean.values.size();
    out.scale = clean.scale;
    out.missing = static_cast<std::int64_t>(values.size() - n);
  }
  out.n = static_cast<std::int64_t>(n);
  out.mean = n > 0 ? moments.mean : kNaN;
  out.variance = n > 1 ? moments.squares / static_cast<double>(n - 1) : kNaN;
  return out;
}

Summary Merge(const Summary& a, const Summary& b) {
  if (a.n == 0 || b.n == 0) {
    Summary out = a.n == 0 ? b : a;
    out.missing = a.missing + b.missing;
    return out;
  }
  Summary out;
  out.scale = std::max(a.scale, b.scale);
  const double fa = a.scale / out.scale;
  const double fb = b.scale / out.scale;
  const auto na = static_cast<double>(a.n);
  const auto nb = static_cast<double>(b.n);
  const double delta = b.mean * fb - a.mean * fa;
  const auto squares = [](const Summary& s, double factor) {
    return s.n > 1 ? s.variance * factor * factor * static_cast<double>(s.n - 1) : 0.0;
  };
  out.n = a.n + b.n;
  out.missing = a.missing + b.missing;
  out.mean = a.mean * fa + delta * (nb / (na + nb));
  out.variance =
      (squares(a, fa) + squares(b, fb) + delta * delta * (na * nb / (na + nb))) / (na + nb - 1);
  return out;
}

Result<PairSummary> SummarizePairs(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} values stand beside {}; there must be one a unit in both", x.size(),
                            y.size()));
  }
  PairSummary out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) || std::isnan(y[i])) {
      ++out.missing;
      continue;
    }
    if (std::isinf(x[i]) || std::isinf(y[i])) {
      return Fail(Code::kInvalidArgument, fmt::format("value {} is infinite", i));
    }
    if (std::fabs(x[i]) > 1e140 || std::fabs(y[i]) > 1e140) {
      return Fail(Code::kOutOfRange, fmt::format("value {} is beyond 1e140", i));
    }
    ++out.n;
    out.mean_x += x[i];
    out.mean_y += y[i];
  }
  const auto n = static_cast<double>(out.n);
  out.mean_x = out.n > 0 ? out.mean_x / n : kNaN;
  out.mean_y = out.n > 0 ? out.mean_y / n : kNaN;
  double rest_x = 0;
  double rest_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i]) || std::isnan(y[i])) continue;
    const double dx = x[i] - out.mean_x;
    const double dy = y[i] - out.mean_y;
    rest_x += dx;
    rest_y += dy;
    out.variance_x += dx * dx;
    out.variance_y += dy * dy;
    out.covariance += dx * dy;
  }
  const double spread = out.n > 1 ? n - 1 : kNaN;
  out.variance_x = (out.variance_x - rest_x * rest_x / n) / spread;
  out.variance_y = (out.variance_y - rest_y * rest_y / n) / spread;
  out.covariance = (out.covariance - rest_x * rest_y / n) / spread;
  out.mean_x += rest_x / n;  // what rounding left of the first pass
  out.mean_y += rest_y / n;
  return out;
}

}  // namespace assay::experiments
