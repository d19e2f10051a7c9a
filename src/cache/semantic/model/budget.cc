#include <algorithm>

#include "semantic/model/budget_internal.h"

namespace assay::cache::internal {

double BudgetGuard::HitShare() const {
  return requests_ == 0 ? 0 : static_cast<double>(hits_) / static_cast<double>(requests_);
}

void BudgetGuard::AddCheck(bool wrong) {
  ++checked_;
  ++since_open_;
  wrong_ += wrong ? 1 : 0;
  wrong_since_open_ += wrong ? 1 : 0;
  recent_.push_back(wrong);
  if (recent_.size() > kRecent) recent_.pop_front();
  // Closed only where the budget is spent beyond doubt: the lower bound is above it.
  if (open_ && ClopperPearson(wrong_since_open_, since_open_).low * HitShare() > budget_) {
    open_ = false;
    trials_ = wrong_trials_ = 0;
  }
}

void BudgetGuard::AddTrial(bool wrong) {
  if (open_) return;
  ++trials_;
  wrong_trials_ += wrong ? 1 : 0;
  if (trials_ < kTrials) return;
  const double rate = static_cast<double>(wrong_trials_) / static_cast<double>(trials_);
  open_ = rate * HitShare() <= budget_ / 2;
  trials_ = wrong_trials_ = 0;
  since_open_ = wrong_since_open_ = 0;
}

bool BudgetGuard::alarm() const {
  const std::uint64_t before = checked_ - recent_.size();
  if (recent_.size() < kRecent || before < kRecent) return false;
  const auto recent_wrong = static_cast<std::uint64_t>(std::ranges::count(recent_, true));
  return ClopperPearson(recent_wrong, recent_.size()).low >
         ClopperPearson(wrong_ - recent_wrong, before).high;
}

}  // namespace assay::cache::internal
