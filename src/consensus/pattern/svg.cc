#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "pattern/series_internal.h"

namespace assay::consensus {
namespace {

constexpr double kLeft = 70, kRight = 940, kTop = 40, kBottom = 330;  // of the curve
constexpr double kBarsTop = 380, kBarHeight = 14;
constexpr std::size_t kBars = 10;

void Text(double x, double y, std::string_view anchor, std::string_view text, std::string& out) {
  out += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y, anchor,
                     text::EscapeMarkup(text));
}

// The first and last value and both extremes of each column of pixels, so that no spike is lost.
std::string CurvePoints(const std::vector<double>& x, const std::vector<double>& y) {
  std::string out;
  const auto put = [&](std::size_t i) { out += fmt::format("{:.1f},{:.1f} ", x[i], y[i]); };
  for (std::size_t begin = 0; begin < x.size();) {
    const auto column = static_cast<std::size_t>(x[begin]);
    std::size_t end = begin, low = begin, high = begin;
    for (; end < x.size() && static_cast<std::size_t>(x[end]) == column; ++end) {
      if (y[end] < y[low]) low = end;
      if (y[end] > y[high]) high = end;
    }
    std::array<std::size_t, 4> places = {begin, std::min(low, high), std::max(low, high), end - 1};
    for (std::size_t k = 0; k < places.size(); ++k) {
      if (k == 0 || places[k] != places[k - 1]) put(places[k]);
    }
    begin = end;
  }
  return out;
}

void Bars(const PatternReport& report, std::string& out) {
  const std::size_t count = std::min(kBars, report.top.size());
  for (std::size_t i = 0; i < count; ++i) {
    const PatternCount& one = report.top[i];
    const double y = kBarsTop + static_cast<double>(i) * kBarHeight;
    const double width =
        400 * static_cast<double>(one.count) / static_cast<double>(report.top[0].count);
    out += fmt::format(
        "<rect class=\"bar\" x=\"480\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"10\"/>\n", y, width);
    std::string name = one.pattern.substr(0, 60);
    Text(470, y + 9, "end", name, out);
    Text(486 + width, y + 9, "start", fmt::format("{} ({:.1f}%)", one.count, 100 * one.share), out);
  }
}

}  // namespace

std::string PatternSvg(std::span<const Event> events, const PatternReport& report) {
  const double span_s = std::max(report.last_s - report.first_s, 1e-9);
  const double range = std::max(report.values.most - report.values.least, 1e-9);
  const auto to_x = [&](double time) {
    return kLeft + (time - report.first_s) / span_s * (kRight - kLeft);
  };
  const auto to_y = [&](double value) {
    return kBottom - (value - report.values.least) / range * (kBottom - kTop);
  };
  std::vector<double> x, y;
  for (const std::uint32_t i : internal::OrderByTime(events)) {
    x.push_back(to_x(events[i].time_s));
    y.push_back(to_y(events[i].value));
  }
  std::string out =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"960\" height=\"540\" viewBox=\"0 0 960 "
      "540\" "
      "role=\"img\" aria-label=\"history of exchanges\">\n<style>text{font:11px "
      "sans-serif;fill:#333}"
      ".curve{fill:none;stroke:#2563a8}.change{stroke:#b45309;stroke-dasharray:4 3}"
      ".outlier{fill:#b91c1c}.bar{fill:#2563a8}.axis{stroke:#999}</style>\n"
      "<rect width=\"960\" height=\"540\" fill=\"#fff\"/>\n";
  Text(kLeft, 20, "start",
       fmt::format("{} exchanges, {} patterns, {:.1f}% repeated, {} change points, {} outliers",
                   report.events, report.distinct, 100 * report.repeated, report.changes.size(),
                   report.outliers.size()),
       out);
  out += fmt::format("<path class=\"axis\" d=\"M{0} {1}V{2}H{3}\" fill=\"none\"/>\n", kLeft, kTop,
                     kBottom, kRight);
  Text(kLeft - 6, kTop + 4, "end", fmt::format("{:.4g}", report.values.most), out);
  Text(kLeft - 6, kBottom, "end", fmt::format("{:.4g}", report.values.least), out);
  Text(kLeft, kBottom + 16, "start", "0 s", out);
  Text(kRight, kBottom + 16, "end", fmt::format("{:.4g} s", span_s), out);
  out += fmt::format("<polyline class=\"curve\" points=\"{}\"/>\n", CurvePoints(x, y));
  for (const ChangePoint& change : report.changes) {
    const double at = to_x(change.time_s);
    out += fmt::format(
        "<line class=\"change\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n", at, kTop,
        kBottom);
  }
  for (const Outlier& outlier : report.outliers) {
    out += fmt::format("<circle class=\"outlier\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3\"/>\n",
                       to_x(outlier.time_s), to_y(outlier.value));
  }
  Bars(report, out);
  if (!report.periods.empty()) {
    Text(kLeft, 530, "start",
         fmt::format("strongest period: {:.4g} s ({:.2f})", report.periods[0].seconds,
                     report.periods[0].strength),
         out);
  }
  return out + "</svg>\n";
}

}  // namespace assay::consensus
