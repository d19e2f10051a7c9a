// AskExperts, Store and Reply of an exchange that no memory held.
#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "checks/check_claims_internal.h"
#include "coroutine/signal_internal.h"
#include "sse/chat_stream.h"
#include "stages/client_sink_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::uint32_t kBytesPerToken = 4;  // a rough mean of English text, for rate limits

// Of a wait for another gateway: looks come after an eighth of the time waited so far, which adds
// as much to an answer at most.
constexpr std::int64_t kLookShare = 8;
constexpr std::int64_t kFirstLookMs = 5;
constexpr std::int64_t kLastLookMs = 100;
// One may die or get no answer; an answer that two have not stored is one that is not stored.
constexpr int kMaxHolders = 2;

}  // namespace

std::shared_ptr<Pipeline::Miss> Pipeline::MakeMiss(ThreadState& state, ReplyStream& reply) {
  auto miss = std::make_shared<Miss>();
  Exchange& exchange = miss->exchange;
  exchange.endpoint = state.endpoint;
  exchange.request_id = state.names.request_id_view();
  exchange.trace_id = state.names.trace_id_view();
  exchange.key_id = state.caller.key_id();
  exchange.tenant = state.tenant;
  exchange.model = state.facts.model;
  exchange.variants = state.variants;
  exchange.stream = state.facts.stream;
  exchange.stream_usage = state.facts.stream_usage;
  exchange.cacheable = state.cacheable;
  exchange.wish = state.wish;
  exchange.key = state.key;
  exchange.body.reserve(state.body.size() + kBodyPadding);
  exchange.body = state.body;
  exchange.started_wall_ns = state.start_wall_ns;
  exchange.started_monotonic_ns = state.start_ns;
  miss->live = state.live;
  miss->route = state.route;
  miss->assigned = state.assigned;
  miss->version = state.version;
  miss->caller = state.caller;
  miss->facts = state.facts;
  if (state.live->settings.telemetry.forward_trace) {
    miss->traceparent = state.names.trace.Child(state.rng).Traceparent();
  }
  miss->found = {.entry = std::exchange(state.outdated, nullptr), .tier = CacheTier::kMemory};
  miss->NoteStage(Stage::kNormalize, state.start_ns);  // key, route and lookup in memory included
  const std::weak_ptr<Miss> leaving = miss;
  miss->reply = reply.Defer([leaving] {
    if (const auto left = leaving.lock(); left && !left->whole) {
      left->exchange.cancelled = true;
      // Asio 1.81 ends the process when a coroutine is cancelled before it begins and never waits.
      if (left->running) left->cancel.emit(asio::cancellation_type::terminal);
    }
  });
  return miss;
}

void Pipeline::Spawn(const std::shared_ptr<Miss>& miss, asio::awaitable<void> work) {
  asio::co_spawn(miss->reply->executor(), std::move(work),
                 asio::bind_cancellation_slot(
                     miss->cancel.slot(), [this, miss](const std::exception_ptr& failed) {
                       if (!failed || miss->finished) return;
                       AnswerMissError(*miss, {.code = "internal", .message = "a bug in Assay"});
                     }));
}

void Pipeline::StartMiss(ThreadState& state, ReplyStream& reply) {
  const auto miss = MakeMiss(state, reply);
  Spawn(miss, RunMiss(miss));
}

asio::awaitable<Pipeline::LowerHit> Pipeline::LookLower(core::Hash128 key, const Miss& miss) {
  const auto found = std::make_shared<HandOver<LowerHit>>(co_await asio::this_coro::executor);
  parts_.cache->GetLower(key, miss.exchange.tenant, miss.exchange.started_wall_ns / 1'000'000,
                         [found](cache::EntryRef entry, std::string_view tier) mutable {
                           HandOver<LowerHit>::Give(
                               std::move(found), {.entry = std::move(entry), .tier = TierOf(tier)});
                         });
  co_return co_await found->Take();
}

asio::awaitable<void> Pipeline::RunMiss(std::shared_ptr<Miss> miss) {
  co_await asio::this_coro::throw_if_cancelled(false);
  miss->running = true;
  Exchange& exchange = miss->exchange;
  if (exchange.cancelled) {
    FinishMiss(*miss);
    co_return;
  }
  LowerHit hit = std::move(miss->found);
  if (!hit.entry && exchange.cacheable && exchange.wish.may_read && parts_.cache->has_lower()) {
    const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
    hit = co_await LookLower(exchange.key, *miss);
    miss->NoteStage(Stage::kExactLookup, begin_ns);
  }
  if (hit.entry && IsWanted(*hit.entry, exchange.wish, exchange.started_wall_ns / 1'000'000)) {
    if (!IsJudgedBy(*hit.entry, miss->route->DocumentsOf(exchange.endpoint))) {
      co_await Recheck(*miss, hit);
    }
    AnswerLowerHit(*miss, hit);
    co_return;
  }
  if (WantsSemantic(*miss)) {
    const bool answered = co_await AnswerSemantic(miss);
    if (answered) co_return;
  }
  exchange.outcome =
      exchange.cacheable && exchange.wish.may_read ? CacheOutcome::kMiss : CacheOutcome::kBypass;
  if (exchange.wish.only_if_cached) {
    AnswerMissError(*miss, {.status = 504,
                            .code = "not_cached",
                            .message = "The answer is not in the cache (only-if-cached)."});
    co_return;
  }
  ClientSink client(
      *miss->reply, [this, miss] { BeginStream(*miss); }, [miss] { miss->whole = true; });
  ChunkSink* const sink = exchange.stream ? &client : nullptr;
  const std::int64_t begin_ns = miss->last_stage_ns();
  if (exchange.cacheable && exchange.wish.may_write && miss->live->settings.cache.coalesce) {
    // Named: g++ 12 destroys a temporary of a co_await expression twice (GCC bug 99576).
    Coalescer::Call call = [this, miss](ChunkSink* to) { return AskOnce(miss, to); };
    const auto asked = co_await parts_.coalescer->Ask(exchange.key, std::move(call), sink);
    miss->NoteStage(Stage::kAskExperts, begin_ns);
    if (asked) client.Finish();
    if (miss->late.entry) {
      AnswerLowerHit(*miss, miss->late);
    } else if (asked) {
      exchange.coalesced = !asked->leader;
      AnswerMiss(*miss, *asked->reply);
    } else {
      AnswerMissError(*miss, UpstreamError(asked.error()));
    }
    co_return;
  }
  const Result<UpstreamReply> asked = co_await Ask(miss, sink);
  miss->NoteStage(Stage::kAskExperts, begin_ns);
  if (asked) {
    client.Finish();
    AnswerMiss(*miss, *asked);
  } else {
    AnswerMissError(*miss, UpstreamError(asked.error()));
  }
}

// Takes the lock of this answer among gateways, into miss.lease. While another one has it, waits
// for what that stores: null when it did not, or not in time.
asio::awaitable<Pipeline::LowerHit> Pipeline::WaitForOthers(Miss& miss) {
  const auto executor = co_await asio::this_coro::executor;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  std::int64_t limit_ms = miss.live->settings.cache.redis.lock_wait_ms;
  if (miss.route->deadline_ms > 0) limit_ms = std::min(limit_ms, miss.route->deadline_ms / 2);
  std::string holder;
  for (int holders = 0;;) {
    const auto given = std::make_shared<HandOver<SharedLocks::Turn>>(executor);
    std::function<void(SharedLocks::Turn)> done = [given](SharedLocks::Turn turn) {
      HandOver<SharedLocks::Turn>::Give(given, std::move(turn));
    };
    parts_.locks->Try(miss.exchange.key, std::move(done));
    SharedLocks::Turn turn = co_await given->Take();
    if (turn.state == SharedLocks::State::kStored) {
      co_return co_await LookLower(miss.exchange.key, miss);
    }
    miss.lease = std::move(turn.lease);
    if (turn.state != SharedLocks::State::kHeld) co_return LowerHit{};
    if (holder != turn.holder) ++holders;
    holder = std::move(turn.holder);
    const std::int64_t waited_ms = (core::Clock::Real().monotonic_ns() - begin_ns) / 1'000'000;
    if (holders > kMaxHolders || waited_ms >= limit_ms) break;
    asio::steady_timer timer(executor, std::chrono::milliseconds(std::clamp(
                                           waited_ms / kLookShare, kFirstLookMs, kLastLookMs)));
    (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  }
  parts_.locks->NoteGivenUp();
  co_return LowerHit{};
}

// An equal question may have been answered between this one's look into memory and its turn here,
// or be at another gateway.
asio::awaitable<Pipeline::LowerHit> Pipeline::LookLate(Miss& miss) {
  const Exchange& exchange = miss.exchange;
  if (!exchange.wish.may_read) co_return LowerHit{};
  const std::int64_t now_ms = exchange.started_wall_ns / 1'000'000;
  LowerHit hit = {.entry = parts_.cache->GetMemory(exchange.key, exchange.tenant, now_ms),
                  .tier = CacheTier::kMemory};
  const auto wanted = [&] { return hit.entry && IsWanted(*hit.entry, exchange.wish, now_ms); };
  if (!wanted() && parts_.locks != nullptr) hit = co_await WaitForOthers(miss);
  if (!wanted()) hit = LowerHit{};
  co_return hit;
}

// As Ask, for the first of several; nobody is asked where there is an answer by now.
asio::awaitable<Result<UpstreamReply>> Pipeline::AskOnce(std::shared_ptr<Miss> miss,
                                                         ChunkSink* sink) {
  Exchange& exchange = miss->exchange;
  const std::shared_ptr<void> hold = miss->reply ? miss->reply->HoldThread() : miss->hold;
  LowerHit late = co_await LookLate(*miss);
  if (!late.entry) {
    Result<UpstreamReply> asked = co_await Ask(miss, sink);
    miss->lease.reset();  // the cache has it until the answer is where others look
    co_return asked;
  }
  const cache::EntryRef entry = late.entry;
  UpstreamReply reply;
  reply.status = 200;
  reply.content_type = entry->content_type();
  reply.attempts = 0;
  reply.usage = {entry->info().prompt_tokens, entry->info().completion_tokens, 0};
  reply.verdict = entry->verdict().substr(0, entry->verdict().find('\n'));
  exchange.outcome = CacheOutcome::kHit;
  exchange.tier = late.tier;
  miss->late = std::move(late);
  if (sink == nullptr) {
    reply.body = entry->body();
    co_return reply;
  }
  reply.streamed = true;
  if (auto sent = co_await SendAsStream(entry->body(), exchange.stream_usage, *sink); !sent) {
    co_return std::unexpected(std::move(sent).error());
  }
  co_return reply;
}

// Runs once for all who wait for this answer; the leader's miss lives until it is done.
asio::awaitable<Result<UpstreamReply>> Pipeline::Ask(std::shared_ptr<Miss> miss, ChunkSink* sink) {
  const Exchange& exchange = miss->exchange;
  // Others may wait for it.
  const std::shared_ptr<void> hold = miss->reply ? miss->reply->HoldThread() : miss->hold;
  UpstreamRequest request;
  request.path = EndpointPath(exchange.endpoint);
  request.body = exchange.body;
  request.model_offset = miss->facts.model_offset;
  request.model_bytes = miss->facts.model_bytes;
  request.traceparent = miss->traceparent;
  request.request_id = exchange.request_id;
  request.token_estimate = static_cast<std::uint32_t>(
      exchange.body.size() / kBytesPerToken + static_cast<std::size_t>(miss->facts.max_tokens));
  request.attempts = &miss->attempts;
  if (miss->route->deadline_ms > 0) {
    request.deadline_ns = exchange.started_monotonic_ns + miss->route->deadline_ms * 1'000'000;
  }
  if (miss->route->circle && exchange.endpoint == Endpoint::kChat) {
    if (const auto question = Circle::Read(exchange.body)) {
      co_return co_await AskCircle(miss, request, *question, sink);
    }
  }
  const bool store = exchange.cacheable && exchange.wish.may_write;
  const AnswerChecker* const checker =
      exchange.endpoint == Endpoint::kEmbeddings ? nullptr : miss->route->checker;
  if (sink == nullptr) {
    auto reply = co_await miss->route->client->Send(request, nullptr);
    if (reply && reply->status == 200 && checker != nullptr) {
      const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
      CheckOutcome checked =
          co_await CheckAnswer(*checker, *parts_.compute, exchange.body, reply->body);
      reply->verdict = std::move(checked.verdict);
      reply->claims = std::move(checked.claims);
      miss->NoteStage(Stage::kCheckClaims, begin_ns);
    }
    if (reply && store) Store(*miss, *reply, reply->body);
    co_return reply;
  }
  AssemblingSink tee(*sink);
  std::optional<CheckingSink> checking;
  if (checker != nullptr && miss->route->settings.claims.stream_events) {
    checking.emplace(*sink, tee.assembler(), *checker, *parts_.compute, exchange.body);
    tee.SetNext(*checking);
  }
  auto reply = co_await miss->route->client->Send(request, &tee);
  if (reply && reply->streamed && reply->status == 200) {
    reply->usage = tee.assembler().usage();
    if (checking) {
      CheckOutcome checked = checking->TakeOutcome();
      reply->verdict = std::move(checked.verdict);
      reply->claims = std::move(checked.claims);
    }
    const auto finished = tee.assembler().Finish();
    if (finished && store) Store(*miss, *reply, *finished);
  }
  co_return reply;
}

void Pipeline::Store(Miss& miss, const UpstreamReply& reply, std::string_view body) {
  const Exchange& exchange = miss.exchange;
  const CacheSettings& settings = miss.live->settings.cache;
  if (reply.status != 200 || body.size() > static_cast<std::size_t>(settings.max_entry_bytes)) {
    return;
  }
  const std::string_view content_type =
      reply.streamed ? std::string_view("application/json") : std::string_view(reply.content_type);
  if (!content_type.starts_with("application/json")) return;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  const std::int64_t now_ms = core::Clock::Real().wall_ns() / 1'000'000;
  cache::EntryInfo info;
  info.stored_ms = now_ms;
  info.expires_ms =
      cache::ExpiryMs(now_ms, exchange.wish.ttl_ms >= 0 ? exchange.wish.ttl_ms : miss.route->ttl_ms,
                      miss.reply ? settings.ttl_jitter : 0, core::Rng::Real());
  info.prompt_tokens = reply.usage.prompt_tokens;
  info.completion_tokens = reply.usage.completion_tokens;
  info.cost_nanousd = miss.live->routes->CostOf(reply);
  info.upstream_us = reply.total_ns / 1000;
  cache::EntryText text;
  text.tenant = exchange.tenant;
  text.route = miss.route->settings.name;
  text.model = exchange.model;
  text.content_type = content_type;
  text.body = body;
  if (settings.refresh_ahead_count > 0) text.request = exchange.body;
  const std::string verdict =
      StoredVerdict(reply.verdict, miss.route->DocumentsOf(exchange.endpoint));
  text.verdict = verdict;
  if (const auto entry = cache::Entry::Make(exchange.key, info, text)) {
    parts_.cache->Put(*entry, now_ms, miss.lease);
    miss.stored = true;
    TakeSemantic(miss, body, info.expires_ms);
  }
  miss.NoteStage(Stage::kStore, begin_ns);
}

void Pipeline::BeginStream(Miss& miss) {
  miss.begun = true;
  miss.exchange.status = 200;
  miss.exchange.first_byte_ns =
      core::Clock::Real().monotonic_ns() - miss.exchange.started_monotonic_ns;
  std::string fields = miss.Fields(CacheField(miss.exchange.outcome, CacheTier::kNone));
  fields.append("cache-control: no-cache\r\n");
  miss.reply->Begin({.content_type = "text/event-stream", .fields = fields});
}

void Pipeline::AnswerMiss(Miss& miss, const UpstreamReply& reply) {
  Exchange& exchange = miss.exchange;
  exchange.status = reply.status;
  exchange.upstream = reply.upstream;
  exchange.usage = {static_cast<std::uint32_t>(reply.usage.prompt_tokens),
                    static_cast<std::uint32_t>(reply.usage.completion_tokens)};
  miss.attempts = reply.attempts;
  miss.upstream_ns = reply.total_ns;
  miss.upstream_model = reply.model;
  miss.verdict_field = reply.verdict;
  exchange.verdicts = reply.claims;
  exchange.experts = reply.experts;
  exchange.consensus = reply.consensus;
  if (!exchange.coalesced) {
    exchange.cost_nanousd = miss.live->routes->CostOf(reply);
    parts_.gate->Charge(miss.caller, reply.usage.prompt_tokens + reply.usage.completion_tokens,
                        static_cast<std::uint64_t>(exchange.cost_nanousd));
  }
  if (reply.streamed && miss.begun) {
    miss.reply->End();
  } else {
    std::string fields = miss.Fields(CacheField(exchange.outcome, CacheTier::kNone));
    if (reply.retry_after_ms >= 0) {
      fmt::format_to(std::back_inserter(fields), "retry-after: {}\r\n",
                     (reply.retry_after_ms + 999) / 1000);
    }
    exchange.first_byte_ns = miss.last_stage_ns() - exchange.started_monotonic_ns;
    miss.answer_bytes = reply.body.size();
    if (miss.live->settings.request_log.texts) exchange.answer = reply.body;
    miss.reply->Answer(
        {.status = reply.status, .content_type = reply.content_type, .fields = fields}, reply.body);
    if (reply.status >= 400) miss.error_code = "upstream_status";
  }
  FinishMiss(miss);
}

void Pipeline::AnswerMissError(Miss& miss, const ApiError& error) {
  miss.exchange.status = error.status;
  miss.exchange.error = error.message;
  miss.error_code = error.code;
  if (miss.begun) {
    if (!miss.whole) {  // the answer broke: the client is told by an event, and no [DONE] follows
      std::string event;
      AppendSseEvent(event, "", ErrorJson(error));
      miss.reply->Write(event);
    }
    miss.reply->End();
  } else {
    std::string fields = miss.Fields(CacheField(miss.exchange.outcome, CacheTier::kNone));
    if (error.retry_after_s > 0) fields += fmt::format("retry-after: {}\r\n", error.retry_after_s);
    miss.reply->Answer({.status = error.status, .fields = fields}, ErrorJson(error));
  }
  FinishMiss(miss);
}

void Pipeline::AnswerLowerHit(Miss& miss, const LowerHit& hit) {
  Exchange& exchange = miss.exchange;
  const cache::Entry& entry = *hit.entry;
  exchange.outcome = CacheOutcome::kHit;
  exchange.tier = hit.tier;
  exchange.status = 200;
  exchange.usage = {static_cast<std::uint32_t>(entry.info().prompt_tokens),
                    static_cast<std::uint32_t>(entry.info().completion_tokens)};
  exchange.cost_nanousd = entry.info().cost_nanousd;
  std::string fields = miss.Fields(CacheField(exchange.outcome, exchange.tier));
  AppendEntryFields(entry, exchange.started_wall_ns / 1'000'000,
                    miss.route->DocumentsOf(exchange.endpoint), fields);
  miss.answer_bytes = entry.body().size();
  if (miss.begun) {
    miss.reply->End();
  } else if (exchange.stream) {
    const auto events = ReplayAsStream(entry.body(), exchange.stream_usage);
    if (!events) {
      return AnswerMissError(miss, {.code = "internal", .message = events.error().message});
    }
    miss.reply->Answer({.content_type = "text/event-stream", .fields = fields}, *events);
  } else {
    miss.reply->Answer({.content_type = entry.content_type(), .fields = fields}, entry.body());
  }
  FinishMiss(miss);
}

void Pipeline::FinishMiss(Miss& miss) {
  miss.finished = true;
  const Exchange& exchange = miss.exchange;
  ExchangeSummary summary;
  summary.endpoint = exchange.endpoint;
  summary.status = exchange.status;
  summary.outcome = exchange.outcome;
  summary.tier = exchange.tier;
  summary.stream = exchange.stream;
  summary.coalesced = exchange.coalesced;
  summary.cancelled = exchange.cancelled;
  summary.request_id = exchange.request_id;
  summary.trace_id = exchange.trace_id;
  summary.key_id = miss.caller.key_id();
  summary.key_name = miss.caller.key_name;
  summary.tenant = exchange.tenant;
  if (miss.route != nullptr) summary.route = miss.route->settings.name;
  summary.model = miss.upstream_model.empty() ? exchange.model : miss.upstream_model;
  summary.upstream = exchange.upstream;
  summary.variants = exchange.variants;
  summary.error_code = miss.error_code;
  summary.error = exchange.error;
  summary.question = exchange.body;
  summary.answer = exchange.answer;
  summary.usage = exchange.usage;
  summary.attempts = miss.attempts;
  summary.cost_nanousd = exchange.cost_nanousd;
  summary.start_wall_ns = exchange.started_wall_ns;
  summary.total_ns = core::Clock::Real().monotonic_ns() - exchange.started_monotonic_ns;
  summary.upstream_ns = miss.upstream_ns;
  summary.first_byte_ns = exchange.first_byte_ns;
  summary.request_bytes = exchange.body.size();
  summary.answer_bytes = miss.answer_bytes;
  summary.exchange = &exchange;
  parts_.observer->OnExchange(summary);
  NoteVariants(miss.assigned, summary);
}

}  // namespace assay::gateway
