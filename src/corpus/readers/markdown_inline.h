// Inline Markdown to readable text with its place in the raw bytes.
#pragma once
#include <cstdint>
#include <string_view>

#include <cmark.h>

#include "readers/reader_internal.h"

namespace assay::corpus {

// Appends the readable text below `node`, whose raw bytes are raw[begin, end): emphasis, code marks
// and link targets are left out, line breaks become spaces.
void AppendInline(cmark_node* node, std::string_view raw, std::uint32_t begin, std::uint32_t end,
                  MappedText& out);

// The same for raw[begin, end), which is parsed on its own: a table cell.
void AppendInlineSource(std::string_view raw, std::uint32_t begin, std::uint32_t end,
                        MappedText& out);

}  // namespace assay::corpus
