#include "analysis/time_counts.h"

#include <algorithm>

namespace assay::logs::internal {
namespace {

constexpr std::int64_t kUsPerSecond = 1'000'000;

std::int64_t FloorDivide(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

// The finest width with which both fit, but not a finer one than `least`.
std::size_t WidthFor(std::int64_t low_s, std::int64_t high_s, std::size_t least) {
  std::size_t width = least;
  while (width + 1 < kWidthsS.size() &&
         FloorDivide(high_s, kWidthsS[width]) - FloorDivide(low_s, kWidthsS[width]) >=
             static_cast<std::int64_t>(kMaxTimeBuckets)) {
    ++width;
  }
  return width;
}

}  // namespace

void TimeCounts::Widen(std::size_t width) {
  const std::int64_t factor = kWidthsS[width] / kWidthsS[width_];
  const std::int64_t first = FloorDivide(first_, factor);
  std::size_t last = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const auto to = static_cast<std::size_t>(
        FloorDivide(first_ + static_cast<std::int64_t>(i), factor) - first);
    if (to != i) {
      // Buckets are taken together from the left, so `to` is free or holds its first part.
      Bucket& into = buckets_[to];
      if (to > last) into.fill(0);
      for (std::size_t level = 0; level < kLogLevels; ++level) into[level] += buckets_[i][level];
    }
    last = std::max(last, to);
  }
  buckets_.resize(last + 1);
  width_ = width;
  first_ = first;
}

void TimeCounts::Cover(std::int64_t low_s, std::int64_t high_s) {
  if (buckets_.empty()) {
    width_ = WidthFor(low_s, high_s, 0);
    first_ = FloorDivide(low_s, kWidthsS[width_]);
    buckets_.resize(static_cast<std::size_t>(FloorDivide(high_s, kWidthsS[width_]) - first_) + 1);
    return;
  }
  // What is there is known to the width only: its first and last second bound it from outside, and
  // the widths that are needed are the same, since each divides the next.
  const auto size = static_cast<std::int64_t>(buckets_.size());
  const std::int64_t low = std::min(low_s, first_ * kWidthsS[width_]);
  const std::int64_t high = std::max(high_s, (first_ + size) * kWidthsS[width_] - 1);
  const std::size_t width = WidthFor(low, high, width_);
  if (width != width_) Widen(width);
  const std::int64_t before = first_ - FloorDivide(low_s, kWidthsS[width_]);
  if (before > 0) {
    buckets_.insert(buckets_.begin(), static_cast<std::size_t>(before), Bucket{});
    first_ -= before;
  }
  const std::int64_t last = FloorDivide(high_s, kWidthsS[width_]) - first_;
  if (last >= static_cast<std::int64_t>(buckets_.size())) {
    buckets_.resize(static_cast<std::size_t>(last) + 1);
  }
}

void TimeCounts::Select(std::int64_t time_us) {
  const std::int64_t second = FloorDivide(time_us, kUsPerSecond);
  std::int64_t number = FloorDivide(second, kWidthsS[width_]);
  if (number < first_ || number >= first_ + static_cast<std::int64_t>(buckets_.size())) {
    Cover(second, second);
    number = FloorDivide(second, kWidthsS[width_]);
  }
  bucket_ = &buckets_[static_cast<std::size_t>(number - first_)];
  bucket_begin_us_ = number * kWidthsS[width_] * kUsPerSecond;
  bucket_end_us_ = bucket_begin_us_ + kWidthsS[width_] * kUsPerSecond;
}

void TimeCounts::Merge(const TimeCounts& other) {
  if (other.buckets_.empty()) return;
  bucket_end_us_ = bucket_begin_us_;
  const std::int64_t width_s = kWidthsS[other.width_];
  const auto size = static_cast<std::int64_t>(other.buckets_.size());
  const std::int64_t low = other.first_ * width_s;
  const std::int64_t high = (other.first_ + size - 1) * width_s;
  if (buckets_.empty()) {
    width_ = other.width_;
    first_ = other.first_;
    buckets_ = other.buckets_;
    return;
  }
  if (other.width_ > width_) Widen(other.width_);
  Cover(low, high + width_s - 1);
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t number = FloorDivide((other.first_ + i) * width_s, kWidthsS[width_]);
    Bucket& into = buckets_[static_cast<std::size_t>(number - first_)];
    const Bucket& from = other.buckets_[static_cast<std::size_t>(i)];
    for (std::size_t level = 0; level < kLogLevels; ++level) into[level] += from[level];
  }
}

TimeSeries TimeCounts::Series() const {
  return {first_ * kWidthsS[width_], kWidthsS[width_], buckets_};
}

}  // namespace assay::logs::internal
