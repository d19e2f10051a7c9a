// What the stages keep while they work: a thread's scratch for hits, an object for a miss.
// Threads: one thread each.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/cancellation_signal.hpp>

#include "assay/core/clock.h"
#include "assay/telemetry/trace.h"

#include "stages/pipeline_internal.h"

namespace assay::gateway {

// The names of one exchange: x-request-id and the trace, as text.
struct ExchangeNames {
  static constexpr std::size_t kMaxRequestIdBytes = 128;

  std::array<char, kMaxRequestIdBytes> request_id_bytes;
  std::size_t request_id_size = 0;
  std::array<char, 32> trace_id;
  telemetry::TraceContext trace;

  // Takes the client's x-request-id and traceparent over where they are valid, else makes new ones.
  void Take(const RequestView& request, bool accept_trace, core::Rng& rng);
  [[nodiscard]] std::string_view request_id_view() const {
    return {request_id_bytes.data(), request_id_size};
  }
  [[nodiscard]] std::string_view trace_id_view() const {
    return {trace_id.data(), trace_id.size()};
  }
};

// One request at a time; everything keeps its capacity.
struct Pipeline::ThreadState {
  explicit ThreadState(std::shared_ptr<const LiveSettings> settings)
      : live(std::move(settings)), rng(core::Rng::Real().NextU64()) {}

  std::shared_ptr<const LiveSettings> live;
  core::SeededRng rng;
  RequestReader reader;
  RequestFacts facts;
  std::string fields;

  // Of the request at hand.
  ExchangeNames names;
  Endpoint endpoint = Endpoint::kChat;
  std::uint64_t request_bytes = 0;
  std::string_view body;
  Caller caller;
  std::string tenant;
  CacheWish wish;
  const ModelRoute* route = nullptr;
  std::vector<AssignedVariant> assigned;
  std::string variants;       // the value of x-assay-variant; empty: no such field
  std::string unit;           // scratch
  std::string edited;         // the body as variants want it
  std::uint64_t version = 0;  // of the route and the variants
  bool may_cache = true;      // as far as variants say
  bool cacheable = false;
  core::Hash128 key;
  cache::EntryRef outdated;  // found in memory, with a verdict by other documents
  std::int64_t start_wall_ns = 0;
  std::int64_t start_ns = 0;
  std::int64_t authenticated_ns = 0;  // since the start
  std::int64_t normalized_ns = 0;
  std::int64_t looked_up_ns = 0;

  void Begin(const RequestView& request);
  // "x-request-id", "x-assay-cache" and "x-assay-trace", into `fields`.
  void BeginFields(std::string_view cache_state);
  [[nodiscard]] ExchangeSummary Summary(int status) const;
};

// An exchange that is not answered at once.
struct Pipeline::Miss {
  Exchange exchange;
  std::shared_ptr<const LiveSettings> live;
  const ModelRoute* route = nullptr;      // of live
  std::vector<AssignedVariant> assigned;  // of live
  std::uint64_t version = 0;              // of the route and the variants
  Caller caller;
  RequestFacts facts;
  std::string traceparent;
  std::shared_ptr<ReplyStream> reply;  // null for a refresh, which has no client
  std::shared_ptr<void> hold;          // of a refresh: on its thread
  LowerHit found;                      // that was found before the coroutine began
  boost::asio::cancellation_signal cancel;
  std::uint32_t attempts = 0;
  std::int64_t upstream_ns = 0;
  std::string upstream_model;
  std::shared_ptr<const SemanticLook> semantic;  // what SemanticLookup found; null: it did not run
  std::string semantic_field;  // the value of x-assay-semantic; empty: no such field
  std::string verdict_field;   // the value of x-assay-verdict; empty: no such field
  std::string error_code;
  std::uint64_t answer_bytes = 0;
  LowerHit late;                      // stored by an equal question after this one had looked
  std::shared_ptr<const void> lease;  // while other gateways wait for this answer
  bool running = false;               // the coroutine has begun, so that it may be cancelled
  bool stored = false;                // the answer is in the cache
  bool begun = false;                 // the head of a stream is sent
  bool whole = false;                 // the client has all of a stream
  bool finished = false;              // answered and observed

  [[nodiscard]] std::string Fields(std::string_view cache_state) const;
  void NoteStage(Stage stage, std::int64_t begin_monotonic_ns);
  // When the last stage ended: monotonic.
  [[nodiscard]] std::int64_t last_stage_ns() const { return last_stage_ns_; }

 private:
  std::int64_t last_stage_ns_ = 0;
};

// The value of x-assay-cache.
[[nodiscard]] std::string_view CacheField(CacheOutcome outcome, CacheTier tier);

// Whether an entry that was found is young enough.
[[nodiscard]] bool IsWanted(const cache::Entry& entry, const CacheWish& wish, std::int64_t now_ms);

// An entry's verdict as it is stored: the value of x-assay-verdict, and in a second line the
// version of the documents by which it was found.
[[nodiscard]] std::string StoredVerdict(std::string_view verdict,
                                        std::string_view documents_version);
[[nodiscard]] bool IsJudgedBy(const cache::Entry& entry, std::string_view documents_version);

// "age" and, where the answer was judged by these documents, "x-assay-verdict".
void AppendEntryFields(const cache::Entry& entry, std::int64_t now_ms,
                       std::string_view documents_version, std::string& fields);

// An error of the upstream's side as the client sees it: 502 or 504, never the upstream's key.
[[nodiscard]] ApiError UpstreamError(const Error& error);

}  // namespace assay::gateway
