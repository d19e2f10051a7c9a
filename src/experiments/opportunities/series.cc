#include <algorithm>
#include <cmath>
#include <limits>

#include "opportunities/series_internal.h"

namespace assay::experiments::internal {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPullIn = 3;  // robust deviations beyond which a value is an outlier
constexpr double kMadToSigma = 1.4826022185056018;  // of a normal distribution

// Reorders `values`; of an even number the mean of the middle two.
double Median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 != 0) return *middle;
  return 0.5 * (*middle + *std::max_element(values.begin(), middle));
}

struct Line {
  double level = 0;
  double slope = 0;
  double middle = 0;
  double spread = 0;
  std::size_t n = 0;
};

Line FitLine(std::span<const double> values) {
  Line line;
  double sum_i = 0;
  double sum_y = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    ++line.n;
    sum_i += static_cast<double>(i);
    sum_y += values[i];
  }
  if (line.n == 0) return line;
  line.middle = sum_i / static_cast<double>(line.n);
  line.level = sum_y / static_cast<double>(line.n);
  double product = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    const double x = static_cast<double>(i) - line.middle;
    line.spread += x * x;
    product += x * (values[i] - line.level);
  }
  line.slope = line.spread > 0 ? product / line.spread : 0;
  return line;
}

double At(const Line& line, std::size_t i) {
  return line.level + line.slope * (static_cast<double>(i) - line.middle);
}

// Takes the median of each phase out of `plain`; the medians come from the baseline's distances to
// a line.
void TakeSeasonOut(std::vector<double>& plain, std::size_t baseline, std::size_t period) {
  if (period < 2 || baseline < 2 * period) return;
  const Line line = FitLine(std::span(plain).first(baseline));
  std::vector<double> season(period, 0);
  std::vector<double> of_phase;
  double mean = 0;
  for (std::size_t phase = 0; phase < period; ++phase) {
    of_phase.clear();
    for (std::size_t i = phase; i < baseline; i += period) {
      if (!std::isnan(plain[i])) of_phase.push_back(plain[i] - At(line, i));
    }
    season[phase] = Median(of_phase);
    mean += season[phase] / static_cast<double>(period);
  }
  for (std::size_t i = 0; i < plain.size(); ++i) plain[i] -= season[i % period] - mean;
}

double RobustDeviation(std::span<const double> values, const Line& line) {
  std::vector<double> distances;
  distances.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isnan(values[i])) distances.push_back(std::fabs(values[i] - At(line, i)));
  }
  return kMadToSigma * Median(distances);
}

// Bartlett weights over lags of 4 (n / 100)^(2/9) (Newey and West 1994), relative to independence.
double Inflation(std::span<const double> rest, double mean_square) {
  const auto n = static_cast<double>(rest.size());
  if (!(mean_square > 0)) return 1;
  const auto lags = static_cast<std::size_t>(4 * std::pow(n / 100, 2.0 / 9) + 2);
  double out = 1;
  double first = 0;
  for (std::size_t lag = 1; lag <= lags && lag < rest.size(); ++lag) {
    double sum = 0;
    for (std::size_t i = lag; i < rest.size(); ++i) {
      const double product = rest[i] * rest[i - lag];
      if (!std::isnan(product)) sum += product;
    }
    const double weight = 1 - static_cast<double>(lag) / static_cast<double>(lags + 1);
    out += 2 * weight * sum / (n * mean_square);
    if (lag == 1) first = sum / (n * mean_square);
  }
  // Few lags see too little of a long memory; an autoregression of that first lag (its bias taken
  // out, Marriott and Pope 1954) sees it all.
  first = std::min(first + (1 + 3 * first) / n, 0.95);
  return std::max({out, (1 + first) / (1 - first), 1.0});
}

}  // namespace

Fit FitSeries(std::span<const double> values, std::size_t baseline, std::size_t period) {
  Fit fit;
  fit.plain.assign(values.begin(), values.end());
  TakeSeasonOut(fit.plain, baseline, period);
  std::vector<double> pulled(fit.plain.begin(),
                             fit.plain.begin() + static_cast<std::ptrdiff_t>(baseline));
  Line line = FitLine(pulled);
  const double limit = kPullIn * RobustDeviation(pulled, line);
  if (limit > 0) {
    for (std::size_t i = 0; i < pulled.size(); ++i) {
      if (!std::isnan(pulled[i])) {
        pulled[i] = std::clamp(pulled[i], At(line, i) - limit, At(line, i) + limit);
      }
    }
    line = FitLine(pulled);
  }
  fit.n_base = line.n;
  fit.level = line.level;
  fit.slope = line.slope;
  fit.middle = line.middle;
  fit.spread = line.spread;
  double squares = 0;
  for (std::size_t i = 0; i < pulled.size(); ++i) {
    pulled[i] -= At(line, i);
    if (!std::isnan(pulled[i])) squares += pulled[i] * pulled[i];
  }
  const auto n = static_cast<double>(line.n);
  // Line and seasons take their share of the degrees of freedom.
  const double seasons =
      period >= 2 && baseline >= 2 * period ? static_cast<double>(period) - 1 : 0;
  fit.deviation = n - 2 - seasons > 0 ? std::sqrt(squares / (n - 2 - seasons)) : kNaN;
  fit.inflation = Inflation(pulled, squares / n);
  fit.rest.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    fit.rest[i] = fit.plain[i] - At(line, i);
    if (!std::isnan(values[i])) ++fit.n;
  }
  return fit;
}

Slope Regress(std::span<const double> rest, std::span<const double> driver, std::size_t taken) {
  Slope out;
  double n = 0;
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (std::isnan(rest[i] + driver[i])) continue;
    n += 1;
    mean_x += driver[i];
    mean_y += rest[i];
  }
  if (n < 8) return {.error = kNaN, .df = kNaN};
  mean_x /= n;
  mean_y /= n;
  double xx = 0;
  double xy = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (std::isnan(rest[i] + driver[i])) continue;
    xx += (driver[i] - mean_x) * (driver[i] - mean_x);
    xy += (driver[i] - mean_x) * (rest[i] - mean_y);
  }
  out.df = n - 2 - static_cast<double>(taken);
  if (out.df < 4) return {.error = kNaN, .df = kNaN};
  out.driver_deviation = std::sqrt(xx / (n - 1));
  if (!(xx > 0)) return {.error = kNaN, .df = kNaN};
  out.slope = xy / xx;
  std::vector<double> scores(rest.size());
  double squares = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const double x = driver[i] - mean_x;
    scores[i] = x * (rest[i] - mean_y - out.slope * x);
    if (!std::isnan(scores[i])) squares += scores[i] * scores[i];
  }
  const double inflation = Inflation(scores, squares / static_cast<double>(scores.size()));
  out.error = std::sqrt(squares * inflation * n / out.df) / xx;
  return out;
}

}  // namespace assay::experiments::internal
