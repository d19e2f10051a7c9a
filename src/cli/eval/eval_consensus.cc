#include "eval/eval_consensus.h"

#include <cmath>
#include <cstdio>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/consensus/evaluation.h"
#include "assay/consensus/json.h"
#include "assay/core/file_system.h"

#include "encoders.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string data;
  std::string method = "auto";
  consensus::EvalOptions eval;
  bool json = false;
};

double Rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

boost::json::array Interval(const consensus::Measured& measured) {
  return {Rounded(measured.low), Rounded(measured.high)};
}

boost::json::object ToJson(const consensus::EvalReport& report) {
  boost::json::object out = {{"n", report.n}};
  const auto put = [&](std::string_view name, const consensus::Measured& measured) {
    out[name] = Rounded(measured.value);
    out[std::string(name) + "_95"] = Interval(measured);
  };
  put("accuracy", report.accuracy);
  put("best_single", report.best_single);
  put("majority", report.majority);
  put("gain", report.gain);
  put("without_labels", report.without_labels);
  put("medoid", report.medoid);
  put("any", report.any);
  out["format"] = consensus::EvalFormatName(report.format);
  out["best_expert"] = report.best_expert;
  out["skipped"] = report.skipped;
  out["kept"] = Rounded(report.kept);
  boost::json::object experts;
  for (const consensus::EvalRow& row : report.experts)
    experts[row.name] = Rounded(row.accuracy.value);
  out["experts"] = std::move(experts);
  boost::json::array curve;
  for (const consensus::CoveragePoint& point : report.curve) {
    curve.push_back({{"coverage", Rounded(point.coverage)}, {"accuracy", Rounded(point.accuracy)}});
  }
  out["curve"] = std::move(curve);
  out["calibration_error"] = Rounded(report.calibration_error);
  out["area_under_curve"] = Rounded(report.area_under_curve);
  out["seconds"] = Rounded(report.seconds);
  return out;
}

std::string_view UnitOf(consensus::EvalFormat format) {
  switch (format) {
    case consensus::EvalFormat::kAnswers:
      return "share of questions answered rightly";
    case consensus::EvalFormat::kOutcomes:
      return "share of questions answered rightly by the expert that was chosen";
    case consensus::EvalFormat::kReference:
      return "mean cosine to the reference, no correctness";
    case consensus::EvalFormat::kClaims:
      return "share of claims that people found supported";
  }
  return "";
}

void PrintTable(const consensus::EvalReport& report) {
  fmt::print("{} rows ({} left out): {}\n\n", report.n, report.skipped, UnitOf(report.format));
  const auto row = [](std::string_view name, const consensus::Measured& m) {
    fmt::print("{:<44}{:>8.3f}   {:.3f} to {:.3f}\n", name, m.value, m.low, m.high);
  };
  row("consensus, learning from earlier rows", report.accuracy);
  row("consensus, learning from votes alone", report.without_labels);
  row(fmt::format("best single: {}", report.best_expert), report.best_single);
  row("majority", report.majority);
  row("medoid", report.medoid);
  row("any of them", report.any);
  row("consensus minus best single", report.gain);
  fmt::print("\n");
  for (const consensus::EvalRow& expert : report.experts) row(expert.name, expert.accuracy);
  if (report.format == consensus::EvalFormat::kClaims) {
    fmt::print("\n{:.1f}% of the claims have a quorum\n", 100 * report.kept);
  }
  fmt::print("\nthe most confident  ");
  for (const auto& point : report.curve) fmt::print("{:>7.0f}%", 100 * point.coverage);
  fmt::print("\nare right           ");
  for (const auto& point : report.curve) fmt::print("{:>7.1f}%", 100 * point.accuracy);
  fmt::print("\ncalibration error {:.3f}, area under ROC of the confidence {:.3f}; {:.1f} s\n",
             report.calibration_error, report.area_under_curve, report.seconds);
}

Result<int> Run(Options& options) {
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  options.eval.merge.method = *consensus::MethodOf(options.method);
  ProgressBar progress("evaluating");
  options.eval.progress = [&](std::uint64_t done) {
    progress.Update(fmt::format("{} rows", done), 0, options.eval.limit);
  };
  ASSAY_ASSIGN(const auto report,
               consensus::EvaluateConsensus(core::FileSystem::Real(), options.data, encoder.get(),
                                            options.eval));
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(report)));
  } else {
    PrintTable(report);
  }
  return kExitSuccess;
}

}  // namespace

void AddConsensusEval(CLI::App& eval, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = eval.add_subcommand(
      "consensus", "Is the consensus of several experts right more often than the best of them?");
  command
      ->add_option(
          "--data", options->data,
          "JSON lines: {\"answers\": [{\"model\", \"text\", \"correct\"}]}, {\"subject\", "
          "\"correct\": {model: bool}}, {\"reference\", \"answers\"}, or answers with \"triplets\"")
      ->required();
  command->add_option("--method", options->method, "auto, majority, weighted, medoid or claims")
      ->check(CLI::IsMember({"auto", "majority", "weighted", "medoid", "claims"}))
      ->option_text("NAME");
  command->add_option("--quorum", options->eval.merge.quorum, "Share of the experts a claim needs")
      ->check(CLI::Range(0.01, 1.0));
  command
      ->add_option("--same", options->eval.merge.same_threshold,
                   "Agreement from which two answers are one opinion")
      ->check(CLI::Range(0.01, 1.0));
  command
      ->add_option("--claim", options->eval.merge.claim_threshold,
                   "Similarity from which two claims may say the same")
      ->check(CLI::Range(0.01, 1.0));
  command->add_option("--limit", options->eval.limit, "Read only so many rows (0: all)");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Each row is judged by what was learned from the rows before it, never by its own label.\n"
      "Example:\n  assay eval consensus --data gsm8k_solutions.jsonl");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
