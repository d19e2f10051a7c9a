#include "eval/eval_semantic_cache.h"

#include <cmath>
#include <cstdio>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cache/semantic/evaluation.h"
#include "assay/core/file_system.h"

#include "encoders.h"
#include "eval/semantic_plot.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string data;
  cache::SemanticEvalOptions eval;
  std::string plot;
  bool json = false;
};

double Rounded(double value) {
  return std::round(value * 1e5) / 1e5;
}

boost::json::array ToJson(const cache::Interval& interval) {
  return {Rounded(interval.low), Rounded(interval.high)};
}

boost::json::object ToJson(const cache::SemanticPolicyResult& policy) {
  boost::json::object out = {{"policy", policy.name},
                             {"n", policy.hit_ratio.of},
                             {"hit_ratio", Rounded(policy.hit_ratio.value())},
                             {"hit_ratio_95", ToJson(policy.hit_ratio.interval())},
                             {"error_rate", Rounded(policy.error_rate.value())},
                             {"error_rate_95", ToJson(policy.error_rate.interval())},
                             {"false_hit_rate", Rounded(policy.false_hit_rate.value())},
                             {"false_hit_rate_95", ToJson(policy.false_hit_rate.interval())},
                             {"worst_seed_error_rate", Rounded(policy.worst_error_rate)},
                             {"upstream_ratio", Rounded(policy.upstream.value())}};
  for (std::size_t i = 0; i < policy.served_at.size(); ++i) {
    out[fmt::format("served_at_{}_percent_wrong", std::lround(cache::kServedAt[i] * 100))] =
        Rounded(policy.served_at[i]);
  }
  return out;
}

// The last policy is the product as it runs; its figures also stand at the top.
boost::json::value ToJson(const cache::SemanticEvalReport& report) {
  boost::json::object out = ToJson(report.policies.back());
  out["n"] = report.n;
  out["seeds"] = report.seeds;
  out["budget"] = report.budget;
  out["seconds"] = Rounded(report.seconds);
  boost::json::array policies;
  for (const auto& policy : report.policies) policies.push_back(ToJson(policy));
  out["policies"] = std::move(policies);
  return out;
}

void PrintTable(const cache::SemanticEvalReport& report) {
  fmt::print(
      "{} requests, {} orders, budget {:.1f}% of the requests\n\n{:<28}{:>8}{:>9}{:>18}{:>11}"
      "{:>11}{:>10}\n",
      report.n, report.seeds, 100 * report.budget, "policy", "hits", "wrong", "(95%)", "worst seed",
      "of hits", "upstream");
  for (const auto& policy : report.policies) {
    const cache::Interval interval = policy.error_rate.interval();
    fmt::print("{:<28}{:>7.1f}%{:>8.2f}%{:>18}{:>10.2f}%{:>10.1f}%{:>9.1f}%\n", policy.name,
               100 * policy.hit_ratio.value(), 100 * policy.error_rate.value(),
               fmt::format("{:.2f} to {:.2f}%", 100 * interval.low, 100 * interval.high),
               100 * policy.worst_error_rate, 100 * policy.false_hit_rate.value(),
               100 * policy.upstream.value());
  }
  if (report.format == cache::SemanticDataFormat::kPairs) {
    fmt::print(
        "\nshare that could be served, by the share of it that is wrong (threshold with "
        "hindsight)\n{:<28}{:>9}{:>9}{:>9}{:>9}\n",
        "ordered by", "1%", "2%", "5%", "10%");
    for (std::size_t i = 3; i < report.policies.size(); ++i) {
      const auto& policy = report.policies[i];
      fmt::print("{:<28}", i == 3 ? "cosine" : policy.name);
      for (const double served : policy.served_at) fmt::print("{:>8.2f}%", 100 * served);
      fmt::print("\n");
    }
  }
  fmt::print("\n{:.1f} s\n", report.seconds);
}

Result<int> Run(Options& options) {
  ASSAY_ASSIGN(const auto fast, LoadStaticEncoder());
  ASSAY_ASSIGN(const auto precise, LoadTransformerEncoder());
  ProgressBar progress("evaluating");
  options.eval.progress = [&](std::string_view step, std::uint64_t done, std::uint64_t of) {
    progress.Update(fmt::format("{} {} of {}", step, done, of), done, of);
  };
  ASSAY_ASSIGN(const auto report,
               cache::EvaluateSemanticCache(core::FileSystem::Real(), options.data, *fast, *precise,
                                            options.eval));
  if (!options.plot.empty()) {
    ASSAY_TRY(
        core::WriteFileAtomically(core::FileSystem::Real(), options.plot, SemanticPlot(report)));
  }
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(report)));
  } else {
    PrintTable(report);
  }
  return kExitSuccess;
}

}  // namespace

void AddSemanticCacheEval(CLI::App& eval, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = eval.add_subcommand(
      "semantic-cache", "How many requests a semantic cache would serve, and how many wrongly");
  command
      ->add_option("--data", options->data,
                   "JSON lines: {\"a\",\"b\",\"same\"} or {\"text\",\"intent\"}")
      ->required();
  command
      ->add_option("--budget", options->eval.budget,
                   "Share of the requests that may be served wrongly")
      ->check(CLI::Range(0.0001, 0.5));
  command->add_option("--requests", options->eval.requests, "Requests of a stream of intents")
      ->check(CLI::Range(1, 10000000));
  command->add_option("--limit", options->eval.limit, "Draw only so many pairs (0: all)");
  command->add_option("--seeds", options->eval.seeds, "Orders of the requests")
      ->check(CLI::Range(1, 100));
  command->add_option("--first-seed", options->eval.first_seed, "The first seed");
  command
      ->add_option("--shadow-share", options->eval.shadow_share,
                   "Share of the hits that go upstream all the same and are compared")
      ->check(CLI::Range(0.001, 1.0));
  command->add_option("--plot", options->plot,
                      "Also draw hits against false hits into this file, as SVG");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "The last row is the product as it runs: facts are checked and it learns while serving.\n"
      "Example:\n  assay eval semantic-cache --data banking77.jsonl --budget 0.01\n"
      "  assay eval semantic-cache --data pairs.jsonl --plot curves.svg");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
