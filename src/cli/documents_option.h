// The documents that a command works against: a folder, a file, or an index made before.
#pragma once
#include <memory>
#include <string>

#include "assay/core/result.h"
#include "assay/corpus/index.h"
#include "assay/embed/encoder.h"

namespace assay::cli {

struct OpenedDocuments {
  std::shared_ptr<const corpus::Index> index;
  std::string root;  // what evidence paths are relative to; empty when unknown
};

// `path` is a folder or file of documents, whose index is brought up to date first (in
// `index_folder`, or in PATH/.assay; in memory when that cannot be written), or an index folder,
// which is opened as it is. Warnings go to standard error. Errors: those of corpus::BuildOrUpdate
// and corpus::Index::Open.
[[nodiscard]] Result<OpenedDocuments> OpenDocuments(const std::string& path,
                                                    const std::string& index_folder,
                                                    const embed::Encoder* encoder);

// Prints warnings, at most a screenful of them.
void PrintWarnings(const std::vector<corpus::Warning>& warnings);

}  // namespace assay::cli
