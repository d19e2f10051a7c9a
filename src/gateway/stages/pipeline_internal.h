// The line of stages: takes whole requests from the server, answers hits at once and hands
// everything else on.
// Threads: OnRequest runs on the I/O threads, each with a state of its own. The miss path is a
// coroutine on the same thread; endpoints of Assay's own run on the compute pool.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include "assay/core/clock.h"
#include "assay/gateway/exchange.h"
#include "assay/gateway/router.h"
#include "assay/gateway/settings.h"

#include "cluster/shared_locks_internal.h"
#include "coalescing/coalescer.h"
#include "coalescing/shared_work.h"
#include "experiments/live_set_internal.h"
#include "openai/request_internal.h"
#include "server/compute_pool_internal.h"
#include "server/reply_stream_internal.h"
#include "services/answer_cache_internal.h"
#include "services/key_gate_internal.h"
#include "services/observer_internal.h"
#include "services/route_table_internal.h"

namespace assay::gateway {

// Everything the stages use. All outlive the pipeline.
struct PipelineParts {
  KeyGate* gate = nullptr;
  cache::TieredCache* cache = nullptr;  // null: off
  Observer* observer = nullptr;
  Router* router = nullptr;
  ComputePool* compute = nullptr;
  Coalescer* coalescer = nullptr;
  SharedLocks* locks = nullptr;  // null: no other gateway is waited for
};

// What a reload replaces.
struct LiveSettings {
  Settings settings;
  std::shared_ptr<const RouteTable> routes;
  std::shared_ptr<const LiveSet> experiments;  // null: none
};

class Pipeline final : public RequestSink {
 public:
  Pipeline(const PipelineParts& parts, const std::shared_ptr<const LiveSettings>& live,
           std::size_t threads);
  ~Pipeline() override;

  void OnRequest(const RequestView& request, ReplyStream& reply) override;
  void OnRefused(const ParseError& error) override;

  // On the I/O thread `thread`, which goes on with these settings from its next request.
  void SetLive(std::size_t thread, std::shared_ptr<const LiveSettings> live);
  // On the I/O thread `thread`: asks for an entry again and stores the answer in its place. `done`
  // is told, now or later on that thread, whether that went well; not when the thread ends first.
  // `hold` is that of the thread.
  void Refresh(std::size_t thread, const boost::asio::any_io_executor& executor,
               std::shared_ptr<void> hold, const cache::EntryRef& entry,
               std::function<void(bool stored)> done);
  void SetDraining() { draining_.store(true, std::memory_order_relaxed); }

 private:
  struct ThreadState;
  struct Miss;

  void OnModelRequest(Endpoint endpoint, const RequestView& request, ReplyStream& reply);
  void OnEndpoint(const RequestView& request, ReplyStream& reply);
  // True when it was one of those that are answered on the I/O thread.
  bool OnHealth(const RequestView& request, ReplyStream& reply);
  void AnswerHit(ThreadState& state, const cache::EntryRef& entry, CacheTier tier,
                 ReplyStream& reply);
  void AnswerError(ThreadState& state, const ApiError& error, ReplyStream& reply);
  // AssignVariant (experiments/assign_variant.cc).
  static std::string_view UnitOf(const ThreadState& state, const ExperimentSettings& experiment,
                                 const RequestView& request);
  static void AssignVariants(ThreadState& state, const RequestView& request);
  [[nodiscard]] static std::optional<ApiError> EditForVariants(ThreadState& state);
  static void NoteVariants(std::span<const AssignedVariant> assigned,
                           const ExchangeSummary& summary);
  void StartMiss(ThreadState& state, ReplyStream& reply);
  std::shared_ptr<Miss> MakeMiss(ThreadState& state, ReplyStream& reply);
  void Spawn(const std::shared_ptr<Miss>& miss, boost::asio::awaitable<void> work);

  // Null when today's settings have another key for that request: it would store nothing of use.
  std::shared_ptr<Miss> MakeRefresh(ThreadState& state, const cache::Entry& entry);
  boost::asio::awaitable<void> RunRefresh(std::shared_ptr<Miss> miss);
  // Counts what a call cost that no client asked for.
  void NoteBackgroundCall(const Miss& miss, const Result<UpstreamReply>& asked);

  boost::asio::awaitable<void> RunMiss(std::shared_ptr<Miss> miss);
  // A hit that is not answered at once: of a lower tier, or of memory with a verdict by other
  // documents than today's.
  struct LowerHit {
    cache::EntryRef entry;  // null: a miss
    CacheTier tier = CacheTier::kNone;
  };
  boost::asio::awaitable<LowerHit> LookLower(core::Hash128 key, const Miss& miss);
  boost::asio::awaitable<LowerHit> WaitForOthers(Miss& miss);
  boost::asio::awaitable<LowerHit> LookLate(Miss& miss);
  boost::asio::awaitable<Result<UpstreamReply>> AskOnce(std::shared_ptr<Miss> miss,
                                                        ChunkSink* sink);
  boost::asio::awaitable<Result<UpstreamReply>> Ask(std::shared_ptr<Miss> miss, ChunkSink* sink);
  // As Ask, on a route that asks several (circle.cc).
  boost::asio::awaitable<Result<UpstreamReply>> AskCircle(std::shared_ptr<Miss> miss,
                                                          const UpstreamRequest& request,
                                                          const CircleRequest& question,
                                                          ChunkSink* sink);
  // SemanticLookup (semantic.cc).
  [[nodiscard]] static bool WantsSemantic(const Miss& miss);
  boost::asio::awaitable<void> LookSemantic(std::shared_ptr<Miss> miss);
  boost::asio::awaitable<bool> AnswerSemantic(std::shared_ptr<Miss> miss);
  void StartSemanticCheck(const Miss& served);
  boost::asio::awaitable<void> RunSemanticCheck(std::shared_ptr<Miss> miss);
  void TakeSemantic(const Miss& miss, std::string_view body, std::int64_t expires_ms);

  void Store(Miss& miss, const UpstreamReply& reply, std::string_view body);
  void BeginStream(Miss& miss);
  void AnswerMiss(Miss& miss, const UpstreamReply& reply);
  void AnswerMissError(Miss& miss, const ApiError& error);
  void AnswerLowerHit(Miss& miss, const LowerHit& hit);
  // Judges the answer by today's documents and stores the verdict with it, once for all who ask for
  // it at the same time (verdicts.cc).
  struct Rechecked;
  boost::asio::awaitable<void> Recheck(Miss& miss, LowerHit& hit);
  boost::asio::awaitable<std::shared_ptr<const Rechecked>> Judge(Miss& miss,
                                                                 const cache::EntryRef& entry);
  void FinishMiss(Miss& miss);

  // GET /v1/models and /v1/models/{id}: the routes, and what the upstreams of the route "*" have.
  void StartModelList(ThreadState& state, const RequestView& request, const std::string& path,
                      ReplyStream& reply);
  boost::asio::awaitable<void> ListModels(std::shared_ptr<Miss> miss, std::string wanted);

  PipelineParts parts_;
  SharedWork<Rechecked> rechecks_;
  std::atomic<bool> draining_{false};  // read by /ready; a lone flag, no order needed
  std::vector<std::unique_ptr<ThreadState>> states_;
};

}  // namespace assay::gateway
