#include "assay/embed/models.h"

#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "folders_internal.h"
#include "sha256.h"

namespace assay::embed {
namespace {

constexpr std::uint64_t kMaxManifestBytes = 1 << 20;
constexpr std::uint64_t kManifestFormat = 1;

struct ManifestEntry {
  std::string path;  // below the models' folder
  std::uint64_t size_bytes = 0;
  std::string sha256;
};

// The files of `model`; empty if the manifest does not name it.
Result<std::vector<ManifestEntry>> ReadManifest(const std::string& path, std::string_view json,
                                                std::string_view model) {
  const auto damaged = [&](std::string_view what) {
    return Fail(Code::kDataLoss,
                fmt::format("{}: {}; make the models again with models/build.sh", path, what));
  };
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
    return damaged("not JSON");
  }
  std::uint64_t format = 0;
  if (root["format"].get(format) != simdjson::SUCCESS || format != kManifestFormat) {
    return damaged(fmt::format("not a manifest of format {}", kManifestFormat));
  }
  simdjson::dom::array files;
  const auto found = root["models"][model]["files"].get(files);
  if (found == simdjson::NO_SUCH_FIELD) return std::vector<ManifestEntry>();
  if (found != simdjson::SUCCESS) return damaged("'models' is not as expected");
  std::vector<ManifestEntry> entries;
  for (const simdjson::dom::element file : files) {
    std::string_view name;
    std::string_view sha256;
    ManifestEntry entry;
    if (file["path"].get(name) != simdjson::SUCCESS ||
        file["sha256"].get(sha256) != simdjson::SUCCESS ||
        file["size_bytes"].get(entry.size_bytes) != simdjson::SUCCESS || sha256.size() != 64 ||
        !name.starts_with(fmt::format("{}/", model)) || name.find("..") != name.npos) {
      return damaged(fmt::format("an entry of model '{}' is not as expected", model));
    }
    entry.path = name;
    entry.sha256 = sha256;
    entries.push_back(std::move(entry));
  }
  if (entries.empty()) return damaged(fmt::format("model '{}' has no files", model));
  return entries;
}

// One line of `.verified`: it holds only as long as size and modification time do.
std::string StampLine(const ManifestEntry& entry, const core::FileStat& stat) {
  return fmt::format("{} {} {} {}", entry.sha256, stat.size_bytes, stat.modified_ns, entry.path);
}

std::set<std::string> ReadStamps(core::FileSystem& files, const std::string& path) {
  std::set<std::string> lines;
  const Result<std::string> text = files.ReadFile(path, kMaxManifestBytes);
  if (!text) return lines;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    lines.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return lines;
}

Result<void> CheckFile(core::FileSystem& files, const std::string& path,
                       const ManifestEntry& entry) {
  ASSAY_ASSIGN(const std::unique_ptr<core::MappedFile> mapped, files.Map(path));
  if (internal::Sha256Hex(mapped->bytes()) == entry.sha256) return {};
  return Fail(Code::kDataLoss, fmt::format("{}: its SHA-256 is not the manifest's; make the models "
                                           "again with models/build.sh",
                                           path));
}

// Compares each file with its entry, by hash unless its stamp still holds.
Result<void> Verify(core::FileSystem& files, const std::string& folder,
                    const std::vector<ManifestEntry>& entries) {
  const std::string stamp_path = folder + "/.verified";
  std::set<std::string> stamps = ReadStamps(files, stamp_path);
  bool changed = false;
  for (const ManifestEntry& entry : entries) {
    const std::string path = fmt::format("{}/{}", folder, entry.path);
    const Result<core::FileStat> stat = files.Stat(path);
    if (!stat) {
      return Fail(Code::kDataLoss,
                  fmt::format("{}: the manifest names it, but: {}", path, stat.error().message));
    }
    if (stat->size_bytes != entry.size_bytes) {
      return Fail(Code::kDataLoss, fmt::format("{}: {} bytes, but the manifest says {}", path,
                                               stat->size_bytes, entry.size_bytes));
    }
    const std::string line = StampLine(entry, *stat);
    if (stamps.contains(line)) continue;
    ASSAY_TRY(CheckFile(files, path, entry));
    std::erase_if(stamps, [&](const std::string& old) { return old.ends_with(" " + entry.path); });
    stamps.insert(line);
    changed = true;
  }
  if (!changed) return {};
  // A folder that cannot be written to costs a hash on each start, nothing else.
  static_cast<void>(
      core::WriteFileAtomically(files, stamp_path, fmt::format("{}\n", fmt::join(stamps, "\n"))));
  return {};
}

}  // namespace

Result<ModelFolder> FindModel(core::FileSystem& files, std::span<const std::string> folders,
                              std::string_view model) {
  for (const std::string& folder : folders) {
    const std::string path = folder + "/manifest.json";
    const Result<std::string> json = files.ReadFile(path, kMaxManifestBytes);
    if (!json && json.error().code == Code::kNotFound) continue;
    ASSAY_TRY(json);
    ASSAY_ASSIGN(const std::vector<ManifestEntry> entries, ReadManifest(path, *json, model));
    if (entries.empty()) continue;
    ASSAY_TRY(Verify(files, folder, entries));
    const ManifestEntry* weights = &entries.front();
    for (const ManifestEntry& entry : entries) {
      if (entry.size_bytes > weights->size_bytes) weights = &entry;
    }
    return ModelFolder{fmt::format("{}/{}", folder, model),
                       fmt::format("{}@{}", model, weights->sha256.substr(0, 12))};
  }
  return Fail(Code::kNotFound,
              fmt::format("model '{}' is in none of these folders: {}; models/build.sh makes it",
                          model, internal::Listed(folders)));
}

}  // namespace assay::embed
