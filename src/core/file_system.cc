#include "assay/core/file_system.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_error_internal.h"

namespace assay::core {
namespace {

// Repeats a system call that a signal interrupted.
template <typename Call>
auto Retry(Call call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

// Owns a descriptor. Close errors are not reported: data that must not be lost is synced before.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

constexpr mode_t kFileMode = 0666;       // the user's umask narrows it
constexpr mode_t kDirectoryMode = 0777;  // as above

Result<Descriptor> Open(const std::string& path, int flags, std::string_view doing) {
  const int fd = Retry([&] { return ::open(path.c_str(), flags | O_CLOEXEC, kFileMode); });
  if (fd < 0) return FileFail(errno, doing, path);
  return Descriptor(fd);
}

Result<struct stat> StatOf(const Descriptor& file, const std::string& path) {
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) return FileFail(errno, "examine", path);
  return info;
}

// Opens for reading and refuses what has no content of its own.
Result<Descriptor> OpenRegular(const std::string& path, std::uint64_t& size_bytes) {
  // O_NONBLOCK: opening a pipe without a writer must not hang.
  ASSAY_ASSIGN(Descriptor file, Open(path, O_RDONLY | O_NONBLOCK, "open"));
  ASSAY_ASSIGN(const struct stat info, StatOf(file, path));
  if (S_ISDIR(info.st_mode)) return FileFail(EISDIR, "read", path);
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("cannot read '{}': it is not a regular file; name a file", path));
  }
  size_bytes = static_cast<std::uint64_t>(info.st_size);
  return file;
}

class RealWritableFile final : public WritableFile {
 public:
  RealWritableFile(Descriptor file, std::string path, std::uint64_t size_bytes)
      : file_(std::move(file)), path_(std::move(path)), size_bytes_(size_bytes) {}

  [[nodiscard]] Result<void> Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          Retry([&] { return ::write(file_.get(), bytes.data(), bytes.size()); });
      if (written < 0) return FileFail(errno, "write to", path_);
      size_bytes_ += static_cast<std::uint64_t>(written);
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  [[nodiscard]] Result<void> Sync() override {
    if (Retry([&] { return ::fdatasync(file_.get()); }) != 0) {
      return FileFail(errno, "flush to the disk", path_);
    }
    return {};
  }

  [[nodiscard]] std::uint64_t size_bytes() const override { return size_bytes_; }

 private:
  Descriptor file_;
  std::string path_;
  std::uint64_t size_bytes_;
};

class RealMappedFile final : public MappedFile {
 public:
  RealMappedFile(void* address, std::size_t size_bytes)
      : address_(address), size_bytes_(size_bytes) {}
  RealMappedFile(const RealMappedFile&) = delete;
  RealMappedFile& operator=(const RealMappedFile&) = delete;
  ~RealMappedFile() override {
    if (size_bytes_ > 0) ::munmap(address_, size_bytes_);
  }
  [[nodiscard]] std::string_view bytes() const override {
    return {static_cast<const char*>(address_), size_bytes_};
  }

 private:
  void* address_;
  std::size_t size_bytes_;
};

class RealReadableFile final : public ReadableFile {
 public:
  RealReadableFile(Descriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  [[nodiscard]] Result<std::size_t> ReadAt(std::uint64_t offset,
                                           std::span<char> into) const override {
    std::size_t have = 0;
    while (have < into.size()) {
      const ssize_t got = Retry([&] {
        return ::pread(file_.get(), into.data() + have, into.size() - have,
                       static_cast<off_t>(offset + have));
      });
      if (got < 0) return FileFail(errno, "read", path_);
      if (got == 0) break;
      have += static_cast<std::size_t>(got);
    }
    return have;
  }

 private:
  Descriptor file_;
  std::string path_;
};

class RealFileSystem final : public FileSystem {
 public:
  [[nodiscard]] Result<std::string> ReadFile(const std::string& path,
                                             std::uint64_t limit_bytes) override {
    std::uint64_t size_bytes = 0;
    ASSAY_ASSIGN(const Descriptor file, OpenRegular(path, size_bytes));
    if (size_bytes > limit_bytes) return TooLarge(path, size_bytes, limit_bytes);
    std::string content;
    // One byte more than expected tells a file that grows from one that is complete; files of the
    // kernel (/proc) say 0 and still have content.
    std::size_t capacity = static_cast<std::size_t>(size_bytes) + 1;
    constexpr std::size_t kChunkBytes = 64 * 1024;  // beyond the expected size
    while (true) {
      const std::size_t have = content.size();
      content.resize(have + capacity);
      const ssize_t got =
          Retry([&] { return ::read(file.get(), content.data() + have, capacity); });
      if (got < 0) return FileFail(errno, "read", path);
      content.resize(have + static_cast<std::size_t>(got));
      if (content.size() > limit_bytes) return TooLarge(path, content.size(), limit_bytes);
      if (got == 0) return content;
      capacity = content.size() <= size_bytes ? size_bytes + 1 - content.size() : kChunkBytes;
    }
  }

  [[nodiscard]] Result<std::unique_ptr<MappedFile>> Map(const std::string& path) override {
    std::uint64_t size_bytes = 0;
    ASSAY_ASSIGN(const Descriptor file, OpenRegular(path, size_bytes));
    if (size_bytes == 0) return std::make_unique<RealMappedFile>(nullptr, 0);
    const auto length = static_cast<std::size_t>(size_bytes);
    void* address = ::mmap(nullptr, length, PROT_READ, MAP_SHARED, file.get(), 0);
    if (address == MAP_FAILED) return FileFail(errno, "map", path);
    return std::make_unique<RealMappedFile>(address, length);
  }

  [[nodiscard]] Result<std::unique_ptr<ReadableFile>> OpenRead(const std::string& path) override {
    std::uint64_t size_bytes = 0;
    ASSAY_ASSIGN(Descriptor file, OpenRegular(path, size_bytes));
    return std::make_unique<RealReadableFile>(std::move(file), path);
  }

  [[nodiscard]] Result<std::unique_ptr<WritableFile>> Create(const std::string& path) override {
    ASSAY_ASSIGN(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, "create"));
    return std::make_unique<RealWritableFile>(std::move(file), path, 0);
  }

  [[nodiscard]] Result<std::unique_ptr<WritableFile>> OpenAppend(const std::string& path) override {
    ASSAY_ASSIGN(Descriptor file, Open(path, O_WRONLY | O_CREAT | O_APPEND, "open"));
    ASSAY_ASSIGN(const struct stat info, StatOf(file, path));
    return std::make_unique<RealWritableFile>(std::move(file), path,
                                              static_cast<std::uint64_t>(info.st_size));
  }

  [[nodiscard]] Result<void> Truncate(const std::string& path, std::uint64_t size_bytes) override {
    if (Retry([&] { return ::truncate(path.c_str(), static_cast<off_t>(size_bytes)); }) != 0) {
      return FileFail(errno, "shorten", path);
    }
    return {};
  }

  [[nodiscard]] Result<void> Rename(const std::string& from, const std::string& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) {
      return FileFail(errno, fmt::format("rename '{}' to", from), to);
    }
    return {};
  }

  [[nodiscard]] Result<void> Remove(const std::string& path) override {
    if (std::remove(path.c_str()) != 0) return FileFail(errno, "remove", path);
    return {};
  }

  [[nodiscard]] Result<void> MakeDirectories(const std::string& path) override {
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      ASSAY_TRY(MakeOne(path.substr(0, slash)));
    }
    return MakeOne(path);
  }

  [[nodiscard]] Result<void> SyncDirectory(const std::string& path) override {
    ASSAY_ASSIGN(const Descriptor directory, Open(path, O_RDONLY | O_DIRECTORY, "open"));
    // Some file systems (FUSE, network) cannot sync a directory and say EINVAL: nothing to do then.
    if (Retry([&] { return ::fsync(directory.get()); }) != 0 && errno != EINVAL) {
      return FileFail(errno, "flush to the disk", path);
    }
    return {};
  }

  [[nodiscard]] Result<FileStat> Stat(const std::string& path) override {
    struct stat info = {};
    if (::stat(path.c_str(), &info) != 0) return FileFail(errno, "examine", path);
    constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
    return FileStat{
        .size_bytes = static_cast<std::uint64_t>(info.st_size),
        .modified_ns = info.st_mtim.tv_sec * kNanosecondsPerSecond + info.st_mtim.tv_nsec,
        .is_directory = S_ISDIR(info.st_mode),
    };
  }

  [[nodiscard]] Result<std::vector<std::string>> List(const std::string& path) override {
    DIR* directory = ::opendir(path.c_str());
    if (directory == nullptr) return FileFail(errno, "list", path);
    std::vector<std::string> names;
    errno = 0;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): safe where each thread has its own stream (POSIX.1)
    while (const dirent* entry = ::readdir(directory)) {
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") names.emplace_back(name);
      errno = 0;
    }
    const int error = errno;
    ::closedir(directory);
    if (error != 0) return FileFail(error, "list", path);
    std::ranges::sort(names);
    return names;
  }

 private:
  static Result<void> MakeOne(const std::string& path) {
    if (::mkdir(path.c_str(), kDirectoryMode) == 0) return {};
    const int error = errno;
    struct stat info = {};
    if (error == EEXIST && ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode)) return {};
    return FileFail(error, "create the directory", path);
  }
};

}  // namespace

FileSystem& FileSystem::Real() {
  static RealFileSystem files;
  return files;
}

Result<void> WriteFileAtomically(FileSystem& files, const std::string& path,
                                 std::string_view bytes) {
  // Two writers of one path, in this process or another, must not share the temporary file.
  static std::atomic<std::uint64_t> serial{0};  // unique numbers only; orders nothing
  const std::string temporary =
      fmt::format("{}.tmp-{}-{}", path, ::getpid(), serial.fetch_add(1, std::memory_order_relaxed));
  const auto write = [&]() -> Result<void> {
    ASSAY_ASSIGN(const std::unique_ptr<WritableFile> file, files.Create(temporary));
    ASSAY_TRY(file->Append(bytes));
    ASSAY_TRY(file->Sync());
    return files.Rename(temporary, path);
  };
  if (Result<void> written = write(); !written) {
    // Best effort: the first error is the one that matters.
    static_cast<void>(files.Remove(temporary));
    return written;
  }
  return files.SyncDirectory(ParentDirectory(path));
}

}  // namespace assay::core
