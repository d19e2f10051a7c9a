#include <algorithm>
#include <cmath>

#include "eval/tally_internal.h"

namespace assay::consensus::internal {
namespace {

constexpr double kNormal95 = 1.959963984540054;  // two-sided quantile of the normal distribution
constexpr std::size_t kBins = 10;

}  // namespace

void Tally::Add(double value, double size) {
  values_.push_back(value);
  sizes_.push_back(size);
  value_ += value;
  size_ += size;
}

void Tally::PadTo(std::size_t rows) {
  values_.resize(std::max(rows, values_.size()), 0.0);
  sizes_.resize(values_.size(), 0.0);
}

Measured Tally::Share() const {
  if (size_ <= 0) return {};
  double squares = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double rest = values_[i] - ratio() * sizes_[i];
    squares += rest * rest;
  }
  const double half = kNormal95 * std::sqrt(squares) / size_;
  return {ratio(), std::max(0.0, ratio() - half), std::min(1.0, ratio() + half)};
}

Measured Tally::Minus(const Tally& other) const {
  if (size_ <= 0 || other.size_ <= 0 || values_.size() != other.values_.size()) return {};
  double squares = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const double rest = (values_[i] - ratio() * sizes_[i]) / size_ -
                        (other.values_[i] - other.ratio() * other.sizes_[i]) / other.size_;
    squares += rest * rest;
  }
  const double half = kNormal95 * std::sqrt(squares);
  const double value = ratio() - other.ratio();
  return {value, value - half, value + half};
}

void MeasureConfidence(std::span<const Guess> guesses, EvalReport& report) {
  if (guesses.empty()) return;
  std::vector<Guess> sorted(guesses.begin(), guesses.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(), &Guess::confidence);
  double right = 0;
  std::size_t next = 1;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    right += sorted[i].right;
    while (next <= 10 && (i + 1) * 10 >= next * sorted.size()) {
      report.curve.push_back({static_cast<double>(next) / 10, right / static_cast<double>(i + 1)});
      ++next;
    }
  }
  std::array<double, kBins> confidence{}, came_true{};
  for (const Guess& guess : sorted) {
    const auto bin = std::min(kBins - 1, static_cast<std::size_t>(guess.confidence * kBins));
    confidence[bin] += guess.confidence;
    came_true[bin] += guess.right;
  }
  double error = 0;
  for (std::size_t bin = 0; bin < kBins; ++bin) error += std::abs(confidence[bin] - came_true[bin]);
  report.calibration_error = error / static_cast<double>(sorted.size());
  // Pairs of right and wrong in the right order; equal confidences count one half.
  double pairs = 0, rights_above = 0, rights = 0, wrongs = 0;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin;
    double group_right = 0, group_wrong = 0;
    for (; end < sorted.size() && sorted[end].confidence == sorted[begin].confidence; ++end) {
      group_right += sorted[end].right;
      group_wrong += 1 - sorted[end].right;
    }
    pairs += group_wrong * (rights_above + group_right / 2);
    rights_above += group_right;
    rights += group_right;
    wrongs += group_wrong;
    begin = end;
  }
  if (rights > 0 && wrongs > 0) report.area_under_curve = pairs / (rights * wrongs);
}

}  // namespace assay::consensus::internal
