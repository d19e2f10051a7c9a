#include <cstdint>
#include <limits>

#include "assay/text/segment.h"
#include "assay/text/utf8.h"

#include "segment/block_reader_internal.h"
#include "segment/boundary_internal.h"

namespace assay::text {
namespace {

bool IsSpaceAt(std::string_view text, std::size_t at, std::size_t& size_bytes) {
  const Decoded decoded = DecodeUtf8(text, at);
  size_bytes = decoded.size_bytes;
  return decoded.valid && Classify(decoded.code_point) == CharClass::kSpace;
}

std::size_t SkipSpace(std::string_view text, std::size_t at, std::size_t end) {
  std::size_t size_bytes = 0;
  while (at < end && IsSpaceAt(text, at, size_bytes)) at += size_bytes;
  return at < end ? at : end;
}

std::size_t TrimSpace(std::string_view text, std::size_t begin, std::size_t end) {
  while (end > begin) {
    const Decoded decoded = DecodeUtf8Before(text, end);
    if (!decoded.valid || Classify(decoded.code_point) != CharClass::kSpace) break;
    end -= decoded.size_bytes;
  }
  return end;
}

// Past the white space and the quote markers of new lines.
std::size_t SkipToSentence(std::string_view text, std::size_t at, std::size_t end, bool quoted) {
  for (;;) {
    const std::size_t space_end = SkipSpace(text, at, end);
    const bool new_line = text.substr(at, space_end - at).find('\n') != std::string_view::npos;
    at = space_end;
    if (!quoted || !new_line || at >= end || text[at] != '>') return at;
    while (at < end && text[at] == '>') ++at;
  }
}

}  // namespace

void SplitSentences(std::string_view text, std::vector<Sentence>& out) {
  text = text.substr(0, std::numeric_limits<std::uint32_t>::max());
  segment::BlockReader blocks(text);
  std::uint32_t block_index = 0;
  while (const auto block = blocks.Next()) {
    const std::size_t first = out.size();
    const bool whole = block->kind == BlockKind::kCode || block->kind == BlockKind::kTableRow;
    std::size_t at = block->begin;
    const std::size_t block_end = TrimSpace(text, at, block->end);
    while ((at = SkipToSentence(text, at, block_end, block->kind == BlockKind::kQuote)) <
           block_end) {
      const std::size_t end = whole ? block_end : segment::NextBoundary(text, at, block_end);
      const std::size_t trimmed = TrimSpace(text, at, end);
      out.push_back({{static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(trimmed)},
                     block->kind,
                     block_index});
      at = end;
    }
    if (out.size() > first) ++block_index;
  }
}

}  // namespace assay::text
