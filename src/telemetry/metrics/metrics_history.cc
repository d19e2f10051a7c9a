// What became of the metrics in the last minutes, for the dashboard.
#include <algorithm>

#include "metrics_internal.h"

namespace assay::telemetry {
namespace {

using internal::Buckets;
using internal::Family;
using internal::Series;
using internal::SeriesPast;

constexpr std::uint32_t kTicksPerMinute = 60;

IntervalPoint HistogramPoint(const Buckets& interval, double seconds, double scale) {
  return {static_cast<double>(interval.total()) / seconds, interval.Quantile(0.5) * scale,
          interval.Quantile(0.95) * scale, interval.Quantile(0.99) * scale};
}

void TickHistogram(const Family& family, Series& series, const Buckets& now, double seconds,
                   std::optional<double> minute_seconds) {
  SeriesPast& past = series.past;
  if (!past.second_buckets) {  // the first tick of this series counts from nothing
    past.second_buckets.emplace();
    past.minute_buckets.emplace();
  }
  past.seconds.Push(HistogramPoint(now.Minus(*past.second_buckets), seconds, family.scale));
  past.second_buckets = now;
  if (minute_seconds) {
    past.minutes.Push(
        HistogramPoint(now.Minus(*past.minute_buckets), *minute_seconds, family.scale));
    past.minute_buckets = now;
  }
}

void TickValue(const Family& family, Series& series, double now, double seconds,
               std::optional<double> minute_seconds) {
  SeriesPast& past = series.past;
  const bool counter = family.kind == SeriesKind::kCounter;
  // A callback's total may go back when what it counts is made anew.
  const auto rate = [&](double before, double span_s) {
    return std::max(0.0, now - before) / span_s;
  };
  past.seconds.Push({counter ? rate(past.second_total, seconds) : now, 0, 0, 0});
  past.second_total = now;
  if (minute_seconds) {
    past.minutes.Push({counter ? rate(past.minute_total, *minute_seconds) : now, 0, 0, 0});
    past.minute_total = now;
  }
}

}  // namespace

void Metrics::Tick() {
  const std::scoped_lock lock(impl_->mutex);
  constexpr double kNsPerSecond = 1e9;
  const std::int64_t now_ns = impl_->clock.monotonic_ns();
  const bool first = impl_->last_tick_ns == 0;
  if (first) impl_->minute_begin_ns = now_ns - static_cast<std::int64_t>(kNsPerSecond);
  const double seconds =
      first ? 1 : std::max(1e-3, static_cast<double>(now_ns - impl_->last_tick_ns) / kNsPerSecond);
  std::optional<double> minute_seconds;
  if (++impl_->ticks_in_minute == kTicksPerMinute) {
    minute_seconds =
        std::max(1e-3, static_cast<double>(now_ns - impl_->minute_begin_ns) / kNsPerSecond);
    impl_->ticks_in_minute = 0;
    impl_->minute_begin_ns = now_ns;
  }
  impl_->last_tick_ns = now_ns;
  impl_->last_tick_unix_ms = impl_->clock.wall_ns() / 1'000'000;
  const auto live = internal::LiveShards(impl_->shards);
  for (Family& family : impl_->families) {
    for (Series& series : family.series) {
      if (family.kind == SeriesKind::kHistogram) {
        TickHistogram(family, series, internal::ReadBuckets(live, series.cell), seconds,
                      minute_seconds);
      } else {
        TickValue(family, series, impl_->ValueOf(family, series, live), seconds, minute_seconds);
      }
    }
  }
}

MetricsSnapshot Metrics::Snapshot() const {
  const std::scoped_lock lock(impl_->mutex);
  MetricsSnapshot snapshot;
  snapshot.unix_ms = impl_->last_tick_unix_ms;
  const auto live = internal::LiveShards(impl_->shards);
  for (const Family& family : impl_->families) {
    for (const Series& series : family.series) {
      SeriesSnapshot& one = snapshot.series.emplace_back();
      one.name = family.name;
      one.labels = series.labels;
      one.kind = family.kind;
      if (family.kind == SeriesKind::kHistogram) {
        const Buckets buckets = internal::ReadBuckets(live, series.cell);
        one.total = static_cast<double>(buckets.total());
        one.sum = static_cast<double>(buckets.sum) * family.scale;
        one.p50 = buckets.Quantile(0.5) * family.scale;
        one.p95 = buckets.Quantile(0.95) * family.scale;
        one.p99 = buckets.Quantile(0.99) * family.scale;
      } else {
        one.total = impl_->ValueOf(family, series, live);
      }
      one.seconds = series.past.seconds.points();
      one.minutes = series.past.minutes.points();
    }
  }
  return snapshot;
}

const SeriesSnapshot* MetricsSnapshot::Find(
    std::string_view name, const std::vector<std::pair<std::string, std::string>>& labels) const {
  for (const SeriesSnapshot& one : series) {
    if (one.name != name) continue;
    const bool all = std::ranges::all_of(labels, [&](const auto& label) {
      return std::ranges::find(one.labels, label) != one.labels.end();
    });
    if (all) return &one;
  }
  return nullptr;
}

}  // namespace assay::telemetry
