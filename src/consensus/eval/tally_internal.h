// Shares with intervals, and what confidences are worth.
#pragma once
#include <span>
#include <vector>

#include "assay/consensus/evaluation.h"

namespace assay::consensus::internal {

// Sum of values over sum of sizes, a pair a row.
class Tally {
 public:
  void Add(double value, double size = 1);
  [[nodiscard]] Measured Share() const;
  // Of two tallies of the same rows: this one's share minus the other's.
  [[nodiscard]] Measured Minus(const Tally& other) const;
  // Adds empty rows until there are so many.
  void PadTo(std::size_t rows);
  [[nodiscard]] std::size_t rows() const { return values_.size(); }
  [[nodiscard]] double ratio() const { return size_ > 0 ? value_ / size_ : 0; }

 private:
  std::vector<double> values_;
  std::vector<double> sizes_;
  double value_ = 0;
  double size_ = 0;
};

// A confidence and the share of it that came true.
struct Guess {
  double confidence = 0;
  double right = 0;  // [0, 1]
};

// Fills curve, calibration_error and area_under_curve.
void MeasureConfidence(std::span<const Guess> guesses, EvalReport& report);

}  // namespace assay::consensus::internal
