// assay bench ANSWER --against DOCS: how long a check takes here.
#include <algorithm>
#include <chrono>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include "assay/claims/extractor.h"
#include "assay/claims/verifier.h"
#include "assay/corpus/search.h"

#include "command.h"
#include "documents_option.h"
#include "encoders.h"
#include "input.h"
#include "json_output.h"

namespace assay::cli {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Options {
  std::string answer;
  std::string docs;
  std::string index_folder;
  std::size_t rounds = 50;
  bool json = false;
};

// Times of one stage, in milliseconds.
struct Stage {
  std::string_view name;
  std::vector<double> samples_ms;

  [[nodiscard]] double Percentile(double share) {
    std::ranges::sort(samples_ms);
    return samples_ms[static_cast<std::size_t>(share * static_cast<double>(samples_ms.size() - 1))];
  }
};

double MillisecondsSince(SteadyClock::time_point start) {
  return std::chrono::duration<double, std::milli>(SteadyClock::now() - start).count();
}

double PeakMemoryMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024.0;
}

Result<int> Run(const Options& options) {
  const auto load_start = SteadyClock::now();
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(const OpenedDocuments documents,
               OpenDocuments(options.docs, options.index_folder, encoder.get()));
  const embed::Encoder* retrieval =
      documents.index->encoder_name().empty() ? nullptr : encoder.get();
  ASSAY_ASSIGN(auto retriever, corpus::Retriever::Create(documents.index, retrieval));
  ASSAY_ASSIGN(auto verifier, claims::Verifier::Create(documents.index, encoder.get(), retrieval));
  const double load_ms = MillisecondsSince(load_start);
  ASSAY_ASSIGN(const std::string answer, ReadText(options.answer));

  Stage extract{"extract", {}};
  Stage retrieve{"retrieve", {}};
  Stage verify{"verify", {}};
  Stage check{"check", {}};
  std::size_t claim_count = 0;
  for (std::size_t round = 0; round < options.rounds; ++round) {
    const auto start = SteadyClock::now();
    const claims::Extraction sentences = claims::Extractor().Extract(answer);
    extract.samples_ms.push_back(MillisecondsSince(start));
    std::vector<std::string_view> texts;
    for (const auto& sentence : sentences) {
      for (const auto& claim : sentence.claims) texts.push_back(claim.text);
    }
    claim_count = texts.size();
    const auto verify_start = SteadyClock::now();
    ASSAY_TRY(verifier.VerifyBatch(texts));
    verify.samples_ms.push_back(MillisecondsSince(verify_start));
    check.samples_ms.push_back(MillisecondsSince(start));
    const auto retrieve_start = SteadyClock::now();
    ASSAY_TRY(retriever.RetrieveBatch(texts, verifier.options().passages));
    retrieve.samples_ms.push_back(MillisecondsSince(retrieve_start));
  }

  boost::json::object stages;
  for (Stage* stage : {&extract, &retrieve, &verify, &check}) {
    stages[stage->name] = {{"p50_ms", stage->Percentile(0.5)}, {"p99_ms", stage->Percentile(0.99)}};
  }
  if (options.json) {
    fmt::print("{}", PrettyJson({{"claims", claim_count},
                                 {"rounds", options.rounds},
                                 {"load_ms", load_ms},
                                 {"stages", std::move(stages)},
                                 {"peak_memory_mb", PeakMemoryMb()}}));
    return kExitSuccess;
  }
  fmt::print("{} claims, {} rounds; models and index ready in {:.0f} ms\n{:<10}{:>12}{:>12}\n",
             claim_count, options.rounds, load_ms, "stage", "median ms", "p99 ms");
  for (Stage* stage : {&extract, &retrieve, &verify, &check}) {
    fmt::print("{:<10}{:>12.3f}{:>12.3f}\n", stage->name, stage->Percentile(0.5),
               stage->Percentile(0.99));
  }
  fmt::print("peak memory {:.0f} MB\n", PeakMemoryMb());
  return kExitSuccess;
}

}  // namespace

void AddBenchCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("bench", "Measure how long checking an answer takes on this machine");
  command->add_option("answer", options->answer, "The answer, or - for standard input")->required();
  command->add_option("--against", options->docs, "Folder or file of documents, or an index")
      ->required();
  command->add_option("--index", options->index_folder,
                      "Folder for the index (default: DOCS/.assay)");
  command->add_option("--rounds", options->rounds, "How often to check it")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer("Example:\n  assay bench answer.md --against docs/ --rounds 200");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
