#include "documents_option.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/core/file_system.h"
#include "assay/corpus/update.h"

#include "terminal.h"

namespace assay::cli {
namespace {

constexpr std::size_t kMaxShownWarnings = 20;

}  // namespace

void PrintWarnings(const std::vector<corpus::Warning>& warnings) {
  const std::size_t shown = std::min(warnings.size(), kMaxShownWarnings);
  for (std::size_t i = 0; i < shown; ++i) {
    fmt::print(stderr, "assay: warning: {}: {}\n", warnings[i].file, warnings[i].message);
  }
  if (shown < warnings.size()) {
    fmt::print(stderr, "assay: warning: {} more files had problems\n", warnings.size() - shown);
  }
}

Result<OpenedDocuments> OpenDocuments(const std::string& path, const std::string& index_folder,
                                      const embed::Encoder* encoder) {
  core::FileSystem& files = core::FileSystem::Real();
  ASSAY_TRY(files.Stat(path));
  if (files.Stat(corpus::IndexPath(path))) {
    ASSAY_ASSIGN(auto index, corpus::Index::Open(files, corpus::IndexPath(path)));
    return OpenedDocuments{std::move(index), {}};
  }
  ProgressBar progress("indexing");
  corpus::UpdateOptions options;
  options.index_folder = index_folder;
  options.encoder = encoder;
  options.on_progress = [&](const corpus::UpdateProgress& step) {
    progress.Update(step.stage, step.done, step.total);
  };
  auto report = corpus::BuildOrUpdate(files, path, options);
  if (!report && report.error().code == Code::kPermissionDenied && index_folder.empty()) {
    report = corpus::BuildInMemory(files, path, options);
  }
  if (!report) return std::unexpected(std::move(report).error());
  PrintWarnings(report->warnings);
  return OpenedDocuments{std::move(report->index), path};
}

}  // namespace assay::cli
