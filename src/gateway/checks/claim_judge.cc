#include <algorithm>
#include <array>
#include <cmath>
#include <future>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "assay/core/hash.h"

#include "checks/check_claims_internal.h"
#include "checks/claim_judge_internal.h"
#include "upstream/cost.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxAnswerBytes = 1'000'000;  // of the whole reply
constexpr std::size_t kMaxKnown = 10'000;           // questions
constexpr std::size_t kBytesPerToken = 4;           // a rough mean of English text
constexpr double kUsdPerNanousd = 1e-9;
constexpr std::uint32_t kPromptVersion = 1;  // of claims::JudgeRequest

// The sizes keep what stands in one text from standing in the next.
std::pair<std::uint64_t, std::uint64_t> KeyOf(const claims::JudgeQuestion& question) {
  core::Hasher hasher;
  const auto add = [&](const std::string& text) {
    hasher.Add(fmt::format("{}:", text.size()));
    hasher.Add(text);
  };
  add(question.claim);
  for (const std::string& evidence : question.evidence) add(evidence);
  const core::Hash128 hash = hasher.Digest128();
  return {hash.high, hash.low};
}

crypto::Budget BudgetOf(const JudgeBudgetSettings& settings) {
  return {.period = settings.period,
          .limit = {.requests = static_cast<std::uint64_t>(settings.requests),
                    .tokens = static_cast<std::uint64_t>(settings.tokens),
                    .cost_nanousd = static_cast<std::uint64_t>(std::llround(settings.usd * 1e9))}};
}

}  // namespace

void JudgeBudget::Renew() {
  const std::int64_t now_ms = clock_.wall_ns() / 1'000'000;
  if (now_ms >= window_.begin_ms && now_ms < window_.end_ms) return;
  window_ = crypto::WindowAt(budget_.period, now_ms);
  used_ = {};
}

bool JudgeBudget::Admit() {
  const std::lock_guard lock(mutex_);
  Renew();
  const auto spent = [](std::uint64_t used, std::uint64_t limit) {
    return limit != 0 && used >= limit;
  };
  const crypto::Usage& limit = budget_.limit;
  if (spent(used_.requests, limit.requests) || spent(used_.tokens, limit.tokens) ||
      spent(used_.cost_nanousd, limit.cost_nanousd)) {
    return false;
  }
  ++used_.requests;
  return true;
}

void JudgeBudget::Charge(std::uint64_t tokens, std::uint64_t cost_nanousd) {
  const std::lock_guard lock(mutex_);
  Renew();
  used_.tokens += tokens;
  used_.cost_nanousd += cost_nanousd;
}

struct ClaimJudge::Call {
  std::vector<claims::JudgeQuestion> questions;
  Done done;
  std::shared_ptr<const Target> target;
  std::string body;
  asio::cancellation_signal cancel;
  bool running = false;
  JudgeReply reply;
};

ClaimJudge::ClaimJudge(const JudgeSettings& settings, std::size_t max_waiting,
                       telemetry::Metrics& metrics, core::Clock& clock)
    : settings_(settings),
      band_{.low = static_cast<float>(settings.low), .high = static_cast<float>(settings.high)},
      max_claims_(static_cast<std::size_t>(settings.max_claims)),
      max_waiting_(max_waiting),
      clock_(clock),
      budget_(BudgetOf(settings.budget), clock),
      io_(1),
      work_(asio::make_work_guard(io_)) {
  constexpr std::array<std::string_view, 6> kOutcomes = {"answered", "nonsense", "failed",
                                                         "late",     "budget",   "busy"};
  for (std::size_t i = 0; i < kOutcomes.size(); ++i) {
    outcomes_[i] = metrics.AddCounter("assay_judge_calls_total",
                                      "Questions for the judge, by what became of them",
                                      {{"outcome", std::string(kOutcomes[i])}});
  }
  for (std::size_t i = 0; i < claims_.size(); ++i) {
    claims_[i] = metrics.AddCounter("assay_judge_claims_total",
                                    "Claims in answered questions, by whether a verdict was taken",
                                    {{"result", i == 0 ? "refused" : "taken"}});
  }
  constexpr std::string_view kTokens = "Tokens of the judge's calls";
  prompt_tokens_ = metrics.AddCounter("assay_judge_tokens_total", kTokens, {{"kind", "prompt"}});
  completion_tokens_ =
      metrics.AddCounter("assay_judge_tokens_total", kTokens, {{"kind", "completion"}});
  cost_ = metrics.AddCounter("assay_judge_cost_usd_total", "What the judge's calls cost", {},
                             kUsdPerNanousd);
  thread_ = std::thread([this] { io_.run(); });
}

ClaimJudge::~ClaimJudge() {
  asio::post(io_, [this] {
    stopping_ = true;
    const std::vector<std::shared_ptr<Call>> calls(calls_.begin(), calls_.end());
    for (const std::shared_ptr<Call>& call : calls) {
      // Asio 1.81 ends the process when a coroutine is cancelled before it begins.
      if (call->running) call->cancel.emit(asio::cancellation_type::terminal);
    }
    StopIfIdle();
  });
  thread_.join();
  io_.restart();
  io_.poll();  // questions that came last: they are told that nobody answers
}

// Connections that are kept would keep the thread.
void ClaimJudge::StopIfIdle() {
  if (stopping_ && calls_.empty()) io_.stop();
}

std::string ClaimJudge::name() const {
  return fmt::format("judge {} {} {} {} {}", kPromptVersion, settings_.upstream, settings_.model,
                     settings_.low, settings_.high);
}

void ClaimJudge::SetTarget(std::shared_ptr<RouteClient> client, const PriceSettings& price) {
  auto fresh = client ? std::make_shared<const Target>(Target{std::move(client), price}) : nullptr;
  const std::lock_guard lock(mutex_);
  target_ = std::move(fresh);
}

void ClaimJudge::Ask(std::vector<claims::JudgeQuestion> questions, Done done) {
  if (questions.empty()) return done({});
  auto call = std::make_shared<Call>();
  {
    const std::lock_guard lock(mutex_);
    call->target = target_;
  }
  if (!call->target || !budget_.Admit()) {
    Count(call->target ? Outcome::kBudget : Outcome::kFailed);
    return done({});
  }
  call->body = claims::JudgeRequest(questions, settings_.model);
  call->questions = std::move(questions);
  call->done = std::move(done);
  asio::post(io_, [this, call = std::move(call)] { Start(call); });
}

JudgeReply ClaimJudge::AskAndWait(std::vector<claims::JudgeQuestion> questions) {
  if (questions.empty()) return {};
  if (waiting_.fetch_add(1) >= max_waiting_) {
    waiting_.fetch_sub(1);
    Count(Outcome::kBusy);
    return {};
  }
  const auto given = std::make_shared<std::promise<JudgeReply>>();
  std::future<JudgeReply> reply = given->get_future();
  Ask(std::move(questions), [given](JudgeReply one) { given->set_value(std::move(one)); });
  JudgeReply taken = reply.get();
  waiting_.fetch_sub(1);
  return taken;
}

void ClaimJudge::Start(const std::shared_ptr<Call>& call) {
  if (stopping_) {
    Count(Outcome::kFailed);
    return std::exchange(call->done, nullptr)({});
  }
  calls_.insert(call);
  asio::co_spawn(io_, Run(call),
                 asio::bind_cancellation_slot(
                     call->cancel.slot(), [this, call](const std::exception_ptr& problem) {
                       if (problem) Count(Outcome::kFailed);
                       calls_.erase(call);
                       std::exchange(call->done, nullptr)(std::move(call->reply));
                       StopIfIdle();
                     }));
}

asio::awaitable<void> ClaimJudge::Run(std::shared_ptr<Call> call) {
  call->running = true;
  if (stopping_) {
    Count(Outcome::kFailed);
    co_return;
  }
  UpstreamRequest request;
  request.body = call->body;
  request.token_estimate = static_cast<std::uint32_t>(call->body.size() / kBytesPerToken);
  request.deadline_ns = clock_.monotonic_ns() + settings_.timeout_ms * 1'000'000;
  const auto reply = co_await call->target->client->Send(request, nullptr);
  call->reply = Read(*call, reply);
}

JudgeReply ClaimJudge::Read(const Call& call, const Result<UpstreamReply>& reply) {
  if (!reply || reply->status != 200) {
    const bool late = !reply && reply.error().code == Code::kDeadlineExceeded;
    Count(late ? Outcome::kLate : Outcome::kFailed);
    return {};
  }
  Charge(call, *reply);
  JudgeReply read{.answered = true};
  Result<claims::JudgeOpinions> opinions = Fail(Code::kDataLoss, "too long");
  if (reply->body.size() <= kMaxAnswerBytes) {
    opinions = claims::ReadJudgeOpinions(AnswerTextOf(reply->body), call.questions);
  }
  Count(opinions ? Outcome::kAnswered : Outcome::kNonsense);
  const auto taken =
      opinions ? std::ranges::count_if(*opinions, [](const auto& one) { return one.has_value(); })
               : 0;
  claims_[0].Add(call.questions.size() - static_cast<std::uint64_t>(taken));
  claims_[1].Add(static_cast<std::uint64_t>(taken));
  read.opinions = opinions ? *std::move(opinions) : claims::JudgeOpinions(call.questions.size());
  Remember(call.questions, read.opinions);
  return read;
}

std::optional<std::optional<claims::JudgeOpinion>> ClaimJudge::Known(
    const claims::JudgeQuestion& question) const {
  const Key key = KeyOf(question);
  const std::lock_guard lock(mutex_);
  const auto found = known_.find(key);
  if (found == known_.end()) return std::nullopt;
  return found->second;
}

void ClaimJudge::Remember(std::span<const claims::JudgeQuestion> questions,
                          const claims::JudgeOpinions& opinions) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto [at, fresh] = known_.insert_or_assign(KeyOf(questions[i]), opinions[i]);
    if (fresh) known_keys_.push_back(at->first);
  }
  while (known_keys_.size() > kMaxKnown) {
    known_.erase(known_keys_.front());
    known_keys_.pop_front();
  }
}

void ClaimJudge::Charge(const Call& call, const UpstreamReply& reply) {
  TokenUsage usage = reply.usage;
  if (usage.prompt_tokens + usage.completion_tokens == 0) {  // it does not say: a rough count
    usage.prompt_tokens = call.body.size() / kBytesPerToken;
    usage.completion_tokens = reply.body.size() / kBytesPerToken;
  }
  const auto cost_nanousd = static_cast<std::uint64_t>(
      CostNanousd(call.target->price, usage.prompt_tokens, usage.completion_tokens));
  budget_.Charge(usage.prompt_tokens + usage.completion_tokens, cost_nanousd);
  prompt_tokens_.Add(usage.prompt_tokens);
  completion_tokens_.Add(usage.completion_tokens);
  cost_.Add(cost_nanousd);
}

std::unique_ptr<ClaimJudge> MakeClaimJudge(const JudgeSettings& settings,
                                           std::size_t compute_threads,
                                           telemetry::Metrics& metrics) {
  if (settings.upstream.empty()) return nullptr;
  // Half of those who check may wait for it; the others go on.
  return std::make_unique<ClaimJudge>(settings, std::max<std::size_t>(1, compute_threads / 2),
                                      metrics);
}

}  // namespace assay::gateway
