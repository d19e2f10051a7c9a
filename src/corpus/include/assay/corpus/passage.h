// assay/corpus/passage.h: the unit of retrieval, and where it stands in the user's file.
// Room: corpus (uses core, text).  Threads: plain values.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

#include "assay/text/segment.h"
#include "assay/text/span.h"

namespace assay::corpus {

// How the bytes of a document were read.
enum class Format : std::uint8_t { kText, kMarkdown, kHtml, kPdf, kCsv, kJsonl, kJson };

// "text", "markdown", "html", "pdf", "csv", "jsonl", "json".
[[nodiscard]] std::string_view NameOf(Format format);

// A place in a document. `bytes` and `line` count in the raw file for text, Markdown, CSV, JSONL
// and JSON that is UTF-8; in the extracted text for HTML bytes, PDF and files in another encoding
// (HTML lines are those of the raw file). See "Where evidence stands" in the room's README.
struct Source {
  text::Span bytes;
  std::uint32_t line = 1;  // 1-based line of bytes.begin
  std::uint32_t page = 0;  // 1-based page of a PDF, 0 elsewhere
};

// One sentence, list item or table row of a passage.
struct PassageSentence {
  text::Span text;  // in Passage::text
  Source source;
  text::BlockKind block = text::BlockKind::kParagraph;
};

// A run of sentences under one heading, about 110 words. All views live as long as the index.
struct Passage {
  std::uint32_t id = 0;           // 0-based row of the index
  std::uint32_t file_id = 0;      // Index::file(file_id)
  std::string_view file;          // path as shown to people: relative to the indexed folder
  std::string_view heading_path;  // "Handbook > Leave > Parental leave", or empty
  std::string_view text;          // readable: no markup, a table row reads "Column: value; ..."
  Source source;
  std::uint32_t sentence_count = 0;  // Index::sentence(id, 0 .. sentence_count - 1)
};

}  // namespace assay::corpus
