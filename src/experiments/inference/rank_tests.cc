// Mann and Whitney's test, and corrections for many hypotheses.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "assay/experiments/distributions.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();
__extension__ using Wide = unsigned __int128;

struct Ranks {
  double sum_treatment = 0;  // of the ranks, ties sharing their mean
  double ties = 0;           // sum of t^3 - t over groups of t equal values
};

Ranks RankBoth(std::span<const double> control, std::span<const double> treatment) {
  struct Item {
    double value;
    bool treated;
  };
  std::vector<Item> items;
  items.reserve(control.size() + treatment.size());
  for (const double value : control) items.push_back({value, false});
  for (const double value : treatment) items.push_back({value, true});
  std::ranges::sort(items, {}, &Item::value);
  Ranks out;
  for (std::size_t begin = 0; begin < items.size();) {
    std::size_t end = begin;
    double treated = 0;
    for (; end < items.size() && items[end].value == items[begin].value; ++end) {
      treated += items[end].treated ? 1 : 0;
    }
    const auto equal = static_cast<double>(end - begin);
    out.sum_treatment += treated * (static_cast<double>(begin) + (equal + 1) / 2);
    out.ties += equal * (equal * equal - 1);
    begin = end;
  }
  return out;
}

// P(U >= u) without ties: coefficients of the Gaussian binomial (n + m over m), in whole numbers
// modulo 2^128, which their sum does not reach for m <= 8 and n <= kMostExact.
constexpr std::size_t kMostExact = 100'000;

double ExactTail(std::size_t m, std::size_t n, std::size_t u) {
  const std::size_t top = m * n;
  const std::size_t terms = top - u + 1;  // P(U >= u) = P(U <= top - u)
  std::vector<Wide> counts(terms, 0);
  counts[0] = 1;
  for (std::size_t i = 1; i <= m; ++i) {
    const std::size_t by = n + i;  // times 1 - q^(n + i)
    for (std::size_t k = terms; k-- > by;) counts[k] -= counts[k - by];
    for (std::size_t k = i; k < terms; ++k) counts[k] += counts[k - i];  // over 1 - q^i
  }
  long double sum = 0;
  for (const Wide count : counts) sum += static_cast<long double>(count);
  long double all = 1;
  for (std::size_t i = 1; i <= m; ++i) {
    all = all * static_cast<long double>(n + i) / static_cast<long double>(i);
  }
  return static_cast<double>(sum / all);
}

std::vector<double> WithoutMissing(std::span<const double> values) {
  std::vector<double> out;
  out.reserve(values.size());
  std::ranges::copy_if(values, std::back_inserter(out), [](double v) { return !std::isnan(v); });
  return out;
}

// Indices of the p-values that are there, smallest first.
std::vector<std::size_t> Order(std::span<const double> p) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!std::isnan(p[i])) order.push_back(i);
  }
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return p[a] < p[b]; });
  return order;
}

}  // namespace

TestResult MannWhitney(std::span<const double> control, std::span<const double> treatment) {
  const std::vector<double> c = WithoutMissing(control);
  const std::vector<double> t = WithoutMissing(treatment);
  TestResult out{.effect = kNaN,
                 .error = kNaN,
                 .statistic = kNaN,
                 .df = kInfinity,
                 .p = kNaN,
                 .interval = {kNaN, kNaN}};
  if (c.empty() || t.empty()) return out;
  const Ranks ranks = RankBoth(c, t);
  const auto nc = static_cast<double>(c.size());
  const auto nt = static_cast<double>(t.size());
  const double n = nc + nt;
  out.statistic = ranks.sum_treatment - nt * (nt + 1) / 2;
  out.effect = out.statistic / (nc * nt) - 0.5;
  const double larger = std::max(out.statistic, nc * nt - out.statistic);
  const double variance = nc * nt / 12 * ((n + 1) - ranks.ties / (n * (n - 1)));
  out.error = std::sqrt(std::max(variance, 0.0)) / (nc * nt);
  const std::size_t fewer = std::min(c.size(), t.size());
  const std::size_t more = std::max(c.size(), t.size());
  if (fewer <= 8 && more <= kMostExact && ranks.ties == 0) {
    out.p = std::min(1.0, 2 * ExactTail(fewer, more, static_cast<std::size_t>(larger)));
  } else if (variance > 0) {
    out.p = std::min(1.0, 2 * NormalSf((larger - nc * nt / 2 - 0.5) / std::sqrt(variance)));
  } else {
    out.p = 1;
  }
  return out;
}

std::vector<double> Holm(std::span<const double> p) {
  std::vector<double> out(p.size(), kNaN);
  double largest = 0;
  const std::vector<std::size_t> order = Order(p);
  for (std::size_t i = 0; i < order.size(); ++i) {
    largest = std::max(largest, p[order[i]] * static_cast<double>(order.size() - i));
    out[order[i]] = std::min(largest, 1.0);
  }
  return out;
}

std::vector<double> BenjaminiHochberg(std::span<const double> p) {
  std::vector<double> out(p.size(), kNaN);
  double smallest = 1;
  const std::vector<std::size_t> order = Order(p);
  for (std::size_t i = order.size(); i-- > 0;) {
    const double ratio = static_cast<double>(order.size()) / static_cast<double>(i + 1);
    smallest = std::min(smallest, p[order[i]] * ratio);
    out[order[i]] = smallest;
  }
  return out;
}

}  // namespace assay::experiments
