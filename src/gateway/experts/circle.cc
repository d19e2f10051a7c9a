#include <algorithm>
#include <utility>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/consensus/json.h"
#include "assay/core/clock.h"

#include "checks/check_claims_internal.h"
#include "coroutine/signal_internal.h"
#include "experts/circle_internal.h"
#include "experts/given_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

consensus::MergeOptions OptionsOf(const ConsensusSettings& settings) {
  static constexpr std::array<consensus::Method, 5> kMethods = {
      consensus::Method::kAuto, consensus::Method::kMajority, consensus::Method::kWeighted,
      consensus::Method::kMedoid, consensus::Method::kClaims};
  consensus::MergeOptions options;
  options.method = kMethods[static_cast<std::size_t>(settings.method)];
  options.quorum = settings.quorum;
  options.same_threshold = settings.same_threshold;
  return options;
}

std::string NameOf(const ExpertSettings& expert) {
  if (!expert.name.empty()) return expert.name;
  return expert.model.empty() ? expert.upstream
                              : fmt::format("{}/{}", expert.upstream, expert.model);
}

}  // namespace

// Calls that run at once. The callbacks of the calls hold it, and it holds what they read.
struct Circle::Asking {
  explicit Asking(const asio::any_io_executor& executor) : ended(executor) {}

  struct One {
    std::string body;
    UpstreamRequest request;
    std::uint32_t attempts = 0;
    asio::cancellation_signal cancel;
    std::int64_t begin_ns = 0;
    Result<UpstreamReply> reply = Fail(Code::kInternal, "not asked");
  };
  std::vector<std::unique_ptr<One>> calls;
  std::size_t running = 0;
  Signal ended;
};

struct Circle::Merged {
  consensus::Outcome outcome;
  json::object shown;  // of the outcome
};

Result<std::unique_ptr<Circle>> Circle::Make(const RouteSettings& route,
                                             std::vector<CircleExpert> experts,
                                             const embed::Encoder& encoder,
                                             ReliabilityPool& learned) {
  learned.Open();
  consensus::MergeOptions options = OptionsOf(route.consensus);
  ASSAY_ASSIGN(const consensus::Merger merger, consensus::Merger::Create(options, &encoder));
  if (options.method == consensus::Method::kAuto || options.method == consensus::Method::kClaims) {
    options.method = consensus::Method::kMedoid;
  }
  ASSAY_ASSIGN(const consensus::Merger chooser, consensus::Merger::Create(options, &encoder));
  return std::unique_ptr<Circle>(new Circle(route, std::move(experts), merger, chooser, learned));
}

asio::awaitable<void> Circle::AskExperts(const CircleCall& call, std::size_t first,
                                         std::size_t count, std::vector<Given>& given) {
  const asio::any_io_executor executor = co_await asio::this_coro::executor;
  const auto asking = std::make_shared<Asking>(executor);
  for (std::size_t i = first; i < first + count; ++i) {
    auto& one = *asking->calls.emplace_back(std::make_unique<Asking::One>());
    one.body = ExpertRequest(call.question.body, experts_[i].settings);
    one.request = call.request;
    one.request.body = one.body;
    one.request.model_bytes = 0;  // the body has it already
    one.request.attempts = &one.attempts;
    one.begin_ns = core::Clock::Real().monotonic_ns();
    ++asking->running;
    asio::co_spawn(executor, experts_[i].client->Send(one.request, nullptr),
                   asio::bind_cancellation_slot(one.cancel.slot(),
                                                [asking, &one](const std::exception_ptr& problem,
                                                               Result<UpstreamReply> reply) {
                                                  if (!problem) one.reply = std::move(reply);
                                                  if (--asking->running == 0) asking->ended.Set();
                                                }));
  }
  co_await asking->ended.Wait();
  if (asking->running > 0) {
    // Cancelled: the calls read the client's request, so they must end first.
    co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    for (const auto& one : asking->calls) one->cancel.emit(asio::cancellation_type::terminal);
    co_await asking->ended.Wait();
  }
  for (std::size_t i = 0; i < count; ++i) {
    Asking::One& one = *asking->calls[i];
    const ExpertSettings& expert = experts_[first + i].settings;
    given.push_back(TakeGiven(NameOf(expert), expert.weight, one.begin_ns, std::move(one.reply)));
    Given& last = given.back();
    if (last.reply && call.cost_nanousd) {
      last.note.cost_nanousd = call.cost_nanousd(last.reply->upstream, last.reply->usage);
    }
  }
}

asio::awaitable<void> Circle::Check(const CircleCall& call, Given& given) {
  if (call.checker == nullptr || !given.good()) co_return;
  CheckOutcome checked =
      co_await CheckAnswer(*call.checker, call.compute, call.request_json, given.reply->body);
  given.verdict = std::move(checked.verdict);
  given.claims = std::move(checked.claims);
}

asio::awaitable<Result<Circle::Merged>> Circle::Merge(const CircleCall& call,
                                                      const std::vector<Given>& given) {
  using Answer = std::shared_ptr<Result<Merged>>;
  const auto merged = std::make_shared<HandOver<Answer>>(co_await asio::this_coro::executor);
  consensus::Question question;
  for (const Given& one : given) {
    question.answers.push_back({.expert = one.note.expert,
                                .text = one.text,
                                .weight = one.weight,
                                .latency_ms = static_cast<double>(one.note.duration_ns) / 1e6});
  }
  const bool offered = call.compute.Offer(
      [this, merged, question = std::make_shared<const consensus::Question>(std::move(question)),
       whole = call.question.whole]() mutable {
        const std::vector<consensus::ExpertAnswer> answers = question->Views();
        const consensus::Reliabilities known = learned_.Known(route_);
        auto result = std::make_shared<Result<Merged>>(Fail(Code::kInternal, "not merged"));
        auto outcome = (whole ? chooser_ : merger_).Merge(answers, &known);
        if (outcome) {
          learned_.Observe(route_, consensus::Merger::VotesOf(answers, *outcome));
          json::object shown = consensus::ToJson(*outcome, answers);
          *result = Merged{.outcome = *std::move(outcome), .shown = std::move(shown)};
        } else {
          *result = std::unexpected(std::move(outcome).error());
        }
        HandOver<Answer>::Give(std::move(merged), std::move(result));
      });
  if (!offered) co_return Fail(Code::kResourceExhausted, "the compute pool is full");
  const Answer answer = co_await merged->Take();
  if (!answer) co_return Fail(Code::kUnavailable, "cancelled");
  co_return std::move(*answer);
}

UpstreamReply Circle::Finish(std::vector<Given>& given, std::size_t base, json::object assay,
                             const std::string* text, std::string summary) const {
  json::array experts;
  std::int64_t cost_nanousd = 0;
  UpstreamReply reply = *given[base].reply;
  reply.usage = {};
  reply.total_ns = 0;
  reply.attempts = 0;
  const std::int64_t begin_ns = given.front().note.begin_ns;
  for (Given& one : given) {
    experts.push_back(one.ToJson());
    cost_nanousd += one.note.cost_nanousd;
    reply.total_ns = std::max(reply.total_ns, one.note.begin_ns + one.note.duration_ns - begin_ns);
    if (one.reply) {
      reply.usage.prompt_tokens += one.reply->usage.prompt_tokens;
      reply.usage.completion_tokens += one.reply->usage.completion_tokens;
      reply.usage.total_tokens += one.reply->usage.total_tokens;
      reply.attempts += one.reply->attempts;
    }
    reply.experts.push_back(std::move(one.note));
  }
  assay["experts"] = std::move(experts);
  reply.body = MergedAnswer(reply.body, text, reply.usage, std::move(assay));
  reply.cost_nanousd = cost_nanousd;
  reply.consensus = std::move(summary);
  if (text == nullptr) {  // it was judged as it is
    reply.verdict = std::move(given[base].verdict);
    reply.claims = std::move(given[base].claims);
  }
  return reply;
}

// One expert's answer as it is.
UpstreamReply Circle::Serve(std::vector<Given>& given, std::size_t chosen,
                            std::string_view why) const {
  json::object assay{{"chosen", given[chosen].note.expert}, {"reason", why}};
  std::string summary = fmt::format("asked={}; chosen={}; {}", given.size(),
                                    HeaderName(given[chosen].note.expert), why);
  return Finish(given, chosen, std::move(assay), nullptr, std::move(summary));
}

asio::awaitable<Result<UpstreamReply>> Circle::MergeAll(const CircleCall& call,
                                                        std::vector<Given> given) {
  const auto good = [](const Given& one) { return one.good(); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(given, good));
  if (count == 0) co_return std::move(given.front().reply);
  const auto first_good =
      static_cast<std::size_t>(std::ranges::find_if(given, good) - given.begin());
  if (count == 1) co_return Serve(given, first_good, "the only one that answered");
  std::ranges::stable_partition(given, good);
  std::vector<Given> lost;
  for (std::size_t i = count; i < given.size(); ++i) lost.push_back(std::move(given[i]));
  given.resize(count);
  Result<Merged> merged = co_await Merge(call, given);
  for (Given& one : lost) given.push_back(std::move(one));
  if (!merged) {
    co_return Serve(given, 0, fmt::format("not merged: {}", merged.error().message));
  }
  const consensus::Outcome& outcome = merged->outcome;
  const bool own_text = outcome.chosen == consensus::kNoAnswer;
  const std::size_t base = own_text ? outcome.medoid : outcome.chosen;
  for (const consensus::Opinion& opinion : outcome.opinions) {
    const bool served = std::ranges::find(opinion.answers, base) != opinion.answers.end();
    for (const std::uint32_t answer : opinion.answers) given[answer].note.agreed = served;
  }
  std::string summary = fmt::format(
      "asked={}; answered={}; method={}; opinions={}; confidence={:.2f}", given.size(), count,
      consensus::MethodName(outcome.method), outcome.opinions.size(), outcome.confidence);
  json::object assay{{"consensus", std::move(merged->shown)}};
  // A final answer that was agreed on is served in the words of one who gave it.
  co_return Finish(given, base, std::move(assay), own_text ? &outcome.answer : nullptr,
                   std::move(summary));
}

asio::awaitable<Result<UpstreamReply>> Circle::AskAll(const CircleCall& call) {
  std::vector<Given> given;
  co_await AskExperts(call, 0, experts_.size(), given);
  co_return co_await MergeAll(call, std::move(given));
}

asio::awaitable<Result<UpstreamReply>> Circle::AskBest(const CircleCall& call) {
  std::vector<Given> given;
  co_await AskExperts(call, 0, experts_.size(), given);
  if (call.checker == nullptr) co_return co_await MergeAll(call, std::move(given));
  for (Given& one : given) co_await Check(call, one);
  const auto best = std::ranges::max_element(given, {}, &Given::Rank);
  if (!best->good()) co_return std::move(given.front().reply);
  co_return Serve(given, static_cast<std::size_t>(best - given.begin()),
                  best->verdict == kUnchecked ? "not checked" : "best supported");
}

asio::awaitable<Result<UpstreamReply>> Circle::AskCascade(const CircleCall& call) {
  std::vector<Given> given;
  for (std::size_t i = 0; i < experts_.size(); ++i) {
    co_await AskExperts(call, i, 1, given);
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) {
      co_return Fail(Code::kUnavailable, "the call was cancelled");
    }
    Given& last = given.back();
    if (!last.good()) continue;
    co_await Check(call, last);
    if (call.checker != nullptr) {
      if (last.SupportedShare() >= settings_.min_supported && last.Contradicted() == 0) {
        co_return Serve(given, i, "supported");
      }
      continue;
    }
    if (i + 1 == experts_.size() || std::ranges::count_if(given, &Given::good) < 2) continue;
    if (const auto agreed = co_await Agreed(call, given)) {
      co_return Serve(given, *agreed, "two agree");
    }
  }
  if (call.checker == nullptr) co_return co_await MergeAll(call, std::move(given));
  const auto best = std::ranges::max_element(given, {}, &Given::Rank);
  if (!best->good()) co_return std::move(given.front().reply);
  co_return Serve(given, static_cast<std::size_t>(best - given.begin()), "best supported of all");
}

// The first answer of the first opinion that two or more of those who answered share.
asio::awaitable<std::optional<std::size_t>> Circle::Agreed(const CircleCall& call,
                                                           const std::vector<Given>& given) {
  std::vector<std::size_t> places;
  std::vector<Given> answered;
  for (std::size_t i = 0; i < given.size(); ++i) {
    if (!given[i].good()) continue;
    places.push_back(i);
    answered.push_back(given[i]);
  }
  const Result<Merged> merged = co_await Merge(call, answered);
  if (!merged) co_return std::nullopt;
  for (const consensus::Opinion& opinion : merged->outcome.opinions) {
    if (opinion.answers.size() >= 2) co_return places[opinion.answers.front()];
  }
  co_return std::nullopt;
}

asio::awaitable<Result<UpstreamReply>> Circle::Ask(const CircleCall& call) {
  switch (policy_) {
    case RoutePolicy::kCascade:
      return AskCascade(call);
    case RoutePolicy::kBestOf:
      return AskBest(call);
    default:
      return AskAll(call);
  }
}

}  // namespace assay::gateway
