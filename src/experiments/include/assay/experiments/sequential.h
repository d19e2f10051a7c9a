// assay/experiments/sequential.h: tests that may be looked at any time, Bayesian comparison, power.
// Room: experiments (uses core).  Threads: pure functions.
#pragma once
#include "assay/core/result.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {

struct SequentialResult {
  double p = 1;  // valid however often and whenever one looks
  Interval
      interval;  // of the effect; covers it at all times together with the confidence asked for
};

// Mixture sequential probability ratio test (Robbins 1970; Johari et al. 2017, "Peeking at A/B
// tests") of effect = 0, for an estimate with standard error `error` that is about normal, mixed
// over effects N(0, tau^2). tau is the size of effect that matters; the test is sharpest where
// |effect| is near it. p from one look; over several looks the smallest one is valid too. NaN in,
// NaN out.
[[nodiscard]] SequentialResult MixtureTest(double effect, double error, double tau,
                                           double confidence);

// Asymptotic confidence sequence of a mean (Waudby-Smith et al. 2021, theorem 2.2) after n values
// with that mean and standard deviation, tightest about `tightest_n` values in.
[[nodiscard]] Interval ConfidenceSequence(double mean, double deviation, double n,
                                          double tightest_n, double confidence);

struct BetaPrior {
  double a = 1;
  double b = 1;
};

struct BetaComparison {
  double probability_better = 0;  // P(rate of the treatment > rate of the control)
  double expected_loss = 0;  // E[max(control - treatment, 0)]: what choosing the treatment risks
  Interval control;          // credible intervals with equal tails
  Interval treatment;
};

// Both rates have the prior and are independent. Integrals by Gauss and Legendre's rule on 32
// panels, exact to about 1e-12. Errors: kInvalidArgument for counts or priors out of range.
[[nodiscard]] Result<BetaComparison> CompareBetaBinomial(Proportion control, Proportion treatment,
                                                         BetaPrior prior, double confidence);

// Power of a two-sided Student test of two groups, n_control and ratio * n_control values, for a
// difference of `effect` standard deviations (statsmodels TTestIndPower). NaN for n_control <= 1.
[[nodiscard]] double PowerOfMeans(double effect, double n_control, double alpha, double ratio);
// The smallest n_control >= 2, not rounded, with that power. Errors: kInvalidArgument for effect 0
// or power, alpha outside (0, 1), alpha >= power; kOutOfRange for more than 10^12.
[[nodiscard]] Result<double> SampleSizeOfMeans(double effect, double power, double alpha,
                                               double ratio);
// Power of the z test of two proportions, its error unpooled, both tails counted.
[[nodiscard]] double PowerOfProportions(double p_control, double p_treatment, double n_control,
                                        double alpha, double ratio);
// Errors: as SampleSizeOfMeans, and for proportions outside (0, 1).
[[nodiscard]] Result<double> SampleSizeOfProportions(double p_control, double p_treatment,
                                                     double power, double alpha, double ratio);

}  // namespace assay::experiments
