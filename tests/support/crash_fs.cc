#include "crash_fs.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "file_error_internal.h"

namespace assay::testing {

using core::FileFail;
using core::MappedFile;
using core::ParentDirectory;
using core::WritableFile;

struct CrashFs::Node {
  bool is_directory = false;
  std::string bytes = {};          // what programs see
  std::string durable_bytes = {};  // what a crash leaves
  std::int64_t modified_ns = 0;
};

namespace {

std::string Normal(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path.empty() ? "." : path;
}

class CopyOfFile final : public MappedFile {
 public:
  explicit CopyOfFile(std::string bytes) : bytes_(std::move(bytes)) {}
  [[nodiscard]] std::string_view bytes() const override { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace

class CrashFs::File final : public WritableFile {
 public:
  File(CrashFs& files, std::shared_ptr<Node> node, std::string path)
      : files_(files),
        node_(std::move(node)),
        path_(std::move(path)),
        generation_(files.generation_) {}

  [[nodiscard]] Result<void> Append(std::string_view bytes) override {
    const std::scoped_lock lock(files_.mutex_);
    ASSAY_TRY(Fresh());
    bool half = false;
    const Result<void> step = files_.Step("write to", path_, half);
    if (half) bytes = bytes.substr(0, bytes.size() / 2);
    if (!step && !half) return step;
    const std::uint64_t room =
        files_.capacity_bytes_ - std::min(files_.capacity_bytes_, files_.UsedBytes());
    const std::string_view fitting = bytes.substr(0, std::min<std::uint64_t>(room, bytes.size()));
    node_->bytes += fitting;
    node_->modified_ns = static_cast<std::int64_t>(files_.operations_);
    if (!step) return step;
    if (fitting.size() < bytes.size()) return FileFail(ENOSPC, "write to", path_);
    return {};
  }

  [[nodiscard]] Result<void> Sync() override {
    const std::scoped_lock lock(files_.mutex_);
    ASSAY_TRY(Fresh());
    bool half = false;
    ASSAY_TRY(files_.Step("flush to the disk", path_, half));
    node_->durable_bytes = node_->bytes;
    return {};
  }

  [[nodiscard]] std::uint64_t size_bytes() const override {
    const std::scoped_lock lock(files_.mutex_);
    return node_->bytes.size();
  }

 private:
  [[nodiscard]] Result<void> Fresh() const {
    if (generation_ != files_.generation_) return FileFail(EIO, "use after a crash", path_);
    return {};
  }

  CrashFs& files_;
  std::shared_ptr<Node> node_;
  std::string path_;
  std::uint64_t generation_;
};

class CrashFs::Reader final : public core::ReadableFile {
 public:
  Reader(CrashFs& files, std::shared_ptr<Node> node, std::string path)
      : files_(files), node_(std::move(node)), path_(std::move(path)) {}

  [[nodiscard]] Result<std::size_t> ReadAt(std::uint64_t offset,
                                           std::span<char> into) const override {
    const std::scoped_lock lock(files_.mutex_);
    if (files_.bad_from_ && offset + into.size() > *files_.bad_from_) {
      return FileFail(EIO, "read", path_);
    }
    if (offset >= node_->bytes.size()) return std::size_t{0};
    return node_->bytes.copy(into.data(), into.size(), static_cast<std::size_t>(offset));
  }

 private:
  CrashFs& files_;
  std::shared_ptr<Node> node_;
  std::string path_;
};

CrashFs::CrashFs() {
  for (const char* root : {"/", "."}) {
    names_[root] = std::make_shared<Node>(Node{.is_directory = true});
  }
  durable_names_ = names_;
}

CrashFs::~CrashFs() = default;

void CrashFs::Crash(const Luck& luck) {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  stop_at_.reset();
  fail_at_.reset();
  if (luck.names_survive) durable_names_ = names_;
  names_ = durable_names_;
  for (const auto& [path, node] : names_) {
    const std::uint64_t begin = node->durable_bytes.size();
    // A truncation that was not synced is undone; appended bytes survive as far as luck goes.
    if (node->bytes.starts_with(node->durable_bytes)) {
      node->bytes.resize(std::min<std::uint64_t>(node->bytes.size(), begin + luck.unsynced_bytes));
    } else {
      node->bytes = node->durable_bytes;
    }
    node->durable_bytes = node->bytes;
  }
}

void CrashFs::StopAfter(std::uint64_t operations) {
  const std::scoped_lock lock(mutex_);
  stop_at_ = operations_ + operations;
}

void CrashFs::FailOperation(std::uint64_t operations) {
  const std::scoped_lock lock(mutex_);
  fail_at_ = operations_ + operations;
}

void CrashFs::SetCapacity(std::uint64_t size_bytes) {
  const std::scoped_lock lock(mutex_);
  capacity_bytes_ = size_bytes;
}

void CrashFs::FailReadsFrom(std::optional<std::uint64_t> offset) {
  const std::scoped_lock lock(mutex_);
  bad_from_ = offset;
}

std::uint64_t CrashFs::operations() const {
  const std::scoped_lock lock(mutex_);
  return operations_;
}

void CrashFs::Plant(const std::string& path, std::string bytes) {
  const std::scoped_lock lock(mutex_);
  auto node = std::make_shared<Node>();
  node->bytes = bytes;
  node->durable_bytes = std::move(bytes);
  names_[path] = node;
  durable_names_[path] = node;
}

std::optional<std::string> CrashFs::Contents(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const auto found = names_.find(path);
  if (found == names_.end() || found->second->is_directory) return std::nullopt;
  return found->second->bytes;
}

Result<void> CrashFs::Step(std::string_view doing, const std::string& path, bool& half) {
  const std::uint64_t number = operations_++;
  if (stop_at_ && number >= *stop_at_) return FileFail(EIO, doing, path);
  if (fail_at_ == number) {
    fail_at_.reset();
    half = true;
    return FileFail(EIO, doing, path);
  }
  return {};
}

std::uint64_t CrashFs::UsedBytes() const {
  std::uint64_t used = 0;
  for (const auto& [path, node] : names_) used += node->bytes.size();
  return used;
}

Result<std::shared_ptr<CrashFs::Node>> CrashFs::Find(const std::string& path,
                                                     std::string_view doing) const {
  const auto found = names_.find(Normal(path));
  if (found == names_.end()) return FileFail(ENOENT, doing, path);
  return found->second;
}

Result<void> CrashFs::NeedParent(const std::string& path, std::string_view doing) const {
  const auto parent = names_.find(ParentDirectory(path));
  if (parent == names_.end()) return FileFail(ENOENT, doing, path);
  if (!parent->second->is_directory) return FileFail(ENOTDIR, doing, path);
  return {};
}

Result<std::string> CrashFs::ReadFile(const std::string& path, std::uint64_t limit_bytes) {
  const std::scoped_lock lock(mutex_);
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "open"));
  if (node->is_directory) return FileFail(EISDIR, "read", path);
  if (node->bytes.size() > limit_bytes) {
    return core::TooLarge(path, node->bytes.size(), limit_bytes);
  }
  return node->bytes;
}

Result<std::unique_ptr<MappedFile>> CrashFs::Map(const std::string& path) {
  ASSAY_ASSIGN(std::string bytes, ReadFile(path, UINT64_MAX));
  return std::make_unique<CopyOfFile>(std::move(bytes));
}

Result<std::unique_ptr<core::ReadableFile>> CrashFs::OpenRead(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  ASSAY_ASSIGN(std::shared_ptr<Node> node, Find(path, "open"));
  if (node->is_directory) return FileFail(EISDIR, "read", path);
  return std::make_unique<Reader>(*this, std::move(node), path);
}

Result<std::unique_ptr<WritableFile>> CrashFs::Open(const std::string& path, bool empty_it) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("open", path, half));
  ASSAY_TRY(NeedParent(path, "open"));
  std::shared_ptr<Node>& node = names_[path];
  if (node == nullptr) node = std::make_shared<Node>();
  if (node->is_directory) return FileFail(EISDIR, "open", path);
  if (empty_it) node->bytes.clear();
  return std::make_unique<File>(*this, node, path);
}

Result<std::unique_ptr<WritableFile>> CrashFs::Create(const std::string& path) {
  return Open(path, true);
}

Result<std::unique_ptr<WritableFile>> CrashFs::OpenAppend(const std::string& path) {
  return Open(path, false);
}

Result<void> CrashFs::Truncate(const std::string& path, std::uint64_t size_bytes) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("shorten", path, half));
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "shorten"));
  node->bytes.resize(size_bytes);
  return {};
}

Result<void> CrashFs::Rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("rename", from, half));
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(from, "rename"));
  ASSAY_TRY(NeedParent(to, "rename to"));
  const std::string source = Normal(from);
  const std::string target = Normal(to);
  Names moved;
  for (const auto& [path, child] : names_) {
    if (path == source || path.starts_with(source + "/")) {
      moved[target + path.substr(source.size())] = child;
    }
  }
  std::erase_if(names_, [&](const auto& entry) {
    return entry.first == source || entry.first.starts_with(source + "/");
  });
  for (auto& [path, child] : moved) names_[path] = child;
  return {};
}

Result<void> CrashFs::Remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("remove", path, half));
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "remove"));
  const std::string below = Normal(path) + "/";
  const auto child = names_.lower_bound(below);
  if (child != names_.end() && child->first.starts_with(below)) {
    return FileFail(ENOTEMPTY, "remove", path);
  }
  names_.erase(Normal(path));
  return {};
}

Result<void> CrashFs::MakeDirectories(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("create the directory", path, half));
  const std::string whole = Normal(path);
  for (std::size_t end = whole.find('/', 1);; end = whole.find('/', end + 1)) {
    std::shared_ptr<Node>& node = names_[whole.substr(0, end)];
    if (node == nullptr) node = std::make_shared<Node>(Node{.is_directory = true});
    if (!node->is_directory) return FileFail(ENOTDIR, "create the directory", path);
    if (end == std::string::npos) return {};
  }
}

Result<void> CrashFs::SyncDirectory(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  bool half = false;
  ASSAY_TRY(Step("flush to the disk", path, half));
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "open"));
  if (!node->is_directory) return FileFail(ENOTDIR, "open", path);
  const std::string parent = Normal(path);
  std::erase_if(durable_names_, [&](const auto& entry) {
    return ParentDirectory(entry.first) == parent && !names_.contains(entry.first);
  });
  for (const auto& [name, child] : names_) {
    if (ParentDirectory(name) == parent) durable_names_[name] = child;
  }
  return {};
}

Result<core::FileStat> CrashFs::Stat(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "examine"));
  return core::FileStat{.size_bytes = node->bytes.size(),
                        .modified_ns = node->modified_ns,
                        .is_directory = node->is_directory};
}

Result<std::vector<std::string>> CrashFs::List(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  ASSAY_ASSIGN(const std::shared_ptr<Node> node, Find(path, "list"));
  if (!node->is_directory) return FileFail(ENOTDIR, "list", path);
  const std::string parent = Normal(path);
  std::vector<std::string> children;
  for (const auto& [name, child] : names_) {
    if (name == "/" || name == "." || ParentDirectory(name) != parent) continue;
    children.push_back(name.substr(name.rfind('/') + 1));
  }
  std::ranges::sort(children);
  return children;
}

}  // namespace assay::testing
