#include <string>
#include <utility>

#include <fmt/format.h>

#include "assay/cache/upkeep.h"
#include "assay/core/record_file.h"

namespace assay::cache {
namespace {

constexpr core::RecordFileKind kExportKind = {.tag = "cacheexp", .version = 1};
constexpr std::uint64_t kProgressEvery = 256;  // entries

void Tell(const TransferProgress& progress, std::uint64_t done, bool last) {
  if (progress && (last || done % kProgressEvery == 0)) progress(done);
}

}  // namespace

Result<TransferReport> ExportEntries(Tier& from, const Filter& filter, std::int64_t now_ms,
                                     core::FileSystem& files, const std::string& path,
                                     const TransferProgress& progress) {
  // Under another name until it is whole, so that a file of that name is always a whole export.
  const std::string temporary = path + ".part";
  if (files.Stat(temporary)) ASSAY_TRY(files.Remove(temporary));
  TransferReport report;
  const auto write = [&]() -> Result<void> {
    ASSAY_ASSIGN(core::RecordWriter writer,
                 core::RecordWriter::Open(files, temporary, kExportKind));
    Result<void> written;
    std::string bytes;
    ASSAY_TRY(from.ForEach(now_ms, [&](const EntryRef& entry) {
      if (!filter.Matches(*entry)) {
        ++report.skipped;
        return true;
      }
      bytes.clear();
      AppendEntryBytes(*entry, bytes);
      if (const auto appended = writer.Append(bytes); !appended) {
        written = std::unexpected(appended.error());
        return false;
      }
      report.size_bytes += bytes.size();
      Tell(progress, ++report.entries, false);
      return true;
    }));
    ASSAY_TRY(written);
    ASSAY_TRY(writer.Sync());
    return files.Rename(temporary, path);
  };
  if (Result<void> done = write(); !done) {
    // Best effort: the first error is the one that matters.
    static_cast<void>(files.Remove(temporary));
    return std::unexpected(std::move(done).error());
  }
  Tell(progress, report.entries, true);
  return report;
}

Result<TransferReport> ImportEntries(core::FileSystem& files, const std::string& path, Tier& into,
                                     std::int64_t now_ms, const TransferProgress& progress) {
  ASSAY_ASSIGN(core::RecordReader reader, core::RecordReader::Open(files, path, kExportKind));
  TransferReport report;
  while (true) {
    const Result<std::optional<core::Record>> record = reader.Next();
    if (!record) {  // the reader cannot go on behind damage
      ++report.damaged;
      break;
    }
    if (!*record) break;
    const Result<EntryRef> entry = EntryFromBytes((*record)->payload);
    if (!entry) {
      if (entry.error().code != Code::kDataLoss) return std::unexpected(entry.error());
      ++report.damaged;
      continue;
    }
    if ((*entry)->ExpiredAt(now_ms)) {
      ++report.skipped;
      continue;
    }
    ASSAY_TRY(into.Put(*entry, now_ms));
    report.size_bytes += (*record)->payload.size();
    Tell(progress, ++report.entries, false);
  }
  if (reader.torn_tail()) ++report.damaged;
  ASSAY_TRY(into.Sync());
  Tell(progress, report.entries, true);
  return report;
}

}  // namespace assay::cache
