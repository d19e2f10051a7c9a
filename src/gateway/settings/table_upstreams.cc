// The keys under `upstreams` and `routes`.
#include <array>
#include <string>

#include "table.h"

namespace assay::gateway::settings {
namespace {

using enum Reload;

constexpr std::array<std::string_view, 5> kPolicies = {"failover", "balance", "fanout", "cascade",
                                                       "best-of"};
constexpr std::array<std::string_view, 5> kMethods = {"auto", "majority", "weighted", "medoid",
                                                      "claims"};

Key RateKey(RateSettings& rate) {
  return Section("rate",
                 "Token buckets; a call that would pass them waits for its turn or goes elsewhere.",
                 {Integer("requests_per_minute", rate.requests_per_minute, {0, 1e9}, kLive,
                          "Requests a minute. 0: no limit."),
                  Integer("tokens_per_minute", rate.tokens_per_minute, {0, 1e12}, kLive,
                          "Tokens a minute, of prompts and answers together. 0: no limit."),
                  Integer("queue_length", rate.queue_length, {0, 1'000'000}, kLive,
                          "Calls that may wait for their turn; further ones go elsewhere, or are "
                          "answered 429 with `retry-after`."),
                  Duration("queue_time", rate.queue_time_ms, {0, kHourMs}, kLive,
                           "A call that would have to wait longer is not made to wait.")});
}

Key PriceKey(PriceSettings& price) {
  return Section("price",
                 "What a million tokens cost, for budgets and for the money that hits save.",
                 {Number("prompt_usd", price.prompt_usd, {0, 1e6}, kLive,
                         "US dollars for a million tokens of prompts."),
                  Number("completion_usd", price.completion_usd, {0, 1e6}, kLive,
                         "US dollars for a million tokens of answers.")});
}

Key RetryKey(RetrySettings& retry) {
  return Section(
      "retry", "Failed calls are tried again with exponential backoff and full jitter.",
      {Integer("attempts", retry.attempts, {0, 20}, kLive, "Attempts after the first."),
       Duration("base", retry.base_ms, {1, kMinuteMs}, kLive,
                "The first wait is drawn from 0 to this; each later one from twice the range."),
       Duration("max", retry.max_ms, {1, 10 * kMinuteMs}, kLive,
                "The longest wait, also of a `retry-after` that is honoured.")});
}

Key BreakerKey(BreakerSettings& breaker) {
  return Section(
      "breaker", "Keeps calls away from an upstream that fails again and again.",
      {Bool("enabled", breaker.enabled, kLive, "Use it."),
       Number("failure_share", breaker.failure_share, {0.01, 1}, kLive,
              "It opens when so large a share of the calls in the window failed."),
       Integer("min_calls", breaker.min_calls, {1, 10'000}, kLive,
               "How many calls in the window say enough to open it."),
       Duration("window", breaker.window_ms, {100, kHourMs}, kLive,
                "How long back calls count, in ten steps."),
       Duration("open", breaker.open_ms, {1, kHourMs}, kLive,
                "How long it stays open before calls try again; doubles while they fail, up to 8 "
                "times."),
       Integer("probes", breaker.probes, {1, 100}, kLive,
               "Calls that try at once, and how many good ones in a row close it.")});
}

Key HealthKey(HealthSettings& health) {
  return Section(
      "health", "Looks whether it can be reached, by connecting to it; nothing is sent.",
      {Duration("interval", health.interval_ms, {0, kDayMs}, kLive,
                "How often. It gets no calls while it is down, and calls again once it is reached. "
                "0 s: never."),
       Duration("timeout", health.timeout_ms, {1, kMinuteMs}, kLive, "Limit for one connection."),
       Integer("down_after", health.down_after, {1, 100}, kLive,
               "Looks in a row that must fail; the first one after a start is enough.")});
}

Key UpstreamKey(UpstreamSettings& up) {
  return Section(
      up.name, "One OpenAI-compatible server.",
      {String("url", up.url, kLive,
              "`http(s)://host[:port][/prefix]`; the prefix usually ends in `/v1`."),
       Secret("key", up.key, kLive, "Sent as `authorization: Bearer ...`."),
       Number("weight", up.weight, {0, 1e6}, kLive,
              "Share of the calls on routes with the policy `balance`."),
       Integer("max_in_flight", up.max_in_flight, {0, 1'000'000}, kLive,
               "Calls that it answers at once. Further ones wait for `rate.queue_time` at most, "
               "`rate.queue_length` of them; the rest goes elsewhere, or is answered 429 "
               "`upstream_busy`. 0: no limit."),
       Integer("idle_connections", up.idle_connections, {1, 65'536}, kLive,
               "Unused connections that each I/O thread keeps open."),
       Duration("connect_time", up.connect_time_ms, {1, kHourMs}, kLive,
                "Limit for name, connection and TLS handshake."),
       Duration("first_byte_time", up.first_byte_time_ms, {1, kDayMs}, kLive,
                "Limit from the request to the first byte of the answer."),
       Duration("idle_time", up.idle_time_ms, {1, kDayMs}, kLive,
                "Limit between two pieces of an answer."),
       Duration("keep_alive", up.keep_alive_ms, {0, kDayMs}, kLive,
                "How long an unused connection stays open."),
       Duration("connection_age", up.connection_age_ms, {kSecondMs, kDayMs}, kLive,
                "An older connection is not used again, so that changes of the host's addresses "
                "are followed."),
       Size("max_answer_size", up.max_answer_bytes, {1'024, 1e9}, kLive,
            "A larger answer is an error; streams have no limit."),
       Duration("dns_refresh", up.dns_refresh_ms, {kSecondMs, kDayMs}, kLive,
                "How long the addresses of the host are used before they are asked for again."),
       Bool("verify_tls", up.verify_tls, kLive,
            "Check the certificate and the host name. Turn it off for tests only."),
       String("ca_file", up.ca_file, kLive, "PEM file of trusted roots. Empty: the system's."),
       RateKey(up.rate), PriceKey(up.price), RetryKey(up.retry), BreakerKey(up.breaker),
       HealthKey(up.health)});
}

constexpr std::array<std::string_view, 2> kSemanticEncoders = {"transformer", "static"};

Key SemanticKey(SemanticSettings& s) {
  return Section(
      "semantic", "Answers to questions that were asked before in other words.",
      {Bool("enabled", s.enabled, kLive,
            "Serve them, provided that both questions agree in every fact."),
       Number("budget", s.budget, {0.0001, 0.5}, kLive,
              "Share of all requests that may get a wrong answer this way; above it nothing is "
              "served."),
       Number("shadow_share", s.shadow_share, {0.01, 1}, kLive,
              "Share of these hits whose question goes upstream all the same, in the background, "
              "to compare the answers."),
       Integer("max_candidates", s.max_candidates, {1, 64}, kLive,
               "Nearest cached questions that are judged."),
       Integer("max_entries", s.max_entries, {100, 1'000'000}, kLive,
               "Cached questions; the oldest goes first. Above 20,000 with one context they get "
               "inverted lists, in all about 4 KB of memory a question; below, 1.5 KB."),
       Choice("encoder", s.encoder, kSemanticEncoders, kLive,
              "`transformer`: 1 to 3 ms a question. `static`: microseconds, finds less."),
       Bool("pair_model", s.pair_model, kLive,
            "Also ask the model of `claims.checker`, where it compares questions: milliseconds a "
            "candidate.")});
}

Key ExpertKey(ExpertSettings& expert) {
  return Section(
      expert.name, "One who is asked: an upstream, and how it is asked.",
      {String("upstream", expert.upstream, kLive, "Its name under `upstreams`."),
       String("model", expert.model, kLive,
              "Sent in the request. Empty: the name that the client asked for."),
       String("system", expert.system, kLive,
              "Put before the client's system prompt, by the policies that ask several."),
       Number("temperature", expert.temperature, {-1, 2}, kLive,
              "Sent instead of the client's, by the same policies. -1: the client's."),
       Number("weight", expert.weight, {0.001, 1000}, kLive, "What its vote counts.")});
}

Key ConsensusKey(ConsensusSettings& c) {
  return Section(
      "consensus", "How answers are merged, by the policies that ask several.",
      {Choice("method", c.method, kMethods, kLive,
              "`majority` and `weighted` compare final answers, `medoid` takes the answer that "
              "agrees most with all others, `claims` writes one from the claims that a quorum "
              "makes. `auto`: `weighted` where there are final answers, else `claims`."),
       Number("quorum", c.quorum, {0.01, 1}, kLive, "Share of all weight that a claim needs."),
       Number("same_threshold", c.same_threshold, {0.01, 1}, kLive,
              "Agreement from which two answers count as one."),
       Number("min_supported", c.min_supported, {0, 1}, kLive,
              "Share of an answer's claims that the documents must support, and none contradict: "
              "else a cascade goes on.")});
}

Key RouteKey(RouteSettings& route) {
  return Section(
      route.name,
      "The model name that a client asks for; `\"*\"` takes every name without a route.",
      {Experts(
           "experts", route.experts, kLive,
           "Who answers: `upstream`, `upstream/model` to send another model name, or a name under "
           "`experts`. Empty: every upstream, in the order of the file."),
       Choice("policy", route.policy, kPolicies, kLive,
              "`failover`: the first expert that works. `balance`: by weight. `fanout`: all at "
              "once, merged. `cascade`: one after the other until the documents support an answer, "
              "or, without documents, until two agree. `best-of`: all at once; the answer that the "
              "documents support best."),
       ConsensusKey(route.consensus),
       Duration("deadline", route.deadline_ms, {0, kDayMs}, kLive,
                "Limit of a whole exchange. 0 s: `limits.request_time`."),
       Number("hedge_quantile", route.hedge_quantile, {0, 0.999}, kLive,
              "Ask a second time when the first answer takes longer than this quantile of the "
              "latest ones; the first good answer counts. Not for streams. 0: never."),
       List("documents", route.documents, kLive,
            "Folders and files that answers are checked against. Empty: they are not checked."),
       Section("cache", "Cached answers of this route.",
               {Bool("enabled", route.cache.enabled, kLive, "Answer from the cache and store."),
                Duration("ttl", route.cache.ttl_ms, {0, 3'650 * kDayMs}, kLive,
                         "Lifetime of an answer. 0 s: `cache.ttl`."),
                Bool("streams", route.cache.streams, kLive,
                     "Store finished streams, and answer streams from the cache."),
                SemanticKey(route.cache.semantic)}),
       Section(
           "claims", "Checks of this route's answers.",
           {Bool("enabled", route.claims.enabled, kLive, "Check answers where documents are set."),
            Bool("stream_events", route.claims.stream_events, kLive,
                 "Send `assay.verdict` events while an answer streams.")})});
}

}  // namespace

Key UpstreamsKey(std::vector<UpstreamSettings>& upstreams) {
  return NamedMapsKey("upstreams", "The servers that answer, each under a name.", upstreams,
                      &UpstreamKey);
}

Key ExpertsKey(std::vector<ExpertSettings>& experts) {
  return NamedMapsKey("experts", "Those of whom routes ask more than a model, each under a name.",
                      experts, &ExpertKey);
}

Key RoutesKey(std::vector<RouteSettings>& routes) {
  return NamedMapsKey("routes",
                      "Which upstreams answer for which model name. Without any there is one "
                      "route, `\"*\"`, to every upstream.",
                      routes, &RouteKey);
}

}  // namespace assay::gateway::settings
