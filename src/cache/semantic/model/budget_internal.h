// Watches how many of the hits were wrong, closes above the budget and opens again.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

#include "assay/cache/semantic/same_answer.h"

namespace assay::cache::internal {

class BudgetGuard {
 public:
  explicit BudgetGuard(double budget) : budget_(budget) {}

  void CountRequest(bool is_hit) {
    ++requests_;
    hits_ += is_hit ? 1 : 0;
  }
  // The answer of a hit was compared.
  void AddCheck(bool wrong);
  // While closed: a miss that would have been a hit, and its answer was compared.
  void AddTrial(bool wrong);

  void CountRequests(std::uint64_t requests, std::uint64_t hits) {
    requests_ += requests;
    hits_ += hits;
  }
  // As bytes and back; Load leaves everything as it is where the bytes are no such state.
  [[nodiscard]] std::string Save() const;
  [[nodiscard]] bool Load(std::string_view bytes);

  [[nodiscard]] bool open() const { return open_; }
  // The latest hundred checks are worse than all before, beyond chance (95% intervals).
  [[nodiscard]] bool alarm() const;
  [[nodiscard]] std::uint64_t requests() const { return requests_; }
  [[nodiscard]] std::uint64_t hits() const { return hits_; }
  [[nodiscard]] std::uint64_t checked() const { return checked_; }
  [[nodiscard]] std::uint64_t wrong() const { return wrong_; }
  [[nodiscard]] double HitShare() const;

 private:
  static constexpr std::size_t kRecent = 100;    // checks that an alarm looks at
  static constexpr std::uint64_t kTrials = 100;  // would-be hits before the cache opens again

  double budget_;
  std::uint64_t requests_ = 0, hits_ = 0;
  std::uint64_t checked_ = 0, wrong_ = 0;
  std::uint64_t since_open_ = 0, wrong_since_open_ = 0;  // checks
  std::uint64_t trials_ = 0, wrong_trials_ = 0;
  std::deque<bool> recent_;
  bool open_ = true;
};

}  // namespace assay::cache::internal
