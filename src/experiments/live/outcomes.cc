#include <array>
#include <cmath>
#include <limits>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include "assay/experiments/live.h"

namespace assay::experiments {

void OutcomeSum::Add(double value) {
  if (!std::isfinite(value) || std::fabs(value) > 1e140) {
    ++state_.missing;
    return;
  }
  ++state_.n;
  const double gap = value - state_.mean;
  state_.mean += gap / static_cast<double>(state_.n);
  state_.squares += gap * (value - state_.mean);
}

void OutcomeSum::Add(const OutcomeSum& other) {
  const State& from = other.state_;
  state_.missing += from.missing;
  if (from.n == 0) return;
  const auto before = static_cast<double>(state_.n);
  const auto more = static_cast<double>(from.n);
  const double gap = from.mean - state_.mean;
  state_.n += from.n;
  state_.mean += gap * (more / (before + more));
  state_.squares += from.squares + gap * gap * (before * more / (before + more));
}

Summary OutcomeSum::summary() const {
  Summary out;
  out.n = state_.n;
  out.missing = state_.missing;
  out.mean = state_.n > 0 ? state_.mean : std::numeric_limits<double>::quiet_NaN();
  out.variance = state_.n > 1 ? state_.squares / static_cast<double>(state_.n - 1)
                              : std::numeric_limits<double>::quiet_NaN();
  return out;
}

Result<OutcomeSum> OutcomeSum::FromState(const State& state) {
  const bool empty = state.n == 0 && state.mean == 0 && state.squares == 0;
  const bool possible = state.n > 0 && std::isfinite(state.mean) && std::isfinite(state.squares) &&
                        state.squares >= 0 && (state.n > 1 || state.squares == 0);
  if (state.n < 0 || state.missing < 0 || (!empty && !possible)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("n {}, missing {}, mean {}, squares {} are no outcomes", state.n,
                            state.missing, state.mean, state.squares));
  }
  OutcomeSum out;
  out.state_ = state;
  return out;
}

struct OutcomeBoard::Impl {
  static constexpr std::size_t kStripes = 16;
  struct alignas(64) Stripe {
    mutable std::mutex mutex;
    std::vector<OutcomeSum> cells;  // guarded by mutex
  };

  std::size_t variants;
  std::size_t metrics;
  std::array<Stripe, kStripes> stripes;

  Stripe& Mine() {
    return stripes[std::hash<std::thread::id>()(std::this_thread::get_id()) % kStripes];
  }
  [[nodiscard]] Result<std::size_t> Cell(std::size_t variant, std::size_t metric) const {
    if (variant < variants && metric < metrics) return variant * metrics + metric;
    return Fail(Code::kOutOfRange, fmt::format("variant {} of {} or metric {} of {} is not there",
                                               variant, variants, metric, metrics));
  }
  [[nodiscard]] OutcomeSum Sum(std::size_t cell) const {
    OutcomeSum sum;
    for (const Stripe& stripe : stripes) {
      const std::scoped_lock lock(stripe.mutex);
      sum.Add(stripe.cells[cell]);
    }
    return sum;
  }
};

OutcomeBoard::OutcomeBoard(std::size_t variants, std::size_t metrics)
    : impl_(std::make_unique<Impl>()) {
  impl_->variants = variants;
  impl_->metrics = metrics;
  for (Impl::Stripe& stripe : impl_->stripes) stripe.cells.resize(variants * metrics);
}
OutcomeBoard::~OutcomeBoard() = default;
OutcomeBoard::OutcomeBoard(OutcomeBoard&&) noexcept = default;
OutcomeBoard& OutcomeBoard::operator=(OutcomeBoard&&) noexcept = default;

Result<void> OutcomeBoard::Record(std::size_t variant, std::size_t metric, double value) {
  ASSAY_ASSIGN(const std::size_t cell, impl_->Cell(variant, metric));
  Impl::Stripe& stripe = impl_->Mine();
  const std::scoped_lock lock(stripe.mutex);
  stripe.cells[cell].Add(value);
  return {};
}

Result<void> OutcomeBoard::Merge(std::size_t variant, std::size_t metric, const OutcomeSum& sum) {
  ASSAY_ASSIGN(const std::size_t cell, impl_->Cell(variant, metric));
  Impl::Stripe& stripe = impl_->Mine();
  const std::scoped_lock lock(stripe.mutex);
  stripe.cells[cell].Add(sum);
  return {};
}

std::vector<OutcomeSum> OutcomeBoard::Snapshot() const {
  std::vector<OutcomeSum> out;
  out.reserve(impl_->variants * impl_->metrics);
  for (std::size_t cell = 0; cell < impl_->variants * impl_->metrics; ++cell) {
    out.push_back(impl_->Sum(cell));
  }
  return out;
}

Result<SequentialResult> OutcomeBoard::Look(std::size_t variant, std::size_t metric, double tau,
                                            double confidence) const {
  ASSAY_ASSIGN(const std::size_t treated, impl_->Cell(variant, metric));
  ASSAY_ASSIGN(const std::size_t control, impl_->Cell(0, metric));
  const Summary c = impl_->Sum(control).summary();
  const Summary t = impl_->Sum(treated).summary();
  if (c.n < 2 || t.n < 2) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{} and {} outcomes are too few to compare", c.n, t.n));
  }
  const TestResult test = Welch(c, t, confidence);
  if (test.error == 0) return SequentialResult{test.p, test.interval};
  return MixtureTest(test.effect, test.error, tau, confidence);
}

}  // namespace assay::experiments
