// Files, pipes and their decompression as streams of bytes.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "assay/logs/log_reader.h"

namespace assay::logs {
namespace {

constexpr std::size_t kInputBytes = std::size_t{256} << 10;  // of compressed bytes at a time

class FileSource final : public ByteSource {
 public:
  FileSource(std::unique_ptr<core::ReadableFile> file, std::string path, std::uint64_t size_bytes)
      : file_(std::move(file)), path_(std::move(path)), size_bytes_(size_bytes) {}

  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    // Files of /proc say that they are empty; they are read to their end.
    const std::uint64_t left = size_bytes_ > 0 ? size_bytes_ - offset_ : into.size();
    into = into.first(std::min<std::uint64_t>(into.size(), left));
    if (into.empty()) return 0;
    ASSAY_ASSIGN(const std::size_t got, file_->ReadAt(offset_, into));
    if (got == 0 && size_bytes_ > 0) {
      return Fail(
          Code::kDataLoss,
          fmt::format("'{}' became shorter while it was read: it ends at byte {} and had {} "
                      "when it was opened; read it again",
                      path_, offset_, size_bytes_));
    }
    offset_ += got;
    return got;
  }

 private:
  std::unique_ptr<core::ReadableFile> file_;
  std::string path_;
  std::uint64_t size_bytes_;
  std::uint64_t offset_ = 0;
};

class PipeSource final : public ByteSource {
 public:
  PipeSource(int descriptor, bool owned, std::string name)
      : descriptor_(descriptor), owned_(owned), name_(std::move(name)) {}
  PipeSource(const PipeSource&) = delete;
  PipeSource& operator=(const PipeSource&) = delete;
  ~PipeSource() override {
    if (owned_) ::close(descriptor_);
  }

  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    while (true) {
      const ssize_t got = ::read(descriptor_, into.data(), into.size());
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno == EINTR) continue;
      const std::string why = std::generic_category().message(errno);
      return Fail(Code::kUnavailable, fmt::format("cannot read {}: {}", name_, why));
    }
  }

 private:
  int descriptor_;
  bool owned_;
  std::string name_;
};

bool IsGzip(std::string_view bytes) {
  return bytes.starts_with("\x1f\x8b");
}

bool IsZstd(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const bool skippable = (static_cast<unsigned char>(bytes[0]) & 0xf0U) == 0x50 &&
                         bytes.substr(1, 3) == "\x2a\x4d\x18";
  return skippable || bytes.starts_with("\x28\xb5\x2f\xfd");
}

// A source with the first bytes looked at, and a place in it.
class Input {
 public:
  Input(std::unique_ptr<ByteSource> raw, std::string name)
      : raw_(std::move(raw)), name_(std::move(name)), buffer_(kInputBytes) {}

  // Bytes that are there; more are read until there are `least` or the end is reached.
  [[nodiscard]] Result<std::string_view> Have(std::size_t least) {
    if (end_ - begin_ < least) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    while (end_ - begin_ < least && !ended_) {
      ASSAY_ASSIGN(const std::size_t got, raw_->Read(std::span(buffer_).subspan(end_)));
      ended_ = got == 0;
      end_ += got;
    }
    return std::string_view(buffer_.data() + begin_, end_ - begin_);
  }
  void Take(std::size_t bytes) {
    begin_ += bytes;
    offset_ += bytes;
  }
  [[nodiscard]] std::uint64_t offset() const { return offset_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  // What is left of the buffer, then the source itself.
  [[nodiscard]] Result<std::size_t> Pass(std::span<char> into) {
    if (begin_ == end_) return ended_ ? 0 : raw_->Read(into);
    const std::size_t size = std::min(into.size(), end_ - begin_);
    std::memcpy(into.data(), buffer_.data() + begin_, size);
    Take(size);
    return size;
  }
  [[nodiscard]] std::unexpected<Error> Broken(std::string_view format, std::string_view why) const {
    return Fail(Code::kDataLoss,
                fmt::format("{} is damaged at byte {} ({}: {}); what stands before it was read",
                            name_, offset_, format, why));
  }

 private:
  std::unique_ptr<ByteSource> raw_;
  std::string name_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::uint64_t offset_ = 0;
  bool ended_ = false;
};

class GzipSource final : public ByteSource {
 public:
  explicit GzipSource(Input input) : input_(std::move(input)) {}
  GzipSource(const GzipSource&) = delete;
  GzipSource& operator=(const GzipSource&) = delete;
  ~GzipSource() override {
    if (open_) ::inflateEnd(&stream_);
  }

  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    constexpr int kGzipWindow = 16 + MAX_WBITS;  // zlib's manual: 16 asks for gzip's framing
    if (!open_ && ::inflateInit2(&stream_, kGzipWindow) != Z_OK) {
      return Fail(Code::kResourceExhausted, "no memory to decompress gzip");
    }
    open_ = true;
    const auto room =
        static_cast<uInt>(std::min<std::size_t>(into.size(), std::numeric_limits<uInt>::max()));
    while (true) {
      ASSAY_ASSIGN(std::string_view have, input_.Have(1));
      if (have.empty() && between_members_) return 0;
      if (have.empty()) return input_.Broken("gzip", "it ends early");
      if (between_members_) {
        // Tapes and some tools pad with zeros.
        if (have[0] == '\0') {
          input_.Take(1);
          continue;
        }
        ::inflateReset(&stream_);
        between_members_ = false;
      }
      ASSAY_ASSIGN(const std::size_t made, Inflate(have, into.data(), room));
      if (made > 0) return made;
    }
  }

 private:
  [[nodiscard]] Result<std::size_t> Inflate(std::string_view have, char* into, uInt room) {
    // zlib does not write to its input.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(have.data()));
    stream_.avail_in = static_cast<uInt>(have.size());
    stream_.next_out = reinterpret_cast<Bytef*>(into);
    stream_.avail_out = room;
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    input_.Take(have.size() - stream_.avail_in);
    if (status == Z_STREAM_END) {
      between_members_ = true;
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      pending_ = stream_.msg != nullptr ? stream_.msg : "it is not gzip";
    }
    const std::size_t made = room - stream_.avail_out;
    if (made == 0 && !pending_.empty()) return input_.Broken("gzip", pending_);
    return made;
  }

  Input input_;
  z_stream stream_{};
  std::string pending_;  // an error that is told after the bytes before it were handed out
  bool open_ = false;
  bool between_members_ = false;
};

class ZstdSource final : public ByteSource {
 public:
  explicit ZstdSource(Input input) : input_(std::move(input)), stream_(::ZSTD_createDStream()) {}
  ZstdSource(const ZstdSource&) = delete;
  ZstdSource& operator=(const ZstdSource&) = delete;
  ~ZstdSource() override { ::ZSTD_freeDStream(stream_); }

  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    if (stream_ == nullptr) return Fail(Code::kResourceExhausted, "no memory to decompress zstd");
    while (true) {
      // The decoder may hold output while it wants no input; only then an empty input is right.
      ASSAY_ASSIGN(const std::string_view have, input_.Have(1));
      ZSTD_inBuffer in{have.data(), have.size(), 0};
      ZSTD_outBuffer out{into.data(), into.size(), 0};
      const std::size_t left = ::ZSTD_decompressStream(stream_, &out, &in);
      input_.Take(in.pos);
      if (::ZSTD_isError(left) != 0U) return input_.Broken("zstd", ::ZSTD_getErrorName(left));
      const bool at_end = have.empty();
      const bool was_whole = whole_;
      if (in.pos > 0 || out.pos > 0) whole_ = left == 0;
      if (out.pos > 0) return out.pos;
      if (at_end && was_whole) return 0;
      if (at_end) return input_.Broken("zstd", "it ends early");
    }
  }

 private:
  Input input_;
  ZSTD_DStream* stream_;
  bool whole_ = true;  // no frame is open
};

// Decides by the first bytes, when it is first asked.
class SniffingSource final : public ByteSource {
 public:
  explicit SniffingSource(Input input) : input_(std::move(input)) {}

  [[nodiscard]] Result<std::size_t> Read(std::span<char> into) override {
    constexpr std::size_t kMagicBytes = 4;
    if (decided_) return decoder_ != nullptr ? decoder_->Read(into) : input_.Pass(into);
    ASSAY_ASSIGN(const std::string_view first, input_.Have(kMagicBytes));
    decided_ = true;
    if (IsGzip(first)) {
      decoder_ = std::make_unique<GzipSource>(std::move(input_));
    } else if (IsZstd(first)) {
      decoder_ = std::make_unique<ZstdSource>(std::move(input_));
    }
    return Read(into);
  }

 private:
  Input input_;
  std::unique_ptr<ByteSource> decoder_;  // null: the bytes are passed on
  bool decided_ = false;
};

// A named pipe or a device. Errors: kPermissionDenied, kUnavailable.
Result<std::unique_ptr<ByteSource>> OpenPipe(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) {
    const Code code = errno == EACCES ? Code::kPermissionDenied : Code::kUnavailable;
    return Fail(code,
                fmt::format("cannot open '{}': {}", path, std::generic_category().message(errno)));
  }
  return std::make_unique<PipeSource>(descriptor, true, fmt::format("'{}'", path));
}

}  // namespace

std::unique_ptr<ByteSource> Decompress(std::unique_ptr<ByteSource> raw, std::string name) {
  return std::make_unique<SniffingSource>(Input(std::move(raw), std::move(name)));
}

Result<std::unique_ptr<ByteSource>> OpenSource(core::FileSystem& files, const std::string& path) {
  if (path == "-") {
    const std::string name = "standard input";
    return Decompress(std::make_unique<PipeSource>(STDIN_FILENO, false, name), name);
  }
  const std::string name = fmt::format("'{}'", path);
  struct stat info = {};
  if (::stat(path.c_str(), &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISCHR(info.st_mode))) {
    ASSAY_ASSIGN(auto pipe, OpenPipe(path));
    return Decompress(std::move(pipe), name);
  }
  ASSAY_ASSIGN(auto file, files.OpenRead(path));
  ASSAY_ASSIGN(const core::FileStat stat, files.Stat(path));
  return Decompress(std::make_unique<FileSource>(std::move(file), path, stat.size_bytes), name);
}

}  // namespace assay::logs
