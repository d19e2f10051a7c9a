// The hypergeometric distribution as weights relative to its mode, which never overflow.
#pragma once
#include <cstdint>

namespace assay::experiments::internal {

// Long double holds weights down to 1e-4932, so tails keep their digits as far as a double can
// tell.
class Hypergeometric {
 public:
  Hypergeometric(std::int64_t total, std::int64_t marked, std::int64_t drawn);

  [[nodiscard]] bool valid() const { return valid_; }
  [[nodiscard]] std::int64_t low() const { return low_; }  // the support, inclusive
  [[nodiscard]] std::int64_t high() const { return high_; }
  [[nodiscard]] std::int64_t mode() const { return mode_; }
  [[nodiscard]] long double mass() const { return mass_; }  // sum of all weights
  // P(k + 1) / P(k) for k in [low, high).
  [[nodiscard]] long double Ratio(std::int64_t k) const;
  [[nodiscard]] long double Weight(std::int64_t k) const;
  [[nodiscard]] long double WeightsUpTo(std::int64_t k) const;
  [[nodiscard]] long double WeightsFrom(std::int64_t k) const;

 private:
  std::int64_t total_;
  std::int64_t marked_;
  std::int64_t drawn_;
  std::int64_t low_ = 0;
  std::int64_t high_ = 0;
  std::int64_t mode_ = 0;
  long double mass_ = 0;
  bool valid_ = false;
};

}  // namespace assay::experiments::internal
