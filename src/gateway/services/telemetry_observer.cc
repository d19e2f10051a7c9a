#include <algorithm>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "services/telemetry_observer_internal.h"

namespace assay::gateway {
namespace {

constexpr double kUsdPerNanousd = 1e-9;

// What answered: the places of TelemetryObserver::by_source_.
constexpr std::array<std::string_view, 9> kSources = {"memory",   "compressed", "disk",
                                                      "redis",    "semantic",   "coalesced",
                                                      "upstream", "error",      "cancelled"};

std::size_t SourceOf(const ExchangeSummary& summary) {
  if (summary.cancelled) return 8;
  if (summary.status >= 400) return 7;
  if (summary.outcome == CacheOutcome::kHit) return static_cast<std::size_t>(summary.tier) - 1;
  return summary.coalesced ? 5 : 6;
}

std::string_view CacheText(const ExchangeSummary& summary) {
  return summary.outcome == CacheOutcome::kHit ? CacheTierName(summary.tier)
                                               : CacheOutcomeName(summary.outcome);
}

std::string_view EndpointText(Endpoint endpoint) {
  static constexpr std::array<std::string_view, 3> kPaths = {"/v1/chat/completions",
                                                             "/v1/completions", "/v1/embeddings"};
  return kPaths[static_cast<std::size_t>(endpoint)];
}

// The places of TelemetryObserver::claims_.
constexpr std::array<std::string_view, 3> kVerdicts = {"supported", "contradicted", "unverified"};

// Four decimals, as in claims/json.h.
double Rounded(float share) {
  return std::round(static_cast<double>(share) * 1e4) / 1e4;
}

boost::json::object ToJson(const ClaimVerdict& claim) {
  boost::json::array evidence;
  for (const ClaimEvidence& item : claim.evidence) {
    evidence.push_back({{"file", item.file},
                        {"line", item.line},
                        {"text", text::RepairUtf8(item.text)},
                        {"score", Rounded(item.score)}});
  }
  return {{"text", text::RepairUtf8(claim.claim)},
          {"verdict", claim.verdict},
          {"confidence", Rounded(claim.confidence)},
          {"reason", claim.reason},
          {"evidence", std::move(evidence)}};
}

// The worst of the claims is the verdict of the answer, as in x-assay-verdict.
void AddVerdicts(const std::vector<ClaimVerdict>& verdicts, telemetry::ExchangeRecord& record) {
  if (verdicts.empty()) return;
  boost::json::array claims;
  for (const ClaimVerdict& claim : verdicts) {
    if (claim.verdict == kVerdicts[0]) ++record.supported;
    if (claim.verdict == kVerdicts[1]) ++record.contradicted;
    if (claim.verdict == kVerdicts[2]) ++record.unverified;
    claims.push_back(ToJson(claim));
  }
  record.verdict = record.contradicted > 0 ? kVerdicts[1]
                   : record.unverified > 0 ? kVerdicts[2]
                                           : kVerdicts[0];
  record.claims_json = boost::json::serialize(claims);
}

void AddExperts(const Exchange& exchange, telemetry::ExchangeRecord& record) {
  for (const ExpertNote& note : exchange.experts) {
    // Of a call that others in flight joined, the experts began before they did.
    const std::int64_t begin_us =
        std::max<std::int64_t>(0, note.begin_ns - exchange.started_monotonic_ns) / 1000;
    record.spans.push_back(
        {.name = "Expert " + note.expert,
         .start_us = begin_us,
         .end_us = begin_us + note.duration_ns / 1000,
         .detail = note.error.empty()
                       ? fmt::format("{}, {} tokens, ${:.6f}", note.upstream,
                                     note.usage.prompt_tokens + note.usage.completion_tokens,
                                     static_cast<double>(note.cost_nanousd) / 1e9)
                       : note.error});
  }
}

}  // namespace

TelemetryObserver::TelemetryObserver(telemetry::Metrics& metrics, telemetry::Log* log,
                                     telemetry::RequestLog* request_log, ObserverOptions options)
    : metrics_(metrics), log_(log), request_log_(request_log), options_(options) {
  for (std::size_t i = 0; i < kSources.size(); ++i) {
    by_source_[i] = metrics.AddCounter("assay_exchanges_total",
                                       "Finished exchanges with models, by what answered",
                                       {{"source", std::string(kSources[i])}});
  }
  for (std::size_t i = 0; i < by_status_.size(); ++i) {
    by_status_[i] = metrics.AddCounter(
        "assay_answers_total", "Answers to clients, by the class of their HTTP status",
        {{"status", i == 0 ? std::string("none") : std::to_string(i) + "xx"}});
  }
  for (const CacheOutcome outcome :
       {CacheOutcome::kBypass, CacheOutcome::kMiss, CacheOutcome::kHit}) {
    by_outcome_[static_cast<std::size_t>(outcome)] = metrics.AddHistogram(
        "assay_exchange_by_cache_seconds",
        "From a request's last byte to the end of its answer, by what the cache said",
        {{"cache", std::string(CacheOutcomeName(outcome))}});
  }
  all_ = metrics.AddHistogram("assay_exchange_seconds",
                              "From a request's last byte to the end of its answer");
  first_byte_ = metrics.AddHistogram("assay_first_byte_seconds",
                                     "From a request's last byte to its answer's first");
  added_ = metrics.AddHistogram("assay_added_seconds",
                                "What the gateway itself took of an exchange with an upstream");
  prompt_tokens_ = metrics.AddCounter("assay_tokens_total", "Tokens that upstreams counted",
                                      {{"kind", "prompt"}});
  completion_tokens_ = metrics.AddCounter("assay_tokens_total", "Tokens that upstreams counted",
                                          {{"kind", "completion"}});
  cost_ = metrics.AddCounter("assay_cost_usd_total", "What answers of upstreams cost", {},
                             kUsdPerNanousd);
  saved_ = metrics.AddCounter("assay_saved_usd_total", "What cached answers would have cost", {},
                              kUsdPerNanousd);
  retries_ = metrics.AddCounter("assay_retries_total", "Calls beyond the first of an exchange");
  rechecked_ = metrics.AddCounter("assay_cache_rechecked_total",
                                  "Cached answers judged again because the documents changed");
  for (std::size_t i = 0; i < refreshes_.size(); ++i) {
    refreshes_[i] = metrics.AddCounter("assay_cache_refreshes_total",
                                       "Entries asked again before they expire, by what came of it",
                                       {{"result", i == 0 ? "failed" : "stored"}});
  }
  for (std::size_t i = 0; i < kVerdicts.size(); ++i) {
    claims_[i] = metrics.AddCounter("assay_claims_total", "Claims of answers, by their verdict",
                                    {{"verdict", std::string(kVerdicts[i])}});
  }
}

void TelemetryObserver::Count(const ExchangeSummary& summary) {
  by_source_[SourceOf(summary)].Add();
  by_status_[static_cast<std::size_t>(std::clamp(summary.status / 100, 0, 5))].Add();
  by_outcome_[static_cast<std::size_t>(summary.outcome)].ObserveNs(summary.total_ns);
  all_.ObserveNs(summary.total_ns);
  if (summary.first_byte_ns > 0) first_byte_.ObserveNs(summary.first_byte_ns);
  if (summary.outcome == CacheOutcome::kHit) {
    saved_.Add(static_cast<std::uint64_t>(summary.cost_nanousd));
    if (summary.exchange != nullptr && summary.exchange->rechecked) rechecked_.Add();
    return;
  }
  if (summary.coalesced) return;
  prompt_tokens_.Add(summary.usage.prompt_tokens);
  completion_tokens_.Add(summary.usage.completion_tokens);
  cost_.Add(static_cast<std::uint64_t>(summary.cost_nanousd));
  if (summary.attempts > 1) retries_.Add(summary.attempts - 1);
  if (summary.exchange != nullptr) {
    CountVerdicts(summary.exchange->verdicts);
    CountExperts(summary.exchange->experts);
  }
  if (summary.upstream_ns > 0) added_.ObserveNs(summary.total_ns - summary.upstream_ns);
}

void TelemetryObserver::OnExchange(const ExchangeSummary& summary) {
  Count(summary);
  if (options_.access_log && log_ != nullptr && log_->enabled(telemetry::Level::kInfo)) {
    WriteLine(summary);
  }
  if (request_log_ != nullptr && !request_log_->Full()) OfferRecord(summary);
}

void TelemetryObserver::WriteLine(const ExchangeSummary& summary) {
  using telemetry::LogField;
  using telemetry::PlainText;
  const std::array<LogField, 18> fields = {
      LogField("request_id", summary.request_id),
      LogField("trace_id", PlainText{summary.trace_id}),
      LogField("status", summary.status),
      LogField("endpoint", PlainText{EndpointText(summary.endpoint)}),
      LogField("model", summary.model),
      LogField("route", summary.route),
      LogField("tenant", summary.tenant),
      LogField("key_id", summary.key_id),
      LogField("cache", PlainText{CacheText(summary)}),
      LogField("stream", summary.stream),
      LogField("upstream", summary.upstream),
      LogField("total_us", summary.total_ns / 1000),
      LogField("upstream_us", summary.upstream_ns / 1000),
      LogField("prompt_tokens", summary.usage.prompt_tokens),
      LogField("completion_tokens", summary.usage.completion_tokens),
      LogField("variant", summary.variants),
      LogField("error_code", summary.error_code),
      LogField("error", summary.error)};
  // Hits and plain answers have neither upstream nor error at their end.
  const std::size_t plain = summary.variants.empty() ? fields.size() - 3 : fields.size() - 2;
  const std::size_t count = summary.error_code.empty() ? plain : fields.size();
  log_->Write(telemetry::Level::kInfo, "exchange", std::span(fields).first(count));
}

void TelemetryObserver::OfferRecord(const ExchangeSummary& summary) {
  telemetry::ExchangeRecord record;
  record.request_id = summary.request_id;
  record.trace_id = summary.trace_id;
  record.start_unix_ms = summary.start_wall_ns / 1'000'000;
  record.tenant = summary.tenant;
  record.key_id = summary.key_id;
  record.key_name = summary.key_name;
  record.endpoint = EndpointText(summary.endpoint);
  record.route = summary.route;
  record.model = summary.model;
  record.upstream = summary.upstream;
  record.http_status = summary.status;
  record.stream = summary.stream;
  record.coalesced = summary.coalesced;
  record.retries = summary.attempts > 1 ? summary.attempts - 1 : 0;
  record.cache = CacheText(summary);
  record.prompt_tokens = summary.usage.prompt_tokens;
  record.completion_tokens = summary.usage.completion_tokens;
  (summary.outcome == CacheOutcome::kHit ? record.saved_nanousd : record.cost_nanousd) =
      summary.cost_nanousd;
  record.total_us = summary.total_ns / 1000;
  record.upstream_us = summary.upstream_ns / 1000;
  record.first_token_us = summary.stream ? summary.first_byte_ns / 1000 : 0;
  record.request_bytes = static_cast<std::int64_t>(summary.request_bytes);
  record.response_bytes = static_cast<std::int64_t>(summary.answer_bytes);
  record.error_code = summary.error_code;
  record.error_message = summary.error;
  if (options_.texts) {
    record.question = summary.question;
    record.answer = summary.answer;
  }
  if (!summary.variants.empty()) {
    record.spans.push_back({.name = std::string(StageName(Stage::kAssignVariant)),
                            .detail = std::string(summary.variants)});
  }
  if (summary.exchange != nullptr) {
    AddVerdicts(summary.exchange->verdicts, record);
    for (std::size_t i = 0; i < kStageCount; ++i) {
      const StageTime& time = summary.exchange->stages[i];
      if (time.begin_ns < 0) continue;
      const auto stage = static_cast<Stage>(i);
      record.spans.push_back({.name = std::string(StageName(stage)),
                              .start_us = time.begin_ns / 1000,
                              .end_us = (time.begin_ns + time.duration_ns) / 1000,
                              .detail = stage == Stage::kSemanticLookup ? summary.exchange->semantic
                                        : stage == Stage::kMergeAnswers
                                            ? summary.exchange->consensus
                                            : ""});
    }
    AddExperts(*summary.exchange, record);
  }
  (void)request_log_->Offer(std::move(record));  // a full queue drops it and counts that itself
}

void TelemetryObserver::OnEndpoint(std::string_view pattern, int status, std::int64_t total_ns) {
  // Few series, and not on the hot path: the registry finds the one that is there.
  metrics_
      .AddHistogram("assay_endpoint_seconds", "Requests to endpoints of Assay's own",
                    {{"endpoint", std::string(pattern)}})
      .ObserveNs(total_ns);
  by_status_[static_cast<std::size_t>(std::clamp(status / 100, 0, 5))].Add();
}

void TelemetryObserver::OnRefused(std::string_view code) {
  metrics_
      .AddCounter("assay_refused_total", "Requests that a limit refused, by its error code",
                  {{"code", std::string(code)}})
      .Add();
}

void TelemetryObserver::OnRefresh(bool stored, const Usage& usage, std::int64_t cost_nanousd) {
  refreshes_[stored ? 1 : 0].Add();
  prompt_tokens_.Add(usage.prompt_tokens);
  completion_tokens_.Add(usage.completion_tokens);
  cost_.Add(static_cast<std::uint64_t>(cost_nanousd));
}

// Few series, and beside a call of a model: the registry finds those that are there.
void TelemetryObserver::CountExperts(std::span<const ExpertNote> experts) {
  for (const ExpertNote& note : experts) {
    const telemetry::Labels labels = {{"expert", note.expert}};
    const auto count = [&](std::string_view name, std::string_view help, bool add) {
      metrics_.AddCounter(name, help, labels).Add(add ? 1 : 0);
    };
    count("assay_expert_calls_total", "Calls of an expert, on routes that ask several", true);
    count("assay_expert_errors_total", "Those without an answer", !note.error.empty());
    count("assay_expert_compared_total", "Its answers that were compared with others",
          note.agreed.has_value());
    count("assay_expert_agreed_total", "Those of them that agree with what was served",
          note.agreed.value_or(false));
    if (note.duration_ns <= 0) continue;
    metrics_.AddHistogram("assay_expert_seconds", "How long its answers took", labels)
        .ObserveNs(note.duration_ns);
  }
}

void TelemetryObserver::CountVerdicts(std::span<const ClaimVerdict> verdicts) {
  for (const ClaimVerdict& claim : verdicts) {
    const auto* const name = std::ranges::find(kVerdicts, claim.verdict);
    if (name != kVerdicts.end()) claims_[static_cast<std::size_t>(name - kVerdicts.begin())].Add();
  }
}

}  // namespace assay::gateway
