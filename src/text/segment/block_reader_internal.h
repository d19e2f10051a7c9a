// Blocks of Markdown or plain text: what a sentence can never cross.
// Reads the text line by line, in one pass; a paragraph's lines are looked at twice.
#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

#include "assay/text/segment.h"

namespace assay::text::segment {

struct Block {
  std::size_t begin = 0;  // of its text: markers, fences and outer table bars are left out
  std::size_t end = 0;
  BlockKind kind = BlockKind::kParagraph;
};

// One line without its line end. `content` is after the indent and the quote markers.
struct Line {
  std::size_t begin = 0;
  std::size_t content = 0;
  std::size_t end = 0;   // of the content, without trailing white space
  std::size_t next = 0;  // begin of the next line
  std::size_t indent = 0;
  bool quoted = false;
  bool hard_break = false;  // ends in two spaces or a backslash
  [[nodiscard]] bool blank() const { return content >= end; }
};

class BlockReader {
 public:
  explicit BlockReader(std::string_view text) : text_(text) {}

  // The next block that holds text, or nothing at the end.
  std::optional<Block> Next();

 private:
  // A run of lines of one paragraph, list item or quote that is handed out piece by piece.
  struct Run {
    std::size_t cursor = 0;
    std::size_t end = 0;
    std::size_t widest_line = 0;  // bytes
    BlockKind kind = BlockKind::kParagraph;
  };

  [[nodiscard]] Line LineAt(std::size_t begin) const;
  [[nodiscard]] std::string_view Content(const Line& line) const {
    return text_.substr(line.content, line.blank() ? 0 : line.end - line.content);
  }
  // Length of the list marker with the white space after it, or 0.
  [[nodiscard]] std::size_t ListMarker(const Line& line, bool interrupts) const;
  [[nodiscard]] bool IsTableRow(const Line& line) const;
  [[nodiscard]] bool EndsRun(const Line& line, const Line& first) const;
  [[nodiscard]] bool IsDeliberateBreak(const Line& line, const Line& following) const;
  Block ReadFence(const Line& open);
  Block ReadTableRow(const Line& line);
  std::optional<Block> ReadRun(const Line& line, std::size_t marker);
  Block NextPiece();

  std::string_view text_;
  std::size_t cursor_ = 0;
  std::optional<Run> run_;
  bool in_list_ = false;
  bool in_table_ = false;
};

}  // namespace assay::text::segment
