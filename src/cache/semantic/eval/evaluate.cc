#include <algorithm>
#include <array>
#include <numeric>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "assay/cache/semantic/evaluation.h"
#include "assay/core/clock.h"

#include "semantic/eval/cases_internal.h"
#include "semantic/eval/policies_internal.h"

namespace assay::cache {
namespace {

using internal::EvalSet;
using internal::Outcome;
using internal::Policy;

// Vectors of the set's texts, computed once; the policies ask for the same texts many times.
class Remembered final : public embed::Encoder {
 public:
  explicit Remembered(const embed::Encoder& inner) : inner_(inner) {}

  Result<void> Load(const std::vector<std::string>& texts, std::span<const std::uint32_t> wanted,
                    const SemanticEvalOptions& options) {
    constexpr std::size_t kBatch = 256;
    vectors_.resize(wanted.size() * dim());
    for (std::size_t begin = 0; begin < wanted.size(); begin += kBatch) {
      const std::size_t end = std::min(begin + kBatch, wanted.size());
      std::vector<std::string_view> batch;
      for (std::size_t i = begin; i < end; ++i) {
        batch.emplace_back(texts[wanted[i]]);
        rows_.emplace(texts[wanted[i]], i);
      }
      ASSAY_TRY(
          inner_.Encode(batch, std::span(vectors_).subspan(begin * dim(), (end - begin) * dim())));
      if (options.progress) options.progress("encoding", end, wanted.size());
    }
    return {};
  }

  [[nodiscard]] std::string_view name() const override { return inner_.name(); }
  [[nodiscard]] std::size_t dim() const override { return inner_.dim(); }

  [[nodiscard]] Result<void> Encode(std::span<const std::string_view> texts,
                                    std::span<float> out) const override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto place = out.subspan(i * dim(), dim());
      if (const auto it = rows_.find(texts[i]); it != rows_.end()) {
        std::copy_n(vectors_.begin() + static_cast<std::ptrdiff_t>(it->second * dim()), dim(),
                    place.begin());
      } else {
        ASSAY_TRY(inner_.Encode(texts.subspan(i, 1), place));
      }
    }
    return {};
  }

 private:
  const embed::Encoder& inner_;
  std::vector<float> vectors_;
  std::unordered_map<std::string_view, std::size_t> rows_;
};

// Fisher and Yates (1938).
std::vector<std::uint32_t> Shuffled(std::size_t n, std::uint64_t seed) {
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  core::SeededRng rng(seed);
  for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
  return order;
}

double ServedAt(std::vector<Outcome> outcomes, double most_wrong) {
  std::ranges::stable_sort(outcomes, std::ranges::greater(), &Outcome::score);
  std::size_t best = 0;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < outcomes.size() && outcomes[i].score >= 0; ++i) {
    wrong += outcomes[i].score_wrong ? 1U : 0U;
    const bool ties = i + 1 < outcomes.size() && outcomes[i + 1].score == outcomes[i].score;
    if (!ties && static_cast<double>(wrong) <= most_wrong * static_cast<double>(i + 1)) {
      best = i + 1;
    }
  }
  return static_cast<double>(best) / static_cast<double>(outcomes.size());
}

std::vector<CurvePoint> CurveOf(std::vector<Outcome> outcomes) {
  constexpr std::size_t kPoints = 200;
  std::ranges::stable_sort(outcomes, std::ranges::greater(), &Outcome::score);
  const std::size_t step = std::max<std::size_t>(1, outcomes.size() / kPoints);
  std::vector<CurvePoint> curve;
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < outcomes.size() && outcomes[i].score >= 0; ++i) {
    wrong += outcomes[i].score_wrong ? 1U : 0U;
    if ((i + 1) % step != 0) continue;
    const auto served = static_cast<double>(i + 1);
    curve.push_back(
        {served / static_cast<double>(outcomes.size()), static_cast<double>(wrong) / served});
  }
  return curve;
}

void Add(const std::vector<Outcome>& outcomes, SemanticPolicyResult& result) {
  const auto count = [&outcomes](auto is) {
    return static_cast<std::uint64_t>(std::ranges::count_if(outcomes, is));
  };
  const std::uint64_t hits = count([](const Outcome& o) { return o.hit; });
  const std::uint64_t wrong = count([](const Outcome& o) { return o.wrong; });
  const std::uint64_t checked = count([](const Outcome& o) { return o.checked; });
  const std::uint64_t n = outcomes.size();
  const auto add = [](Share& share, std::uint64_t part, std::uint64_t of) {
    share.count += part;
    share.of += of;
  };
  add(result.hit_ratio, hits, n);
  add(result.error_rate, wrong, n);
  add(result.false_hit_rate, wrong, hits);
  add(result.upstream, n - hits + checked, n);
  result.worst_error_rate =
      std::max(result.worst_error_rate, static_cast<double>(wrong) / static_cast<double>(n));
}

class Evaluation {
 public:
  Evaluation(const EvalSet& set, const SemanticEvalOptions& options, const embed::Encoder& fast,
             const embed::Encoder& precise)
      : set_(set), options_(options), fast_(fast), precise_(precise) {}

  [[nodiscard]] std::vector<std::unique_ptr<Policy>> Policies(std::uint64_t seed) const {
    std::vector<std::unique_ptr<Policy>> policies;
    for (const double threshold : {0.95, 0.90, 0.85, 0.80}) {
      policies.push_back(internal::MakeFixedCosine(precise_, threshold));
    }
    policies.push_back(internal::MakeVCache(precise_, options_.budget, seed));
    SemanticOptions semantic;
    semantic.risk.budget = options_.budget;
    semantic.risk.shadow_share = options_.shadow_share;
    semantic.max_entries = set_.requests.size() + 1;
    if (set_.format == SemanticDataFormat::kPairs) semantic.floor = semantic.static_floor = -1;
    const auto add = [&](const char* name, bool facts, bool learn) {
      semantic.check_facts = facts;
      policies.push_back(internal::MakeAssay(fast_, precise_, {name, semantic, learn, seed}));
    };
    add("Assay as shipped, no facts", false, false);
    add("Assay as shipped", true, false);
    add("Assay learning, no facts", false, true);
    add("Assay learning", true, true);
    return policies;
  }

  [[nodiscard]] Result<std::vector<Outcome>> Run(Policy& policy,
                                                 std::span<const std::uint32_t> order) const {
    std::vector<Outcome> outcomes;
    for (std::size_t i = 0; i < order.size(); ++i) {
      const internal::EvalRequest& request = set_.requests[order[i]];
      core::Hash128 context;
      if (request.cached != internal::kNoText) {
        context.low = i + 1;  // each pair for itself
        ASSAY_TRY(policy.Preload(context, set_.texts[request.cached], request.cached_answer));
      }
      ASSAY_ASSIGN(const Outcome outcome,
                   policy.Ask(context, set_.texts[request.text], request.answer));
      outcomes.push_back(outcome);
    }
    return outcomes;
  }

 private:
  const EvalSet& set_;
  const SemanticEvalOptions& options_;
  const embed::Encoder& fast_;
  const embed::Encoder& precise_;
};

std::vector<std::uint32_t> TextsOf(const EvalSet& set, std::span<const std::uint32_t> requests) {
  std::vector<std::uint32_t> texts;
  for (const std::uint32_t i : requests) {
    texts.push_back(set.requests[i].text);
    if (set.requests[i].cached != internal::kNoText) texts.push_back(set.requests[i].cached);
  }
  std::ranges::sort(texts);
  texts.erase(std::ranges::unique(texts).begin(), texts.end());
  return texts;
}

// The requests of each seed: a stream draws its own, pairs are the same in another order.
std::vector<std::vector<std::uint32_t>> Orders(const EvalSet& set,
                                               const SemanticEvalOptions& options) {
  std::vector<std::vector<std::uint32_t>> orders;
  const bool is_stream = set.format == SemanticDataFormat::kIntents;
  const std::uint64_t most = is_stream ? options.requests : options.limit;
  const std::size_t n =
      most == 0 ? set.requests.size() : std::min<std::size_t>(most, set.requests.size());
  std::vector<std::uint32_t> drawn = Shuffled(set.requests.size(), options.first_seed);
  drawn.resize(n);
  for (std::uint64_t k = 0; k < options.seeds; ++k) {
    const std::uint64_t seed = options.first_seed + k;
    if (is_stream) {
      orders.push_back(Shuffled(set.requests.size(), seed));
      orders.back().resize(n);
      continue;
    }
    std::vector<std::uint32_t> order;
    for (const std::uint32_t i : Shuffled(n, seed)) order.push_back(drawn[i]);
    orders.push_back(std::move(order));
  }
  return orders;
}

}  // namespace

Result<SemanticEvalReport> EvaluateSemanticCache(core::FileSystem& files, const std::string& path,
                                                 const embed::Encoder& fast,
                                                 const embed::Encoder& precise,
                                                 const SemanticEvalOptions& options) {
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  ASSAY_ASSIGN(const EvalSet set, internal::ReadEvalSet(files, path));
  const auto orders = Orders(set, options);
  std::vector<std::uint32_t> all;
  for (const auto& order : orders) all.insert(all.end(), order.begin(), order.end());
  Remembered vectors(precise);
  ASSAY_TRY(vectors.Load(set.texts, TextsOf(set, all), options));
  const Evaluation evaluation(set, options, fast, vectors);
  SemanticEvalReport report;
  report.format = set.format;
  report.n = orders[0].size();
  report.seeds = orders.size();
  report.budget = options.budget;
  for (std::size_t k = 0; k < orders.size(); ++k) {
    const auto policies = evaluation.Policies(options.first_seed + k);
    report.policies.resize(policies.size());
    for (std::size_t p = 0; p < policies.size(); ++p) {
      SemanticPolicyResult& result = report.policies[p];
      result.name = policies[p]->name();
      ASSAY_ASSIGN(const auto outcomes, evaluation.Run(*policies[p], orders[k]));
      Add(outcomes, result);
      if (set.format == SemanticDataFormat::kPairs) {
        if (k == 0) result.curve = CurveOf(outcomes);
        result.served_at.resize(std::size(kServedAt));
        for (std::size_t i = 0; i < std::size(kServedAt); ++i) {
          result.served_at[i] +=
              ServedAt(outcomes, kServedAt[i]) / static_cast<double>(orders.size());
        }
      }
      if (options.progress) {
        options.progress("policies", k * policies.size() + p + 1, orders.size() * policies.size());
      }
    }
  }
  report.seconds = static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / 1e9;
  return report;
}

}  // namespace assay::cache
