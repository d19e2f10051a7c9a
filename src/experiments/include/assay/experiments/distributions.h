// assay/experiments/distributions.h: tails and quantiles of the distributions that tests refer to.
// Room: experiments (uses core).  Threads: pure functions.
// Method: Boost.Math 1.81 in double (Bristow, Maddock et al.); each tail is computed as a tail,
// never as 1 minus the other one. Relative error below 1e-10, in tails below 1e-100 below 1e-6.
// Outside the domain (NaN, df <= 0, p outside [0, 1] and the like) every function returns NaN.
#pragma once
#include <cstdint>

namespace assay::experiments {

[[nodiscard]] double NormalCdf(double z);
[[nodiscard]] double NormalSf(double z);  // upper tail: P(Z > z)
// The z with NormalCdf(z) = p; -inf and +inf at 0 and 1.
[[nodiscard]] double NormalQuantile(double p);

// Student's t with `df` > 0 degrees of freedom, which need not be whole; infinite df is the normal.
[[nodiscard]] double StudentTCdf(double t, double df);
[[nodiscard]] double StudentTSf(double t, double df);
// P(|T| > |t|).
[[nodiscard]] double StudentTTwoSided(double t, double df);
[[nodiscard]] double StudentTQuantile(double p, double df);
// Non-central t: P(T > t) with non-centrality `delta`, for power.
[[nodiscard]] double NonCentralTSf(double t, double df, double delta);

[[nodiscard]] double ChiSquareCdf(double x, double df);
[[nodiscard]] double ChiSquareSf(double x, double df);
[[nodiscard]] double ChiSquareQuantile(double p, double df);

[[nodiscard]] double FCdf(double x, double df1, double df2);
[[nodiscard]] double FSf(double x, double df1, double df2);

// Beta(a, b) with a, b > 0 at x in [0, 1].
[[nodiscard]] double BetaCdf(double x, double a, double b);
[[nodiscard]] double BetaSf(double x, double a, double b);
[[nodiscard]] double BetaQuantile(double p, double a, double b);
[[nodiscard]] double BetaPdf(double x, double a, double b);

// Successes in n trials. Cdf is P(X <= k), Sf is P(X > k); any k.
[[nodiscard]] double BinomialPmf(std::int64_t k, std::int64_t n, double p);
[[nodiscard]] double BinomialCdf(std::int64_t k, std::int64_t n, double p);
[[nodiscard]] double BinomialSf(std::int64_t k, std::int64_t n, double p);

// Marked ones among `drawn` drawn without replacement from `total`, of which `marked` are marked.
// Method: ratios of neighbouring probabilities, summed away from the mode; time O(sqrt(variance)).
[[nodiscard]] double HypergeometricPmf(std::int64_t k, std::int64_t total, std::int64_t marked,
                                       std::int64_t drawn);
[[nodiscard]] double HypergeometricCdf(std::int64_t k, std::int64_t total, std::int64_t marked,
                                       std::int64_t drawn);
[[nodiscard]] double HypergeometricSf(std::int64_t k, std::int64_t total, std::int64_t marked,
                                      std::int64_t drawn);

}  // namespace assay::experiments
