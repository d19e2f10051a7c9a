#include <algorithm>
#include <cmath>

#include "engines/search_internal.h"

namespace assay::tuner::internal {
namespace {

constexpr int kProbes = 40;        // points that set the first temperature
constexpr double kColdest = 1e-9;  // of the first temperature, at the end
constexpr double kWantedRate =
    0.44;                         // of steps taken (Roberts, Gelman and Gilks 1997, one dimension)
constexpr double kFarPart = 0.1;  // of the steps
constexpr double kViolationUnits = 20;  // first temperatures that a violation of 1 weighs

// One state of the walk, and the steps that fit each variable now.
class Annealer {
 public:
  explicit Annealer(Search& search) : search_(search), step_(search.dim(), 0.25) {}

  void Run() {
    Start();
    const auto begin = static_cast<double>(search_.used());
    const double all = static_cast<double>(search_.budget()) - begin;
    while (!search_.done()) {
      const double part = (static_cast<double>(search_.used()) - begin) / all;
      Move(hot_ * std::pow(kColdest, part));
    }
  }

 private:
  void Start() {
    now_ = search_.DrawPoint();
    double mean = 0;
    double squares = 0;
    for (int i = 0; i < kProbes && !search_.done(); ++i) {
      Point probe = search_.DrawPoint();
      const double gap = probe.score.value - mean;
      mean += gap / (i + 1);
      squares += gap * (probe.score.value - mean);
      if (probe.score.BetterThan(now_.score)) now_ = std::move(probe);
    }
    hot_ = std::sqrt(squares / kProbes);
    if (!(hot_ > 0) || !std::isfinite(hot_)) hot_ = 1;
  }

  void Move(double temperature) {
    const std::size_t i = search_.Below(search_.dim());
    const Variable& v = search_.variable(i);
    const double before = now_.x[i];
    // A far jump now and then leaves a valley that all near steps stay in.
    const bool far = v.kind == VariableKind::kChoice || search_.Unit() < kFarPart;
    now_.x[i] = far ? search_.Draw(i) : Near(i, v, before);
    const Score score = search_.Evaluate(now_.x);
    const double worse = (score.value - now_.score.value) +
                         kViolationUnits * hot_ * (score.violation - now_.score.violation);
    const bool taken =
        score.BetterThan(now_.score) || search_.Unit() < std::exp(-worse / temperature);
    if (taken) {
      now_.score = score;
    } else {
      now_.x[i] = before;
    }
    if (!far) {
      step_[i] = std::clamp(
          step_[i] * std::exp(taken ? 0.5 * (1 - kWantedRate) : -0.5 * kWantedRate), 1e-9, 0.5);
    }
  }

  double Near(std::size_t i, const Variable& v, double from) {
    const double width = v.high - v.low;
    const double least = v.kind == VariableKind::kInteger && width > 0 ? 0.7 / width : 0;
    double to = from + search_.Normal() * std::max(step_[i], least) * width;
    if (to < v.low) to = 2 * v.low - to;  // reflected
    if (to > v.high) to = 2 * v.high - to;
    return std::clamp(to, v.low, v.high);
  }

  Search& search_;
  Point now_;
  std::vector<double> step_;  // relative to the variable's width
  double hot_ = 1;
};

}  // namespace

void Anneal(Search& search) {
  Annealer(search).Run();
}

}  // namespace assay::tuner::internal
