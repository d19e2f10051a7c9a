// assay/experiments/live.h: what a running experiment needs: who gets which variant, and what came
// of it. Room: experiments (uses core).  Threads: as said at each class. No clock, no files: the
// caller says when to look and where to keep Snapshot().
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/experiments/sequential.h"
#include "assay/experiments/tests.h"

namespace assay::experiments {

struct VariantShare {
  std::string name;
  double share = 1;  // relative to the others' of the experiment; 0 takes no new units
};

// Experiments of one layer exclude each other: each owns a part of the layer's 10,000 slots, and a
// unit falls into one slot of every layer. Different layers are independent of one another.
struct LiveExperiment {
  std::string id;
  std::string layer = "default";
  std::uint32_t first_slot = 0;  // of the layer, inclusive
  std::uint32_t slots = 10'000;
  double ramp = 1;                     // share of the slots' units that take part, [0, 1]
  std::vector<VariantShare> variants;  // the first one is the control
};
inline constexpr std::uint32_t kLayerSlots = 10'000;

// Decides by hash alone, so every process says the same without asking anyone, and a unit keeps its
// variant for as long as the shares stay. Raising the ramp only adds units; it moves none between
// variants. Threads: immutable, any number of callers.
class Assigner {
 public:
  // Errors: kInvalidArgument, naming the experiment: no or two equal names, slots past the layer's
  // end, experiments of a layer that overlap, ramp or shares out of range, all shares 0.
  [[nodiscard]] static Result<Assigner> Create(std::vector<LiveExperiment> experiments);

  // Index into the experiment's variants, or nothing when the unit takes no part (or there is no
  // such experiment). About 50 ns, no allocation. Method: XXH3 of layer and unit gives the slot; of
  // id and unit, with two other seeds, the place in the ramp and the variant.
  [[nodiscard]] std::optional<std::size_t> VariantOf(std::string_view experiment,
                                                     std::string_view unit) const;
  [[nodiscard]] const LiveExperiment* Find(std::string_view experiment) const;
  [[nodiscard]] const std::vector<LiveExperiment>& experiments() const { return experiments_; }

 private:
  explicit Assigner(std::vector<LiveExperiment> experiments);
  std::vector<LiveExperiment> experiments_;
};

// What came out for one variant and one metric so far, enough for every test of means: mergeable
// across threads, processes and restarts. Welford 1962; Chan, Golub and LeVeque 1983 for merging.
// Threads: one at a time; give each thread its own and merge.
class OutcomeSum {
 public:
  // NaN and infinities are counted as missing.
  void Add(double value);
  void Add(const OutcomeSum& other);
  [[nodiscard]] Summary summary() const;
  // For storage: n, missing, mean and sum of squared distances.
  struct State {
    std::int64_t n = 0;
    std::int64_t missing = 0;
    double mean = 0;
    double squares = 0;
  };
  [[nodiscard]] const State& state() const { return state_; }
  // Errors: kInvalidArgument for a state that Add could not have made.
  [[nodiscard]] static Result<OutcomeSum> FromState(const State& state);

 private:
  State state_;
};

// All outcomes of one experiment: variants x metrics. Threads: any number; the sums are kept in
// stripes, one lock each, so that callers seldom meet.
class OutcomeBoard {
 public:
  // Requires: variants >= 1, metrics >= 1.
  OutcomeBoard(std::size_t variants, std::size_t metrics);
  ~OutcomeBoard();
  OutcomeBoard(OutcomeBoard&&) noexcept;
  OutcomeBoard& operator=(OutcomeBoard&&) noexcept;

  // Errors: kOutOfRange for a variant or metric that is not there.
  [[nodiscard]] Result<void> Record(std::size_t variant, std::size_t metric, double value);
  // Adds what another process (or an earlier run) has collected.
  [[nodiscard]] Result<void> Merge(std::size_t variant, std::size_t metric, const OutcomeSum& sum);
  // variants x metrics, row-major: a consistent sum of each cell, O(cells * stripes).
  [[nodiscard]] std::vector<OutcomeSum> Snapshot() const;
  // Of a metric: variant against control 0, valid whenever one looks. tau is in the metric's unit.
  // Errors: kOutOfRange as above; kFailedPrecondition below 2 values in either.
  [[nodiscard]] Result<SequentialResult> Look(std::size_t variant, std::size_t metric, double tau,
                                              double confidence) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Thompson sampling over rewards in [0, 1] (Thompson 1933; Agrawal and Goyal 2012 for rewards
// between 0 and 1: a biased coin decides). Threads: one at a time.
class ThompsonBandit {
 public:
  explicit ThompsonBandit(std::size_t arms, BetaPrior prior = {});

  // The arm to play now; draws one number of each arm's posterior.
  [[nodiscard]] std::size_t Choose(core::Rng& rng) const;
  // Errors: kOutOfRange for no such arm; kInvalidArgument for a reward outside [0, 1].
  [[nodiscard]] Result<void> Reward(std::size_t arm, double reward, core::Rng& rng);
  [[nodiscard]] std::span<const BetaPrior> posteriors() const { return posteriors_; }

 private:
  std::vector<BetaPrior> posteriors_;
};

}  // namespace assay::experiments
