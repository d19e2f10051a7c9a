// An upstream that is asked about the claims whose verdict is uncertain (`claims.judge`).
// Threads: safe. Calls run on a thread of its own, so that those who check on the compute pool can
// wait for one as well.
#pragma once
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "assay/claims/judge.h"
#include "assay/core/clock.h"
#include "assay/crypto/grant.h"
#include "assay/gateway/settings.h"
#include "assay/telemetry/metrics.h"

#include "upstream/route_client.h"

namespace assay::gateway {

// What one judge may use in a period, counted as the budgets of keys are. Threads: safe.
class JudgeBudget {
 public:
  JudgeBudget(const crypto::Budget& budget, core::Clock& clock) : budget_(budget), clock_(clock) {}

  // Counts one call, if there is room for it. Calls in flight may pass the limits of tokens and
  // cost by what they use.
  [[nodiscard]] bool Admit();
  void Charge(std::uint64_t tokens, std::uint64_t cost_nanousd);

 private:
  void Renew();  // with the lock held

  const crypto::Budget budget_;
  core::Clock& clock_;
  std::mutex mutex_;
  crypto::Window window_{.begin_ms = 0, .end_ms = 0};
  crypto::Usage used_;
};

// What became of one question.
struct JudgeReply {
  bool answered = false;                // at the judge's cost, whether or not it could be read
  claims::JudgeOpinions opinions = {};  // one a question, if answered
};

class ClaimJudge {
 public:
  // `max_waiting`: how many AskAndWait may wait at once. `metrics` and `clock` outlive it.
  ClaimJudge(const JudgeSettings& settings, std::size_t max_waiting, telemetry::Metrics& metrics,
             core::Clock& clock = core::Clock::Real());
  // Calls in flight end without an answer; their callbacks are called.
  ~ClaimJudge();
  ClaimJudge(const ClaimJudge&) = delete;
  ClaimJudge& operator=(const ClaimJudge&) = delete;

  // Who is asked from now on. Null: nobody, calls fail.
  void SetTarget(std::shared_ptr<RouteClient> client, const PriceSettings& price);

  // `done` is called once, on this thread or on the judge's. No answer where the budget is spent,
  // the upstream fails or takes too long.
  // What an answered question brought is known from then on.
  using Done = std::function<void(JudgeReply)>;
  void Ask(std::vector<claims::JudgeQuestion> questions, Done done);
  // Waits; never on an I/O thread. No answer where too many wait already.
  [[nodiscard]] JudgeReply AskAndWait(std::vector<claims::JudgeQuestion> questions);

  // What was said of that question, if it was asked; none inside: nothing usable. Of the latest
  // 10,000 questions.
  [[nodiscard]] std::optional<std::optional<claims::JudgeOpinion>> Known(
      const claims::JudgeQuestion& question) const;

  [[nodiscard]] const claims::JudgeBand& band() const { return band_; }
  [[nodiscard]] std::size_t max_claims() const { return max_claims_; }
  [[nodiscard]] const std::string& upstream() const { return settings_.upstream; }
  // Changes when it would be asked for something else, or somebody else.
  [[nodiscard]] std::string name() const;

 private:
  struct Call;
  struct Target {
    std::shared_ptr<RouteClient> client;
    PriceSettings price;
  };
  enum class Outcome : std::uint8_t { kAnswered, kNonsense, kFailed, kLate, kBudget, kBusy };

  void Count(Outcome outcome) { outcomes_[static_cast<std::size_t>(outcome)].Add(); }
  void StopIfIdle();
  void Start(const std::shared_ptr<Call>& call);
  boost::asio::awaitable<void> Run(std::shared_ptr<Call> call);
  void Remember(std::span<const claims::JudgeQuestion> questions,
                const claims::JudgeOpinions& opinions);
  JudgeReply Read(const Call& call, const Result<UpstreamReply>& reply);
  void Charge(const Call& call, const UpstreamReply& reply);

  const JudgeSettings settings_;
  const claims::JudgeBand band_;
  const std::size_t max_claims_;
  const std::size_t max_waiting_;
  core::Clock& clock_;
  JudgeBudget budget_;
  std::array<telemetry::Counter, 6> outcomes_;  // by Outcome
  std::array<telemetry::Counter, 2> claims_;    // refused, taken
  telemetry::Counter prompt_tokens_;
  telemetry::Counter completion_tokens_;
  telemetry::Counter cost_;
  std::atomic<std::size_t> waiting_ = 0;
  mutable std::mutex mutex_;  // of the next three
  std::shared_ptr<const Target> target_;
  using Key = std::pair<std::uint64_t, std::uint64_t>;  // a hash of the question
  std::map<Key, std::optional<claims::JudgeOpinion>> known_;
  std::deque<Key> known_keys_;  // the oldest first
  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  bool stopping_ = false;                  // of the judge's thread, as is calls_
  std::set<std::shared_ptr<Call>> calls_;  // in flight
  std::thread thread_;
};

// Null where `claims.judge` names nobody. `compute_threads`: of the pool that checks answers.
[[nodiscard]] std::unique_ptr<ClaimJudge> MakeClaimJudge(const JudgeSettings& settings,
                                                         std::size_t compute_threads,
                                                         telemetry::Metrics& metrics);

}  // namespace assay::gateway
