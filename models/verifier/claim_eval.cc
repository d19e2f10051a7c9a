// claim_eval MODELS FILE [--folds FOLDER] [--dump OUT] [--limit N] [--threads N]: figures of the
// verifier on an evaluation file as a table, and its features for models/verifier/train.py.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "assay/claims/evaluation.h"
#include "assay/embed/static_encoder.h"

namespace {

void PrintRow(const assay::claims::ClaimQuality& q) {
  fmt::print(
      "{:24} n {:6} pos {:6} auc {:.4f} f1 {:.4f} p {:.4f} r {:.4f} bacc {:.4f} acc3 {:.4f}\n",
      q.name, q.n, q.positives, q.area_under_curve, q.f1, q.precision, q.recall,
      q.balanced_accuracy, q.accuracy_3way);
}

int Fail(const assay::Error& error) {
  fmt::print(stderr, "claim_eval: {}\n", error.message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr,
               "usage: claim_eval MODELS FILE [--folds FOLDER] [--dump OUT] [--limit N] "
               "[--threads N]\n");
    return 2;
  }
  assay::claims::EvalOptions options;
  std::ofstream dump;
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string option = argv[i];
    if (option == "--folds") options.folds_folder = argv[i + 1];
    if (option == "--limit") options.limit = std::strtoull(argv[i + 1], nullptr, 10);
    if (option == "--threads") options.threads = static_cast<unsigned>(std::atoi(argv[i + 1]));
    if (option == "--dump") {
      dump.open(argv[i + 1]);
      options.dump_features = [&dump](std::string_view line) { dump << line << '\n'; };
    }
  }
  assay::core::FileSystem& files = assay::core::FileSystem::Real();
  const std::vector<std::string> folders = {argv[1]};
  const auto folder = assay::embed::FindModel(files, folders, assay::embed::kStaticMiniLm);
  if (!folder) return Fail(folder.error());
  const auto words = assay::embed::OpenStaticEncoder(files, *folder);
  if (!words) return Fail(words.error());
  const auto report = assay::claims::EvaluateClaims(files, argv[2], words->get(), options);
  if (!report) return Fail(report.error());
  for (const auto& part : report->parts) PrintRow(part);
  PrintRow(report->all);
  fmt::print("{:.1f} s, {:.2f} ms CPU an answer, 99% under {:.2f} ms\n", report->seconds,
             report->mean_answer_ms, report->p99_answer_ms);
  return 0;
}
