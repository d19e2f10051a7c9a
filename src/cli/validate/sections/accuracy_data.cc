// Accuracy on answers of other models that people have judged.
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <memory>

#include <fmt/format.h>

#include "assay/claims/evaluation.h"
#include "assay/consensus/evaluation.h"
#include "assay/core/file_system.h"
#include "assay/core/parallel.h"

#include "encoders.h"
#include "validate/report/figures.h"
#include "validate/sections/accuracy.h"

namespace assay::cli::validate {
namespace {

constexpr std::string_view kClaim = "accuracy 100.0x (of mock data)";
constexpr std::string_view kNoData = "the data sets are not here: name their folder with --data";

// What people have judged wrong and is served, in per cent.
std::string Wrong(const consensus::Measured& right) {
  return fmt::format("{:.1f} % ({:.1f} to {:.1f})", 100 * (1 - right.value), 100 * (1 - right.high),
                     100 * (1 - right.low));
}

// What the experts of a data set get wrong.
enum class Mistakes : std::uint8_t { kOfTheirOwn, kShared };

Result<Finding> Consensus(const Session& session, const embed::Encoder* encoder,
                          const std::string& name, const std::string& file, Mistakes mistakes) {
  Finding out;
  out.section = "accuracy";
  out.name = name;
  out.claimed = kClaim;
  out.promised = mistakes == Mistakes::kOfTheirOwn
                     ? "not more wrong answers than the best single expert by hindsight, and fewer "
                       "than the mean of the experts"
                     : "fewer wrong answers than the mean of the experts; not more is promised "
                       "where they share misconceptions: agreement is no evidence there";
  const std::string path = session.options().data + file;
  if (session.options().data.empty() || !std::filesystem::exists(path)) {
    out.reason = kNoData;
    return out;
  }
  ASSAY_ASSIGN(const consensus::EvalReport report,
               consensus::EvaluateConsensus(core::FileSystem::Real(), path, encoder));
  double mean = 0;
  for (const consensus::EvalRow& one : report.experts) {
    mean += one.accuracy.value / static_cast<double>(report.experts.size());
  }
  out.measured = fmt::format(
      "wrong answers served of {}: {:.1f} % by an expert at random, {} by the best ({}), {} by "
      "consensus; no expert right in {:.1f} %",
      report.n, 100 * (1 - mean), Wrong(report.best_single), report.best_expert,
      Wrong(report.accuracy), 100 * (1 - report.any.value));
  out.figures = {{"n", report.n},
                 {"mean_expert", mean},
                 {"best_single", report.best_single.value},
                 {"consensus", report.accuracy.value}};
  const bool near_best = report.gain.high >= 0 || mistakes == Mistakes::kShared;
  const bool holds = near_best && report.accuracy.value > mean;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

Result<Finding> Grounding(Session& session, const embed::Encoder* encoder) {
  Finding out;
  out.section = "accuracy";
  out.name = "RAGTruth: answers of six models, judged by people against their sources; claim check";
  out.claimed = kClaim;
  out.promised =
      "at most half as many answers with unsupported statements are served, and half of the "
      "sound ones";
  const std::string path = session.options().data + "/grounding/ragtruth.jsonl";
  if (session.options().data.empty() || !std::filesystem::exists(path)) {
    out.reason = kNoData;
    return out;
  }
  claims::EvalOptions options;
  options.threads = static_cast<unsigned>(core::Parallelism());
  options.folds_folder = session.options().folds;
  options.progress = [&](std::uint64_t done) { session.Step("accuracy: RAGTruth", done, 1308); };
  ASSAY_ASSIGN(const claims::EvalReport report,
               claims::EvaluateClaims(core::FileSystem::Real(), path, encoder, options));
  const claims::ClaimQuality& all = report.all;
  const auto caught =
      static_cast<std::uint64_t>(std::llround(all.recall * static_cast<double>(all.positives)));
  const auto flagged =
      all.precision > 0
          ? static_cast<std::uint64_t>(std::llround(static_cast<double>(caught) / all.precision))
          : 0;
  const std::uint64_t missed = all.positives - caught;
  const std::uint64_t sound = all.n - all.positives;
  const std::uint64_t kept = sound - (flagged - caught);
  out.measured = fmt::format(
      "served with an unsupported statement: {} without the check, {} with it; sound answers "
      "served: "
      "{} of {}",
      ShareText(all.positives, all.n), ShareText(missed, all.n), kept, sound);
  out.reason =
      "each answer is judged by weights that never saw its source; statements are judged, not "
      "answers to a question, and people found 42 % at fault";
  out.figures = {{"n", all.n},
                 {"wrong", all.positives},
                 {"wrong_served", missed},
                 {"sound", sound},
                 {"sound_served", kept}};
  const bool holds = 2 * missed <= all.positives && 2 * kept >= sound;
  out.verdict = holds ? Verdict::kHolds : Verdict::kFallsShort;
  return out;
}

}  // namespace

Result<void> MeasureAccuracyOnData(Session& session) {
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  session.Step("accuracy: consensus");
  ASSAY_ASSIGN(Finding gsm8k, Consensus(session, encoder.get(), "GSM8K: four systems, consensus",
                                        "/consensus/gsm8k_solutions.jsonl", Mistakes::kOfTheirOwn));
  session.Add(std::move(gsm8k));
  ASSAY_ASSIGN(Finding truthful,
               Consensus(session, encoder.get(), "TruthfulQA: four models, consensus",
                         "/consensus/truthfulqa.jsonl", Mistakes::kShared));
  session.Add(std::move(truthful));
  session.Step("accuracy: RAGTruth");
  ASSAY_ASSIGN(Finding grounding, Grounding(session, encoder.get()));
  session.Add(std::move(grounding));
  return {};
}

}  // namespace assay::cli::validate
