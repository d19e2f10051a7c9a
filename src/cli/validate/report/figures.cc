#include "validate/report/figures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

namespace assay::cli::validate {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5 % of a normal distribution

}  // namespace

experiments::Interval WilsonInterval(std::uint64_t successes, std::uint64_t n) {
  if (n == 0) return {0, 1};
  const auto count = static_cast<double>(n);
  const double p = static_cast<double>(successes) / count;
  const double square = kZ * kZ;
  const double middle = (p + square / (2 * count)) / (1 + square / count);
  const double half =
      kZ / (1 + square / count) * std::sqrt(p * (1 - p) / count + square / (4 * count * count));
  return {successes == 0 ? 0 : middle - half, successes == n ? 1 : middle + half};
}

std::string ShareText(std::uint64_t successes, std::uint64_t n) {
  const experiments::Interval interval = WilsonInterval(successes, n);
  const double share = n == 0 ? 0 : static_cast<double>(successes) / static_cast<double>(n);
  return fmt::format("{} of {} ({:.1f} %, {:.1f} to {:.1f})", successes, n, 100 * share,
                     100 * interval.low, 100 * interval.high);
}

AmdahlFit FitAmdahl(std::span<const Timing> timings) {
  double mean_x = 0;
  double mean_y = 0;
  const auto n = static_cast<double>(timings.size());
  for (const Timing& one : timings) {
    mean_x += 1 / static_cast<double>(one.threads) / n;
    mean_y += one.seconds / n;
  }
  double xx = 0;
  double xy = 0;
  for (const Timing& one : timings) {
    const double x = 1 / static_cast<double>(one.threads) - mean_x;
    xx += x * x;
    xy += x * (one.seconds - mean_y);
  }
  AmdahlFit fit;
  fit.parallel_s = xx > 0 ? std::max(0.0, xy / xx) : 0;
  fit.serial_s = mean_y - fit.parallel_s * mean_x;
  if (fit.serial_s < 0) {  // faster than the law allows: all of it is parallel
    double squares = 0;
    double product = 0;
    for (const Timing& one : timings) {
      const double x = 1 / static_cast<double>(one.threads);
      squares += x * x;
      product += x * one.seconds;
    }
    fit.serial_s = 0;
    fit.parallel_s = product / squares;
  }
  const double all = fit.serial_s + fit.parallel_s;
  fit.parallel_share = all > 0 ? fit.parallel_s / all : 0;
  fit.limit = fit.serial_s > 0 ? all / fit.serial_s : std::numeric_limits<double>::infinity();
  return fit;
}

}  // namespace assay::cli::validate
