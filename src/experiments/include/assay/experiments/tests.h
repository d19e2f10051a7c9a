// assay/experiments/tests.h: summaries of samples, and the tests that compare them.
// Room: experiments (uses core).  Threads: pure functions, safe on shared input.
// Every p-value is two-sided. Where a figure is not defined (fewer than two values, say) it is NaN.
// Values agree with scipy 1.17 and statsmodels 0.15 to 1e-10 (docs/experiments.md names the
// functions).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "assay/core/result.h"

namespace assay::experiments {

// Number, mean and variance of the values of one sample, in units of `scale`, a power of two. It is
// 1 but for values so large or small (beyond about 1e+-140) that their squares leave the range of a
// double.
struct Summary {
  std::int64_t n = 0;        // values that are there
  std::int64_t missing = 0;  // NaN, left out
  double mean = 0;           // in units of scale
  double variance = 0;       // of the sample (n - 1), in units of scale^2; NaN when n < 2
  double scale = 1;

  [[nodiscard]] double mean_value() const { return mean * scale; }
  [[nodiscard]] double deviation() const;  // standard deviation, unscaled
};

// Two passes over the values: the mean, then squares of the distances to it (Chan, Golub and
// LeVeque 1983). O(n). Errors: kInvalidArgument for an infinite value, with its index.
[[nodiscard]] Result<Summary> Summarize(std::span<const double> values);
// As if the values of both had been summarised together.
[[nodiscard]] Summary Merge(const Summary& a, const Summary& b);

struct Interval {
  double low = 0;
  double high = 0;
};

// Of treatment minus control.
struct TestResult {
  double effect = 0;     // the difference that is tested
  double error = 0;      // its standard error
  double statistic = 0;  // t, z, U or chi-square
  double df = 0;         // degrees of freedom; infinity for z
  double p = 1;
  Interval interval;  // of the effect, at the confidence asked for
};

// Welch 1947 and Student 1908. Both samples constant: p is 1 when they are equal and 0 when not.
[[nodiscard]] TestResult Welch(const Summary& control, const Summary& treatment, double confidence);
[[nodiscard]] TestResult Student(const Summary& control, const Summary& treatment,
                                 double confidence);
// The relative difference of means, treatment / control - 1, with its interval by the delta method.
[[nodiscard]] TestResult RelativeLift(const Summary& control, const Summary& treatment,
                                      double confidence);

// Exact when the smaller sample has at most 8 values and none is tied, else the normal
// approximation with corrections for ties and continuity (Mann and Whitney 1947). `effect` is P(T >
// C) + P(T = C) / 2 - 1/2, `statistic` is U of the treatment; no interval. NaN is left out. O(n log
// n).
[[nodiscard]] TestResult MannWhitney(std::span<const double> control,
                                     std::span<const double> treatment);

struct Proportion {
  std::int64_t successes = 0;
  std::int64_t n = 0;
};

// Pooled z test; the interval is Newcombe's hybrid score (1998, method 10).
// Errors: kInvalidArgument unless 0 <= successes <= n and n >= 1.
[[nodiscard]] Result<TestResult> TwoProportions(Proportion control, Proportion treatment,
                                                double confidence);

// Pearson's chi-square of a table, row-major; `yates` corrects for continuity when df is 1.
// Errors: kInvalidArgument for a shape that does not fit, negative counts or an empty row or
// column.
[[nodiscard]] Result<TestResult> ChiSquareTable(std::span<const double> counts, std::size_t columns,
                                                bool yates);
// Chi-square of counts against expected shares, which are normalised to 1: a sample-ratio mismatch
// when p is below 0.001. Errors: kInvalidArgument for fewer than two cells or shares that are not
// positive.
[[nodiscard]] Result<TestResult> ChiSquareShares(std::span<const double> counts,
                                                 std::span<const double> shares);
// Fisher's exact test of {{a, b}, {c, d}}; `statistic` is the odds ratio ad / bc (NaN for 0 / 0).
// Errors: kInvalidArgument for negative counts or more than 10^9 in all.
[[nodiscard]] Result<TestResult> FisherExact(const std::array<std::int64_t, 4>& table);
// One-way analysis of variance (`statistic` F, `df` of the groups); residual degrees are in
// `error`. Errors: kInvalidArgument for fewer than two groups or one without values.
[[nodiscard]] Result<TestResult> AnalysisOfVariance(
    std::span<const std::span<const double>> groups);

// Two values a unit with their covariance: a ratio metric, or a metric and its covariate.
struct PairSummary {
  std::int64_t n = 0;
  std::int64_t missing = 0;
  double mean_x = 0;
  double mean_y = 0;
  double variance_x = 0;
  double variance_y = 0;
  double covariance = 0;
};
// Pairs with a NaN are left out. Errors: kInvalidArgument for different lengths or infinite values;
// kOutOfRange for values beyond 1e140.
[[nodiscard]] Result<PairSummary> SummarizePairs(std::span<const double> x,
                                                 std::span<const double> y);

// Difference of the ratios mean x / mean y, by the delta method (Deng, Knoblich and Lu 2018), as z
// test.
[[nodiscard]] TestResult RatioOfMeans(const PairSummary& control, const PairSummary& treatment,
                                      double confidence);
// CUPED (Deng et al. 2013): x less theta times (y - overall mean of y), theta from all groups
// together.
[[nodiscard]] double CupedTheta(std::span<const PairSummary> groups);
[[nodiscard]] Summary CupedAdjust(const PairSummary& group, double theta, double overall_mean_y);

// Adjusted p-values in the order of `p`; NaN stays NaN and does not count. O(n log n).
[[nodiscard]] std::vector<double> Holm(std::span<const double> p);
[[nodiscard]] std::vector<double> BenjaminiHochberg(std::span<const double> p);

}  // namespace assay::experiments
