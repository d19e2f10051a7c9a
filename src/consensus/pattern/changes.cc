// Periods, change points and outliers of a series.
#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "pattern/series_internal.h"

namespace assay::consensus::internal {
namespace {

constexpr std::size_t kMaxSlices = std::size_t{1} << 16;
constexpr std::size_t kMaxPeriods = 5;
constexpr double kClearPeriod = 0.2;   // least autocorrelation of a period
constexpr double kEcho = 0.03;         // of a multiple, relative
constexpr double kEchoStrength = 0.7;  // of its fundamental to it
constexpr std::size_t kLeastSegment = 8;
constexpr std::size_t kMaxChanges = 200;
constexpr std::size_t kMaxOutliers = 1000;
constexpr double kOutlierScore = 3.5;       // Iglewicz and Hoaglin 1993
constexpr double kNormalQuartile = 0.6745;  // the median absolute deviation of a standard normal

// Sums up to each place, so that any segment's mean is two look-ups.
class Prefix {
 public:
  explicit Prefix(std::span<const double> values) : sums_(values.size() + 1) {
    for (std::size_t i = 0; i < values.size(); ++i) sums_[i + 1] = sums_[i] + values[i];
  }
  [[nodiscard]] double Mean(std::size_t begin, std::size_t end) const {
    return (sums_[end] - sums_[begin]) / static_cast<double>(end - begin);
  }

 private:
  std::vector<double> sums_;
};

struct Split {
  std::size_t at = 0;
  double gain = 0;  // by how much the sum of squares falls
};

Split BestSplit(const Prefix& prefix, std::size_t begin, std::size_t end) {
  Split best;
  const double mean = prefix.Mean(begin, end);
  for (std::size_t at = begin + kLeastSegment; at + kLeastSegment <= end; ++at) {
    const double left = prefix.Mean(begin, at) - mean;
    const double right = prefix.Mean(at, end) - mean;
    const double gain = left * left * static_cast<double>(at - begin) +
                        right * right * static_cast<double>(end - at);
    if (gain > best.gain) best = {at, gain};
  }
  return best;
}

// Variance of the noise from differences of neighbours, which level shifts hardly touch (von
// Neumann et al. 1941), by their median so that outliers do not either.
double NoiseVariance(std::span<const double> values) {
  std::vector<double> steps;
  for (std::size_t i = 1; i < values.size(); ++i)
    steps.push_back(std::abs(values[i] - values[i - 1]));
  if (steps.empty()) return 0;
  const double mean_square = std::inner_product(steps.begin(), steps.end(), steps.begin(), 0.0) /
                             static_cast<double>(steps.size());
  const double robust = MedianOf(steps) / kNormalQuartile;
  return std::max(robust * robust, 0.05 * mean_square) / 2;
}

}  // namespace

namespace {

// Autocorrelation of event counts in equal slices, each lag made up for the share that overlaps, as
// means of three lags: an event may fall on either side of a border.
std::vector<double> CountCorrelation(std::span<const double> times, std::size_t slices) {
  const double span = times.back() - times.front();
  std::vector<double> counts(slices, 0.0);
  for (const double time : times) {
    const double at = (time - times.front()) / span * static_cast<double>(slices);
    counts[std::min(slices - 1, static_cast<std::size_t>(at))] += 1;
  }
  const std::vector<double> raw = Autocorrelation(counts);
  std::vector<double> out(slices, 0.0);
  for (std::size_t k = 1; k + 1 < slices; ++k) {
    const double mean = (raw[k - 1] + raw[k] + raw[k + 1]) / 3;
    out[k] = mean * static_cast<double>(slices) / static_cast<double>(slices - k);
  }
  return out;
}

// A lag to a part of a slice: its multiples are known more exactly than itself.
double Refined(const std::vector<double>& strength, std::size_t lag) {
  double period = static_cast<double>(lag);
  for (double times = 2; times * period + 3 < static_cast<double>(strength.size()) / 2;
       times *= 2) {
    const auto near = static_cast<std::size_t>(std::lround(times * period));
    std::size_t best = near;
    for (std::size_t k = near - 2; k <= near + 2; ++k)
      best = strength[k] > strength[best] ? k : best;
    if (strength[best] < strength[lag] / 2) break;
    period = static_cast<double>(best) / times;
  }
  return period;
}

}  // namespace

std::vector<Period> PeriodsOf(std::span<const double> times) {
  std::vector<Period> out;
  const double span = times.back() - times.front();
  if (times.size() < 32 || span <= 0) return out;
  const std::size_t slices = std::min(kMaxSlices, std::bit_floor(times.size()));
  const std::vector<double> strength = CountCorrelation(times, slices);
  // Neighbouring slices are alike without any rhythm: begin behind that shoulder.
  std::size_t k = 2;
  while (k < slices / 3 && strength[k] >= kClearPeriod / 2) ++k;
  for (; k <= slices / 3; ++k) {
    const double here = strength[k];
    if (here < kClearPeriod || here < strength[k - 1] || here <= strength[k + 1]) continue;
    out.push_back({Refined(strength, k) * span / static_cast<double>(slices), std::min(1.0, here)});
  }
  // `out` rises: what is near a multiple of a shorter period of about the same strength says
  // nothing new.
  std::vector<Period> kept;
  for (const Period& period : out) {
    const bool echo = std::ranges::any_of(kept, [&](const Period& before) {
      const double ratio = period.seconds / before.seconds;
      const double off = std::abs(ratio - std::round(ratio));
      return off < kEcho * std::round(ratio) && before.strength >= kEchoStrength * period.strength;
    });
    if (!echo) kept.push_back(period);
  }
  std::ranges::stable_sort(kept, std::ranges::greater(), &Period::strength);
  if (kept.size() > kMaxPeriods) kept.resize(kMaxPeriods);
  return kept;
}

std::vector<std::size_t> LevelsOf(std::span<const double> values) {
  std::vector<std::size_t> out;
  if (values.size() < 2 * kLeastSegment) return out;
  const Prefix prefix(values);
  const double noise = NoiseVariance(values);
  // BIC: a level and its place are two parameters; the factor covers that the place is searched
  // for.
  const double penalty = 3 * std::max(noise, 1e-300) * std::log(static_cast<double>(values.size()));
  struct Segment {
    std::size_t begin, end;
    Split split;
  };
  const auto cut = [&](std::size_t begin, std::size_t end) {
    return Segment{begin, end, BestSplit(prefix, begin, end)};
  };
  const auto less = [](const Segment& a, const Segment& b) { return a.split.gain < b.split.gain; };
  std::vector<Segment> open = {cut(0, values.size())};
  while (!open.empty() && out.size() < kMaxChanges) {
    std::ranges::pop_heap(open, less);
    const Segment best = open.back();
    open.pop_back();
    if (best.split.gain <= penalty) break;
    out.push_back(best.split.at);
    for (const Segment& part : {cut(best.begin, best.split.at), cut(best.split.at, best.end)}) {
      open.push_back(part);
      std::ranges::push_heap(open, less);
    }
  }
  std::ranges::sort(out);
  return out;
}

std::vector<Outlier> OutliersOf(std::span<const double> times, std::span<const double> values,
                                std::span<const std::size_t> levels) {
  std::vector<Outlier> out;
  std::vector<std::size_t> borders(levels.begin(), levels.end());
  borders.insert(borders.begin(), 0);
  borders.push_back(values.size());
  for (std::size_t s = 0; s + 1 < borders.size(); ++s) {
    const std::span<const double> segment = values.subspan(borders[s], borders[s + 1] - borders[s]);
    std::vector<double> work(segment.begin(), segment.end());
    const double median = MedianOf(work);
    std::ranges::transform(segment, work.begin(), [&](double v) { return std::abs(v - median); });
    double spread = MedianOf(work) / kNormalQuartile;
    if (spread ==
        0) {  // more than half are equal: the mean deviation instead, as the authors advise
      spread = 1.2533 * std::accumulate(work.begin(), work.end(), 0.0) /
               static_cast<double>(work.size());
    }
    if (spread == 0) continue;
    for (std::size_t i = 0; i < segment.size(); ++i) {
      const double score = (segment[i] - median) / spread;
      if (std::abs(score) <= kOutlierScore) continue;
      out.push_back({borders[s] + i, times[borders[s] + i], segment[i], score});
    }
  }
  if (out.size() > kMaxOutliers) {
    std::ranges::stable_sort(out, std::ranges::greater(),
                             [](const Outlier& o) { return std::abs(o.score); });
    out.resize(kMaxOutliers);
    std::ranges::sort(out, {}, &Outlier::index);
  }
  return out;
}

}  // namespace assay::consensus::internal
