// assay/logs/log_reader.h: log files as blocks of whole lines.
// Room: logs (uses core, text).  Threads: a LogReader belongs to one thread at a time; the rest are
// pure functions.
// Plain files, gzip (RFC 1952, several members), zstd (RFC 8878, several frames), pipes and
// standard input; which of them is told by the first bytes, never by the name. Files are read, not
// mapped: a log that is cut short while it is read must not kill the process (docs/logs.md).
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/text/span.h"

namespace assay::logs {

inline constexpr std::size_t kDefaultBlockBytes = std::size_t{256} << 10;  // with its spans in L2
inline constexpr std::size_t kMinBlockBytes = 64;
inline constexpr std::size_t kMaxBlockBytes = std::size_t{1} << 30;

// Where bytes come from. Errors end a source: it is not asked again.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  // Fills a part of `into`, at least one byte; 0 only at the end. Requires: !into.empty().
  [[nodiscard]] virtual Result<std::size_t> Read(std::span<char> into) = 0;
};

// Opens a file by its path, or standard input by "-"; compressed content comes out decompressed.
// A regular file is read up to the size that it had when it was opened.
// Errors: those of FileSystem::OpenRead. Those of Read name the file and the byte of the file (not
// of the decompressed text): kDataLoss for damaged compression or a file that became shorter.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> OpenSource(core::FileSystem& files,
                                                             const std::string& path);
// The same for a source that is open already; `name` is for errors.
[[nodiscard]] std::unique_ptr<ByteSource> Decompress(std::unique_ptr<ByteSource> raw,
                                                     std::string name);

// A buffer that is used again from block to block.
struct LogBlock {
  // Whole lines. Each ends in '\n', but for the last of a file and for one that was cut.
  std::string_view lines;
  std::size_t file = 0;  // index into the paths that were opened
  std::vector<char> storage;
};

// What went wrong with one file; the lines before it were handed out all the same.
struct LogProblem {
  std::string file;
  Error error;
};

struct LogReaderOptions {
  // The size of a block, and the longest line: of a longer one this much is kept, and the rest up
  // to its end is left out and counted. [kMinBlockBytes, kMaxBlockBytes]
  std::size_t block_bytes = kDefaultBlockBytes;
  core::FileSystem* files = nullptr;  // null: the process's disk
};

// Reads files one after the other; memory is one block and the state of one decompressor.
// Where the blocks are cut depends on the content and on block_bytes alone.
class LogReader {
 public:
  explicit LogReader(std::vector<std::string> paths, const LogReaderOptions& options = {});
  LogReader(std::unique_ptr<ByteSource> source, std::string name,
            const LogReaderOptions& options = {});
  LogReader(LogReader&&) noexcept;
  LogReader& operator=(LogReader&&) noexcept;
  ~LogReader();

  // The next block; false after the last. A file that cannot be opened or breaks off is noted in
  // problems(), and the next file is read.
  [[nodiscard]] bool Next(LogBlock& block);

  [[nodiscard]] const std::vector<std::string>& paths() const { return paths_; }
  [[nodiscard]] const std::vector<LogProblem>& problems() const { return problems_; }
  [[nodiscard]] std::uint64_t cut_lines() const { return cut_lines_; }  // longer than a block
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }          // read, decompressed

 private:
  [[nodiscard]] bool OpenNext();
  std::size_t Fill(LogBlock& block, std::size_t have);
  std::size_t DropRestOfCutLine(LogBlock& block, std::size_t have);

  core::FileSystem* files_;
  std::size_t block_bytes_;
  std::vector<std::string> paths_;
  std::size_t next_ = 0;  // path to open next
  std::unique_ptr<ByteSource> source_;
  std::vector<char> carry_;  // the begin of a line whose end was not in the last block
  std::vector<LogProblem> problems_;
  std::uint64_t cut_lines_ = 0;
  std::uint64_t bytes_ = 0;
  bool skipping_ = false;  // inside the rest of a line that was cut
  bool at_begin_ = false;  // of a file
};

// The lines of `bytes`, without their "\n" or "\r\n"; `lines` is overwritten. An empty line gives
// an empty span; what follows the last "\n" is a line if it is not empty. By SIMD, about 15 GB/s.
// Requires: bytes.size() < 2^32.
void SplitLines(std::string_view bytes, std::vector<text::Span>& lines);

// The set that log rotation made of `path`, oldest first: PATH.N (N counts back from PATH),
// PATH.DATE and PATH-DATE (digits, '-' and '_'), each also with .gz or .zst, then PATH itself where
// it is there. Errors: those of FileSystem::List; kNotFound when there is no such file at all.
[[nodiscard]] Result<std::vector<std::string>> RotatedSet(core::FileSystem& files,
                                                          const std::string& path);

}  // namespace assay::logs
