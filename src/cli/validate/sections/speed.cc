// Speed: the same questions straight to a model, and through Assay with a cold and a warm cache.
#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <set>
#include <thread>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cache/memory_cache.h"
#include "assay/core/clock.h"
#include "assay/core/hash.h"

#include "http/http_client.h"
#include "validate/parts/gateway_child.h"
#include "validate/parts/load.h"
#include "validate/parts/wire.h"
#include "validate/sections.h"

namespace assay::cli::validate {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t kRequests = 72;
constexpr std::size_t kDistinct = 30;  // the report's 42 hits of 72
constexpr std::size_t kReplayed = 100'000;
constexpr std::size_t kMostUniverse = 10'000;
constexpr double kColdSeconds = 30;  // of the model's time for the cold replay
constexpr int kModelTimeoutS = 600;
constexpr int kTokens = 4;  // of an answer: what is timed here is who waits for it, not its length
constexpr int kWarmRounds = 50;
constexpr double kReportedRequestS = 124.6;  // "Generation time: 124.6 seconds per request"
constexpr std::string_view kChat = "/v1/chat/completions";

std::string Body(const std::string& model, std::string_view question) {
  return boost::json::serialize(
      boost::json::object{{"model", model},
                          {"temperature", 0},
                          {"max_tokens", kTokens},
                          {"messages", {{{"role", "user"}, {"content", question}}}}});
}

// Question i, long enough for nobody to ask it by chance.
std::vector<std::string> Bodies(const std::string& model, std::size_t count) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back(Body(model, fmt::format("How many days has month {} of the year {}?", i % 12 + 1,
                                          1900 + i / 12)));
  }
  return out;
}

std::vector<std::string> AsRequests(const std::vector<std::string>& bodies) {
  std::vector<std::string> out;
  for (const std::string& body : bodies) out.push_back(RequestBytes("POST", kChat, body));
  return out;
}

// Each of the distinct questions once, and 42 of them again, mixed.
std::vector<std::uint32_t> MixedOrder() {
  core::SeededRng rng(7);
  std::vector<std::uint32_t> out;
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    out.push_back(i < kDistinct ? i : static_cast<std::uint32_t>(rng.Below(kDistinct)));
  }
  for (std::size_t i = out.size(); i > 1; --i) std::swap(out[i - 1], out[rng.Below(i)]);
  return out;
}

struct Direct {
  double seconds = 0;
  double mean_s = 0;
};

// All at once, each on a thread and a connection of its own, without Assay.
Result<Direct> AskDirectly(const HttpTarget& target, const std::vector<std::string>& bodies,
                           const std::vector<std::uint32_t>& order) {
  std::mutex mutex;
  std::optional<Error> problem;  // under mutex
  double sum_s = 0;              // under mutex
  const auto ask = [&](std::uint32_t question) {
    HttpClient client(target, "", kModelTimeoutS);
    const auto begin = SteadyClock::now();
    const auto answer = client.Post(kChat, bodies[question]);
    const double took_s = std::chrono::duration<double>(SteadyClock::now() - begin).count();
    const std::scoped_lock lock(mutex);
    sum_s += took_s;
    if (!answer) {
      problem = answer.error();
    } else if (answer->status != 200) {
      problem = Error{Code::kUnavailable, fmt::format("the model's server answered {}: {}",
                                                      answer->status, answer->body.substr(0, 200))};
    }
  };
  const auto begin = SteadyClock::now();
  std::vector<std::thread> threads;
  for (const std::uint32_t question : order) threads.emplace_back(ask, question);
  for (std::thread& one : threads) one.join();
  Direct out;
  out.seconds = std::chrono::duration<double>(SteadyClock::now() - begin).count();
  out.mean_s = sum_s / static_cast<double>(order.size());
  if (problem) return std::unexpected(*problem);
  return out;
}

Result<LoadResult> Load(std::uint16_t port, const std::vector<std::string>& requests,
                        std::span<const std::uint32_t> order, std::size_t connections) {
  ASSAY_ASSIGN(const LoadResult out, SendLoad(port, requests, order, connections, kModelTimeoutS));
  if (out.failed > 0) {
    return Fail(Code::kUnavailable,
                fmt::format("{} of {} requests through Assay failed, the first: "
                            "{}",
                            out.failed, out.requests, out.first_failure));
  }
  return out;
}

Result<std::uint64_t> UpstreamCalls(const GatewayChild& gateway) {
  ASSAY_ASSIGN(const double calls, gateway.Metric("assay_exchanges_total{source=\"upstream\"}"));
  return static_cast<std::uint64_t>(calls);
}

Finding Row(std::string name, std::string claimed, std::string promised) {
  Finding out;
  out.section = "speed";
  out.name = std::move(name);
  out.claimed = std::move(claimed);
  out.promised = std::move(promised);
  return out;
}

void Judge(Finding& finding, bool holds) {
  finding.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
}

std::size_t Distinct(std::span<const std::uint32_t> order) {
  return std::set<std::uint32_t>(order.begin(), order.end()).size();
}

// 72 requests at once: without Assay, cold, warm.
Result<Direct> SeventyTwo(Session& session, const HttpTarget& target, const GatewayChild& gateway,
                          const std::vector<std::string>& bodies,
                          const std::vector<std::string>& requests) {
  const std::vector<std::uint32_t> order = MixedOrder();
  session.Step("speed: straight to the model");
  ASSAY_ASSIGN(const Direct direct, AskDirectly(target, bodies, order));
  session.Step("speed: through Assay");
  ASSAY_ASSIGN(const LoadResult cold, Load(gateway.port(), requests, order, kRequests));
  ASSAY_ASSIGN(const std::uint64_t calls, UpstreamCalls(gateway));
  Finding first =
      Row(fmt::format("{} requests at once, {} distinct, cold cache", kRequests, kDistinct),
          "42 hits, 30 misses (58.3 %)",
          "the model is asked 30 times: equal questions in flight are asked once; less time than "
          "without Assay, as the model's server has a cache of its own");
  first.measured = fmt::format(
      "asked {} times ({:.1f} % saved); {:.2f} s, without Assay {:.2f} s "
      "({:.1f}x)",
      calls, 100 - 100.0 * static_cast<double>(calls) / kRequests, cold.seconds, direct.seconds,
      direct.seconds / cold.seconds);
  first.figures = {{"calls", calls}, {"cold_s", cold.seconds}, {"direct_s", direct.seconds}};
  Judge(first, calls == kDistinct && cold.seconds < direct.seconds);
  session.Add(std::move(first));

  std::vector<double> waves;
  for (int i = 0; i < kWarmRounds; ++i) {
    ASSAY_ASSIGN(const LoadResult warm, Load(gateway.port(), requests, order, kRequests));
    waves.push_back(warm.seconds);
  }
  std::ranges::sort(waves);
  const double wave_s = waves[waves.size() / 2];
  Finding second =
      Row(fmt::format("the same {} at once, warm cache (median of {})", kRequests, kWarmRounds),
          "0.004 s, 19,033 requests/s, 0.05 ms a request; 2,000,000x",
          "at most 0.004 s and 0.05 ms a request; at least 100x of without Assay");
  second.measured = fmt::format(
      "{:.4f} s, {:.0f} requests/s, {:.4f} ms a request; {:.0f}x of "
      "without Assay",
      wave_s, kRequests / wave_s, 1e3 * wave_s / kRequests, direct.seconds / wave_s);
  second.reason = fmt::format(
      "the factor is the model's time over a hit's; at the report's {} s a request one after the "
      "other it would be {:.2g}x",
      kReportedRequestS, kReportedRequestS * kRequests / wave_s);
  second.figures = {{"warm_s", wave_s}, {"speedup", direct.seconds / wave_s}};
  const double ms = 1e3 * wave_s / kRequests;
  Judge(second, wave_s <= 0.004 && ms <= 0.05 && direct.seconds / wave_s >= 100);
  session.Add(std::move(second));
  return direct;
}

std::string TimeText(double seconds) {
  if (seconds < 120) return fmt::format("{:.3g} s", seconds);
  return seconds < 7200 ? fmt::format("{:.1f} min", seconds / 60)
                        : fmt::format("{:.1f} h", seconds / 3600);
}

// 100,000 requests by Zipf's law over as many questions as the model has time for.
Result<void> Zipf(Session& session, const GatewayChild& gateway, const Direct& direct,
                  const std::string& model) {
  const double rate = kRequests / direct.seconds;  // of the model, with company
  const auto universe = static_cast<std::size_t>(
      std::clamp(kColdSeconds * rate, 50.0, static_cast<double>(kMostUniverse)));
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < universe; ++i) {
    bodies.push_back(Body(model, fmt::format("What is {} plus {}?", i, 2 * i + 1)));
  }
  const std::vector<std::string> requests = AsRequests(bodies);
  const std::vector<std::uint32_t> order = ZipfOrder(universe, kReplayed, 11);
  const std::size_t distinct = Distinct(order);
  ASSAY_ASSIGN(const std::uint64_t before, UpstreamCalls(gateway));
  session.Step("speed: 100,000 requests, cold");
  ASSAY_ASSIGN(const LoadResult cold, Load(gateway.port(), requests, order, 16));
  ASSAY_ASSIGN(const std::uint64_t after, UpstreamCalls(gateway));
  const double without_s = kReplayed / rate;
  Finding first = Row(fmt::format("100,000 requests, Zipf's law over {} questions, cold", universe),
                      "70 % duplicates; about 8 requests/s before",
                      "the model is asked once for each distinct question");
  first.measured = fmt::format(
      "asked {} times for {} distinct questions ({:.2f} % saved); {}, "
      "without Assay {} ({:.0f}x)",
      after - before, distinct, 100 - 100.0 * static_cast<double>(after - before) / kReplayed,
      TimeText(cold.seconds), TimeText(without_s), without_s / cold.seconds);
  first.reason =
      fmt::format("without Assay: extrapolated from {} requests ({:.2f}/s)", kRequests, rate);
  first.figures = {{"calls", after - before}, {"distinct", distinct}, {"cold_s", cold.seconds}};
  Judge(first, after - before == distinct);
  session.Add(std::move(first));
  session.Step("speed: 100,000 requests, warm");
  const double cpu_before = CpuSeconds(gateway.pid());
  ASSAY_ASSIGN(const LoadResult warm, Load(gateway.port(), requests, order, 16));
  const double cpu_s = (CpuSeconds(gateway.pid()) - cpu_before) / kReplayed;
  Finding second = Row("the same 100,000, warm", "19,033 requests/s, 0.05 ms mean latency",
                       "at least 19,033 requests/s, the load's own work on this machine included");
  second.measured = fmt::format("{:.0f} requests/s in {}; {:.1f} us of the gateway's CPU a request",
                                warm.rate(), TimeText(warm.seconds), 1e6 * cpu_s);
  second.figures = {{"rate", warm.rate()}, {"cpu_us", 1e6 * cpu_s}};
  Judge(second, warm.rate() >= 19'033);
  session.Add(std::move(second));
  session.Step("speed: one at a time");
  ASSAY_ASSIGN(const LoadResult single,
               Load(gateway.port(), requests, std::span(order).first(10'000), 1));
  Finding third = Row("a hit by HTTP, one at a time", "cache hits: 0 ms",
                      "a mean of at most 0.2 ms, both sides of the connection included");
  third.measured =
      fmt::format("mean {:.4f} ms, p99 {:.4f} ms", 1e3 * single.mean_s, 1e3 * single.p99_s);
  third.figures = {{"mean_ms", 1e3 * single.mean_s}, {"p99_ms", 1e3 * single.p99_s}};
  Judge(third, single.mean_s <= 0.2e-3);
  session.Add(std::move(third));
  return {};
}

// The cache by itself: what the report's "get" and "set" are.
Result<void> CacheCalls(Session& session) {
  constexpr std::size_t kEntries = 1'000;
  constexpr std::int64_t kNowMs = 1'700'000'000'000;
  ASSAY_ASSIGN(const auto cache, cache::MemoryCache::Create({}));
  const std::string body(1000, 'x');
  std::vector<cache::Key> keys;
  for (std::size_t i = 0; i < kEntries; ++i) {
    keys.push_back(core::HashBytes128(fmt::format("question {}", i)));
  }
  const auto began = SteadyClock::now();
  for (const cache::Key& key : keys) {
    ASSAY_ASSIGN(cache::EntryRef entry,
                 cache::Entry::Make(key, {.stored_ms = kNowMs, .expires_ms = cache::kNeverExpires},
                                    {.tenant = "t", .route = "r", .body = body}));
    cache->Put(std::move(entry), kNowMs);
  }
  const auto stored = SteadyClock::now();
  std::size_t hits = 0;
  constexpr std::size_t kPasses = 1'000;
  for (std::size_t pass = 0; pass < kPasses; ++pass) {
    for (const cache::Key& key : keys) hits += cache->Get(key, kNowMs) != nullptr ? 1U : 0U;
  }
  const auto read = SteadyClock::now();
  const double set_us =
      std::chrono::duration<double, std::micro>(stored - began).count() / kEntries;
  const double get_us =
      std::chrono::duration<double, std::micro>(read - stored).count() / (kEntries * kPasses);
  Finding out = Row("the cache alone, 1,000 answers of 1 KB",
                    "get 0.0000 ms (target 0.5), set 0.1440 ms (target 5)",
                    "get at most 0.001 ms, set at most 0.1440 ms, every one found");
  out.measured = fmt::format("get {:.6f} ms, set {:.6f} ms, {} of {} found", get_us / 1e3,
                             set_us / 1e3, hits, kEntries * kPasses);
  out.figures = {{"get_us", get_us}, {"set_us", set_us}};
  Judge(out, get_us <= 1 && set_us <= 144 && hits == kEntries * kPasses);
  session.Add(std::move(out));
  return {};
}

}  // namespace

Result<void> RunSpeed(Session& session) {
  ASSAY_TRY(CacheCalls(session));
  const Options& options = session.options();
  ASSAY_ASSIGN(const HttpTarget target, HttpTarget::Parse(options.upstream));
  const std::vector<std::string> bodies = Bodies(options.model, kDistinct);
  boost::json::object settings = {
      {"upstreams", {{"model", {{"url", options.upstream}}}}},
      {"limits", {{"request_time", "10 min"}}},
      {"routes", {{"*", {{"experts", {"model"}}, {"deadline", "10 min"}}}}}};
  ASSAY_ASSIGN(const auto gateway,
               GatewayChild::Start(session.folder(), "speed", std::move(settings)));
  ASSAY_TRY(AskDirectly(target, {Body(options.model, "Hello?")}, {0}));  // reads the weights
  ASSAY_ASSIGN(const Direct direct,
               SeventyTwo(session, target, *gateway, bodies, AsRequests(bodies)));
  return Zipf(session, *gateway, direct, options.model);
}

}  // namespace assay::cli::validate
