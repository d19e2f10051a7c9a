// Retrieval quality: `retrieval_bench MODELS_FOLDER SET.jsonl...` prints recall and MRR of
// keywords, vectors and both for each set and encoder.
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "assay/corpus/evaluation.h"
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

namespace {

using namespace assay;

int Fail(const Error& error) {
  fmt::print(stderr, "{}\n", error.message);
  return 1;
}

void Print(const corpus::RetrievalReport& report) {
  constexpr std::array<const char*, 3> kModes = {"keywords", "vectors", "both"};
  fmt::print("{}: {} queries, {} sentences\n", report.name, report.queries, report.sentences);
  fmt::print("{:10} {:34} {:>6} {:>6} {:>6} {:>6} {:>9}\n", "by", "encoder", "R@1", "R@5", "R@10",
             "MRR", "ms/query");
  for (const corpus::RetrievalRow& row : report.rows) {
    fmt::print("{:10} {:34} {:6.4f} {:6.4f} {:6.4f} {:6.4f} {:9.3f}\n",
               kModes[static_cast<std::size_t>(row.mode)], row.encoder, row.recall_at_1,
               row.recall_at_5, row.recall_at_10, row.mean_reciprocal_rank,
               1e3 * row.seconds / report.queries);
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: retrieval_bench MODELS_FOLDER SET.jsonl...\n");
    return 2;
  }
  auto& files = core::FileSystem::Real();
  const std::array<std::string, 1> folders = {argv[1]};
  auto folder = embed::FindModel(files, folders, embed::kStaticMiniLm);
  if (!folder) return Fail(folder.error());
  auto table = embed::OpenStaticEncoder(files, *folder);
  if (!table) return Fail(table.error());
  auto transformer_folder = embed::FindModel(files, folders, embed::kMiniLmInt8);
  if (!transformer_folder) return Fail(transformer_folder.error());
  auto transformer = embed::OpenTransformerEncoder(files, *transformer_folder);
  if (!transformer) return Fail(transformer.error());
  const std::array<const embed::Encoder*, 2> encoders = {table->get(), transformer->get()};
  for (int i = 2; i < argc; ++i) {
    const std::string path = argv[i];
    // The transformer on tens of thousands of sentences takes minutes: "+" in front asks for it.
    const bool all = path.starts_with('+');
    auto set = corpus::LoadRetrievalSet(files, all ? path.substr(1) : path);
    if (!set) return Fail(set.error());
    const auto report = corpus::EvaluateRetrieval(*set, std::span(encoders).first(all ? 2 : 1));
    if (!report) return Fail(report.error());
    Print(*report);
  }
  return 0;
}
