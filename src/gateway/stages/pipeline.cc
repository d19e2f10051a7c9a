#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "openai/model_list_internal.h"
#include "sse/chat_stream.h"
#include "stages/cache_wish_internal.h"
#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace {

std::optional<Endpoint> ModelEndpoint(std::string_view path) {
  if (path == "/v1/chat/completions") return Endpoint::kChat;
  if (path == "/v1/completions") return Endpoint::kCompletions;
  if (path == "/v1/embeddings") return Endpoint::kEmbeddings;
  return std::nullopt;
}

ApiError FromError(const Error& error) {
  const int status = core::InfoOf(error.code).http_status;
  return ApiError{.status = status,
                  .type = ErrorTypeOf(status),
                  .code = status == 401   ? "invalid_api_key"
                          : status == 429 ? "budget_exhausted"
                                          : std::string(core::InfoOf(error.code).name),
                  .param = {},
                  .message = error.message,
                  .retry_after_s = status == 429 ? 60 : 0};
}

}  // namespace

Pipeline::Pipeline(const PipelineParts& parts, const std::shared_ptr<const LiveSettings>& live,
                   std::size_t threads)
    : parts_(parts) {
  for (std::size_t i = 0; i < threads; ++i) {
    states_.push_back(std::make_unique<ThreadState>(live));
  }
}

Pipeline::~Pipeline() = default;

void Pipeline::SetLive(std::size_t thread, std::shared_ptr<const LiveSettings> live) {
  states_[thread]->live = std::move(live);
}

void Pipeline::OnRefused(const ParseError& error) {
  parts_.observer->OnRefused(error.code);
}

void Pipeline::OnRequest(const RequestView& request, ReplyStream& reply) {
  if (request.method == "POST") {
    if (const auto endpoint = ModelEndpoint(request.path)) {
      return OnModelRequest(*endpoint, request, reply);
    }
  }
  OnEndpoint(request, reply);
}

void Pipeline::AnswerError(ThreadState& state, const ApiError& error, ReplyStream& reply) {
  state.BeginFields(CacheOutcomeName(CacheOutcome::kBypass));
  if (error.status == 401) state.fields.append("www-authenticate: Bearer\r\n");
  if (error.retry_after_s > 0) {
    fmt::format_to(std::back_inserter(state.fields), "retry-after: {}\r\n", error.retry_after_s);
  }
  reply.Answer({.status = error.status, .fields = state.fields}, ErrorJson(error));
  ExchangeSummary summary = state.Summary(error.status);
  summary.error_code = error.code;
  summary.error = error.message;
  parts_.observer->OnExchange(summary);
}

// Authenticate, Normalize, AssignVariant and ExactLookup, without a wait.
void Pipeline::OnModelRequest(Endpoint endpoint, const RequestView& request, ReplyStream& reply) {
  ThreadState& state = *states_[reply.thread_index()];
  state.endpoint = endpoint;
  state.Begin(request);
  const Result<Caller> caller = parts_.gate->Admit(request.authorization, Scope::kInference);
  if (!caller) return AnswerError(state, FromError(caller.error()), reply);
  state.caller = *caller;
  state.tenant.assign(caller->tenant);
  if (!request.assay_tenant.empty() && request.assay_tenant != caller->tenant) {
    if (!caller->is_admin) {
      return AnswerError(state,
                         {.status = 403,
                          .type = "permission_error",
                          .code = "tenant_not_allowed",
                          .param = "x-assay-tenant",
                          .message = "This key may not act for another tenant than its own."},
                         reply);
    }
    state.tenant.assign(request.assay_tenant);
  }
  if (!request.content_encoding.empty() &&
      !EqualsIgnoreCase(request.content_encoding, "identity")) {
    return AnswerError(state,
                       {.status = 415,
                        .type = "invalid_request_error",
                        .code = "content_encoding_not_supported",
                        .param = "content-encoding",
                        .message = "The body must be sent without a content-encoding."},
                       reply);
  }
  if (const auto error = ReadCacheWish(request.cache_control, request.assay_ttl, state.wish)) {
    return AnswerError(state, *error, reply);
  }
  const Settings& settings = state.live->settings;
  const auto depth = static_cast<std::size_t>(settings.limits.json_depth);
  const bool scanned = (parts_.cache == nullptr || !state.live->routes->any_cached()) &&
                       ScanRequest(endpoint, request.body, depth, state.facts);
  if (!scanned) {
    if (const auto error = state.reader.Read(endpoint, request.body, depth, state.facts)) {
      return AnswerError(state, *error, reply);
    }
  }
  state.route = state.live->routes->Find(state.facts.model);
  if (state.route == nullptr) {
    return AnswerError(
        state,
        {.status = 404,
         .type = "invalid_request_error",
         .code = "model_not_found",
         .param = "model",
         .message = fmt::format("No route serves the model '{}'.", state.facts.model)},
        reply);
  }
  state.version = state.route->version;
  AssignVariants(state, request);
  state.cacheable = parts_.cache != nullptr && state.route->cached && state.may_cache &&
                    state.facts.choices == 1 &&
                    (!state.facts.stream || state.route->settings.cache.streams);
  if (state.cacheable) {
    state.key = state.reader.Key(state.tenant, state.version);
    if (state.wish.may_read) {
      const std::int64_t now_ms = state.start_wall_ns / 1'000'000;
      const cache::EntryRef entry = parts_.cache->GetMemory(state.key, state.tenant, now_ms);
      if (entry && IsWanted(*entry, state.wish, now_ms)) {
        if (IsJudgedBy(*entry, state.route->DocumentsOf(endpoint))) {
          return AnswerHit(state, entry, CacheTier::kMemory, reply);
        }
        state.outdated = entry;
      }
    }
  }
  if (const auto error = EditForVariants(state)) return AnswerError(state, *error, reply);
  StartMiss(state, reply);
}

bool IsWanted(const cache::Entry& entry, const CacheWish& wish, std::int64_t now_ms) {
  return wish.max_age_ms < 0 || now_ms - entry.info().stored_ms <= wish.max_age_ms;
}

void Pipeline::AnswerHit(ThreadState& state, const cache::EntryRef& entry, CacheTier tier,
                         ReplyStream& reply) {
  state.BeginFields(CacheField(CacheOutcome::kHit, tier));
  AppendEntryFields(*entry, state.start_wall_ns / 1'000'000,
                    state.route->DocumentsOf(state.endpoint), state.fields);
  std::size_t answer_bytes = entry->body().size();
  if (state.facts.stream) {
    const auto events = ReplayAsStream(entry->body(), state.facts.stream_usage);
    if (!events) return AnswerError(state, FromError(events.error()), reply);
    answer_bytes = events->size();
    reply.Answer({.content_type = "text/event-stream", .fields = state.fields}, *events);
  } else {
    reply.Answer({.content_type = entry->content_type(), .fields = state.fields}, entry->body());
  }
  ExchangeSummary summary = state.Summary(200);
  summary.outcome = CacheOutcome::kHit;
  summary.tier = tier;
  summary.usage = {static_cast<std::uint32_t>(entry->info().prompt_tokens),
                   static_cast<std::uint32_t>(entry->info().completion_tokens)};
  summary.cost_nanousd = entry->info().cost_nanousd;
  summary.answer_bytes = answer_bytes;
  summary.answer = entry->body();
  summary.first_byte_ns = summary.total_ns;
  parts_.observer->OnExchange(summary);
  NoteVariants(state.assigned, summary);
}

bool Pipeline::OnHealth(const RequestView& request, ReplyStream& reply) {
  const bool ready = request.path == "/ready";
  if (!ready && request.path != "/health") return false;
  if (request.method != "GET" && request.method != "HEAD") return false;
  const bool draining = ready && draining_.load(std::memory_order_relaxed);
  reply.Answer({.status = draining ? 503 : 200},
               draining ? R"({"status":"draining"})" : R"({"status":"ok"})");
  return true;
}

// Assay's own endpoints: their handlers may take long, so they run on the compute pool.
void Pipeline::OnEndpoint(const RequestView& view, ReplyStream& reply) {
  if (OnHealth(view, reply)) return;
  ThreadState& state = *states_[reply.thread_index()];
  state.Begin(view);
  const std::string id(state.names.request_id_view());
  const auto path = PercentDecode(view.path, false);
  if (!path) {
    return reply.AnswerReply(
        ErrorReply(Error{Code::kInvalidArgument, "The path has a broken percent escape."}), id);
  }
  const bool reads = view.method == "GET" || view.method == "HEAD";
  if (reads && (*path == "/v1/models" || path->starts_with("/v1/models/"))) {
    return StartModelList(state, view, *path, reply);
  }
  auto request = std::make_shared<HttpRequest>();
  request->method = view.method;
  request->path = *path;
  request->query = view.query;
  request->body = view.body;
  request->peer = reply.peer();
  request->request_id = id;
  for (const FieldView& field : view.fields()) {
    request->headers.Add(std::string(field.name), std::string(field.value));
  }
  const Router::Found found = parts_.router->Find(view.method, *path);
  if (found.route == nullptr) return reply.AnswerReply(parts_.router->Dispatch(*request), id);
  const Scope scope = found.route->scope;
  if (scope != Scope::kNone && scope != Scope::kSession) {
    const Result<Caller> caller = parts_.gate->Admit(view.authorization, scope);
    if (!caller) return reply.AnswerReply(ErrorReply(FromError(caller.error())), id);
    request->key_id = caller->key_id();
    const bool acts_for = caller->is_admin && !view.assay_tenant.empty();
    request->tenant = acts_for ? view.assay_tenant : caller->tenant;
  }
  const std::string_view pattern = found.route->pattern;  // of the router, which does not change
  const std::int64_t start_ns = state.start_ns;
  std::shared_ptr<ReplyStream> deferred = reply.Defer(nullptr);
  auto job = [this, request, deferred, pattern, start_ns] {
    auto answer = std::make_shared<HttpReply>(parts_.router->Dispatch(*request));
    boost::asio::post(deferred->executor(), [this, request, deferred, answer, pattern, start_ns] {
      deferred->AnswerReply(*answer, request->request_id);
      parts_.observer->OnEndpoint(pattern, answer->status,
                                  core::Clock::Real().monotonic_ns() - start_ns);
    });
  };
  if (!parts_.compute->Offer(std::move(job))) {
    parts_.observer->OnRefused("compute_queue_full");
    deferred->AnswerReply(
        ErrorReply(ApiError{.status = 429,
                            .type = ErrorTypeOf(429),
                            .code = "overloaded",
                            .param = {},
                            .message = "More work waits than this server takes; try again.",
                            .retry_after_s = 1}),
        id);
  }
}

}  // namespace assay::gateway
