#include "assay/experiments/resample.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "assay/core/parallel.h"
#include "assay/experiments/distributions.h"

#include "math/moments_kernels.h"
#include "resample/resample_kernels.h"

namespace assay::experiments {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr std::uint32_t kLeastResamples = 100;
constexpr std::uint32_t kMostResamples = 10'000'000;
constexpr std::size_t kChunk = 256;  // resamples of one task: a multiple of every vector width

Result<std::vector<double>> Clean(std::span<const double> values, const char* name) {
  std::vector<double> out;
  out.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (std::isinf(values[i])) {
      return Fail(Code::kInvalidArgument, fmt::format("value {} of the {} is infinite", i, name));
    }
    out.push_back(values[i]);
  }
  if (out.size() < 2 || out.size() > std::numeric_limits<std::uint32_t>::max()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the {} has {} values; there must be two or more", name, out.size()));
  }
  return out;
}

Result<void> Check(const BootstrapOptions& options) {
  if (!(options.confidence > 0) || !(options.confidence < 1)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the confidence {} is not between 0 and 1", options.confidence));
  }
  if (options.resamples < kLeastResamples || options.resamples > kMostResamples) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} resamples are not between {} and {}", options.resamples,
                            kLeastResamples, kMostResamples));
  }
  return {};
}

// Sums of the second and third powers of the jackknife's influence of each value, over n^2 and n^3.
struct Influence {
  double squares = 0;
  double cubes = 0;
};

template <typename LeftOut>
Influence InfluenceOf(std::span<const double> values, double mean, const LeftOut& effect_at_mean) {
  const auto n = static_cast<double>(values.size());
  double center = 0;
  std::vector<double> without(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    without[i] = effect_at_mean(mean + (mean - values[i]) / (n - 1));
    center += without[i] / n;
  }
  Influence out;
  for (const double theta : without) {
    const double u = (n - 1) * (center - theta) / n;
    out.squares += u * u;
    out.cubes += u * u * u;
  }
  return out;
}

struct Means {
  double control;
  double treatment;
  BootstrapEffect kind;

  [[nodiscard]] double Effect(double c, double t) const {
    return kind == BootstrapEffect::kDifference ? t - c : (t - c) / c;
  }
};

Interval Bca(const BootstrapResult& result, const Means& means, std::span<const double> control,
             std::span<const double> treatment, double confidence) {
  const std::vector<double>& sorted = result.distribution;
  const auto below = std::ranges::lower_bound(sorted, result.effect) - sorted.begin();
  const auto up_to = std::ranges::upper_bound(sorted, result.effect) - sorted.begin();
  const double share =
      static_cast<double>(below + up_to) / (2 * static_cast<double>(sorted.size()));
  if (!(share > 0) || !(share < 1)) return {kNaN, kNaN};
  const Influence c = InfluenceOf(control, means.control,
                                  [&](double m) { return means.Effect(m, means.treatment); });
  const Influence t = InfluenceOf(treatment, means.treatment,
                                  [&](double m) { return means.Effect(means.control, m); });
  const double squares = c.squares + t.squares;
  const double acceleration =
      squares > 0 ? (c.cubes + t.cubes) / (6 * squares * std::sqrt(squares)) : 0;
  const double bias = NormalQuantile(share);
  const auto point = [&](double p) {
    const double moved = bias + NormalQuantile(p);
    return QuantileOfSorted(sorted, NormalCdf(bias + moved / (1 - acceleration * moved)));
  };
  return {point(0.5 - 0.5 * confidence), point(0.5 + 0.5 * confidence)};
}

}  // namespace

double QuantileOfSorted(std::span<const double> sorted, double q) {
  if (sorted.empty() || !(q >= 0) || !(q <= 1)) return kNaN;
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto index = static_cast<std::size_t>(at);
  if (index + 1 >= sorted.size()) return sorted.back();
  const double share = at - static_cast<double>(index);
  return sorted[index] + share * (sorted[index + 1] - sorted[index]);
}

Result<BootstrapResult> Bootstrap(std::span<const double> control,
                                  std::span<const double> treatment,
                                  const BootstrapOptions& options) {
  ASSAY_TRY(Check(options));
  ASSAY_ASSIGN(const std::vector<double> c, Clean(control, "control"));
  ASSAY_ASSIGN(const std::vector<double> t, Clean(treatment, "treatment"));
  const Means means{internal::MomentsOf(c).mean, internal::MomentsOf(t).mean, options.effect};
  if (options.effect == BootstrapEffect::kRelative && means.control == 0) {
    return Fail(Code::kInvalidArgument, "the control's mean is 0, so nothing is relative to it");
  }
  BootstrapResult out;
  out.effect = means.Effect(means.control, means.treatment);
  out.distribution.resize(options.resamples);
  std::vector<double> other(options.resamples);
  const auto nc = static_cast<double>(c.size());
  const auto nt = static_cast<double>(t.size());
  core::ParallelFor(options.resamples, kChunk, [&](std::size_t begin, std::size_t end) {
    const std::span<double> sums_t = std::span(out.distribution).subspan(begin, end - begin);
    const std::span<double> sums_c = std::span(other).subspan(begin, end - begin);
    internal::ResampledSums(c, t, options.seed, begin, sums_c, sums_t);
    for (std::size_t i = 0; i < sums_t.size(); ++i) {
      sums_t[i] = means.Effect(sums_c[i] / nc, sums_t[i] / nt);
    }
  });
  std::erase_if(out.distribution, [](double v) { return std::isnan(v); });
  std::ranges::sort(out.distribution);
  const internal::Moments spread = internal::MomentsOf(out.distribution);
  out.error = std::sqrt(spread.squares / static_cast<double>(out.distribution.size() - 1));
  const double tail = 0.5 - 0.5 * options.confidence;
  out.percentile = {QuantileOfSorted(out.distribution, tail),
                    QuantileOfSorted(out.distribution, 1 - tail)};
  out.bca = Bca(out, means, c, t, options.confidence);
  return out;
}

}  // namespace assay::experiments
