// assay/telemetry/metrics.h: counters, gauges and latency histograms for Prometheus and the
// dashboard. Room: telemetry (uses core).  Threads: everything may be called from any thread.
// Method: each thread adds to cells of its own (one writer, relaxed loads and stores, no locked
// instruction); a reader sums the cells of all threads. Histograms are log-linear as in
// HdrHistogram (Tene): 32 linear steps in each power of two, so a quantile is at most 1.6 % off.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/clock.h"
#include "assay/telemetry/metrics_snapshot.h"
#include "assay/telemetry/shards.h"

namespace assay::telemetry {

// Label names are [a-zA-Z_][a-zA-Z0-9_]*, values any UTF-8 text. Never put a secret, a prompt or
// anything that a client chooses freely into a label.
using Labels = std::vector<std::pair<std::string, std::string>>;

// Handles are small values; they are valid while their Metrics lives. A handle made by the default
// constructor takes values and forgets them.
class Counter {
 public:
  Counter() = default;
  // About 2 ns.
  void Add(std::uint64_t n = 1) const noexcept { internal::AddToCell(shards_, cell_, n); }

 private:
  friend class Metrics;
  Counter(internal::Shards* shards, std::uint32_t cell) : shards_(shards), cell_(cell) {}
  internal::Shards* shards_ = internal::NullShards();
  std::uint32_t cell_ = 0;
};

// A value that goes up and down, shared by all threads.
class Gauge {
 public:
  Gauge() = default;
  void Set(std::int64_t value) const noexcept {
    if (value_ != nullptr) value_->store(value, std::memory_order_relaxed);
  }
  void Add(std::int64_t n) const noexcept {
    if (value_ != nullptr) value_->fetch_add(n, std::memory_order_relaxed);
  }

 private:
  friend class Metrics;
  explicit Gauge(std::atomic<std::int64_t>* value) : value_(value) {}
  std::atomic<std::int64_t>* value_ =
      nullptr;  // partner: Metrics' readers; a lone number, no order needed
};

class Histogram {
 public:
  Histogram() = default;
  // Negative values count as 0, values over kMaxValue (2^40: 18 minutes in ns) as kMaxValue. About
  // 3 ns.
  void Observe(std::int64_t value) const noexcept {
    internal::AddToCell(shards_, cell_ + internal::BucketOf(value), 1);
    internal::AddToCell(shards_, cell_ + internal::kSumCell,
                        value > 0 ? static_cast<std::uint64_t>(value) : 0);
  }
  void ObserveNs(std::int64_t ns) const noexcept { Observe(ns); }

 private:
  friend class Metrics;
  Histogram(internal::Shards* shards, std::uint32_t cell) : shards_(shards), cell_(cell) {}
  internal::Shards* shards_ = internal::NullShards();
  std::uint32_t cell_ = 0;
};

// The registry. Names are Prometheus names with unit and, for counters, `_total`.
// `scale` turns the integers that are added into the unit of the name: 1e-9 where nanoseconds are
// observed and the name ends in `_seconds`.
class Metrics {
 public:
  // A family (one name) takes at most this many label sets; later ones share the series whose label
  // values all read "other", so a label that grows without bound cannot eat the memory.
  static constexpr std::size_t kMaxSeriesPerFamily = 256;

  explicit Metrics(core::Clock& clock = core::Clock::Real());
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  // Adding what is there already returns the same series. A name that is there as another kind is a
  // bug (ASSAY_BUG) and gives a handle that forgets.
  [[nodiscard]] Counter AddCounter(std::string_view name, std::string_view help,
                                   const Labels& labels = {}, double scale = 1);
  [[nodiscard]] Gauge AddGauge(std::string_view name, std::string_view help,
                               const Labels& labels = {}, double scale = 1);
  [[nodiscard]] Histogram AddHistogram(std::string_view name, std::string_view help,
                                       const Labels& labels = {}, double scale = 1e-9);
  // A value that is asked for when the metrics are read; `read` must be quick, safe for any thread
  // and stay valid as long as this object. `total` says that it only grows (a counter).
  void AddCallback(std::string_view name, std::string_view help, const Labels& labels,
                   std::function<double()> read, bool total = false);

  // The text exposition format 0.0.4 of Prometheus: `content-type` kPrometheusContentType.
  [[nodiscard]] std::string PrometheusText() const;

  // Takes one sample of every series; call it about once a second (the rings below count calls).
  void Tick();
  // The state now, and the rates of the last 300 ticks and of the last 60 groups of 60 ticks.
  [[nodiscard]] MetricsSnapshot Snapshot() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

}  // namespace assay::telemetry
