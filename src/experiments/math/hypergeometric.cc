// Exact probabilities of draws without replacement.
#include <algorithm>
#include <cmath>
#include <limits>

#include "assay/experiments/distributions.h"

#include "math/hypergeometric_internal.h"

namespace assay::experiments {

namespace internal {

Hypergeometric::Hypergeometric(std::int64_t total, std::int64_t marked, std::int64_t drawn)
    : total_(total), marked_(marked), drawn_(drawn) {
  if (total < 0 || marked < 0 || marked > total || drawn < 0 || drawn > total) return;
  valid_ = true;
  low_ = std::max<std::int64_t>(0, drawn - (total - marked));
  high_ = std::min(marked, drawn);
  const long double top =
      static_cast<long double>(marked + 1) * static_cast<long double>(drawn + 1);
  mode_ =
      std::clamp(static_cast<std::int64_t>(top / static_cast<long double>(total + 2)), low_, high_);
  long double weight = 1;
  mass_ = 1;
  for (std::int64_t k = mode_; k < high_ && weight > 0; ++k) mass_ += weight *= Ratio(k);
  weight = 1;
  for (std::int64_t k = mode_; k > low_ && weight > 0; --k) mass_ += weight /= Ratio(k - 1);
}

long double Hypergeometric::Ratio(std::int64_t k) const {
  const auto real = [](std::int64_t value) { return static_cast<long double>(value); };
  return real(marked_ - k) * real(drawn_ - k) /
         (real(k + 1) * real(total_ - marked_ - drawn_ + k + 1));
}

long double Hypergeometric::Weight(std::int64_t k) const {
  if (k < low_ || k > high_) return 0;
  long double weight = 1;
  for (std::int64_t at = mode_; at < k && weight > 0; ++at) weight *= Ratio(at);
  for (std::int64_t at = mode_; at > k && weight > 0; --at) weight /= Ratio(at - 1);
  return weight;
}

long double Hypergeometric::WeightsUpTo(std::int64_t k) const {
  if (k > mode_) return mass_ - WeightsFrom(k + 1);  // above one half: nothing cancels
  long double sum = 0;
  long double weight = Weight(k);
  for (std::int64_t at = k; at >= low_ && weight > 0; --at) {
    const long double before = sum;
    sum += weight;
    if (sum == before) break;  // what follows is smaller still
    if (at > low_) weight /= Ratio(at - 1);
  }
  return sum;
}

long double Hypergeometric::WeightsFrom(std::int64_t k) const {
  if (k < mode_) return mass_ - WeightsUpTo(k - 1);
  long double sum = 0;
  long double weight = Weight(k);
  for (std::int64_t at = k; at <= high_ && weight > 0; ++at) {
    const long double before = sum;
    sum += weight;
    if (sum == before) break;
    if (at < high_) weight *= Ratio(at);
  }
  return sum;
}

}  // namespace internal

namespace {
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
}

double HypergeometricPmf(std::int64_t k, std::int64_t total, std::int64_t marked,
                         std::int64_t drawn) {
  const internal::Hypergeometric d(total, marked, drawn);
  return d.valid() ? static_cast<double>(d.Weight(k) / d.mass()) : kNaN;
}

double HypergeometricCdf(std::int64_t k, std::int64_t total, std::int64_t marked,
                         std::int64_t drawn) {
  const internal::Hypergeometric d(total, marked, drawn);
  if (!d.valid()) return kNaN;
  if (k >= d.high()) return 1;
  return static_cast<double>(d.WeightsUpTo(k) / d.mass());
}

double HypergeometricSf(std::int64_t k, std::int64_t total, std::int64_t marked,
                        std::int64_t drawn) {
  const internal::Hypergeometric d(total, marked, drawn);
  if (!d.valid()) return kNaN;
  if (k < d.low()) return 1;
  return static_cast<double>(d.WeightsFrom(k + 1) / d.mass());
}

}  // namespace assay::experiments
