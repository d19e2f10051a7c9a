// assay index DOCS
#include <chrono>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/corpus/update.h"

#include "command.h"
#include "documents_option.h"
#include "encoders.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string docs;
  std::string index_folder;
  bool rebuild = false;
  bool json = false;
};

Result<int> Run(const Options& options) {
  core::FileSystem& files = core::FileSystem::Real();
  ASSAY_ASSIGN(const auto encoder, LoadStaticEncoder());
  const auto start = std::chrono::steady_clock::now();
  ProgressBar progress("indexing");
  corpus::UpdateOptions update;
  update.index_folder = options.index_folder;
  update.encoder = encoder.get();
  update.rebuild = options.rebuild;
  update.on_progress = [&](const corpus::UpdateProgress& step) {
    progress.Update(step.stage, step.done, step.total);
  };
  ASSAY_ASSIGN(const corpus::UpdateReport report,
               corpus::BuildOrUpdate(files, options.docs, update));
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::string folder = options.index_folder.empty()
                                 ? corpus::DefaultIndexFolder(files, options.docs)
                                 : options.index_folder;
  if (options.json) {
    boost::json::array warnings;
    for (const corpus::Warning& warning : report.warnings) {
      warnings.push_back({{"file", warning.file}, {"message", warning.message}});
    }
    const boost::json::value out = {{"index", folder},
                                    {"files", report.index->file_count()},
                                    {"passages", report.index->passage_count()},
                                    {"added", report.files_added},
                                    {"changed", report.files_changed},
                                    {"deleted", report.files_deleted},
                                    {"kept", report.files_kept},
                                    {"seconds", seconds},
                                    {"warnings", std::move(warnings)}};
    fmt::print("{}", PrettyJson(out));
    return kExitSuccess;
  }
  PrintWarnings(report.warnings);
  fmt::print("{} files, {} passages in {} ({} new, {} changed, {} deleted, {} kept; {:.2f} s)\n",
             report.index->file_count(), report.index->passage_count(), folder, report.files_added,
             report.files_changed, report.files_deleted, report.files_kept, seconds);
  return kExitSuccess;
}

}  // namespace

void AddIndexCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "index",
      "Index documents, or bring their index up to date. Reads Markdown, text, HTML, PDF, CSV, "
      "JSON and JSON lines.");
  command->add_option("docs", options->docs, "Folder or file of documents")->required();
  command->add_option("--index", options->index_folder,
                      "Folder for the index (default: DOCS/.assay)");
  command->add_flag("--rebuild", options->rebuild, "Read every file again");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Examples:\n  assay index docs/\n  assay index docs/ --index /var/lib/assay/docs");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
