// assay/corpus/documents.h: files of seven formats to blocks of readable text.
// Room: corpus (uses core, text).  Threads: pure functions over a FileSystem.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/file_system.h"
#include "assay/core/result.h"
#include "assay/corpus/passage.h"

namespace assay::corpus {

inline constexpr std::uint64_t kMaxDocumentBytes = 512ull << 20;  // spans are 32 bits wide
inline constexpr std::uint32_t kNoHeading = 0xffffffffu;

// Something that was wrong with one file; the rest went on.
struct Warning {
  std::string file;
  std::string message;  // one sentence, names the byte offset or line where there is one
};

// A paragraph, list item, table row, record or heading.
struct Block {
  text::BlockKind kind = text::BlockKind::kParagraph;
  std::string text;                    // readable text, UTF-8
  std::uint32_t group = 0;             // blocks of one list or table share it
  std::uint32_t heading = kNoHeading;  // row of Document::headings
  std::uint32_t page = 0;              // 1-based page of a PDF, else 0
  text::Span source;                   // where it stands (see Source)
  // Source byte of each byte of `text`; empty when byte i stands at source.begin + i.
  std::vector<std::uint32_t> source_of;
};

struct Document {
  std::string path;
  Format format = Format::kText;
  std::string title;                  // of HTML and PDF, or the first top heading; may be empty
  std::vector<std::string> headings;  // heading paths, "A > B > C"
  std::vector<Block> blocks;          // in reading order
  std::vector<std::uint32_t> lines;   // byte offset at which each line starts
  std::vector<Warning> warnings;

  // 1-based line of a byte offset. O(log lines).
  [[nodiscard]] std::uint32_t LineOf(std::uint32_t byte) const;
};

// By extension (case-insensitive), else by content: "%PDF-", "<!doctype html", else text.
[[nodiscard]] Format FormatOf(std::string_view path, std::string_view bytes);

// Reads `bytes` as `format`. A UTF-8 byte-order mark is skipped; UTF-16 with a mark is converted;
// invalid UTF-8 is replaced by U+FFFD with a warning that names the byte offset. Errors (all name
// `path`): kInvalidArgument for an empty file, a binary file, a PDF that is none, a CSV without
// records, a JSON file that does not parse. One broken JSONL record is only a warning. O(n) time.
[[nodiscard]] Result<Document> ParseDocument(std::string path, Format format, std::string bytes);

// Reads one file of at most kMaxDocumentBytes. `shown_path` goes into the document and messages.
// Errors: those of ParseDocument and FileSystem::ReadFile.
[[nodiscard]] Result<Document> ReadDocument(core::FileSystem& files, const std::string& path,
                                            std::string shown_path);

struct FileToRead {
  std::string path;        // opens it
  std::string shown_path;  // relative to the root, with '/'
  core::FileStat stat;
};

struct FolderListing {
  std::vector<FileToRead> files;  // sorted by shown_path, bytewise
  std::vector<Warning> warnings;  // folders and files that could not be looked at
};

// Lists the readable files under `root` (or `root` itself where it is a file). Left out: hidden
// names, node_modules, __pycache__, folders already visited (symlink loops), depth over 64, names
// that end in an extension of a known binary kind (png, zip, ...).
// Errors: kNotFound or kPermissionDenied for the root itself.
[[nodiscard]] Result<FolderListing> ListDocuments(core::FileSystem& files, const std::string& root);

}  // namespace assay::corpus
