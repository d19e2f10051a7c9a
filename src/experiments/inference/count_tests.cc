// Tests of counts, of several groups and of several hypotheses.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "assay/experiments/distributions.h"
#include "assay/experiments/tests.h"

#include "math/hypergeometric_internal.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Result<void> CheckProportion(const Proportion& part, const char* name) {
  if (part.n >= 1 && part.successes >= 0 && part.successes <= part.n) return {};
  return Fail(Code::kInvalidArgument,
              fmt::format("the {} has {} successes of {}; there must be 0 to n of n >= 1", name,
                          part.successes, part.n));
}

// Wilson's score interval (1927).
Interval Wilson(double p, double n, double z) {
  const double middle = (p + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z * std::sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n);
  return {middle - half, middle + half};
}

Result<void> CheckCounts(std::span<const double> counts) {
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(counts[i] >= 0) || std::isinf(counts[i])) {
      return Fail(Code::kInvalidArgument, fmt::format("count {} is {}", i, counts[i]));
    }
  }
  return {};
}

}  // namespace

Result<TestResult> TwoProportions(Proportion control, Proportion treatment, double confidence) {
  ASSAY_TRY(CheckProportion(control, "control"));
  ASSAY_TRY(CheckProportion(treatment, "treatment"));
  const auto nc = static_cast<double>(control.n);
  const auto nt = static_cast<double>(treatment.n);
  const double pc = static_cast<double>(control.successes) / nc;
  const double pt = static_cast<double>(treatment.successes) / nt;
  const double pooled = static_cast<double>(control.successes + treatment.successes) / (nc + nt);
  TestResult out;
  out.effect = pt - pc;
  out.error = std::sqrt(pooled * (1 - pooled) * (1 / nc + 1 / nt));
  out.df = kInfinity;
  out.statistic = out.error > 0 ? out.effect / out.error : 0;
  out.p = 2 * NormalSf(std::fabs(out.statistic));
  const double z = NormalQuantile(0.5 + 0.5 * confidence);
  const Interval c = Wilson(pc, nc, z);
  const Interval t = Wilson(pt, nt, z);
  out.interval = {out.effect - std::hypot(pt - t.low, c.high - pc),
                  out.effect + std::hypot(t.high - pt, pc - c.low)};
  return out;
}

Result<TestResult> ChiSquareTable(std::span<const double> counts, std::size_t columns, bool yates) {
  if (columns < 2 || counts.size() % columns != 0 || counts.size() / columns < 2) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} counts in {} columns are no table of at least 2 x 2", counts.size(),
                            columns));
  }
  ASSAY_TRY(CheckCounts(counts));
  const std::size_t rows = counts.size() / columns;
  std::vector<double> of_row(rows, 0);
  std::vector<double> of_column(columns, 0);
  double total = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    of_row[i / columns] += counts[i];
    of_column[i % columns] += counts[i];
    total += counts[i];
  }
  if (std::ranges::min(of_row) == 0 || std::ranges::min(of_column) == 0) {
    return Fail(Code::kInvalidArgument, "the table has an empty row or column; leave it out");
  }
  TestResult out;
  out.df = static_cast<double>((rows - 1) * (columns - 1));
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = of_row[i / columns] * of_column[i % columns] / total;
    double gap = std::fabs(counts[i] - expected);
    if (yates && out.df == 1) gap -= std::min(0.5, gap);
    out.statistic += gap * gap / expected;
  }
  out.effect = std::sqrt(out.statistic / total);  // Cohen's w
  out.error = kNaN;
  out.interval = {kNaN, kNaN};
  out.p = ChiSquareSf(out.statistic, out.df);
  return out;
}

Result<TestResult> ChiSquareShares(std::span<const double> counts, std::span<const double> shares) {
  if (counts.size() < 2 || counts.size() != shares.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} counts against {} shares: there must be two or more of both",
                            counts.size(), shares.size()));
  }
  ASSAY_TRY(CheckCounts(counts));
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double share_total = std::accumulate(shares.begin(), shares.end(), 0.0);
  TestResult out;
  out.df = static_cast<double>(counts.size() - 1);
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!(shares[i] > 0) || std::isinf(share_total)) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("share {} is {}; it must be positive", i, shares[i]));
    }
    const double expected = total * (shares[i] / share_total);
    if (expected > 0) out.statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  out.effect = total > 0 ? std::sqrt(out.statistic / total) : 0;
  out.error = kNaN;
  out.interval = {kNaN, kNaN};
  out.p = ChiSquareSf(out.statistic, out.df);
  return out;
}

Result<TestResult> FisherExact(const std::array<std::int64_t, 4>& table) {
  constexpr std::int64_t kMost = 1'000'000'000;
  std::int64_t total = 0;
  for (const std::int64_t count : table) {
    if (count < 0 || count > kMost || (total += count) > kMost) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("the counts {}, {}, {}, {} must be 0 or more and at most {} in all",
                              table[0], table[1], table[2], table[3], kMost));
    }
  }
  const auto [a, b, c, d] = table;
  const internal::Hypergeometric draws(total, a + c, a + b);
  // Outcomes that are as unlikely as this one count as well; ties may differ in their last digits.
  const long double bound = draws.Weight(a) * (1 + 1e-12L);
  long double sum = 0;
  if (a <= draws.mode()) {
    sum += draws.WeightsUpTo(a);
    std::int64_t low = draws.mode();
    std::int64_t high = draws.high() + 1;  // the first k on the far side that is as unlikely
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (draws.Weight(middle) <= bound) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (low <= draws.high()) sum = low <= a ? draws.mass() : sum + draws.WeightsFrom(low);
  } else {
    sum += draws.WeightsFrom(a);
    std::int64_t low = draws.low() - 1;  // the last k on the far side that is as unlikely
    std::int64_t high = draws.mode();
    while (low < high) {
      const std::int64_t middle = high - (high - low) / 2;
      if (draws.Weight(middle) <= bound) {
        low = middle;
      } else {
        high = middle - 1;
      }
    }
    if (low >= draws.low()) sum = low >= a ? draws.mass() : sum + draws.WeightsUpTo(low);
  }
  TestResult out;
  const auto up = static_cast<double>(a) * static_cast<double>(d);
  const auto down = static_cast<double>(b) * static_cast<double>(c);
  out.statistic = down > 0 ? up / down : (up > 0 ? kInfinity : kNaN);
  out.effect = std::log(out.statistic);
  out.error = kNaN;
  out.df = kNaN;
  out.interval = {kNaN, kNaN};
  out.p = std::min(1.0, static_cast<double>(sum / draws.mass()));
  return out;
}

Result<TestResult> AnalysisOfVariance(std::span<const std::span<const double>> groups) {
  if (groups.size() < 2) return Fail(Code::kInvalidArgument, "there must be two groups or more");
  std::vector<Summary> parts;
  Summary all;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    ASSAY_ASSIGN(const Summary part, Summarize(groups[g]));
    if (part.n == 0) return Fail(Code::kInvalidArgument, fmt::format("group {} has no values", g));
    parts.push_back(part);
    all = Merge(all, part);
  }
  double within = 0;
  double between = 0;
  for (const Summary& part : parts) {
    const double factor = part.scale / all.scale;
    const auto n = static_cast<double>(part.n);
    const double gap = part.mean * factor - all.mean;
    between += n * gap * gap;
    if (part.n > 1) within += part.variance * factor * factor * (n - 1);
  }
  TestResult out;
  out.df = static_cast<double>(groups.size() - 1);
  out.error = static_cast<double>(all.n) - static_cast<double>(groups.size());
  out.effect = between / (between + within);  // eta squared
  out.interval = {kNaN, kNaN};
  const bool constant = within == 0;
  if (constant || !(out.error > 0)) {
    out.statistic = between > 0 && constant ? kInfinity : kNaN;
    out.p = out.error > 0 ? (between > 0 ? 0 : 1) : kNaN;
    return out;
  }
  out.statistic = (between / out.df) / (within / out.error);
  out.p = FSf(out.statistic, out.df, out.error);
  return out;
}

}  // namespace assay::experiments
