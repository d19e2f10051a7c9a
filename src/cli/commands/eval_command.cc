// assay eval claims|retrieval|semantic-cache|consensus --data FILE
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/evaluation.h"
#include "assay/core/file_system.h"
#include "assay/corpus/evaluation.h"

#include "command.h"
#include "encoders.h"
#include "eval/eval_consensus.h"
#include "eval/eval_semantic_cache.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct ClaimsOptions {
  std::string data;
  std::string dump_features;
  std::uint64_t limit = 0;
  unsigned threads = 2;
  std::string folds;
  std::string checker;
  std::string checker_folds;
  bool no_checker = false;
  bool json = false;
};

double Rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

boost::json::object ToJson(const claims::ClaimQuality& quality) {
  return {{"n", quality.n},
          {"positives", quality.positives},
          {"accuracy", Rounded(quality.accuracy)},
          {"balanced_accuracy", Rounded(quality.balanced_accuracy)},
          {"precision", Rounded(quality.precision)},
          {"recall", Rounded(quality.recall)},
          {"f1", Rounded(quality.f1)},
          {"area_under_curve", Rounded(quality.area_under_curve)},
          {"accuracy_3way", Rounded(quality.accuracy_3way)},
          {"span_precision", Rounded(quality.span_precision)},
          {"span_recall", Rounded(quality.span_recall)},
          {"span_f1", Rounded(quality.span_f1)}};
}

boost::json::value ToJson(const claims::EvalReport& report) {
  boost::json::object out = ToJson(report.all);
  out["seconds"] = Rounded(report.seconds);
  out["mean_answer_ms"] = Rounded(report.mean_answer_ms);
  out["p99_answer_ms"] = Rounded(report.p99_answer_ms);
  out["skipped"] = report.skipped;
  out["cross_validated"] = report.cross_validated;
  boost::json::object parts;
  for (const claims::ClaimQuality& part : report.parts) parts[part.name] = ToJson(part);
  out["parts"] = std::move(parts);
  return out;
}

void PrintTable(const claims::EvalReport& report) {
  fmt::print("{:<22}{:>8}{:>10}{:>10}{:>10}{:>10}{:>8}{:>8}{:>8}{:>9}\n", "set", "n", "positives",
             "accuracy", "balanced", "precision", "recall", "F1", "area", "span F1");
  const auto row = [](const claims::ClaimQuality& q) {
    fmt::print("{:<22}{:>8}{:>10}{:>10.3f}{:>10.3f}{:>10.3f}{:>8.3f}{:>8.3f}{:>8.3f}{:>9.3f}\n",
               q.name, q.n, q.positives, q.accuracy, q.balanced_accuracy, q.precision, q.recall,
               q.f1, q.area_under_curve, q.span_f1);
  };
  for (const claims::ClaimQuality& part : report.parts) row(part);
  row(report.all);
  if (report.all.accuracy_3way > 0)
    fmt::print("three-way accuracy {:.3f}\n", report.all.accuracy_3way);
  if (report.skipped > 0) fmt::print("{} records without evidence left out\n", report.skipped);
  fmt::print(
      "{:.1f} s in all, {:.2f} ms an answer (99th percentile {:.2f} ms){}\n", report.seconds,
      report.mean_answer_ms, report.p99_answer_ms,
      report.cross_validated ? "; every answer judged by weights that never saw its source" : "");
}

// The models that an evaluation hears beside facts and similarities.
struct EvalCheckers {
  std::vector<std::unique_ptr<embed::CrossEncoder>> models;
  std::vector<std::unique_ptr<claims::Entailment>> entailments;
};

Result<void> AddChecker(const std::string& folder, std::size_t callers, EvalCheckers& checkers) {
  ASSAY_ASSIGN(auto model,
               LoadChecker(folder, {.runtime_folders = {}, .threads = 1, .streams = callers}));
  if (!model) return {};
  ASSAY_ASSIGN(auto entailment, claims::MakeEntailment(*model));
  checkers.models.push_back(std::move(model));
  checkers.entailments.push_back(std::move(entailment));
  return {};
}

// A shipped model has seen what it was trained on: beside weights of folds, only models of folds.
Result<EvalCheckers> LoadEvalCheckers(const ClaimsOptions& options) {
  constexpr int kFolds = 5;
  EvalCheckers checkers;
  if (options.no_checker) return checkers;
  if (!options.checker_folds.empty()) {
    for (int fold = 0; fold < kFolds; ++fold) {
      ASSAY_TRY(AddChecker(fmt::format("{}/fold{}", options.checker_folds, fold), options.threads,
                           checkers));
    }
  } else if (!options.checker.empty() || options.folds.empty()) {
    ASSAY_TRY(AddChecker(options.checker, options.threads, checkers));
  }
  return checkers;
}

Result<int> RunClaims(const ClaimsOptions& options) {
  ASSAY_ASSIGN(const auto words, LoadStaticEncoder());
  ASSAY_ASSIGN(const EvalCheckers checkers, LoadEvalCheckers(options));
  core::FileSystem& files = core::FileSystem::Real();
  claims::EvalOptions eval;
  eval.threads = options.threads;
  eval.folds_folder = options.folds;
  eval.limit = options.limit;
  for (const auto& entailment : checkers.entailments) {
    eval.entailments.push_back(entailment.get());
  }
  std::string dump;
  if (!options.dump_features.empty()) {
    eval.dump_features = [&](std::string_view line) {
      dump += line;
      dump += '\n';
    };
  }
  ProgressBar progress("evaluating");
  eval.progress = [&](std::uint64_t done) {
    progress.Update(fmt::format("{} records", done), 0, options.limit);
  };
  ASSAY_ASSIGN(const claims::EvalReport report,
               claims::EvaluateClaims(files, options.data, words.get(), eval));
  if (!options.dump_features.empty()) {
    ASSAY_TRY(core::WriteFileAtomically(files, options.dump_features, dump));
  }
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(report)));
  } else {
    PrintTable(report);
  }
  return kExitSuccess;
}

struct RetrievalOptions {
  std::string data;
  bool transformer = false;
  bool json = false;
};

std::string_view ModeName(corpus::SearchMode mode) {
  constexpr std::array<std::string_view, 3> kNames = {"bm25", "vector", "hybrid"};
  return kNames[static_cast<std::size_t>(mode)];
}

boost::json::value ToJson(const corpus::RetrievalReport& report) {
  boost::json::array rows;
  for (const corpus::RetrievalRow& row : report.rows) {
    rows.push_back({{"mode", ModeName(row.mode)},
                    {"encoder", row.encoder},
                    {"recall_at_1", Rounded(row.recall_at_1)},
                    {"recall_at_5", Rounded(row.recall_at_5)},
                    {"recall_at_10", Rounded(row.recall_at_10)},
                    {"mean_reciprocal_rank", Rounded(row.mean_reciprocal_rank)},
                    {"seconds", Rounded(row.seconds)}});
  }
  return {{"n", report.queries}, {"sentences", report.sentences}, {"rows", std::move(rows)}};
}

Result<int> RunRetrieval(const RetrievalOptions& options) {
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  std::unique_ptr<embed::Encoder> transformer;
  std::vector<const embed::Encoder*> encoders = {encoder.get()};
  if (options.transformer) {
    ASSAY_ASSIGN(transformer, LoadTransformerEncoder());
    encoders.push_back(transformer.get());
  }
  ASSAY_ASSIGN(const auto set, corpus::LoadRetrievalSet(core::FileSystem::Real(), options.data));
  ASSAY_ASSIGN(const auto report, corpus::EvaluateRetrieval(set, encoders));
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(report)));
    return kExitSuccess;
  }
  fmt::print("{} queries over {} sentences\n{:<10}{:<40}{:>9}{:>9}{:>10}{:>8}{:>10}\n",
             report.queries, report.sentences, "mode", "encoder", "recall@1", "recall@5",
             "recall@10", "MRR", "seconds");
  for (const corpus::RetrievalRow& row : report.rows) {
    fmt::print("{:<10}{:<40}{:>9.3f}{:>9.3f}{:>10.3f}{:>8.3f}{:>10.2f}\n", ModeName(row.mode),
               row.encoder, row.recall_at_1, row.recall_at_5, row.recall_at_10,
               row.mean_reciprocal_rank, row.seconds);
  }
  return kExitSuccess;
}

}  // namespace

void AddEvalCommand(CLI::App& app, Invocation& invocation) {
  CLI::App* command = app.add_subcommand("eval", "Measure quality on data with known answers");
  command->require_subcommand(1);

  auto claims_options = std::make_shared<ClaimsOptions>();
  CLI::App* claims_command = command->add_subcommand(
      "claims",
      "Verdicts on answers (grounding) or premise and hypothesis pairs (nli); positive means "
      "that something is not supported");
  claims_command->add_option("--data", claims_options->data, "JSON lines")->required();
  claims_command->add_option("--limit", claims_options->limit,
                             "Read only so many records (0: all)");
  claims_command->add_option("--threads", claims_options->threads, "Threads")
      ->check(CLI::Range(1, 256));
  claims_command->add_option("--folds", claims_options->folds,
                             "Folder with the weights of the 5 folds (models/verifier/folds): "
                             "judge each record by weights that never saw its source");
  claims_command
      ->add_option("--checker", claims_options->checker,
                   "Folder of a cross-encoder (default: the installed one, where --folds is not "
                   "given)")
      ->check(CLI::ExistingDirectory);
  claims_command
      ->add_option("--checker-folds", claims_options->checker_folds,
                   "Folder with fold0 to fold4, each a cross-encoder that never saw its fold")
      ->check(CLI::ExistingDirectory)
      ->excludes("--checker");
  claims_command->add_flag("--no-checker", claims_options->no_checker,
                           "Decide by facts and similarity alone");
  claims_command->add_option("--dump-features", claims_options->dump_features,
                             "Also write the features of every claim to this file, for training");
  claims_command->add_flag("--json", claims_options->json, "Print one JSON object");
  claims_command->footer(
      "Example:\n  assay eval claims --data ragtruth.jsonl --folds models/verifier/folds");
  claims_command->callback([&invocation, claims_options] {
    invocation.run = [claims_options] { return RunClaims(*claims_options); };
  });

  auto retrieval_options = std::make_shared<RetrievalOptions>();
  CLI::App* retrieval = command->add_subcommand("retrieval", "Does a claim find its evidence?");
  retrieval->add_option("--data", retrieval_options->data, "JSON lines: nli pairs or WiCE claims")
      ->required();
  retrieval->add_flag("--transformer", retrieval_options->transformer,
                      "Also measure the transformer encoder");
  retrieval->add_flag("--json", retrieval_options->json, "Print one JSON object");
  retrieval->callback([&invocation, retrieval_options] {
    invocation.run = [retrieval_options] { return RunRetrieval(*retrieval_options); };
  });
  AddSemanticCacheEval(*command, invocation);
  AddConsensusEval(*command, invocation);
}

}  // namespace assay::cli
