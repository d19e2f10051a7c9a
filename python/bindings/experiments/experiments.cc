// experiments.cc: the tests of assay.experiments, and analyses of whole experiments.
#include "assay/experiments/analysis.h"
#include "assay/experiments/opportunities.h"
#include "assay/experiments/resample.h"
#include "assay/experiments/sequential.h"
#include "assay/experiments/tests.h"

#include "support.h"

namespace assay::python {
namespace {

namespace ex = experiments;
using Pair = std::pair<double, double>;

Pair PairOf(const ex::Interval& interval) {
  return {interval.low, interval.high};
}

ex::Proportion ProportionOf(const std::pair<std::int64_t, std::int64_t>& counts) {
  return {.successes = counts.first, .n = counts.second};
}

ex::Summary SummaryOf(const Doubles& values) {
  return Take(Unlocked([&] { return ex::Summarize(SpanOf(values)); }));
}

void BindResults(nb::module_& module) {
  nb::class_<ex::Summary>(module, "Summary", "Number, mean and variance of a sample.")
      .def_ro("n", &ex::Summary::n, "Values that are there.")
      .def_ro("missing", &ex::Summary::missing, "NaN, left out.")
      .def_prop_ro("mean", &ex::Summary::mean_value)
      .def_prop_ro("deviation", &ex::Summary::deviation, "Of the sample (n - 1); NaN when n < 2.");
  nb::class_<ex::TestResult>(module, "TestResult", "Of treatment minus control; p is two-sided.")
      .def_ro("effect", &ex::TestResult::effect, "The difference that is tested.")
      .def_ro("error", &ex::TestResult::error, "Its standard error.")
      .def_ro("statistic", &ex::TestResult::statistic, "t, z, U, F or chi-square.")
      .def_ro("df", &ex::TestResult::df, "Degrees of freedom; infinity for z.")
      .def_ro("p", &ex::TestResult::p)
      .def_prop_ro(
          "interval", [](const ex::TestResult& result) { return PairOf(result.interval); },
          "Of the effect, (low, high), at the confidence asked for.")
      .def("__repr__", [](const ex::TestResult& r) {
        return "TestResult(effect=" + std::to_string(r.effect) + ", p=" + std::to_string(r.p) + ")";
      });
}

void BindTests(nb::module_& module) {
  const auto control = nb::arg("control");
  const auto treatment = nb::arg("treatment");
  const auto confidence = nb::arg("confidence") = 0.95;
  module.def(
      "summarize", SummaryOf, nb::arg("values"),
      "Summary of float64 [n]; NaN is left out. Raises InvalidArgument for infinities. O(n).");
  module.def(
      "welch",
      [](const Doubles& a, const Doubles& b, double level) {
        return ex::Welch(SummaryOf(a), SummaryOf(b), level);
      },
      control, treatment, confidence, "Welch's t test of two samples, float64 [n] each.");
  module.def(
      "student",
      [](const Doubles& a, const Doubles& b, double level) {
        return ex::Student(SummaryOf(a), SummaryOf(b), level);
      },
      control, treatment, confidence, "Student's t test (equal variances) of two samples.");
  module.def(
      "mann_whitney",
      [](const Doubles& a, const Doubles& b) {
        return Unlocked([&] { return ex::MannWhitney(SpanOf(a), SpanOf(b)); });
      },
      control, treatment,
      "Exact for small samples without ties; effect is P(T > C) + P(T = C)/2 - 1/2.");
  module.def(
      "two_proportions",
      [](std::pair<std::int64_t, std::int64_t> a, std::pair<std::int64_t, std::int64_t> b,
         double level) {
        return Take(ex::TwoProportions(ProportionOf(a), ProportionOf(b), level));
      },
      control, treatment, confidence,
      "Pooled z test of two (successes, n); the interval is Newcombe's. Raises InvalidArgument\n"
      "unless 0 <= successes <= n and n >= 1.");
  module.def(
      "chi_square_table",
      [](const Input<double, 2>& counts, bool yates) {
        return Take(ex::ChiSquareTable(SpanOf(counts), counts.shape(1), yates));
      },
      nb::arg("counts"), nb::arg("yates") = true,
      "Pearson's chi-square of a table, float64 [r, c].");
  module.def(
      "chi_square_shares",
      [](const Doubles& counts, const Doubles& shares) {
        return Take(ex::ChiSquareShares(SpanOf(counts), SpanOf(shares)));
      },
      nb::arg("counts"), nb::arg("shares"),
      "Counts against expected shares: a sample-ratio mismatch when p is below 0.001.");
  module.def(
      "fisher_exact",
      [](std::int64_t a, std::int64_t b, std::int64_t c, std::int64_t d) {
        return Take(ex::FisherExact({a, b, c, d}));
      },
      nb::arg("a"), nb::arg("b"), nb::arg("c"), nb::arg("d"), "Of {{a, b}, {c, d}}.");
  module.def(
      "holm", [](const Doubles& p) { return ArrayOf(ex::Holm(SpanOf(p)), {p.size()}); },
      nb::arg("p"), "Adjusted p-values, float64 [n]; NaN stays NaN and does not count.");
  module.def(
      "benjamini_hochberg",
      [](const Doubles& p) { return ArrayOf(ex::BenjaminiHochberg(SpanOf(p)), {p.size()}); },
      nb::arg("p"), "Adjusted p-values of the false discovery rate, float64 [n].");
}

Record CompareBeta(std::pair<std::int64_t, std::int64_t> control,
                   std::pair<std::int64_t, std::int64_t> treatment, std::pair<double, double> prior,
                   double confidence) {
  const auto found =
      Take(ex::CompareBetaBinomial(ProportionOf(control), ProportionOf(treatment),
                                   {.a = prior.first, .b = prior.second}, confidence));
  Record out;
  out["probability_better"] = found.probability_better;
  out["expected_loss"] = found.expected_loss;
  out["control"] = PairOf(found.control);
  out["treatment"] = PairOf(found.treatment);
  return out;
}

void BindSequential(nb::module_& module) {
  module.def(
      "mixture_test",
      [](double effect, double error, double tau, double confidence) {
        const ex::SequentialResult found = ex::MixtureTest(effect, error, tau, confidence);
        return std::pair(found.p, PairOf(found.interval));
      },
      nb::arg("effect"), nb::arg("error"), nb::arg("tau"), nb::arg("confidence") = 0.95,
      "Always-valid (p, (low, high)) of an effect with this standard error; tau is the size of\n"
      "effect that matters.");
  module.def(
      "confidence_sequence",
      [](double mean, double deviation, double n, double tightest_n, double confidence) {
        return PairOf(ex::ConfidenceSequence(mean, deviation, n, tightest_n, confidence));
      },
      nb::arg("mean"), nb::arg("deviation"), nb::arg("n"), nb::arg("tightest_n"),
      nb::arg("confidence") = 0.95, "An interval of a mean that holds at all times together.");
  module.def("compare_beta_binomial", CompareBeta, nb::arg("control"), nb::arg("treatment"),
             nb::arg("prior") = std::pair(1.0, 1.0), nb::arg("confidence") = 0.95,
             "Two (successes, n) with a Beta prior: probability_better, expected_loss and the\n"
             "credible intervals control and treatment.");
  module.def("power_of_means", ex::PowerOfMeans, nb::arg("effect"), nb::arg("n_control"),
             nb::arg("alpha") = 0.05, nb::arg("ratio") = 1.0,
             "Power of a two-sided Student test for a difference of `effect` deviations.");
  module.def(
      "sample_size_of_means",
      [](double effect, double power, double alpha, double ratio) {
        return Take(ex::SampleSizeOfMeans(effect, power, alpha, ratio));
      },
      nb::arg("effect"), nb::arg("power") = 0.8, nb::arg("alpha") = 0.05, nb::arg("ratio") = 1.0,
      "Smallest n of the control with that power, not rounded.");
  module.def("power_of_proportions", ex::PowerOfProportions, nb::arg("p_control"),
             nb::arg("p_treatment"), nb::arg("n_control"), nb::arg("alpha") = 0.05,
             nb::arg("ratio") = 1.0, "Power of the z test of two proportions.");
  module.def(
      "sample_size_of_proportions",
      [](double p_control, double p_treatment, double power, double alpha, double ratio) {
        return Take(ex::SampleSizeOfProportions(p_control, p_treatment, power, alpha, ratio));
      },
      nb::arg("p_control"), nb::arg("p_treatment"), nb::arg("power") = 0.8, nb::arg("alpha") = 0.05,
      nb::arg("ratio") = 1.0, "Smallest n of the control with that power, not rounded.");
}

Record Bootstrap(const Doubles& control, const Doubles& treatment, std::uint32_t resamples,
                 std::uint64_t seed, double confidence, bool relative) {
  ex::BootstrapOptions options;
  options.resamples = resamples;
  options.seed = seed;
  options.confidence = confidence;
  if (relative) options.effect = ex::BootstrapEffect::kRelative;
  auto found =
      Take(Unlocked([&] { return ex::Bootstrap(SpanOf(control), SpanOf(treatment), options); }));
  Record out;
  out["effect"] = found.effect;
  out["error"] = found.error;
  out["percentile"] = PairOf(found.percentile);
  out["bca"] = PairOf(found.bca);
  const std::size_t n = found.distribution.size();
  out["distribution"] = nb::cast(ArrayOf(std::move(found.distribution), {n}));
  return out;
}

Record ComparisonOf(const ex::ExperimentData& data, const ex::Comparison& one) {
  Record out;
  out["variant"] = data.variants[one.variant].name;
  out["metric"] = data.metrics[one.metric].name;
  out["method"] = nb::str(one.method.data(), one.method.size());
  out["n_control"] = one.n_control;
  out["n_treatment"] = one.n_treatment;
  out["control"] = one.control;
  out["treatment"] = one.treatment;
  out["test"] = nb::cast(one.test);
  out["relative"] = one.relative;
  out["relative_interval"] = PairOf(one.relative_interval);
  out["p_adjusted"] = one.p_adjusted;
  out["significant"] = one.significant;
  out["better"] = one.better;
  out["worse"] = one.worse;
  return out;
}

Record Analyze(const std::string& json, double significance, double improvement) {
  const auto document = Take(ex::ReadExperiment(json, "experiment"));
  const auto found = Take(Unlocked(
      [&] { return ex::AnalyzeExperimentResults(document.data, significance, improvement); }));
  nb::list comparisons;
  for (const ex::Comparison& one : found.comparisons) {
    comparisons.append(ComparisonOf(document.data, one));
  }
  Record out;
  out["comparisons"] = comparisons;
  out["winner"] = nb::none();
  if (found.winner) out["winner"] = document.data.variants[*found.winner].name;
  out["reason"] = found.reason;
  out["ratio_mismatch"] = found.ratio_mismatch;
  out["ratio_mismatch_p"] = found.ratio_mismatch_p;
  return out;
}

nb::typed<nb::list, Record> Opportunities(const std::string& json) {
  const auto document = Take(ex::ReadMetrics(json, "metrics"));
  const auto found =
      Take(Unlocked([&] { return ex::IdentifyImprovementOpportunities(document.metrics); }));
  nb::typed<nb::list, Record> out;
  for (const ex::Opportunity& one : found) {
    nb::dict entry;
    const std::string_view kind = ex::NameOf(one.kind);
    entry["kind"] = nb::str(kind.data(), kind.size());
    const ex::MetricSeries& metric = document.metrics[one.metric];
    entry["metric"] = metric.name;
    entry["driver"] = nb::none();
    if (one.driver) entry["driver"] = metric.drivers[*one.driver].name;
    entry["impact"] = one.impact;
    entry["interval"] = PairOf(one.interval);
    entry["p"] = one.p;
    entry["reason"] = one.reason;
    out.append(entry);
  }
  return out;
}

}  // namespace

void BindExperiments(nb::module_& module) {
  BindResults(module);
  BindTests(module);
  BindSequential(module);
  module.def(
      "bootstrap", Bootstrap, nb::arg("control"), nb::arg("treatment"),
      nb::arg("resamples") = 10'000, nb::arg("seed") = 1, nb::arg("confidence") = 0.95,
      nb::arg("relative") = false,
      "Bootstrap of the difference of two means (or of treatment / control - 1): effect,\n"
      "error, percentile, bca and the sorted distribution, float64 [resamples]. Without the\n"
      "GIL, on all cores. Raises InvalidArgument for fewer than 2 values.");
  module.def("analyze", Analyze, nb::arg("experiment"), nb::arg("significance") = 0.95,
             nb::arg("improvement") = 0.0,
             "A whole experiment in the JSON form of docs/experiments.md: comparisons, winner,\n"
             "reason, ratio_mismatch. Raises InvalidArgument that names variant and metric.");
  module.def(
      "opportunities", Opportunities, nb::arg("metrics"),
      "Where series of metrics (JSON, docs/experiments.md) have most to gain, largest first.");
}

}  // namespace assay::python
