#include <algorithm>

#include <fmt/format.h>

#include "stages/pipeline_state_internal.h"

namespace assay::gateway {
namespace {

constexpr std::array<char, 16> kHex = {'0', '1', '2', '3', '4', '5', '6', '7',
                                       '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'};

// What may stand in a header and a log without harm.
bool IsRequestId(std::string_view text) {
  return !text.empty() && text.size() <= ExchangeNames::kMaxRequestIdBytes &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '-' || c == '_' || c == '.' || c == ':' || c == '/' || c == '=';
         });
}

void AppendNameFields(std::string_view request_id, std::string_view cache_state,
                      std::string_view trace_id, std::string& fields) {
  constexpr std::size_t kUsualBytes = 256;  // with what others add
  fields.reserve(kUsualBytes);
  fields.append("x-request-id: ").append(request_id);
  fields.append("\r\nx-assay-cache: ").append(cache_state);
  fields.append("\r\nx-assay-trace: ").append(trace_id).append("\r\n");
}

}  // namespace

void ExchangeNames::Take(const RequestView& request, bool accept_trace, core::Rng& rng) {
  if (IsRequestId(request.request_id)) {
    request_id_size = request.request_id.size();
    std::copy(request.request_id.begin(), request.request_id.end(), request_id_bytes.begin());
  } else {
    constexpr std::string_view kPrefix = "req_";
    std::copy(kPrefix.begin(), kPrefix.end(), request_id_bytes.begin());
    std::uint64_t bits = rng.NextU64();
    request_id_size = kPrefix.size();
    for (int i = 0; i < 16; ++i, bits >>= 4) request_id_bytes[request_id_size++] = kHex[bits & 15];
  }
  std::optional<telemetry::TraceContext> given;
  if (accept_trace && !request.traceparent.empty()) {
    given = telemetry::TraceContext::Parse(request.traceparent);
  }
  trace = given ? *given : telemetry::TraceContext::NewRoot(rng);
  for (std::size_t i = 0; i < trace.trace_id.size(); ++i) {
    trace_id[2 * i] = kHex[trace.trace_id[i] >> 4];
    trace_id[2 * i + 1] = kHex[trace.trace_id[i] & 15];
  }
}

void Pipeline::ThreadState::Begin(const RequestView& request) {
  start_wall_ns = core::Clock::Real().wall_ns();
  start_ns = core::Clock::Real().monotonic_ns();
  authenticated_ns = normalized_ns = looked_up_ns = -1;
  body = request.body;
  request_bytes = request.body.size();
  route = nullptr;
  assigned.clear();
  variants.clear();
  may_cache = true;
  cacheable = false;
  outdated = nullptr;
  caller = Caller{};
  tenant.clear();
  facts.model.clear();
  facts.stream = false;
  names.Take(request, live->settings.telemetry.accept_trace, rng);
}

void Pipeline::ThreadState::BeginFields(std::string_view cache_state) {
  fields.clear();
  AppendNameFields(names.request_id_view(), cache_state, names.trace_id_view(), fields);
  if (!variants.empty()) fields.append("x-assay-variant: ").append(variants).append("\r\n");
}

ExchangeSummary Pipeline::ThreadState::Summary(int status) const {
  ExchangeSummary summary;
  summary.endpoint = endpoint;
  summary.status = status;
  summary.stream = facts.stream;
  summary.request_id = names.request_id_view();
  summary.trace_id = names.trace_id_view();
  summary.key_id = caller.key_id();
  summary.key_name = caller.key_name;
  summary.tenant = tenant;
  if (route != nullptr) summary.route = route->settings.name;
  summary.model = facts.model;
  summary.variants = variants;
  summary.question = body;
  summary.start_wall_ns = start_wall_ns;
  summary.total_ns = core::Clock::Real().monotonic_ns() - start_ns;
  summary.request_bytes = request_bytes;
  return summary;
}

std::string Pipeline::Miss::Fields(std::string_view cache_state) const {
  std::string fields;
  AppendNameFields(exchange.request_id, cache_state, exchange.trace_id, fields);
  if (!exchange.variants.empty())
    fields.append("x-assay-variant: ").append(exchange.variants).append("\r\n");
  if (!verdict_field.empty())
    fields.append("x-assay-verdict: ").append(verdict_field).append("\r\n");
  if (!exchange.consensus.empty())
    fields.append("x-assay-consensus: ").append(exchange.consensus).append("\r\n");
  if (!semantic_field.empty())
    fields.append("x-assay-semantic: ").append(semantic_field).append("\r\n");
  return fields;
}

void Pipeline::Miss::NoteStage(Stage stage, std::int64_t begin_monotonic_ns) {
  const std::int64_t now_ns = core::Clock::Real().monotonic_ns();
  exchange.stages[static_cast<std::size_t>(stage)] = {
      .begin_ns = begin_monotonic_ns - exchange.started_monotonic_ns,
      .duration_ns = now_ns - begin_monotonic_ns};
  last_stage_ns_ = now_ns;
}

std::string_view CacheField(CacheOutcome outcome, CacheTier tier) {
  static constexpr std::array<std::string_view, 6> kHits = {"hit",
                                                            "hit; tier=memory",
                                                            "hit; tier=compressed",
                                                            "hit; tier=disk",
                                                            "hit; tier=redis",
                                                            "hit; tier=semantic"};
  return outcome == CacheOutcome::kHit ? kHits[static_cast<std::size_t>(tier)]
                                       : CacheOutcomeName(outcome);
}

ApiError UpstreamError(const Error& error) {
  const bool late = error.code == Code::kDeadlineExceeded;
  ApiError shown;
  shown.status = late ? 504 : 502;
  shown.type = "server_error";
  shown.code = late                               ? "upstream_timeout"
               : error.code == Code::kDataLoss    ? "upstream_invalid_answer"
               : error.code == Code::kUnavailable ? "upstream_unavailable"
                                                  : "upstream_failed";
  shown.message = error.message;
  return shown;
}

std::string_view BearerToken(std::string_view authorization) {
  constexpr std::size_t kSchemeBytes = 7;  // "Bearer "
  if (authorization.size() <= kSchemeBytes ||
      !EqualsIgnoreCase(authorization.substr(0, kSchemeBytes), "bearer ")) {
    return {};
  }
  std::string_view token = authorization.substr(kSchemeBytes);
  while (token.starts_with(' ')) token.remove_prefix(1);
  return token;
}

}  // namespace assay::gateway
