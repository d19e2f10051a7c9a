// assay/corpus/update.h: keeps an index on disk in step with a folder of documents.
// Room: corpus (uses core, text, embed).
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/documents.h"
#include "assay/corpus/index.h"
#include "assay/embed/encoder.h"

namespace assay::corpus {

struct UpdateProgress {
  std::string_view stage;  // "reading", "encoding", "writing"
  std::uint64_t done = 0;
  std::uint64_t total = 0;
};

struct UpdateOptions {
  std::string index_folder;  // default: DOCS/.assay; for one file, FOLDER/.assay-FILE
  const embed::Encoder* encoder = nullptr;                 // null: no vectors
  bool rebuild = false;                                    // do not use what the old index holds
  std::function<void(const UpdateProgress&)> on_progress;  // called from the caller's thread
};

struct UpdateReport {
  std::shared_ptr<const Index> index;
  std::vector<Warning> warnings;
  std::uint32_t files_added = 0;
  std::uint32_t files_changed = 0;
  std::uint32_t files_deleted = 0;
  std::uint32_t files_kept = 0;
  bool written = false;  // false: the index was up to date
};

// The file of an index: INDEX_FOLDER/index.assay.
[[nodiscard]] std::string IndexPath(const std::string& index_folder);
[[nodiscard]] std::string DefaultIndexFolder(core::FileSystem& files, const std::string& docs);

// Brings the index of `docs` (a folder or one file) up to date and opens it. A file is read again
// when its size or modification time differs, and its passages replaced when its hash does. The new
// index is written beside the old one, synced, and renamed over it: at any moment, also after kill
// -9 or power loss, the file is the whole old or the whole new index. A damaged or outdated old
// index is rebuilt with a warning. One process updates at a time (flock on
// INDEX_FOLDER/index.assay.lock, on the real disk only). Errors: kNotFound, kPermissionDenied for
// `docs`; kInvalidArgument when not one document could be read (names the first reasons);
// kUnavailable while another process updates; kResourceExhausted on a full disk (the old index
// stays).
[[nodiscard]] Result<UpdateReport> BuildOrUpdate(core::FileSystem& files, const std::string& docs,
                                                 const UpdateOptions& options);

// Indexes a folder or file in memory only, for a read-only place.
[[nodiscard]] Result<UpdateReport> BuildInMemory(core::FileSystem& files, const std::string& docs,
                                                 const UpdateOptions& options);

}  // namespace assay::corpus
