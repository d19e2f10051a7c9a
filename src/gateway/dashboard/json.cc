#include <algorithm>
#include <array>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "dashboard/json_internal.h"

namespace assay::gateway::dashboard {
namespace {

namespace json = boost::json;
using telemetry::ExchangeRecord;

json::value OrNull(std::int64_t value) {
  return value > 0 ? json::value(value) : json::value(nullptr);
}

json::value OrNull(double value) {
  return value > 0 ? json::value(value) : json::value(nullptr);
}

// What answered: a tier, another request in flight, or the upstream; "" when nothing did.
std::string_view SourceOf(const ExchangeRecord& record) {
  if (record.coalesced) return "coalesced";
  const bool asked = record.cache.empty() || record.cache == "miss" || record.cache == "bypass";
  if (!asked) return record.cache;
  return record.upstream.empty() ? "" : "upstream";
}

json::object Row(const ExchangeRecord& record) {
  return {{"id", record.request_id},
          {"started_ms", record.start_unix_ms},
          {"endpoint", record.endpoint},
          {"route", record.route},
          {"model", record.model},
          {"tenant", record.tenant},
          {"key", record.key_name.empty() ? record.key_id : record.key_name},
          {"upstream", record.upstream},
          {"source", SourceOf(record)},
          {"status", record.http_status},
          {"error", record.error_message},
          {"streamed", record.stream},
          {"duration_us", record.total_us},
          {"prompt_tokens", record.prompt_tokens},
          {"completion_tokens", record.completion_tokens},
          {"cost_nanousd", record.cost_nanousd},
          {"saved_nanousd", record.saved_nanousd},
          {"verdicts",
           {{"supported", record.supported},
            {"contradicted", record.contradicted},
            {"unverified", record.unverified}}}};
}

json::object Budget(std::uint64_t used, std::uint64_t limit) {
  return {{"used", used}, {"limit", limit == 0 ? json::value(nullptr) : json::value(limit)}};
}

json::object Key(const crypto::KeyInfo& key) {
  json::array scopes;
  for (std::size_t i = 0; i < crypto::kScopeNames.size(); ++i) {
    if (key.spec.scopes.Holds(static_cast<crypto::Scope>(i))) {
      scopes.emplace_back(crypto::kScopeNames[i]);
    }
  }
  const crypto::Usage& limit = key.spec.budget.limit;
  return {{"id", key.id.view()},
          {"name", key.spec.name},
          {"tenant", key.spec.tenant},
          {"scopes", std::move(scopes)},
          {"created_ms", key.created_ms},
          {"expires_ms",
           key.spec.expires_ms ? json::value(*key.spec.expires_ms) : json::value(nullptr)},
          {"revoked", key.revoked_ms.has_value()},
          {"period", crypto::PeriodName(key.spec.budget.period)},
          {"requests", Budget(key.used.requests, limit.requests)},
          {"tokens", Budget(key.used.tokens, limit.tokens)},
          {"cost_nanousd", Budget(key.used.cost_nanousd, limit.cost_nanousd)}};
}

Result<json::object> ParseObject(std::string_view body) {
  boost::system::error_code error;
  json::value parsed = json::parse(body, error);
  if (error || !parsed.is_object()) {
    return Fail(Code::kInvalidArgument, "The body is not a JSON object.");
  }
  return std::move(parsed.get_object());
}

Result<std::string> Text(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return Fail(Code::kInvalidArgument, fmt::format("`{}` must be a text.", name));
  }
  return std::string(value->get_string());
}

// 0 for null or an absent field.
Result<std::uint64_t> Number(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return 0;
  boost::system::error_code error;
  const auto number = value->to_number<std::int64_t>(error);
  if (error || number <= 0) {
    return Fail(Code::kInvalidArgument, fmt::format("`{}` must be a whole number above 0.", name));
  }
  return static_cast<std::uint64_t>(number);
}

Result<crypto::ScopeSet> Scopes(const json::object& object) {
  const json::value* const value = object.if_contains("scopes");
  std::string names;
  if (value != nullptr && value->is_array()) {
    for (const json::value& name : value->get_array()) {
      if (!name.is_string()) {
        return Fail(Code::kInvalidArgument, "`scopes` must be a list of names.");
      }
      names += (names.empty() ? "" : ",") + std::string(name.get_string());
    }
  }
  if (names.empty()) return Fail(Code::kInvalidArgument, "`scopes` must name one scope at least.");
  return crypto::ScopeSet::Parse(names);
}

}  // namespace

telemetry::ExchangeFilter FilterOf(const HttpRequest& request) {
  telemetry::ExchangeFilter filter;
  filter.route = request.QueryParameter("route").value_or("");
  filter.cache = request.QueryParameter("cache").value_or("");
  filter.verdict = request.QueryParameter("verdict").value_or("");
  filter.search = request.QueryParameter("search").value_or("");
  const std::string status = request.QueryParameter("status").value_or("");
  if (status == "ok") filter.max_status = 399;
  if (status == "error") filter.min_status = 400;
  return filter;
}

std::string ExchangePageJson(const telemetry::ExchangePage& page) {
  json::array items;
  items.reserve(page.records.size());
  for (const ExchangeRecord& record : page.records) items.push_back(Row(record));
  return json::serialize(json::object{
      {"items", std::move(items)},
      {"next", page.next_cursor == 0 ? json::value(nullptr)
                                     : json::value(std::to_string(page.next_cursor))}});
}

std::string ExchangeJson(const ExchangeRecord& record) {
  json::object object = Row(record);
  object["trace_id"] = record.trace_id;
  json::array spans;
  for (const telemetry::SpanRecord& span : record.spans) {
    spans.push_back(
        json::object{{"name", span.name},
                     {"start_us", span.start_us},
                     {"duration_us", std::max<std::int64_t>(0, span.end_us - span.start_us)},
                     {"note", span.detail}});
  }
  const bool taken_apart = std::ranges::any_of(
      record.spans, [](const auto& span) { return span.name != "assign_variant"; });
  if (!taken_apart && record.cache == "memory") {
    // Such a hit takes microseconds, and is not taken apart while it is answered.
    spans.push_back(json::object{{"name", "exact_lookup"},
                                 {"start_us", 0},
                                 {"duration_us", record.total_us},
                                 {"note", "the whole exchange, answered from memory"}});
  }
  object["spans"] = std::move(spans);
  boost::system::error_code error;
  json::value claims = record.claims_json.empty() ? json::value(json::array())
                                                  : json::parse(record.claims_json, error);
  object["claims"] = !error && claims.is_array() ? std::move(claims) : json::value(json::array());
  object["question"] =
      record.question.empty() ? json::value(nullptr) : json::value(record.question);
  object["answer"] = record.answer.empty() ? json::value(nullptr) : json::value(record.answer);
  return json::serialize(object);
}

std::string UpstreamsJson(std::span<const UpstreamView> upstreams,
                          std::span<const LastError> last_errors, std::int64_t now_ms) {
  json::array list;
  for (std::size_t i = 0; i < upstreams.size(); ++i) {
    const UpstreamView& one = upstreams[i];
    const LastError last = i < last_errors.size() ? last_errors[i] : LastError{};
    list.push_back(json::object{
        {"name", one.name},
        {"url", one.url},
        {"routes", json::value_from(one.routes)},
        {"breaker", one.breaker},
        {"breaker_opened", one.breaker_opened},
        {"paused_ms", one.paused_ms},
        {"in_flight", one.in_flight},
        {"waiting", one.waiting},
        {"requests", one.calls},
        {"errors", one.failures},
        {"rate_limited", one.rate_limited},
        {"refused", one.refused},
        {"latency_us", OrNull(one.latency_us)},
        {"requests_per_minute", OrNull(one.requests_per_minute)},
        {"tokens_per_minute", OrNull(one.tokens_per_minute)},
        {"last_error", last.at_ms == 0 ? json::value(nullptr) : json::value(last.message)},
        {"last_error_ms", OrNull(last.at_ms)}});
  }
  return json::serialize(json::object{{"now_ms", now_ms}, {"upstreams", std::move(list)}});
}

std::string CacheJson(std::span<const TierView> tiers, std::span<const SemanticView> semantic) {
  json::array list;
  for (const TierView& tier : tiers) {
    list.push_back(json::object{
        {"name", tier.name},
        {"state", tier.state},
        {"entries", tier.stats.entries},
        {"bytes", tier.stats.size_bytes},
        {"capacity_bytes", OrNull(static_cast<std::int64_t>(tier.stats.capacity_bytes))},
        {"hits", tier.stats.hits},
        {"misses", tier.stats.misses},
        {"evictions", tier.stats.evictions}});
  }
  json::array routes;
  for (const SemanticView& view : semantic) {
    const cache::SemanticStats& stats = view.stats;
    routes.push_back(json::object{{"route", view.route},
                                  {"entries", stats.entries},
                                  {"requests", stats.requests},
                                  {"hits", stats.hits},
                                  {"checked", stats.checked},
                                  {"wrong", stats.wrong},
                                  {"false_hit_share_upper", stats.false_hit_rate.high},
                                  {"error_share", stats.error_rate},
                                  {"open", stats.open},
                                  {"alarm", stats.alarm},
                                  {"file_error", stats.file_error}});
  }
  return json::serialize(json::object{{"tiers", std::move(list)}, {"semantic", std::move(routes)}});
}

std::string KeysJson(std::span<const crypto::KeyInfo> keys) {
  json::array list;
  for (const crypto::KeyInfo& key : keys) list.push_back(Key(key));
  return json::serialize(
      json::object{{"keys", std::move(list)}, {"scopes", json::value_from(crypto::kScopeNames)}});
}

Result<crypto::KeySpec> KeySpecOf(std::string_view body) {
  ASSAY_ASSIGN(const json::object object, ParseObject(body));
  static constexpr std::array<std::string_view, 8> kKnown = {
      "name", "tenant", "scopes", "expires_ms", "period", "requests", "tokens", "cost_nanousd"};
  for (const auto& member : object) {  // a misspelt budget must not become none
    if (std::ranges::find(kKnown, std::string_view(member.key())) == kKnown.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("`{}` is no member of a key; there are {}.",
                              std::string_view(member.key()), fmt::join(kKnown, ", ")));
    }
  }
  crypto::KeySpec spec;
  ASSAY_ASSIGN(spec.name, Text(object, "name"));
  ASSAY_ASSIGN(const std::string tenant, Text(object, "tenant"));
  if (!tenant.empty()) spec.tenant = tenant;
  ASSAY_ASSIGN(spec.scopes, Scopes(object));
  ASSAY_ASSIGN(const std::uint64_t expires_ms, Number(object, "expires_ms"));
  if (expires_ms != 0) spec.expires_ms = static_cast<std::int64_t>(expires_ms);
  ASSAY_ASSIGN(const std::string period, Text(object, "period"));
  ASSAY_ASSIGN(spec.budget.period, crypto::ParsePeriod(period));
  ASSAY_ASSIGN(spec.budget.limit.requests, Number(object, "requests"));
  ASSAY_ASSIGN(spec.budget.limit.tokens, Number(object, "tokens"));
  ASSAY_ASSIGN(spec.budget.limit.cost_nanousd, Number(object, "cost_nanousd"));
  return spec;
}

Result<std::string> TextField(std::string_view body, std::string_view name) {
  ASSAY_ASSIGN(const json::object object, ParseObject(body));
  return Text(object, name);
}

}  // namespace assay::gateway::dashboard
