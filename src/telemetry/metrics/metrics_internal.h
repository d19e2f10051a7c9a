// What stands behind a Metrics: families of series, their cells and their past.
#pragma once
#include <array>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "assay/telemetry/metrics.h"

namespace assay::telemetry {
namespace internal {

// A histogram's cells summed over all threads.
struct Buckets {
  std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(kBuckets);
  std::uint64_t sum = 0;  // of the values

  [[nodiscard]] std::uint64_t total() const;
  // The value below or at which that share of the observations lies: the middle of its bucket; 0
  // when there are none. O(kBuckets).
  [[nodiscard]] double Quantile(double share) const;
  [[nodiscard]] Buckets Minus(const Buckets& before) const;
};

[[nodiscard]] Buckets ReadBuckets(std::span<const Cell* const> live, std::uint32_t first_cell);

// The last `capacity` points, oldest first.
class PointRing {
 public:
  explicit PointRing(std::size_t capacity) : capacity_(capacity) {}
  void Push(const IntervalPoint& point) {
    if (points_.size() == capacity_) points_.pop_front();
    points_.push_back(point);
  }
  [[nodiscard]] std::vector<IntervalPoint> points() const {
    return {points_.begin(), points_.end()};
  }

 private:
  std::size_t capacity_;
  std::deque<IntervalPoint> points_;
};

// What Tick() remembers of a series.
struct SeriesPast {
  PointRing seconds{kSecondsKept};
  PointRing minutes{kMinutesKept};
  double second_total = 0;  // at the last tick
  double minute_total = 0;  // at the beginning of the minute
  std::optional<Buckets> second_buckets;
  std::optional<Buckets> minute_buckets;
};

struct Series {
  Labels labels;
  std::uint32_t cell = 0;                            // counter, histogram
  std::unique_ptr<std::atomic<std::int64_t>> gauge;  // partner: Gauge; a lone number
  std::function<double()> read;                      // callback
  SeriesPast past;
};

struct Family {
  std::string name;
  std::string help;
  SeriesKind kind = SeriesKind::kCounter;
  double scale = 1;
  std::deque<Series> series;  // never moved: handles point into them
};

}  // namespace internal

struct Metrics::Impl {
  explicit Impl(core::Clock& c) : clock(c) {}
  ~Impl() { internal::FreeShards(&shards); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  // The series, made where absent; null after a bug was reported.
  internal::Series* Add(std::string_view name, std::string_view help, SeriesKind kind,
                        const Labels& labels, double scale, std::uint32_t cells);
  // Requires: the lock.
  [[nodiscard]] double ValueOf(const internal::Family& family, const internal::Series& series,
                               std::span<const internal::Cell* const> live) const;

  core::Clock& clock;
  internal::Shards shards;
  mutable std::mutex mutex;               // guards all below; never taken by a handle
  std::deque<internal::Family> families;  // in the order in which they were added
  std::map<std::string, internal::Family*, std::less<>> by_name;
  std::uint32_t next_cell = 0;
  std::int64_t last_tick_ns = 0;  // monotonic; 0: none yet
  std::int64_t minute_begin_ns = 0;
  std::int64_t last_tick_unix_ms = 0;
  std::uint32_t ticks_in_minute = 0;
};

}  // namespace assay::telemetry
