#include "upstream/route_client.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>
#include <fmt/format.h>

#include "upstream/answer.h"

namespace assay::gateway {
namespace {

constexpr auto kAwait = asio::as_tuple(asio::use_awaitable);
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::size_t kMaxTargets = 16;
constexpr std::uint32_t kMaxAttempts = 10;

constexpr int kOk = 200;
constexpr int kRequestTimeout = 408;
constexpr int kTooManyRequests = 429;
constexpr int kServerError = 500;
constexpr int kNotImplemented = 501;
constexpr int kUnavailable = 503;

// Passes everything on and remembers whether the client has seen something, and whether it was the
// client who failed.
class TrackedSink final : public ChunkSink {
 public:
  explicit TrackedSink(ChunkSink* inner) : inner_(inner) {}

  asio::awaitable<Result<void>> Head(const UpstreamHead& head) override {
    seen_ = true;
    Result<void> result = co_await inner_->Head(head);
    failed_ = failed_ || !result;
    co_return result;
  }
  asio::awaitable<Result<void>> Chunk(std::string_view bytes) override {
    Result<void> result = co_await inner_->Chunk(bytes);
    failed_ = failed_ || !result;
    co_return result;
  }

  [[nodiscard]] bool present() const { return inner_ != nullptr; }
  [[nodiscard]] bool seen() const { return seen_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  ChunkSink* inner_;
  bool seen_ = false;
  bool failed_ = false;
};

// A place at an upstream: given back however the coroutine ends, also when it is destroyed where it
// waits.
class Place {
 public:
  Place() = default;
  Place(Upstream& upstream, Upstream::Ticket ticket)
      : upstream_(&upstream), ticket_(std::move(ticket)) {}
  Place(Place&& other) noexcept
      : upstream_(std::exchange(other.upstream_, nullptr)),
        ticket_(other.ticket_),
        begun_(other.begun_) {}
  Place& operator=(Place&& other) noexcept {
    std::swap(upstream_, other.upstream_);
    std::swap(ticket_, other.ticket_);
    std::swap(begun_, other.begun_);
    return *this;
  }
  ~Place() { Release(); }

  [[nodiscard]] std::int64_t wait_ns() const { return ticket_.wait_ns; }
  // As Upstream's.
  [[nodiscard]] bool Begin() { return begun_ = upstream_->Begin(ticket_); }
  [[nodiscard]] bool Queue(const std::shared_ptr<Upstream::Waiter>& waiter) {
    return upstream_->Queue(ticket_, waiter);
  }
  [[nodiscard]] bool EndQueue() { return begun_ = upstream_->EndQueue(ticket_); }
  [[nodiscard]] std::int64_t max_wait_ms() const { return upstream_->max_wait_ms(); }
  void Finish(Outcome outcome, std::uint64_t tokens, std::int64_t first_byte_ns,
              std::int64_t retry_after_ms) {
    upstream_->Finish(ticket_, outcome, tokens, first_byte_ns, retry_after_ms);
    upstream_ = nullptr;
  }
  void Release() {
    if (upstream_ == nullptr) return;
    if (begun_) {
      upstream_->Finish(ticket_, Outcome::kCancelled, 0, 0, -1);
    } else {
      upstream_->Leave(ticket_);
    }
    upstream_ = nullptr;
  }

 private:
  Upstream* upstream_ = nullptr;
  Upstream::Ticket ticket_;
  bool begun_ = false;
};

// Judges an answer, and turns one that says 200 but is not JSON into an error, whatever its content
// type says: a proxy's page in HTML is no answer of a model.
Outcome Judge(Result<UpstreamReply>& reply, bool cancelled) {
  if (cancelled) return Outcome::kCancelled;
  if (!reply)
    return reply.error().code == Code::kResourceExhausted ? Outcome::kGood : Outcome::kFailed;
  const int status = reply->status;
  if (status == kTooManyRequests || (status == kUnavailable && reply->retry_after_ms >= 0))
    return Outcome::kLimited;
  if (status == kRequestTimeout || (status >= kServerError && status != kNotImplemented))
    return Outcome::kFailed;
  if (status != kOk || reply->streamed || IsEventStream(reply->content_type)) return Outcome::kGood;
  Result<TokenUsage> usage = CheckJsonAnswer(reply->body);
  if (!usage) {
    reply = std::unexpected(std::move(usage).error());
    return Outcome::kFailed;
  }
  reply->usage = *usage;
  return Outcome::kGood;
}

}  // namespace

struct RouteClient::Attempt {
  Result<UpstreamReply> reply;
  Outcome outcome = Outcome::kFailed;
};

struct RouteClient::Question {
  const UpstreamRequest& request;
  TrackedSink sink;
  std::int64_t deadline_ns = 0;
  std::array<Candidate, kMaxTargets> candidates = {};
  std::array<bool, kMaxTargets> refused = {};  // by a limit, for this question
  std::array<bool, kMaxTargets> tried = {};
  std::size_t target = 0;
  Place place = {};
  std::uint32_t attempts = 0;
  std::uint32_t retries = 0;  // of targets that were tried before, for the backoff
  std::int64_t wait_ns = 0;   // of the target that could be asked first, when none can
  bool breaker_open = false;  // that was why
  bool busy = false;          // or that
};

Result<std::shared_ptr<RouteClient>> RouteClient::Make(std::string name, RouteClientOptions options,
                                                       std::vector<RouteTarget> targets,
                                                       core::Clock& clock, core::Rng& rng) {
  const auto wrong = [&](std::string_view what) {
    return Fail(Code::kInvalidArgument, fmt::format("route '{}': {}", name, what));
  };
  if (targets.empty() || targets.size() > kMaxTargets) return wrong("it needs 1 to 16 upstreams");
  if (std::ranges::any_of(targets,
                          [](const RouteTarget& target) { return target.upstream == nullptr; })) {
    return wrong("an upstream is missing");
  }
  if (options.max_attempts < 1 || options.max_attempts > kMaxAttempts)
    return wrong("attempts must be 1 to 10");
  if (options.backoff_base_ms < 0 || options.backoff_max_ms < 0)
    return wrong("a backoff must not be negative");
  if (options.deadline_ms < 1) return wrong("the deadline must be at least 1 ms");
  if (!(options.hedge_quantile >= 0 && options.hedge_quantile < 1))
    return wrong("the hedge's quantile must be in [0, 1)");
  return std::shared_ptr<RouteClient>(
      new RouteClient(std::move(name), options, std::move(targets), clock, rng));
}

bool RouteClient::Choose(Question& question) {
  const std::uint64_t tokens = question.request.token_estimate;
  while (true) {
    question.wait_ns = INT64_MAX;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      const Upstream::Outlook outlook = targets_[i].upstream->Look(tokens);
      question.candidates[i] = Candidate{targets_[i].weight, outlook.usable && !question.refused[i],
                                         question.tried[i], outlook.wait_ns};
      if (outlook.wait_ns < question.wait_ns) {
        question.wait_ns = outlook.wait_ns;
        question.breaker_open = outlook.breaker_open;
        question.busy = outlook.busy;
      }
    }
    const auto chosen =
        ChooseTarget(options_.balance, std::span(question.candidates).first(targets_.size()), rng_);
    if (!chosen) return false;
    Upstream& upstream = *targets_[*chosen].upstream;
    Upstream::Ticket ticket = upstream.Admit(tokens);
    if (ticket.permit == CircuitBreaker::kRefused) {  // another thread was faster
      question.refused[*chosen] = true;
      continue;
    }
    question.target = *chosen;
    question.place = Place(upstream, std::move(ticket));
    return true;
  }
}

Result<UpstreamReply> RouteClient::Refusal(const Question& question) const {
  const std::int64_t wait_ms =
      std::max<std::int64_t>(1, (question.wait_ns + kNsPerMs - 1) / kNsPerMs);
  if (question.breaker_open) {
    return Fail(Code::kUnavailable,
                fmt::format("route '{}': its upstreams fail, so they are left alone for {} ms",
                            name_, wait_ms));
  }
  UpstreamReply reply;
  reply.status = kTooManyRequests;
  reply.content_type = "application/json";
  reply.retry_after_ms = wait_ms;
  reply.attempts = question.attempts;
  if (question.busy) {
    reply.body = OpenAiErrorBody(
        fmt::format("This model's upstreams answer as many calls as they may at once, and as many "
                    "wait as may; try again in {} ms.",
                    wait_ms),
        "rate_limit_error", "upstream_busy");
    return reply;
  }
  reply.body = OpenAiErrorBody(
      fmt::format("The limits of this model's upstreams are reached; try again in {} ms.", wait_ms),
      "rate_limit_error", "upstream_rate_limited");
  return reply;
}

// Waits for the limiter and the backoff. False when that would take too long; the caller looks
// whether it was cancelled.
asio::awaitable<bool> RouteClient::WaitTurn(Question& question) {
  std::int64_t wait_ns = question.place.wait_ns();
  if (question.attempts > 0) {
    if (wait_ns > options_.backoff_max_ms * kNsPerMs) co_return false;
    if (question.tried[question.target]) {
      const std::int64_t backoff_ms =
          FullJitterMs(question.retries, options_.backoff_base_ms, options_.backoff_max_ms, rng_);
      ++question.retries;
      wait_ns = std::max(wait_ns, backoff_ms * kNsPerMs);
    }
  }
  if (wait_ns <= 0) co_return true;
  if (clock_.monotonic_ns() + wait_ns >= question.deadline_ns) {
    question.wait_ns = wait_ns;
    question.breaker_open = question.busy = false;
    co_return false;
  }
  const auto executor = co_await asio::this_coro::executor;
  asio::steady_timer timer(executor, std::chrono::nanoseconds(wait_ns));
  auto [error] = co_await timer.async_wait(kAwait);
  co_return !error;
}

// Waits until fewer calls are in flight. False when that takes too long; the caller looks whether
// it was cancelled.
asio::awaitable<bool> RouteClient::WaitInLine(Question& question) {
  const auto executor = co_await asio::this_coro::executor;
  // Shared with who wakes it, perhaps later than this call lives.
  const auto granted = std::make_shared<asio::steady_timer>(executor);
  const std::int64_t left_ns = question.deadline_ns - clock_.monotonic_ns();
  granted->expires_after(
      std::chrono::nanoseconds(std::min(left_ns, question.place.max_wait_ms() * kNsPerMs)));
  const auto waiter = std::make_shared<Upstream::Waiter>();
  waiter->wake = [executor, granted] { asio::post(executor, [granted] { granted->cancel(); }); };
  question.busy = true;
  question.breaker_open = false;
  if (!question.place.Queue(waiter)) co_return false;
  (void)co_await granted->async_wait(kAwait);
  co_return question.place.EndQueue();
}

asio::awaitable<void> RouteClient::Call(Question& question, ChunkSink* sink, Attempt& attempt) {
  const RouteTarget& target = targets_[question.target];
  Place place = std::move(question.place);  // a hedge fills the question's again
  UpstreamRequest request = question.request;
  request.deadline_ns = question.deadline_ns;
  attempt.reply = co_await target.upstream->provider().Send(request, target.model, sink);
  const auto state = co_await asio::this_coro::cancellation_state;
  const bool given_up =
      state.cancelled() != asio::cancellation_type::none || question.sink.failed();
  attempt.outcome = Judge(attempt.reply, given_up);
  std::int64_t first_byte_ns = 0;
  std::int64_t retry_after_ms = -1;
  std::uint64_t tokens = 0;
  if (attempt.reply) {
    UpstreamReply& reply = *attempt.reply;
    reply.upstream = target.upstream->name();
    reply.model = target.model;
    first_byte_ns = reply.first_byte_ns;
    retry_after_ms = reply.retry_after_ms;
    tokens = reply.usage.total_tokens;
    const bool counts = options_.hedge_quantile > 0 && attempt.outcome == Outcome::kGood;
    if (counts && !reply.streamed) latencies_.Add(reply.total_ns);
  }
  place.Finish(attempt.outcome, tokens, first_byte_ns, retry_after_ms);
}

// Two calls for one question. The first good answer wins, and the other call is cancelled.
struct RouteClient::Race {
  explicit Race(const asio::any_io_executor& executor)
      : event(executor, asio::steady_timer::time_point::max()) {}

  struct Runner {
    asio::cancellation_signal cancel;
    Attempt attempt;
    bool ended = false;
  };
  std::array<Runner, 2> runners;
  std::size_t started = 0;
  std::size_t running = 0;
  asio::steady_timer event;  // cancelled when a call ends

  void CancelAll() {
    for (Runner& runner : runners) runner.cancel.emit(asio::cancellation_type::terminal);
  }
  // The call that has won; null while another may still win.
  Runner* Winner() {
    for (Runner& runner : runners) {
      if (runner.ended && (runner.attempt.outcome == Outcome::kGood || running == 0))
        return &runner;
    }
    return nullptr;
  }
};

// Starts a call to the question's target, beside the one that runs.
void RouteClient::Start(const std::shared_ptr<Race>& race, Question& question,
                        const asio::any_io_executor& executor) {
  Race::Runner& runner = race->runners[race->started++];
  ++race->running;
  asio::co_spawn(executor, Call(question, nullptr, runner.attempt),
                 asio::bind_cancellation_slot(
                     runner.cancel.slot(), [race, &runner](const std::exception_ptr& problem) {
                       if (problem) {
                         runner.attempt.reply =
                             Fail(Code::kUnavailable, "the upstream call was cancelled");
                         runner.attempt.outcome = Outcome::kCancelled;
                       }
                       runner.ended = true;
                       --race->running;
                       race->event.cancel();
                     }));
}

// As Call() for an answer that is collected; asks a second time when the first answer is late.
// Returns only when both calls have ended, since they read the caller's request.
asio::awaitable<void> RouteClient::CallHedged(Question& question, Attempt& attempt) {
  const std::int64_t hedge_ns = latencies_.Quantile(options_.hedge_quantile);
  if (hedge_ns < 0) {
    co_await Call(question, nullptr, attempt);
    co_return;
  }
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto race = std::make_shared<Race>(executor);
  Start(race, question, executor);
  const auto hedge_at = std::chrono::steady_clock::now() + std::chrono::nanoseconds(hedge_ns);
  bool cancelled = false;
  Race::Runner* winner = nullptr;
  Upstream* hedged = nullptr;  // where the second call went
  while (race->running > 0) {
    const bool may_hedge = race->started == 1 && winner == nullptr && !cancelled;
    race->event.expires_at(may_hedge ? hedge_at : std::chrono::steady_clock::time_point::max());
    auto [error] = co_await race->event.async_wait(kAwait);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (!cancelled && state.cancelled() != asio::cancellation_type::none) {
      cancelled = true;
      // The calls must still be waited for; Asio would refuse that to a cancelled coroutine.
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
      race->CancelAll();
    } else if (may_hedge && !error && Choose(question)) {
      if (question.place.wait_ns() > 0 || !question.place.Begin()) {
        question.place.Release();  // a hedge is not worth waiting for
        ++race->started;
        continue;
      }
      question.tried[question.target] = true;
      hedged = targets_[question.target].upstream.get();
      hedged->NoteHedge();
      Start(race, question, executor);
    }
    if (winner == nullptr && (winner = race->Winner()) != nullptr && race->running > 0)
      race->CancelAll();
  }
  if (winner == nullptr) winner = race->Winner();
  if (winner == &race->runners[1] && winner->attempt.outcome == Outcome::kGood) {
    hedged->NoteHedgeWon();
  }
  attempt = std::move(winner->attempt);
  if (cancelled) attempt.outcome = Outcome::kCancelled;
}

asio::awaitable<void> RouteClient::Ask(Question& question, Attempt& last) {
  bool called = false;
  while (question.attempts < options_.max_attempts) {
    if (!Choose(question)) break;
    const bool at_once = question.attempts == 0 && question.place.wait_ns() <= 0;
    bool turn = at_once || co_await WaitTurn(question);
    if (turn && !question.place.Begin()) turn = co_await WaitInLine(question);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      last.reply =
          Fail(Code::kUnavailable, fmt::format("route '{}': the call was cancelled", name_));
      co_return;
    }
    if (!turn) {
      question.place.Release();
      break;
    }
    question.tried[question.target] = true;
    ++question.attempts;
    if (question.request.attempts != nullptr) *question.request.attempts = question.attempts;
    called = true;
    if (question.sink.present()) {
      co_await Call(question, &question.sink, last);
    } else if (options_.hedge_quantile > 0) {
      co_await CallHedged(question, last);
    } else {
      co_await Call(question, nullptr, last);
    }
    if (last.reply) last.reply->attempts = question.attempts;
    const bool again = last.outcome == Outcome::kFailed || last.outcome == Outcome::kLimited;
    if (!again || question.sink.seen()) co_return;
    if (clock_.monotonic_ns() >= question.deadline_ns) break;
  }
  if (!called) last.reply = Refusal(question);
  if (called && !last.reply && question.attempts > 1) {
    Error& error = last.reply.error();
    error.message = fmt::format("route '{}': {} calls failed; the last one: {}", name_,
                                question.attempts, error.message);
  }
}

asio::awaitable<Result<UpstreamReply>> RouteClient::Send(const UpstreamRequest& request,
                                                         ChunkSink* sink) {
  Question question{request, TrackedSink(sink)};
  question.deadline_ns = clock_.monotonic_ns() + options_.deadline_ms * kNsPerMs;
  if (request.deadline_ns != 0)
    question.deadline_ns = std::min(question.deadline_ns, request.deadline_ns);
  Attempt last;
  bool cancelled = false;
  try {
    co_await Ask(question, last);
  } catch (const boost::system::system_error&) {
    cancelled = true;  // Asio throws where a cancelled coroutine waits again
  }
  if (cancelled)
    co_return Fail(Code::kUnavailable, fmt::format("route '{}': the call was cancelled", name_));
  co_return std::move(last.reply);
}

}  // namespace assay::gateway
