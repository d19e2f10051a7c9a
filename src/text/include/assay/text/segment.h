// assay/text/segment.h: sentences and words of plain text and Markdown.
// Room: text.  Threads: pure functions.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::text {

// What a sentence stands in. Code is never split into sentences: one fenced block is one sentence.
enum class BlockKind : std::uint8_t { kParagraph, kHeading, kListItem, kTableRow, kQuote, kCode };

struct Sentence {
  Span span;  // without surrounding white space or list and heading markers
  BlockKind block = BlockKind::kParagraph;
  std::uint32_t block_index =
      0;  // sentences of one paragraph, list item, ... share it; rises by one
};

// Appends the sentences of `text` (UTF-8; invalid bytes are treated as letters) in order; spans
// never overlap. Markdown structure (headings, list items, tables, quotes, fences) ends a sentence;
// so do terminators, but not those of abbreviations, initials, decimals, URLs or ellipses within a
// sentence. O(n) time.
void SplitSentences(std::string_view text, std::vector<Sentence>& out);

// Appends the words of `text`: runs of letters, digits and marks, with inner apostrophes, hyphens
// between letters, and dots or commas between digits ("don't", "twenty-one", "1,234.5", "U.S.").
// Every CJK ideograph is a word of its own. O(n) time.
void SplitWords(std::string_view text, std::vector<Span>& out);

}  // namespace assay::text
