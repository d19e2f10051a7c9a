#include "assay/corpus/update.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "assay/core/clock.h"
#include "assay/core/hash.h"

#include "store/draft.h"
#include "store/image_internal.h"
#include "store/lock.h"

namespace assay::corpus {
namespace {

// A file that changed less than this before it was read may change again without a new time stamp
// (file systems keep times by 1 ns to 2 s).
constexpr std::int64_t kTimeGrain_ns = 2'000'000'000;
constexpr std::size_t kReasonsShown = 3;

std::string Join(const std::string& folder, std::string_view name) {
  return folder.ends_with('/') ? folder + std::string(name) : folder + "/" + std::string(name);
}

bool SameStat(const core::FileStat& a, const core::FileStat& b) {
  return a.size_bytes == b.size_bytes && a.modified_ns == b.modified_ns;
}

struct OldFile {
  std::uint32_t id;
  bool used = false;
};

class Updater {
 public:
  Updater(core::FileSystem& files, const UpdateOptions& options, std::shared_ptr<const Index> old)
      : files_(files), options_(options), old_(std::move(old)), draft_(options.encoder) {
    for (std::uint32_t i = 0; old_ && i < old_->file_count(); ++i) {
      known_.emplace(old_->file(i).path, OldFile{i});
    }
  }

  // The new image, or an empty string where nothing changed.
  Result<std::string> Run(const std::string& docs, UpdateReport& report) {
    ASSAY_ASSIGN(FolderListing listing, ListDocuments(files_, docs));
    report.warnings.insert(report.warnings.end(), listing.warnings.begin(), listing.warnings.end());
    for (std::size_t i = 0; i < listing.files.size(); ++i) {
      ReadFile(listing.files[i], report);
      if (options_.on_progress) options_.on_progress({"reading", i + 1, listing.files.size()});
    }
    for (const auto& [path, file] : known_) {
      if (!file.used) ++report.files_deleted;
    }
    if (draft_.passage_count() == 0) return NothingToRead(docs, report);
    if (!Changed(report)) return std::string();
    return draft_.Finish(options_.on_progress);
  }

 private:
  [[nodiscard]] bool Changed(const UpdateReport& report) const {
    const std::string_view encoder = options_.encoder == nullptr ? "" : options_.encoder->name();
    return old_ == nullptr ||
           report.files_added + report.files_changed + report.files_deleted > 0 || refreshed_ ||
           old_->encoder_name() != encoder;
  }

  static Result<std::string> NothingToRead(const std::string& docs, const UpdateReport& report) {
    std::string reasons;
    for (std::size_t i = 0; i < std::min(kReasonsShown, report.warnings.size()); ++i) {
      reasons += "; " + report.warnings[i].message;
    }
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: holds no document that can be read{}", docs, reasons));
  }

  void ReadFile(const FileToRead& file, UpdateReport& report) {
    const auto known = known_.find(file.shown_path);
    const FileRecord* before =
        known == known_.end() ? nullptr : &IndexAccess::File(*old_, known->second.id);
    if (before != nullptr && before->recheck == 0 && before->size_bytes == file.stat.size_bytes &&
        before->modified_ns == file.stat.modified_ns) {
      return Keep(known->second, *before, report);
    }
    core::FileStat stat = file.stat;
    auto bytes = ReadWhole(file, stat, report);
    if (!bytes) {
      report.warnings.push_back({file.shown_path, bytes.error().message});
      return;
    }
    const core::Hash128 hash = core::HashBytes128(*bytes);
    FileRecord record{.size_bytes = stat.size_bytes,
                      .modified_ns = stat.modified_ns,
                      .hash_high = hash.high,
                      .hash_low = hash.low};
    record.recheck = core::Clock::Real().wall_ns() - stat.modified_ns < kTimeGrain_ns ? 1 : 0;
    if (before != nullptr && before->hash_high == hash.high && before->hash_low == hash.low) {
      refreshed_ |= before->modified_ns != record.modified_ns || before->recheck != record.recheck;
      return Keep(known->second, record, report);
    }
    const Format format = FormatOf(file.path, *bytes);
    auto document = ParseDocument(file.shown_path, format, std::move(*bytes));
    if (!document) {
      report.warnings.push_back({file.shown_path, document.error().message});
      return;
    }
    report.warnings.insert(report.warnings.end(), document->warnings.begin(),
                           document->warnings.end());
    draft_.AddDocument(*document, record);
    if (before == nullptr) {
      ++report.files_added;
    } else {
      known->second.used = true;
      ++report.files_changed;
    }
  }

  void Keep(OldFile& known, FileRecord record, UpdateReport& report) {
    known.used = true;
    ++report.files_kept;
    draft_.CopyFile(*old_, known.id, record);
  }

  // Reads a file that stands still: its size and time are the same before and after. `stat` becomes
  // that of the bytes. A file that keeps changing is taken as last read, with a warning.
  Result<std::string> ReadWhole(const FileToRead& file, core::FileStat& stat,
                                UpdateReport& report) {
    for (int attempt = 0;; ++attempt) {
      ASSAY_ASSIGN(std::string bytes, files_.ReadFile(file.path, kMaxDocumentBytes));
      ASSAY_ASSIGN(const core::FileStat after, files_.Stat(file.path));
      if (SameStat(stat, after) && bytes.size() == after.size_bytes) return bytes;
      stat = after;
      if (attempt < 2) continue;
      report.warnings.push_back(
          {file.shown_path,
           fmt::format("{}: changes while it is read; indexed as last seen", file.shown_path)});
      stat.modified_ns = 0;  // so that the next update reads it again
      return bytes;
    }
  }

  core::FileSystem& files_;
  const UpdateOptions& options_;
  std::shared_ptr<const Index> old_;
  IndexDraft draft_;
  std::map<std::string, OldFile, std::less<>> known_;
  bool refreshed_ = false;  // a time stamp changed, the content did not
};

// The old index where it can be built upon; a damaged one is told and left aside.
std::shared_ptr<const Index> OpenOld(core::FileSystem& files, const std::string& path,
                                     UpdateReport& report) {
  auto old = Index::Open(files, path);
  if (old) {
    const auto sound = (*old)->Verify();
    if (sound) return *old;
    old = std::unexpected(sound.error());
  }
  if (old.error().code != Code::kNotFound) {
    report.warnings.push_back({path, old.error().message + "; it is built anew"});
  }
  return nullptr;
}

Result<void> WriteIndex(core::FileSystem& files, const std::string& folder,
                        const std::string& image) {
  const std::string path = IndexPath(folder);
  const auto written = core::WriteFileAtomically(files, path, image);
  if (written) return {};
  return Fail(written.error().code,
              fmt::format("{}: could not be written ({}); the index before this one is untouched",
                          path, written.error().message));
}

}  // namespace

std::string IndexPath(const std::string& index_folder) {
  return Join(index_folder, "index.assay");
}

std::string DefaultIndexFolder(core::FileSystem& files, const std::string& docs) {
  const auto stat = files.Stat(docs);
  if (stat && stat->is_directory) return Join(docs, ".assay");
  const std::size_t slash = docs.rfind('/');
  const std::string name = slash == std::string::npos ? docs : docs.substr(slash + 1);
  const std::string folder = slash == std::string::npos ? "." : docs.substr(0, slash);
  return Join(folder, ".assay-" + name);
}

Result<UpdateReport> BuildOrUpdate(core::FileSystem& files, const std::string& docs,
                                   const UpdateOptions& options) {
  ASSAY_TRY(files.Stat(docs));
  const std::string folder =
      options.index_folder.empty() ? DefaultIndexFolder(files, docs) : options.index_folder;
  ASSAY_TRY(files.MakeDirectories(folder));
  ASSAY_ASSIGN(const UpdateLock lock, UpdateLock::Take(files, IndexPath(folder) + ".lock"));
  UpdateReport report;
  const std::string path = IndexPath(folder);
  std::shared_ptr<const Index> old;
  if (!options.rebuild) old = OpenOld(files, path, report);
  ASSAY_ASSIGN(const std::string image, Updater(files, options, old).Run(docs, report));
  if (image.empty()) {
    report.index = std::move(old);
    return report;
  }
  if (options.on_progress) options.on_progress({"writing", 0, image.size()});
  ASSAY_TRY(WriteIndex(files, folder, image));
  report.written = true;
  if (options.on_progress) options.on_progress({"writing", image.size(), image.size()});
  ASSAY_ASSIGN(report.index, Index::Open(files, path));
  return report;
}

Result<UpdateReport> BuildInMemory(core::FileSystem& files, const std::string& docs,
                                   const UpdateOptions& options) {
  UpdateReport report;
  ASSAY_ASSIGN(std::string image, Updater(files, options, nullptr).Run(docs, report));
  ASSAY_ASSIGN(report.index, IndexAccess::FromImage(std::move(image), docs));
  return report;
}

}  // namespace assay::corpus
