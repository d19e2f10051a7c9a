// SemanticLookup: a question that was asked before in other words, and what its answer teaches.
#include <memory>
#include <utility>  // Boost 1.81's awaitable.hpp does not include it

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/this_coro.hpp>
#include <fmt/format.h>

#include "coroutine/signal_internal.h"
#include "stages/client_sink_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace {

namespace asio = boost::asio;

constexpr std::size_t kMaxReasonBytes = 200;

// What may stand in a header: questions can hold anything.
std::string HeaderText(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kMaxReasonBytes)) out += c >= ' ' && c <= '~' ? c : '?';
  return out;
}

}  // namespace

bool Pipeline::WantsSemantic(const Miss& miss) {
  const Exchange& exchange = miss.exchange;
  return miss.route->semantic != nullptr && exchange.endpoint == Endpoint::kChat &&
         exchange.cacheable && exchange.wish.may_read && miss.reply != nullptr;
}

asio::awaitable<void> Pipeline::LookSemantic(std::shared_ptr<Miss> miss) {
  using Found = std::shared_ptr<const SemanticLook>;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  const auto found = std::make_shared<HandOver<Found>>(co_await asio::this_coro::executor);
  // The job has its own copies: the client may leave meanwhile.
  auto job = [found, route = miss->route->semantic, version = miss->version,
              body = miss->exchange.body, tenant = miss->exchange.tenant,
              now_ms = miss->exchange.started_wall_ns / 1'000'000]() mutable {
    auto look = std::make_shared<const SemanticLook>(route->Look(body, tenant, version, now_ms));
    HandOver<Found>::Give(std::move(found), std::move(look));
  };
  if (parts_.compute->Offer(std::move(job))) miss->semantic = co_await found->Take();
  if (miss->semantic) {
    miss->exchange.semantic = miss->semantic->reason;
    miss->semantic_field = HeaderText(miss->semantic->reason);
  }
  miss->NoteStage(Stage::kSemanticLookup, begin_ns);
}

// True when the answer of a similar question went out.
asio::awaitable<bool> Pipeline::AnswerSemantic(std::shared_ptr<Miss> miss) {
  co_await LookSemantic(miss);
  if (!miss->semantic || !miss->semantic->lookup.served || miss->exchange.cancelled) {
    co_return false;
  }
  const cache::SemanticLookup& lookup = miss->semantic->lookup;
  const core::Hash128 answer = lookup.candidates[*lookup.served].answer;
  const std::int64_t now_ms = miss->exchange.started_wall_ns / 1'000'000;
  LowerHit hit{.entry = parts_.cache->GetMemory(answer, miss->exchange.tenant, now_ms),
               .tier = CacheTier::kSemantic};
  if (!hit.entry && parts_.cache->has_lower()) {
    hit.entry = (co_await LookLower(answer, *miss)).entry;
  }
  if (!hit.entry) {
    miss->semantic_field = "the similar question's answer is gone";
    miss->exchange.semantic = miss->semantic_field;
    miss->semantic = nullptr;
    (void)parts_.compute->Offer([route = miss->route->semantic, answer] { route->Forget(answer); });
    co_return false;
  }
  if (!IsWanted(*hit.entry, miss->exchange.wish, now_ms)) co_return false;
  if (!IsJudgedBy(*hit.entry, miss->route->DocumentsOf(miss->exchange.endpoint))) {
    co_await Recheck(*miss, hit);
  }
  if (lookup.check) StartSemanticCheck(*miss);
  AnswerLowerHit(*miss, hit);
  co_return true;
}

// A share of the hits goes upstream all the same, for no client, to compare the answers.
void Pipeline::StartSemanticCheck(const Miss& served) {
  if (draining_.load(std::memory_order_relaxed)) return;
  auto miss = std::make_shared<Miss>();
  miss->exchange = served.exchange;
  miss->exchange.request_id += "-check";
  miss->exchange.wish.may_read = false;
  miss->exchange.started_wall_ns = core::Clock::Real().wall_ns();
  miss->exchange.started_monotonic_ns = core::Clock::Real().monotonic_ns();
  miss->live = served.live;
  miss->route = served.route;
  miss->version = served.version;
  miss->facts = served.facts;
  miss->semantic = served.semantic;
  miss->hold = served.reply->HoldThread();
  asio::co_spawn(served.reply->executor(), RunSemanticCheck(miss), asio::detached);
}

asio::awaitable<void> Pipeline::RunSemanticCheck(std::shared_ptr<Miss> miss) {
  NoClient nobody;
  ChunkSink* const sink = miss->exchange.stream ? &nobody : nullptr;
  const Result<UpstreamReply> asked = co_await Ask(miss, sink);
  NoteBackgroundCall(*miss, asked);
}

void Pipeline::TakeSemantic(const Miss& miss, std::string_view body, std::int64_t expires_ms) {
  if (!miss.semantic || !miss.semantic->usable || !miss.stored) return;
  // A full pool learns nothing from this one; a later miss of the same question will.
  (void)parts_.compute->Offer([cache = parts_.cache, route = miss.route->semantic,
                               look = miss.semantic, key = miss.exchange.key,
                               tenant = miss.exchange.tenant, answer = std::string(body),
                               expires_ms] {
    route->Take(*look, answer, key, tenant, *cache, core::Clock::Real().wall_ns() / 1'000'000,
                expires_ms);
  });
}

}  // namespace assay::gateway
