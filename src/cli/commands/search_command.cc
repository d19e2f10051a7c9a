// assay search QUERY --in DOCS
#include <map>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/corpus/search.h"

#include "command.h"
#include "documents_option.h"
#include "encoders.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string query;
  std::string docs;
  std::string index_folder;
  std::size_t top = 5;
  corpus::SearchMode mode = corpus::SearchMode::kHybrid;
  bool json = false;
};

boost::json::value ToJson(const Options& options, const corpus::Index& index,
                          const std::vector<corpus::SearchHit>& hits) {
  boost::json::array results;
  for (const corpus::SearchHit& hit : hits) {
    const corpus::Passage passage = index.passage(hit.passage);
    results.push_back({{"file", passage.file},
                       {"line", passage.source.line},
                       {"start", passage.source.bytes.begin},
                       {"end", passage.source.bytes.end},
                       {"heading", passage.heading_path},
                       {"text", passage.text},
                       {"score", hit.score}});
  }
  return {{"query", options.query}, {"results", std::move(results)}};
}

Result<int> Run(const Options& options, ColorMode color) {
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(const OpenedDocuments documents,
               OpenDocuments(options.docs, options.index_folder, encoder.get()));
  ASSAY_ASSIGN(auto retriever, corpus::Retriever::Create(documents.index, encoder.get()));
  ASSAY_ASSIGN(const auto hits, retriever.Retrieve(options.query, options.top, options.mode));
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(options, *documents.index, hits)));
    return kExitSuccess;
  }
  const Painter paint(color, 1);
  if (hits.empty()) fmt::print("No passage shares a word with the query.\n");
  for (const corpus::SearchHit& hit : hits) {
    const corpus::Passage passage = documents.index->passage(hit.passage);
    fmt::print("{}  {}\n{}\n\n",
               paint.Bold(fmt::format("{}:{}", passage.file, passage.source.line)),
               paint.Dim(passage.heading_path), passage.text);
  }
  return kExitSuccess;
}

}  // namespace

void AddSearchCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("search", "Find the passages that bear on a question");
  command->add_option("query", options->query, "What to look for")->required();
  command->add_option("--in", options->docs, "Folder or file of documents, or an index")
      ->required();
  command->add_option("--index", options->index_folder,
                      "Folder for the index (default: DOCS/.assay)");
  command->add_option("--top", options->top, "Number of passages")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  const std::map<std::string, corpus::SearchMode> modes = {{"hybrid", corpus::SearchMode::kHybrid},
                                                           {"bm25", corpus::SearchMode::kBm25},
                                                           {"vector", corpus::SearchMode::kVector}};
  command->add_option("--mode", options->mode, "How to rank: hybrid (default), bm25 or vector")
      ->transform(CLI::CheckedTransformer(modes, CLI::ignore_case).description(""));
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer("Example:\n  assay search \"how long is the notice period\" --in docs/ --top 3");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
