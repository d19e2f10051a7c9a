#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "opportunities/series_internal.h"

namespace assay::experiments::internal {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kPullIn = 3;  // robust deviations beyond which a value is an outlier
constexpr double kMadToSigma = 1.4826022185056018;  // of a normal distribution

// Sum of term(i) over [0, n) in four lanes, so that no addition waits for the one before.
template <typename Term>
double Sum(std::size_t n, const Term& term) {
  std::array<double, 4> lanes{};
  const std::size_t even = n - n % lanes.size();
  for (std::size_t i = 0; i < even; i += lanes.size()) {
    for (std::size_t lane = 0; lane < lanes.size(); ++lane) lanes[lane] += term(i + lane);
  }
  for (std::size_t i = even; i < n; ++i) lanes[0] += term(i);
  return (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]);
}

double ZeroIfMissing(double value) {
  return std::isnan(value) ? 0 : value;
}

// Moves the values below `pivot` (with `or_equal`, those not above it) to the front and returns
// their number. Without a branch on a value, which would be mispredicted every other time
// (Lomuto's partition; Edelkamp and Weiss, 2016).
template <bool or_equal>
std::size_t Partition(std::span<double> values, double pivot) {
  std::size_t below = 0;
  for (double& at : values) {
    const double value = at;
    at = values[below];
    values[below] = value;
    below += static_cast<std::size_t>(or_equal ? value <= pivot : value < pivot);
  }
  return below;
}

// Reorders `values` so that [rank] is what sorting would put there, nothing larger before it.
// O(n): Hoare's selection with the median of three; where that degenerates, the library's.
void Select(std::span<double> values, std::size_t rank) {
  for (auto budget = 2 * std::bit_width(values.size()); values.size() > 1; --budget) {
    if (budget == 0) {
      std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(rank));
      return;
    }
    const double first = values.front();
    const double middle = values[values.size() / 2];
    const double pivot =
        std::max(std::min(first, middle), std::min(std::max(first, middle), values.back()));
    const std::size_t below = Partition<false>(values, pivot);
    if (rank < below) {
      values = values.first(below);
      continue;
    }
    const std::size_t equal = Partition<true>(values.subspan(below), pivot);
    if (rank < below + equal) return;
    values = values.subspan(below + equal);
    rank -= below + equal;
  }
}

}  // namespace

double Median(std::span<double> values) {
  if (values.empty()) return 0;
  const std::size_t middle = values.size() / 2;
  Select(values, middle);
  if (values.size() % 2 != 0) return values[middle];
  double below = values[0];
  for (const double value : values.first(middle)) below = std::max(below, value);
  return 0.5 * (values[middle] + below);
}

namespace {

struct Line {
  double level = 0;
  double slope = 0;
  double middle = 0;
  double spread = 0;
  std::size_t n = 0;
};

Line FitLine(std::span<const double> values) {
  const auto there = [&](std::size_t i) { return std::isnan(values[i]) ? 0.0 : 1.0; };
  const auto place = [](std::size_t i) { return static_cast<double>(i); };
  Line line;
  const double n = Sum(values.size(), there);
  line.n = static_cast<std::size_t>(n);
  if (line.n == 0) return line;
  line.level = Sum(values.size(), [&](std::size_t i) { return ZeroIfMissing(values[i]); }) / n;
  if (line.n == values.size()) {
    line.middle = (n - 1) / 2;
    line.spread = n * (n * n - 1) / 12;
  } else {
    line.middle = Sum(values.size(), [&](std::size_t i) { return there(i) * place(i); }) / n;
    line.spread = Sum(values.size(), [&](std::size_t i) {
      const double x = place(i) - line.middle;
      return there(i) * x * x;
    });
  }
  const double product = Sum(values.size(), [&](std::size_t i) {
    return ZeroIfMissing((place(i) - line.middle) * (values[i] - line.level));
  });
  line.slope = line.spread > 0 ? product / line.spread : 0;
  return line;
}

double At(const Line& line, std::size_t i) {
  return line.level + line.slope * (static_cast<double>(i) - line.middle);
}

// Two whole periods at least; a period near the largest number does not overflow.
bool HasSeason(std::size_t baseline, std::size_t period) {
  return period >= 2 && period <= baseline / 2;
}

// Takes the median of each phase out of `plain`; the medians come from the baseline's distances to
// a line.
void TakeSeasonOut(std::vector<double>& plain, std::size_t baseline, std::size_t period) {
  if (!HasSeason(baseline, period)) return;
  const Line line = FitLine(std::span(plain).first(baseline));
  std::vector<double> season(period, 0);
  std::vector<double> of_phase;
  of_phase.reserve(baseline / period + 1);
  double mean = 0;
  for (std::size_t phase = 0; phase < period; ++phase) {
    of_phase.clear();
    for (std::size_t i = phase; i < baseline; i += period) {
      if (!std::isnan(plain[i])) of_phase.push_back(plain[i] - At(line, i));
    }
    season[phase] = Median(of_phase);
    mean += season[phase] / static_cast<double>(period);
  }
  for (std::size_t begin = 0; begin < plain.size(); begin += period) {
    const std::size_t size = std::min(period, plain.size() - begin);
    for (std::size_t phase = 0; phase < size; ++phase) plain[begin + phase] -= season[phase] - mean;
  }
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
    const double sum = Sum(rest.size() - lag,
                           [&](std::size_t i) { return ZeroIfMissing(rest[i] * rest[i + lag]); });
    const double weight = 1 - static_cast<double>(lag) / static_cast<double>(lags + 1);
    out += 2 * weight * sum / (n * mean_square);
    if (lag == 1) first = sum / (n * mean_square);
  }
  // Few lags see too little of a long memory; an autoregression of that first lag (its bias taken
  // out, Marriott and Pope 1954) sees it all.
  first = std::min(first + (1 + 3 * first) / n, 0.95);
  return std::max({out, (1 + first) / (1 - first), 1.0});
}

// The line through values[0, baseline) with what lies far off pulled in; `pulled` gets those.
Line FitRobustLine(std::span<const double> values, std::vector<double>& pulled) {
  pulled.assign(values.begin(), values.end());
  const Line line = FitLine(pulled);
  const double limit = kPullIn * RobustDeviation(pulled, line);
  if (!(limit > 0)) return line;
  for (std::size_t i = 0; i < pulled.size(); ++i) {
    const double at = At(line, i);
    // Written so that NaN stays.
    const double from_above = pulled[i] > at + limit ? at + limit : pulled[i];
    pulled[i] = from_above < at - limit ? at - limit : from_above;
  }
  return FitLine(pulled);
}

std::vector<double> Without(const Line& line, std::span<const double> plain) {
  std::vector<double> rest(plain.size());
  for (std::size_t i = 0; i < plain.size(); ++i) rest[i] = plain[i] - At(line, i);
  return rest;
}

}  // namespace

Fit FitSeries(std::span<const double> values, std::size_t baseline, std::size_t period) {
  Fit fit;
  fit.plain.assign(values.begin(), values.end());
  TakeSeasonOut(fit.plain, baseline, period);
  std::vector<double> pulled;
  const Line line = FitRobustLine(std::span(fit.plain).first(baseline), pulled);
  fit.n_base = line.n;
  fit.level = line.level;
  fit.slope = line.slope;
  fit.middle = line.middle;
  fit.spread = line.spread;
  const std::vector<double> near = Without(line, pulled);
  const double squares =
      Sum(near.size(), [&](std::size_t i) { return ZeroIfMissing(near[i] * near[i]); });
  const auto n = static_cast<double>(line.n);
  // Line and seasons take their share of the degrees of freedom.
  const double seasons = HasSeason(baseline, period) ? static_cast<double>(period) - 1 : 0;
  fit.deviation = n - 2 - seasons > 0 ? std::sqrt(squares / (n - 2 - seasons)) : kNaN;
  fit.inflation = Inflation(near, squares / n);
  fit.rest = Without(line, fit.plain);
  return fit;
}

std::vector<double> RestOf(std::span<const double> values, std::size_t period) {
  std::vector<double> plain(values.begin(), values.end());
  TakeSeasonOut(plain, plain.size(), period);
  std::vector<double> pulled;
  return Without(FitRobustLine(plain, pulled), plain);
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
