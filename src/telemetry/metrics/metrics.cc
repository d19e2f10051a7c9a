#include "assay/telemetry/metrics.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/core/check.h"

#include "metrics_internal.h"

namespace assay::telemetry {
namespace internal {
namespace {

bool NameStart(char c, bool colon) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colon && c == ':');
}

bool ValidName(std::string_view name, bool colon) {
  return !name.empty() && NameStart(name[0], colon) && std::ranges::all_of(name, [&](char c) {
    return NameStart(c, colon) || (c >= '0' && c <= '9');
  });
}

bool ValidLabels(const Labels& labels) {
  return std::ranges::all_of(labels, [](const auto& label) {
    return ValidName(label.first, false) && !label.first.starts_with("__") && label.first != "le";
  });
}

}  // namespace

std::uint64_t Buckets::total() const {
  std::uint64_t sum_of_counts = 0;
  for (const std::uint64_t count : counts) sum_of_counts += count;
  return sum_of_counts;
}

double Buckets::Quantile(double share) const {
  const std::uint64_t all = total();
  if (all == 0) return 0;
  const auto rank = std::max<std::uint64_t>(
      1, static_cast<std::uint64_t>(share * static_cast<double>(all) + 0.5));
  std::uint64_t seen = 0;
  for (std::uint32_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts[bucket];
    if (seen < rank) continue;
    const std::int64_t upper = BucketUpper(bucket);
    const std::int64_t lower = bucket == 0 ? 0 : BucketUpper(bucket - 1) + 1;
    return static_cast<double>(lower + upper) / 2;
  }
  return static_cast<double>(kMaxValue);
}

Buckets Buckets::Minus(const Buckets& before) const {
  Buckets difference = *this;
  for (std::uint32_t i = 0; i < kBuckets; ++i) difference.counts[i] -= before.counts[i];
  difference.sum -= before.sum;
  return difference;
}

Buckets ReadBuckets(std::span<const Cell* const> live, std::uint32_t first_cell) {
  Buckets buckets;
  for (const Cell* cells : live) {
    for (std::uint32_t i = 0; i < kBuckets; ++i) {
      buckets.counts[i] += cells[first_cell + i].load(std::memory_order_relaxed);
    }
    buckets.sum += cells[first_cell + kSumCell].load(std::memory_order_relaxed);
  }
  return buckets;
}

}  // namespace internal

Metrics::Metrics(core::Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}
Metrics::~Metrics() = default;

internal::Series* Metrics::Impl::Add(std::string_view name, std::string_view help, SeriesKind kind,
                                     const Labels& labels, double scale, std::uint32_t cells) {
  if (!internal::ValidName(name, true) || !internal::ValidLabels(labels)) {
    ASSAY_BUG(fmt::format("'{}' or one of its labels is no name for a metric", name));
    return nullptr;
  }
  const std::scoped_lock lock(mutex);
  auto found = by_name.find(name);
  if (found == by_name.end()) {
    internal::Family& fresh = families.emplace_back();
    fresh.name = name;
    fresh.help = help;
    fresh.kind = kind;
    fresh.scale = scale;
    found = by_name.emplace(fresh.name, &fresh).first;
  }
  internal::Family& family = *found->second;
  if (family.kind != kind) {
    ASSAY_BUG(fmt::format("the metric '{}' is there as another kind", name));
    return nullptr;
  }
  Labels wanted = labels;
  std::ranges::sort(wanted);
  const auto same = [&] {
    return std::ranges::find(family.series, wanted, &internal::Series::labels);
  };
  auto series = same();
  if (series == family.series.end() && family.series.size() + 1 >= kMaxSeriesPerFamily) {
    for (auto& label : wanted) label.second = "other";
    series = same();
  }
  if (series != family.series.end()) return &*series;
  if (next_cell + cells > internal::kCellsPerShard) {
    ASSAY_BUG(fmt::format("no room for the metric '{}'", name));
    return nullptr;
  }
  internal::Series& fresh = family.series.emplace_back();
  fresh.labels = std::move(wanted);
  fresh.cell = next_cell;
  next_cell += cells;
  return &fresh;
}

Counter Metrics::AddCounter(std::string_view name, std::string_view help, const Labels& labels,
                            double scale) {
  const internal::Series* series = impl_->Add(name, help, SeriesKind::kCounter, labels, scale, 1);
  return series == nullptr ? Counter() : Counter(&impl_->shards, series->cell);
}

Gauge Metrics::AddGauge(std::string_view name, std::string_view help, const Labels& labels,
                        double scale) {
  internal::Series* series = impl_->Add(name, help, SeriesKind::kGauge, labels, scale, 0);
  if (series == nullptr) return {};
  const std::scoped_lock lock(impl_->mutex);
  if (series->gauge == nullptr) series->gauge = std::make_unique<std::atomic<std::int64_t>>(0);
  return Gauge(series->gauge.get());
}

Histogram Metrics::AddHistogram(std::string_view name, std::string_view help, const Labels& labels,
                                double scale) {
  const internal::Series* series =
      impl_->Add(name, help, SeriesKind::kHistogram, labels, scale, internal::kHistogramCells);
  return series == nullptr ? Histogram() : Histogram(&impl_->shards, series->cell);
}

void Metrics::AddCallback(std::string_view name, std::string_view help, const Labels& labels,
                          std::function<double()> read, bool total) {
  internal::Series* series = impl_->Add(
      name, help, total ? SeriesKind::kCounter : SeriesKind::kGauge, labels, 1, total ? 1 : 0);
  if (series == nullptr) return;
  const std::scoped_lock lock(impl_->mutex);
  series->read = std::move(read);
}

double Metrics::Impl::ValueOf(const internal::Family& family, const internal::Series& series,
                              std::span<const internal::Cell* const> live) const {
  if (series.read) return series.read();
  if (family.kind == SeriesKind::kGauge) {
    const std::int64_t value =
        series.gauge == nullptr ? 0 : series.gauge->load(std::memory_order_relaxed);
    return static_cast<double>(value) * family.scale;
  }
  return static_cast<double>(internal::SumOfCell(live, series.cell)) * family.scale;
}

}  // namespace assay::telemetry
