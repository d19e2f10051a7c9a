// The text exposition format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats).
#include <cmath>

#include <fmt/format.h>

#include "metrics_internal.h"

namespace assay::telemetry {
namespace {

using internal::Buckets;

// Which powers of two get a bucket line: all are borders of internal buckets, so the lines are
// exact. 1 us to 69 s for nanoseconds; 1 to 10^9 for everything else.
constexpr std::uint32_t kFirstTimePower = 10;
constexpr std::uint32_t kLastTimePower = 36;
constexpr std::uint32_t kLastCountPower = 30;

void AppendEscaped(std::string& out, std::string_view text, bool quotes) {
  for (const char c : text) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '"' && quotes) {
      out += "\\\"";
    } else {
      out += c;
    }
  }
}

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  return fmt::format("{}", value);
}

// Shortest where the scale is a negative power of ten: 1024 and 1e-9 make 1.024e-06.
double Scaled(double value, double scale) {
  const double inverse = std::round(1 / scale);
  return scale < 1 && inverse * scale == 1 ? value / inverse : value * scale;
}

void AppendLabels(std::string& out, const Labels& labels, std::string_view le) {
  if (labels.empty() && le.empty()) return;
  char before = '{';
  for (const auto& [name, value] : labels) {
    out += before;
    out += name;
    out += "=\"";
    AppendEscaped(out, value, true);
    out += '"';
    before = ',';
  }
  if (!le.empty()) fmt::format_to(std::back_inserter(out), "{}le=\"{}\"", before, le);
  out += '}';
}

void AppendSample(std::string& out, std::string_view name, std::string_view ending,
                  const Labels& labels, std::string_view le, const std::string& value) {
  out += name;
  out += ending;
  AppendLabels(out, labels, le);
  out += ' ';
  out += value;
  out += '\n';
}

void AppendHistogram(std::string& out, const internal::Family& family, const Labels& labels,
                     const Buckets& buckets) {
  const bool time = family.scale < 1e-6;
  const std::uint32_t last = time ? kLastTimePower : kLastCountPower;
  std::uint64_t cumulative = 0;
  std::uint32_t bucket = 0;
  for (std::uint32_t power = time ? kFirstTimePower : 0; power <= last; ++power) {
    const std::int64_t border = std::int64_t{1} << power;
    while (bucket < internal::kBuckets && internal::BucketUpper(bucket) <= border) {
      cumulative += buckets.counts[bucket++];
    }
    AppendSample(out, family.name, "_bucket", labels,
                 NumberText(Scaled(static_cast<double>(border), family.scale)),
                 fmt::format("{}", cumulative));
  }
  const std::string total = fmt::format("{}", buckets.total());
  AppendSample(out, family.name, "_bucket", labels, "+Inf", total);
  AppendSample(out, family.name, "_sum", labels, {},
               NumberText(Scaled(static_cast<double>(buckets.sum), family.scale)));
  AppendSample(out, family.name, "_count", labels, {}, total);
}

std::string_view TypeName(SeriesKind kind) {
  switch (kind) {
    case SeriesKind::kCounter:
      return "counter";
    case SeriesKind::kGauge:
      return "gauge";
    case SeriesKind::kHistogram:
      return "histogram";
  }
  return "untyped";
}

}  // namespace

std::string Metrics::PrometheusText() const {
  const std::scoped_lock lock(impl_->mutex);
  const auto live = internal::LiveShards(impl_->shards);
  std::string out;
  for (const internal::Family& family : impl_->families) {
    out += "# HELP ";
    out += family.name;
    out += ' ';
    AppendEscaped(out, family.help, false);
    out += "\n# TYPE ";
    out += family.name;
    out += ' ';
    out += TypeName(family.kind);
    out += '\n';
    for (const internal::Series& series : family.series) {
      if (family.kind == SeriesKind::kHistogram) {
        AppendHistogram(out, family, series.labels, internal::ReadBuckets(live, series.cell));
      } else {
        AppendSample(out, family.name, {}, series.labels, {},
                     NumberText(impl_->ValueOf(family, series, live)));
      }
    }
  }
  return out;
}

}  // namespace assay::telemetry
