// Statistics and geometry of a series.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "pattern/series_internal.h"

namespace assay::consensus::internal {
namespace {

constexpr double kNormalSpread =
    1.4826;  // deviation of a normal over its median absolute deviation

double Quantile(const std::vector<double>& sorted, double share) {
  const double at = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

struct Point {
  double x = 0, y = 0;
};

std::vector<double> Scaled(std::span<const double> values) {
  const auto [low, high] = std::ranges::minmax_element(values);
  const double least = *low;
  const double range = *high - least;
  std::vector<double> out(values.size(), 0.0);
  if (range > 0) {
    std::ranges::transform(values, out.begin(), [&](double v) { return (v - least) / range; });
  }
  return out;
}

double Cross(const Point& o, const Point& a, const Point& b) {
  return (a.x - o.x) * (b.y - o.y) - (a.y - o.y) * (b.x - o.x);
}

double HullArea(std::vector<Point> points) {
  std::ranges::sort(
      points, [](const Point& a, const Point& b) { return a.x != b.x ? a.x < b.x : a.y < b.y; });
  std::vector<Point> hull;
  for (int side = 0; side < 2; ++side) {
    const std::size_t floor = hull.size();
    for (const Point& p : points) {
      while (hull.size() >= floor + 2 && Cross(hull[hull.size() - 2], hull.back(), p) <= 0) {
        hull.pop_back();
      }
      hull.push_back(p);
    }
    hull.pop_back();
    std::ranges::reverse(points);
  }
  double twice = 0;
  for (std::size_t i = 0; i < hull.size(); ++i) {
    const Point& a = hull[i];
    const Point& b = hull[(i + 1) % hull.size()];
    twice += a.x * b.y - a.y * b.x;
  }
  return std::abs(twice) / 2;
}

}  // namespace

double MedianOf(std::span<double> values) {
  const std::size_t middle = values.size() / 2;
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(middle));
  const double upper = values[middle];
  if (values.size() % 2 != 0) return upper;
  return (*std::max_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(middle)) +
          upper) /
         2;
}

ValueStatistics StatisticsOf(std::span<const double> values) {
  ValueStatistics out;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const auto n = static_cast<double>(sorted.size());
  out.least = sorted.front();
  out.most = sorted.back();
  out.low = Quantile(sorted, 0.05);
  out.high = Quantile(sorted, 0.95);
  out.median = Quantile(sorted, 0.5);
  out.mean = std::accumulate(sorted.begin(), sorted.end(), 0.0) / n;
  double second = 0, third = 0, fourth = 0;
  for (double& value : sorted) {
    const double d = value - out.mean;
    second += d * d;
    third += d * d * d;
    fourth += d * d * d * d;
    value = std::abs(value - out.median);
  }
  out.spread = kNormalSpread * MedianOf(sorted);
  if (sorted.size() > 1) out.deviation = std::sqrt(second / (n - 1));
  if (second > 0) {
    out.skewness = third / n / std::pow(second / n, 1.5);
    out.kurtosis = fourth * n / (second * second);
  }
  return out;
}

Geometry GeometryOf(std::span<const double> times, std::span<const double> values) {
  const std::vector<double> x = Scaled(times);
  const std::vector<double> y = Scaled(values);
  Geometry out;
  std::vector<Point> points(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) points[i] = {x[i], y[i]};
  double turned = 0, before = 0;
  std::size_t steps = 0, turns = 0;
  for (std::size_t i = 1; i < points.size(); ++i) {
    const double dx = x[i] - x[i - 1];
    const double dy = y[i] - y[i - 1];
    const double step = std::hypot(dx, dy);
    out.length += step;
    out.area += dx * (y[i] + y[i - 1]) / 2;
    if (step == 0) continue;
    const double direction = std::atan2(dy, dx);
    if (steps++ > 0) {
      turned += std::abs(direction - before);
      ++turns;
    }
    before = direction;
  }
  if (out.length > 0) {
    out.straightness = std::hypot(x.back() - x.front(), y.back() - y.front()) / out.length;
  }
  if (turns > 0) out.turning = turned / static_cast<double>(turns);
  out.hull_area = HullArea(points);
  const auto n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n;
  const double mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0, xy = 0;
  for (const Point& p : points) {
    xx += (p.x - mean_x) * (p.x - mean_x);
    xy += (p.x - mean_x) * (p.y - mean_y);
  }
  if (xx > 0) out.slope = xy / xx;
  return out;
}

}  // namespace assay::consensus::internal
