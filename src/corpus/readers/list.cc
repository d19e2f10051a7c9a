// The readable files of a folder.
#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include "assay/corpus/documents.h"

namespace assay::corpus {
namespace {

constexpr int kMaxDepth = 64;

constexpr std::array<std::string_view, 3> kSkippedFolders = {"node_modules", "__pycache__",
                                                             "lost+found"};

// Kinds that hold no text to read; anything else is looked into.
constexpr std::array<std::string_view, 46> kBinary = {
    ".png",   ".jpg", ".jpeg",   ".gif",     ".webp", ".bmp", ".ico", ".tif", ".tiff", ".svg",
    ".mp3",   ".mp4", ".wav",    ".ogg",     ".flac", ".avi", ".mov", ".mkv", ".webm", ".zip",
    ".gz",    ".xz",  ".bz2",    ".zst",     ".tar",  ".7z",  ".rar", ".jar", ".exe",  ".dll",
    ".so",    ".o",   ".a",      ".class",   ".pyc",  ".bin", ".iso", ".ttf", ".otf",  ".woff",
    ".woff2", ".db",  ".sqlite", ".parquet", ".npy",  ".onnx"};

bool IsBinaryName(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return std::ranges::any_of(kBinary, [&](std::string_view end) { return lower.ends_with(end); });
}

class Lister {
 public:
  explicit Lister(core::FileSystem& files) : files_(files) {}

  FolderListing listing;

  void Enter(const std::string& path, const std::string& shown, int depth) {
    // Where the path does not name a real folder (a simulated disk), it stands for itself.
    std::error_code ignored;
    const std::filesystem::path real = std::filesystem::canonical(path, ignored);
    if (!visited_.insert(ignored ? path : real.string()).second) return;
    if (depth > kMaxDepth) {
      Warn(shown, fmt::format("{}: folders nest more than {} deep; left out", shown, kMaxDepth));
      return;
    }
    const auto names = files_.List(path);
    if (!names) return Warn(shown, names.error().message);
    for (const std::string& name : *names) {
      // An index and its lock are no documents, wherever they lie.
      if (name.starts_with('.') || name.starts_with("index.assay")) continue;
      Visit(path + "/" + name, shown, name, depth);
    }
  }

 private:
  void Visit(const std::string& path, const std::string& above, const std::string& name,
             int depth) {
    const std::string shown = above.empty() ? name : above + "/" + name;
    const auto stat = files_.Stat(path);
    if (!stat) return Warn(shown, stat.error().message);
    if (stat->is_directory) {
      if (std::ranges::find(kSkippedFolders, name) == kSkippedFolders.end()) {
        Enter(path, shown, depth + 1);
      }
    } else if (!IsBinaryName(name)) {
      listing.files.push_back({path, shown, *stat});
    }
  }

  void Warn(const std::string& shown, std::string message) {
    listing.warnings.push_back({shown, std::move(message)});
  }

  core::FileSystem& files_;
  std::unordered_set<std::string> visited_;
};

}  // namespace

Result<FolderListing> ListDocuments(core::FileSystem& files, const std::string& root) {
  ASSAY_ASSIGN(const core::FileStat stat, files.Stat(root));
  Lister lister(files);
  if (!stat.is_directory) {
    const std::size_t slash = root.rfind('/');
    lister.listing.files.push_back(
        {root, slash == std::string::npos ? root : root.substr(slash + 1), stat});
    return std::move(lister.listing);
  }
  // A folder that cannot be listed at all is the caller's mistake, not a warning.
  ASSAY_TRY(files.List(root));
  std::string path = root;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  lister.Enter(path, "", 0);
  std::ranges::sort(lister.listing.files, {}, &FileToRead::shown_path);
  return std::move(lister.listing);
}

}  // namespace assay::corpus
