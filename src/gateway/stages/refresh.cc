// Asks again for entries before they expire, so that nobody waits for them.
#include <array>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "stages/client_sink_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace asio = boost::asio;

std::shared_ptr<Pipeline::Miss> Pipeline::MakeRefresh(ThreadState& state,
                                                      const cache::Entry& entry) {
  auto miss = std::make_shared<Miss>();
  Exchange& exchange = miss->exchange;
  exchange.body.reserve(entry.request().size() + kBodyPadding);
  exchange.body = entry.request();
  const auto depth = static_cast<std::size_t>(state.live->settings.limits.json_depth);
  // The entry does not say where it was asked, but its key does.
  for (const Endpoint endpoint : {Endpoint::kChat, Endpoint::kCompletions, Endpoint::kEmbeddings}) {
    if (state.reader.Read(endpoint, exchange.body, depth, miss->facts)) continue;
    const ModelRoute* const route = state.live->routes->Find(miss->facts.model);
    if (route == nullptr || !route->cached) continue;
    if (state.reader.Key(entry.tenant(), route->version) != entry.key()) continue;
    exchange.endpoint = endpoint;
    miss->route = route;
    miss->version = route->version;
    break;
  }
  if (miss->route == nullptr) return nullptr;
  exchange.request_id = fmt::format("req_{:016x}", state.rng.NextU64());
  exchange.tenant = entry.tenant();
  exchange.model = miss->facts.model;
  exchange.stream = miss->facts.stream;
  exchange.stream_usage = miss->facts.stream_usage;
  exchange.cacheable = true;
  exchange.wish.may_read = false;
  exchange.wish.ttl_ms = entry.info().expires_ms - entry.info().stored_ms;
  exchange.key = entry.key();
  exchange.started_wall_ns = core::Clock::Real().wall_ns();
  exchange.started_monotonic_ns = core::Clock::Real().monotonic_ns();
  miss->live = state.live;
  if (state.live->settings.telemetry.forward_trace) {
    miss->traceparent = telemetry::TraceContext::NewRoot(state.rng).Traceparent();
  }
  return miss;
}

void Pipeline::NoteBackgroundCall(const Miss& miss, const Result<UpstreamReply>& asked) {
  Usage usage;
  std::int64_t cost_nanousd = 0;
  if (asked) {
    usage = {static_cast<std::uint32_t>(asked->usage.prompt_tokens),
             static_cast<std::uint32_t>(asked->usage.completion_tokens)};
    cost_nanousd = miss.live->routes->CostOf(*asked);
  }
  parts_.observer->OnRefresh(miss.stored, usage, cost_nanousd);
}

asio::awaitable<void> Pipeline::RunRefresh(std::shared_ptr<Miss> miss) {
  const Exchange& exchange = miss->exchange;
  NoClient nobody;
  ChunkSink* const sink = exchange.stream ? &nobody : nullptr;
  Result<UpstreamReply> asked = Fail(Code::kInternal, "not asked");
  if (miss->live->settings.cache.coalesce) {
    // Clients that ask meanwhile, when it has expired after all, join this call.
    Coalescer::Call call = [this, miss](ChunkSink* to) { return Ask(miss, to); };
    const auto joined = co_await parts_.coalescer->Ask(exchange.key, std::move(call), sink);
    if (joined && !joined->leader) {  // a client asked first: its exchange stores and counts
      miss->stored = joined->reply->status == 200;
      parts_.observer->OnRefresh(miss->stored, {}, 0);
      co_return;
    }
    if (joined) asked = *joined->reply;
  } else {
    asked = co_await Ask(miss, sink);
  }
  NoteBackgroundCall(*miss, asked);
}

void Pipeline::Refresh(std::size_t thread, const asio::any_io_executor& executor,
                       std::shared_ptr<void> hold, const cache::EntryRef& entry,
                       std::function<void(bool stored)> done) {
  if (draining_.load(std::memory_order_relaxed)) return done(false);
  const std::shared_ptr<Miss> miss = MakeRefresh(*states_[thread], *entry);
  if (miss == nullptr) return done(false);
  miss->hold = std::move(hold);
  asio::co_spawn(executor, RunRefresh(miss),
                 [miss, done = std::move(done)](const std::exception_ptr& failed) {
                   done(!failed && miss->stored);
                 });
}

}  // namespace assay::gateway
