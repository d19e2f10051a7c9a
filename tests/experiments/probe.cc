// Answers calls of the room `experiments` from other languages, for
// tests/experiments/reference_test.py. Each line of standard input is JSON, [name, [arguments]],
// where an argument is a number or a list of numbers and null is NaN; each line of standard output
// is the list of the figures that came out.
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/experiments/distributions.h"
#include "assay/experiments/resample.h"
#include "assay/experiments/sequential.h"
#include "assay/experiments/tests.h"

using namespace assay;               // NOLINT: a program of one file
using namespace assay::experiments;  // NOLINT

namespace {

namespace json = boost::json;
using Numbers = std::vector<double>;
using Arguments = std::vector<Numbers>;

double NumberOf(const json::value& value) {
  if (value.is_null()) return std::nan("");
  if (value.is_string()) return value.get_string() == "-inf" ? -HUGE_VAL : HUGE_VAL;
  return value.to_number<double>();
}

Arguments ArgumentsOf(const json::array& list) {
  Arguments out;
  for (const json::value& one : list) {
    Numbers numbers;
    if (one.is_array()) {
      for (const json::value& value : one.get_array()) numbers.push_back(NumberOf(value));
    } else {
      numbers.push_back(NumberOf(one));
    }
    out.push_back(std::move(numbers));
  }
  return out;
}

std::int64_t Whole(const Arguments& a, std::size_t i) {
  return static_cast<std::int64_t>(a[i][0]);
}

Numbers List(const TestResult& r) {
  return {r.effect, r.error, r.statistic, r.df, r.p, r.interval.low, r.interval.high};
}

Numbers List(const Result<TestResult>& r) {
  return r ? List(*r) : Numbers{};
}

Summary Sum(const Numbers& values) {
  return Summarize(values).value_or(Summary{});
}

PairSummary Pairs(const Numbers& x, const Numbers& y) {
  return SummarizePairs(x, y).value_or(PairSummary{});
}

Numbers AnovaOf(const Arguments& a) {
  std::vector<std::span<const double>> groups(a.begin(), a.end());
  return List(AnalysisOfVariance(groups));
}

Numbers BootstrapOf(const Arguments& a) {
  BootstrapOptions options;
  options.resamples = static_cast<std::uint32_t>(a[2][0]);
  options.seed = static_cast<std::uint64_t>(a[2][1]);
  options.effect = a[2][2] > 0 ? BootstrapEffect::kRelative : BootstrapEffect::kDifference;
  const auto result = Bootstrap(a[0], a[1], options);
  if (!result) return {};
  Numbers out = {result->effect,          result->error,   result->percentile.low,
                 result->percentile.high, result->bca.low, result->bca.high};
  out.insert(out.end(), result->distribution.begin(), result->distribution.end());
  return out;
}

Numbers CupedOf(const Arguments& a) {  // x control, y control, x treatment, y treatment
  const std::array<PairSummary, 2> groups = {Pairs(a[0], a[1]), Pairs(a[2], a[3])};
  const double theta = CupedTheta(groups);
  const double overall = (groups[0].mean_y * static_cast<double>(groups[0].n) +
                          groups[1].mean_y * static_cast<double>(groups[1].n)) /
                         static_cast<double>(groups[0].n + groups[1].n);
  Numbers out = List(
      Welch(CupedAdjust(groups[0], theta, overall), CupedAdjust(groups[1], theta, overall), 0.95));
  out.push_back(theta);
  return out;
}

using Call = std::function<Numbers(const Arguments&)>;

void AddDistributions(std::map<std::string, Call>& calls) {
  const auto one = [&](const char* name, double (*f)(double)) {
    calls[name] = [f](const Arguments& a) { return Numbers{f(a[0][0])}; };
  };
  const auto two = [&](const char* name, double (*f)(double, double)) {
    calls[name] = [f](const Arguments& a) { return Numbers{f(a[0][0], a[1][0])}; };
  };
  const auto three = [&](const char* name, double (*f)(double, double, double)) {
    calls[name] = [f](const Arguments& a) { return Numbers{f(a[0][0], a[1][0], a[2][0])}; };
  };
  one("NormalCdf", NormalCdf);
  one("NormalSf", NormalSf);
  one("NormalQuantile", NormalQuantile);
  two("StudentTCdf", StudentTCdf);
  two("StudentTSf", StudentTSf);
  two("StudentTQuantile", StudentTQuantile);
  two("ChiSquareCdf", ChiSquareCdf);
  two("ChiSquareSf", ChiSquareSf);
  two("ChiSquareQuantile", ChiSquareQuantile);
  three("NonCentralTSf", NonCentralTSf);
  three("FCdf", FCdf);
  three("FSf", FSf);
  three("BetaCdf", BetaCdf);
  three("BetaSf", BetaSf);
  three("BetaQuantile", BetaQuantile);
  const auto binomial = [&](const char* name, double (*f)(std::int64_t, std::int64_t, double)) {
    calls[name] = [f](const Arguments& a) { return Numbers{f(Whole(a, 0), Whole(a, 1), a[2][0])}; };
  };
  binomial("BinomialPmf", BinomialPmf);
  binomial("BinomialCdf", BinomialCdf);
  binomial("BinomialSf", BinomialSf);
  const auto draws = [&](const char* name,
                         double (*f)(std::int64_t, std::int64_t, std::int64_t, std::int64_t)) {
    calls[name] = [f](const Arguments& a) {
      return Numbers{f(Whole(a, 0), Whole(a, 1), Whole(a, 2), Whole(a, 3))};
    };
  };
  draws("HypergeometricPmf", HypergeometricPmf);
  draws("HypergeometricCdf", HypergeometricCdf);
  draws("HypergeometricSf", HypergeometricSf);
}

void AddTests(std::map<std::string, Call>& calls) {
  calls["Summarize"] = [](const Arguments& a) {
    const Summary s = Sum(a[0]);
    return Numbers{static_cast<double>(s.n), s.mean_value(), s.deviation()};
  };
  calls["Welch"] = [](const Arguments& a) { return List(Welch(Sum(a[0]), Sum(a[1]), a[2][0])); };
  calls["Student"] = [](const Arguments& a) {
    return List(Student(Sum(a[0]), Sum(a[1]), a[2][0]));
  };
  calls["RelativeLift"] = [](const Arguments& a) {
    return List(RelativeLift(Sum(a[0]), Sum(a[1]), a[2][0]));
  };
  calls["MannWhitney"] = [](const Arguments& a) { return List(MannWhitney(a[0], a[1])); };
  calls["TwoProportions"] = [](const Arguments& a) {
    return List(TwoProportions({Whole(a, 0), Whole(a, 1)}, {Whole(a, 2), Whole(a, 3)}, a[4][0]));
  };
  calls["ChiSquareTable"] = [](const Arguments& a) {
    return List(ChiSquareTable(a[0], static_cast<std::size_t>(a[1][0]), a[2][0] > 0));
  };
  calls["ChiSquareShares"] = [](const Arguments& a) { return List(ChiSquareShares(a[0], a[1])); };
  calls["FisherExact"] = [](const Arguments& a) {
    return List(FisherExact({Whole(a, 0), Whole(a, 1), Whole(a, 2), Whole(a, 3)}));
  };
  calls["AnalysisOfVariance"] = AnovaOf;
  calls["RatioOfMeans"] = [](const Arguments& a) {
    return List(RatioOfMeans(Pairs(a[0], a[1]), Pairs(a[2], a[3]), a[4][0]));
  };
  calls["Cuped"] = CupedOf;
  calls["Holm"] = [](const Arguments& a) { return Holm(a[0]); };
  calls["BenjaminiHochberg"] = [](const Arguments& a) { return BenjaminiHochberg(a[0]); };
  calls["Bootstrap"] = BootstrapOf;
}

void AddDesign(std::map<std::string, Call>& calls) {
  calls["PowerOfMeans"] = [](const Arguments& a) {
    return Numbers{PowerOfMeans(a[0][0], a[1][0], a[2][0], a[3][0])};
  };
  calls["SampleSizeOfMeans"] = [](const Arguments& a) {
    return Numbers{SampleSizeOfMeans(a[0][0], a[1][0], a[2][0], a[3][0]).value_or(-1)};
  };
  calls["PowerOfProportions"] = [](const Arguments& a) {
    return Numbers{PowerOfProportions(a[0][0], a[1][0], a[2][0], a[3][0], a[4][0])};
  };
  calls["MixtureTest"] = [](const Arguments& a) {
    const SequentialResult r = MixtureTest(a[0][0], a[1][0], a[2][0], a[3][0]);
    return Numbers{r.p, r.interval.low, r.interval.high};
  };
  calls["ConfidenceSequence"] = [](const Arguments& a) {
    const Interval r = ConfidenceSequence(a[0][0], a[1][0], a[2][0], a[3][0], a[4][0]);
    return Numbers{r.low, r.high};
  };
  calls["BetaBinomial"] = [](const Arguments& a) {
    const auto r =
        CompareBetaBinomial({Whole(a, 0), Whole(a, 1)}, {Whole(a, 2), Whole(a, 3)}, {}, a[4][0]);
    if (!r) return Numbers{};
    return Numbers{r->probability_better, r->expected_loss, r->control.low,
                   r->control.high,       r->treatment.low, r->treatment.high};
  };
}

}  // namespace

int main() {
  std::map<std::string, Call> calls;
  AddDistributions(calls);
  AddTests(calls);
  AddDesign(calls);
  std::string line;
  while (std::getline(std::cin, line)) {
    json::error_code error;
    const json::value request = json::parse(line, error);
    const auto call =
        error ? calls.end() : calls.find(std::string(request.as_array()[0].as_string()));
    if (call == calls.end()) {
      std::fputs("no such call\n", stderr);
      return 2;
    }
    std::string out;
    for (const double value : call->second(ArgumentsOf(request.as_array()[1].as_array()))) {
      out += fmt::format("{}{:.17g}", out.empty() ? "" : " ", value);
    }
    std::puts(out.c_str());
  }
  return 0;
}
