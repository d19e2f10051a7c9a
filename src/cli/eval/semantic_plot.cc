#include "eval/semantic_plot.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace assay::cli {
namespace {

constexpr double kLeft = 60;
constexpr double kRight = 500;
constexpr double kTop = 20;
constexpr double kBottom = 390;
constexpr std::size_t kFixedCosines = 4;  // the first policies of a report

struct Series {
  std::string name;
  std::vector<cache::CurvePoint> points;
};

std::vector<Series> SeriesOf(const cache::SemanticEvalReport& report) {
  std::vector<Series> all;
  const bool is_pairs = report.format == cache::SemanticDataFormat::kPairs;
  for (std::size_t i = 0; i < report.policies.size(); ++i) {
    const auto& policy = report.policies[i];
    const bool is_cosine = i < kFixedCosines;
    if (is_pairs) {
      if (is_cosine && i != 0) continue;  // they order the pairs alike
      all.push_back({is_cosine ? "cosine" : policy.name, policy.curve});
      continue;
    }
    if (!is_cosine || i == 0) all.push_back({is_cosine ? "cosine" : policy.name, {}});
    all.back().points.push_back({policy.hit_ratio.value(), policy.false_hit_rate.value()});
  }
  return all;
}

// The end of an axis: the smallest round number that holds every value.
double EndOf(const std::vector<Series>& all, double cache::CurvePoint::* value) {
  double most = 0.01;
  for (const Series& series : all) {
    for (const auto& point : series.points) most = std::max(most, point.*value);
  }
  for (const double end : {0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8}) {
    if (most <= end) return end;
  }
  return 1;
}

}  // namespace

std::string SemanticPlot(const cache::SemanticEvalReport& report) {
  constexpr std::array<std::string_view, 6> kColours = {"#777777", "#c77700", "#7aa6d8",
                                                        "#1f6fb2", "#7cc08a", "#1a7f37"};
  constexpr int kTicks = 4;
  const std::vector<Series> all = SeriesOf(report);
  const double x_end = EndOf(all, &cache::CurvePoint::hit_ratio);
  const double y_end = EndOf(all, &cache::CurvePoint::false_hit_rate);
  const auto x_of = [&](double value) { return kLeft + (kRight - kLeft) * value / x_end; };
  const auto y_of = [&](double value) { return kBottom - (kBottom - kTop) * value / y_end; };
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 720 440\" "
      "font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"720\" height=\"440\" fill=\"#ffffff\"/>\n";
  for (int i = 0; i <= kTicks; ++i) {
    const double share = static_cast<double>(i) / kTicks;
    svg += fmt::format(
        "<path d=\"M{0:.1f} {1:.1f}H{2:.1f}M{3:.1f} {4:.1f}V{5:.1f}\" stroke=\"#dddddd\"/>\n"
        "<text x=\"{6:.1f}\" y=\"{7:.1f}\" text-anchor=\"end\">{8:.3g}%</text>\n"
        "<text x=\"{3:.1f}\" y=\"{9:.1f}\" text-anchor=\"middle\">{10:.3g}%</text>\n",
        kLeft, y_of(share * y_end), kRight, x_of(share * x_end), kTop, kBottom, kLeft - 6,
        y_of(share * y_end) + 4, 100 * share * y_end, kBottom + 18, 100 * share * x_end);
  }
  svg += fmt::format(
      "<text x=\"{:.1f}\" y=\"425\" text-anchor=\"middle\">hits of all requests</text>\n"
      "<text transform=\"translate(14 {:.1f}) rotate(-90)\" text-anchor=\"middle\">wrong of the "
      "hits</text>\n",
      (kLeft + kRight) / 2, (kTop + kBottom) / 2);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string_view colour = kColours[i % kColours.size()];
    std::string line;
    for (const auto& [x, y] : all[i].points) {
      line += fmt::format("{}{:.1f} {:.1f}", line.empty() ? "M" : "L", x_of(x), y_of(y));
      if (all[i].points.size() > kFixedCosines) continue;
      svg += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x_of(x),
                         y_of(y), colour);
    }
    const double y = kTop + 10 + 20 * static_cast<double>(i);
    svg += fmt::format(
        "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n<rect x=\"515\" "
        "y=\"{:.1f}\" width=\"12\" height=\"12\" fill=\"{}\"/><text x=\"533\" "
        "y=\"{:.1f}\">{}</text>\n",
        line, colour, y - 10, colour, y, all[i].name);
  }
  return svg + "</svg>\n";
}

}  // namespace assay::cli
