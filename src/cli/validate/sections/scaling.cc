// Scaling over threads: the same work on one thread and on more, and what Amdahl's law makes of it.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/cache/memory_cache.h"
#include "assay/claims/verifier.h"
#include "assay/consensus/consensus.h"
#include "assay/core/hash.h"
#include "assay/core/parallel.h"

#include "documents_option.h"
#include "encoders.h"
#include "validate/report/figures.h"
#include "validate/sections.h"

namespace assay::cli::validate {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int kRounds = 5;  // taking turns; the best of each counts
// Of what arithmetic gains, which needs nothing but registers. Hits of small answers wait for
// memory, which the threads share, and for the lines of entries that all of them ask for.
constexpr double kLeastOfCompute = 0.75;
constexpr double kLeastOfMemory = 0.6;
constexpr double kLeastFree =
    0.4;  // of each further thread, or the machine is busy with other work
constexpr std::size_t kCacheEntries = 10'000;
constexpr std::size_t kGetsAPiece = 20'000;
constexpr std::int64_t kNowMs = 1'700'000'000'000;

// Work in equal pieces. `piece` is called with the number of the thread.
struct Work {
  std::string name;
  std::string unit;
  std::size_t pieces;
  double units_a_piece;
  std::function<void(std::size_t thread)> piece;
  double least = kLeastOfCompute;  // of what arithmetic gains on the same threads
  std::vector<Timing> best = {};   // of each number of threads
};

double Run(const Work& work, std::size_t threads) {
  std::atomic<std::size_t> next{0};  // partner: itself in other threads; hands out pieces
  const auto begin = SteadyClock::now();
  const auto loop = [&](std::size_t thread) {
    while (next.fetch_add(1, std::memory_order_relaxed) < work.pieces) work.piece(thread);
  };
  std::vector<std::thread> others;
  for (std::size_t i = 1; i < threads; ++i) others.emplace_back(loop, i);
  loop(0);
  for (std::thread& one : others) one.join();
  return std::chrono::duration<double>(SteadyClock::now() - begin).count();
}

// What the machine itself gains from threads that share nothing: virtual processors may be the two
// halves of one core, or busy with something else.
Work Arithmetic(std::vector<std::uint64_t>& sinks) {
  return {"independent arithmetic", "pieces", 64, 1, [&sinks](std::size_t thread) {
            std::uint64_t x = thread + 1;
            for (int i = 0; i < 2'000'000; ++i) {
              x ^= x << 13;
              x ^= x >> 7;
              x ^= x << 17;
            }
            sinks[thread * 8] += x;  // a cache line each
          }};
}

Result<Work> Verification(const Session& session, std::size_t threads) {
  struct State {
    std::unique_ptr<embed::Encoder> encoder;
    OpenedDocuments documents;
    std::vector<claims::Verifier> verifiers;
    std::vector<std::string_view> claims;
  };
  auto state = std::make_shared<State>();
  ASSAY_ASSIGN(state->encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(state->documents, OpenDocuments(session.options().examples + "/handbook",
                                               session.folder() + "/index", state->encoder.get()));
  for (std::size_t i = 0; i < threads; ++i) {
    ASSAY_ASSIGN(claims::Verifier verifier,
                 claims::Verifier::Create(state->documents.index, state->encoder.get(),
                                          state->encoder.get()));
    state->verifiers.push_back(std::move(verifier));
  }
  const corpus::Index& index = *state->documents.index;
  for (std::uint32_t p = 0; p < index.passage_count() && state->claims.size() < 16; ++p) {
    const corpus::Passage passage = index.passage(p);
    const text::Span span = index.sentence(p, 0).text;
    state->claims.push_back(passage.text.substr(span.begin, span.end - span.begin));
  }
  const auto units = static_cast<double>(state->claims.size());
  return Work{"batch verification", "claims", 16, units, [state](std::size_t thread) {
                (void)state->verifiers[thread].VerifyBatch(state->claims);
              }};
}

Result<Work> CacheHits() {
  struct State {
    std::unique_ptr<cache::MemoryCache> cache;
    std::vector<cache::Key> keys;
  };
  auto state = std::make_shared<State>();
  ASSAY_ASSIGN(state->cache, cache::MemoryCache::Create({}));
  const std::string body(400, 'x');
  for (std::size_t i = 0; i < kCacheEntries; ++i) {
    const cache::Key key = core::HashBytes128(fmt::format("question {}", i));
    ASSAY_ASSIGN(cache::EntryRef entry,
                 cache::Entry::Make(key, {.stored_ms = kNowMs, .expires_ms = cache::kNeverExpires},
                                    {.tenant = "t", .route = "r", .body = body}));
    state->cache->Put(std::move(entry), kNowMs);
    state->keys.push_back(key);
  }
  return Work{"cache hits",
              "hits",
              128,
              kGetsAPiece,
              [state](std::size_t thread) {
                std::size_t at = thread * 977;
                for (std::size_t i = 0; i < kGetsAPiece; ++i) {
                  at = (at + 7919) % kCacheEntries;  // prime: every entry, in no order
                  (void)state->cache->Get(state->keys[at], kNowMs);
                }
              },
              kLeastOfMemory};
}

Result<Work> Merging() {
  struct State {
    std::unique_ptr<embed::Encoder> encoder;
    std::optional<consensus::Merger> merger;
    std::vector<std::string> names;
    std::vector<std::string> texts;
    std::vector<consensus::ExpertAnswer> answers;
  };
  auto state = std::make_shared<State>();
  ASSAY_ASSIGN(state->encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(state->merger, consensus::Merger::Create({.method = consensus::Method::kClaims},
                                                        state->encoder.get()));
  for (int i = 0; i < 20; ++i) {
    state->names.push_back(fmt::format("expert-{}", i));
    state->texts.push_back(fmt::format(
        "A refund takes {} days. The fee for a refund is {} euros. Requests are sent by e-mail to "
        "the support team, and {} people answer them.",
        i % 3 == 0 ? 14 : 30, i % 5 == 0 ? 10 : 12, 4 + i % 2));
  }
  for (std::size_t i = 0; i < state->texts.size(); ++i) {
    state->answers.push_back({.expert = state->names[i], .text = state->texts[i]});
  }
  return Work{"consensus of 20 experts", "merges", 96, 1,
              [state](std::size_t) { (void)state->merger->Merge(state->answers); }};
}

std::vector<std::size_t> ThreadCounts(std::size_t cores) {
  std::vector<std::size_t> out;
  for (std::size_t n = 1; n < cores; n *= 2) out.push_back(n);
  out.push_back(cores);
  return out;
}

double Speedup(const Work& work) {
  return work.best.front().seconds / work.best.back().seconds;
}

Finding FindingOf(const Work& work, const Work& machine) {
  const AmdahlFit fit = work.best.size() < 2 ? AmdahlFit{} : FitAmdahl(work.best);
  const double wanted = work.least * Speedup(machine);
  Finding out;
  out.section = "scaling";
  out.name = work.name;
  out.claimed = "1.95x on 2 threads, 3.75x on 4, 7.04x on 8; 94 % of the work parallel (Amdahl)";
  out.promised = fmt::format(
      "at least {:.0f} % of what independent arithmetic gains on the same "
      "threads in the same run",
      100 * work.least);
  std::vector<std::string> rates;
  for (const Timing& one : work.best) {
    rates.push_back(
        fmt::format("{} thread{} {:.4g}/s", one.threads, one.threads == 1 ? "" : "s",
                    static_cast<double>(work.pieces) * work.units_a_piece / one.seconds));
  }
  out.measured = fmt::format("{}: {}; {:.2f}x, arithmetic {:.2f}x; {:.0f} % parallel", work.unit,
                             fmt::join(rates, ", "), Speedup(work), Speedup(machine),
                             100 * fit.parallel_share);
  out.figures = {{"threads", work.best.back().threads},
                 {"speedup", Speedup(work)},
                 {"machine_speedup", Speedup(machine)},
                 {"parallel_share", fit.parallel_share}};
  out.verdict = Speedup(work) >= wanted ? Verdict::kHolds : Verdict::kFallsShort;
  const auto threads = static_cast<double>(machine.best.back().threads);
  if (threads < 2) {
    out.verdict = Verdict::kNotMeasured;
    out.reason = "this machine has one core";
  } else if (Speedup(machine) < 1 + kLeastFree * (threads - 1)) {
    out.verdict = Verdict::kNotMeasured;
    out.reason =
        "the machine had no second core to spare at that moment: not even arithmetic gained";
  }
  return out;
}

}  // namespace

Result<void> RunScaling(Session& session) {
  const std::size_t cores = core::Parallelism();
  session.Step("scaling");
  std::vector<std::uint64_t> sinks(cores * 8);
  std::vector<Work> works;
  works.push_back(Arithmetic(sinks));
  ASSAY_ASSIGN(Work verification, Verification(session, cores));
  works.push_back(std::move(verification));
  ASSAY_ASSIGN(Work hits, CacheHits());
  works.push_back(std::move(hits));
  ASSAY_ASSIGN(Work merging, Merging());
  works.push_back(std::move(merging));
  const std::vector<std::size_t> counts = ThreadCounts(cores);
  for (Work& work : works) {
    for (const std::size_t threads : counts) work.best.push_back({threads, 1e300});
    (void)Run(work, cores);  // warm
  }
  for (int round = 0; round < kRounds; ++round) {
    session.Step("scaling", static_cast<std::uint64_t>(round), kRounds);
    for (Work& work : works) {
      for (Timing& timing : work.best) {
        timing.seconds = std::min(timing.seconds, Run(work, timing.threads));
      }
    }
  }
  for (std::size_t i = 1; i < works.size(); ++i) {
    session.Add(FindingOf(works[i], works.front()));
  }
  return {};
}

}  // namespace assay::cli::validate
