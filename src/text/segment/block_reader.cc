#include <algorithm>
#include <array>

#include "segment/block_reader_internal.h"

namespace assay::text::segment {
namespace {

constexpr bool IsBlank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f';
}
constexpr bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool IsLower(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr bool IsUpper(char c) {
  return c >= 'A' && c <= 'Z';
}

// Length of the fence (``` or ~~~, three or more) that `content` starts with, or 0.
std::size_t FenceLength(std::string_view content) {
  if (content.empty() || (content[0] != '`' && content[0] != '~')) return 0;
  const std::size_t length = std::min(content.find_first_not_of(content[0]), content.size());
  if (length < 3) return 0;
  // A back-tick in the info string makes it inline code.
  if (content[0] == '`' && content.find('`', length) != std::string_view::npos) return 0;
  return length;
}

// Number of '#' of an ATX heading, or 0.
std::size_t HeadingLevel(std::string_view content) {
  const std::size_t level = std::min(content.find_first_not_of('#'), content.size());
  if (level == 0 || level > 6) return 0;
  return level == content.size() || IsBlank(content[level]) ? level : 0;
}

// A line of one of - * _ = (three or more; spaces between them), which is no text.
bool IsRule(std::string_view content) {
  if (content.empty() || std::string_view("-*_=").find(content[0]) == std::string_view::npos) {
    return false;
  }
  std::size_t marks = 0;
  for (const char c : content) {
    if (c == content[0]) {
      ++marks;
    } else if (!IsBlank(c)) {
      return false;
    }
  }
  return marks >= 3;
}

bool IsSetextUnderline(std::string_view content) {
  return IsRule(content) && (content[0] == '=' || content[0] == '-') &&
         content.find_first_not_of(content[0]) == std::string_view::npos;
}

// |---|:--:| and the like.
bool IsTableDelimiter(std::string_view content) {
  return content.find('|') != std::string_view::npos &&
         content.find("-") != std::string_view::npos &&
         content.find_first_not_of("|-: \t") == std::string_view::npos;
}

// Bullets: - * + and the usual non-ASCII ones.
std::size_t BulletLength(std::string_view content) {
  if (content.empty()) return 0;
  if (content[0] == '-' || content[0] == '*' || content[0] == '+') return 1;
  static constexpr std::array<std::string_view, 8> kBullets = {
      "\u2022", "\u2023", "\u25E6", "\u25AA", "\u25CF", "\u25CB", "\u2013", "\u00B7"};
  for (const std::string_view bullet : kBullets) {
    if (content.starts_with(bullet)) return bullet.size();
  }
  return 0;
}

// Words that no heading or list line ends in: the next line goes on.
bool EndsInFunctionWord(std::string_view content) {
  static constexpr std::array<std::string_view, 18> kWords = {
      "a",  "an", "and", "as", "at", "by",  "for", "from", "in",
      "is", "of", "on",  "or", "to", "the", "was", "with", "but"};
  const std::size_t space = content.find_last_of(" \t");
  const std::string_view last =
      space == std::string_view::npos ? content : content.substr(space + 1);
  return std::ranges::find(kWords, last) != kWords.end();
}

}  // namespace

Line BlockReader::LineAt(std::size_t begin) const {
  Line line;
  line.begin = begin;
  const std::size_t newline = text_.find('\n', begin);
  line.end = newline == std::string_view::npos ? text_.size() : newline;
  line.next = newline == std::string_view::npos ? text_.size() : newline + 1;
  const std::string_view whole = text_.substr(begin, line.end - begin);
  line.hard_break = whole.ends_with("  ") || whole.ends_with("\\");
  while (line.end > begin && IsBlank(text_[line.end - 1])) --line.end;
  line.content = begin;
  for (;;) {
    while (line.content < line.end && IsBlank(text_[line.content])) {
      line.indent += text_[line.content] == '\t' ? 4U : 1U;
      ++line.content;
    }
    if (line.content >= line.end || text_[line.content] != '>') break;
    line.quoted = true;
    line.indent = 0;
    ++line.content;
  }
  return line;
}

std::size_t BlockReader::ListMarker(const Line& line, bool interrupts) const {
  const std::string_view content = Content(line);
  std::size_t length = BulletLength(content);
  if (length == 0) {
    std::size_t i = 0;
    const bool open = !content.empty() && content[0] == '(';
    if (open) ++i;
    const std::size_t digits_at = i;
    while (i < content.size() && i < digits_at + 4 && IsDigit(content[i])) ++i;
    const std::size_t digits = i - digits_at;
    if (digits == 0 && i < content.size() && (IsLower(content[i]) || IsUpper(content[i]))) ++i;
    if (i == digits_at || i >= content.size()) return 0;
    const bool round = content[i] == ')';
    if (!round && (open || content[i] != '.')) return 0;
    // "A. Smith" is a name and "1986. The" may be the end of a wrapped line.
    if (!round && digits == 0 && IsUpper(content[digits_at])) return 0;
    if (!round && digits > 3) return 0;
    const bool first = content.substr(digits_at, digits) == "1" || content[digits_at] == 'a';
    if (interrupts && !in_list_ && !first) return 0;
    length = i + 1;
  }
  if (length == content.size()) return length;
  if (!IsBlank(content[length])) return 0;
  while (length < content.size() && IsBlank(content[length])) ++length;
  return length;
}

bool BlockReader::IsTableRow(const Line& line) const {
  const std::string_view content = Content(line);
  if (content.empty()) return false;
  if (content[0] == '|') return content.find('|', 1) != std::string_view::npos;
  if (content.find('|') == std::string_view::npos) return false;
  if (in_table_) return true;
  return line.next < text_.size() && IsTableDelimiter(Content(LineAt(line.next)));
}

// Whether `line` cannot belong to the run of lines that `first` began.
bool BlockReader::EndsRun(const Line& line, const Line& first) const {
  if (line.blank() || line.quoted != first.quoted) return true;
  const std::string_view content = Content(line);
  return HeadingLevel(content) > 0 || FenceLength(content) > 0 || IsRule(content) ||
         ListMarker(line, true) > 0 || IsTableRow(line);
}

Block BlockReader::ReadFence(const Line& open) {
  const std::string_view fence = Content(open);
  const std::size_t length = FenceLength(fence);
  Block block{open.next, open.next, BlockKind::kCode};
  cursor_ = open.next;
  while (cursor_ < text_.size()) {
    const Line line = LineAt(cursor_);
    cursor_ = line.next;
    const std::string_view content = Content(line);
    if (!content.empty() && content[0] == fence[0] && FenceLength(content) >= length &&
        content.find_first_not_of(fence[0]) == std::string_view::npos) {
      return block;
    }
    block.end = std::max(line.end, block.begin);
  }
  return block;
}

Block BlockReader::ReadTableRow(const Line& line) {
  Block block{line.content, line.end, BlockKind::kTableRow};
  if (text_[block.begin] == '|') ++block.begin;
  if (block.end > block.begin && text_[block.end - 1] == '|') --block.end;
  cursor_ = line.next;
  in_table_ = true;
  return block;
}

// Gathers the lines of a paragraph, list item or quote.
std::optional<Block> BlockReader::ReadRun(const Line& first, std::size_t marker) {
  Run run;
  run.kind = first.quoted                                    ? BlockKind::kQuote
             : marker > 0 || (in_list_ && first.indent >= 2) ? BlockKind::kListItem
                                                             : BlockKind::kParagraph;
  run.cursor = first.content + marker;
  run.end = first.end;
  run.widest_line = first.end - first.begin;
  if (marker > 0) in_list_ = true;
  if (run.kind == BlockKind::kParagraph) in_list_ = false;
  cursor_ = first.next;
  while (cursor_ < text_.size()) {
    const Line line = LineAt(cursor_);
    if (run.kind == BlockKind::kParagraph && !line.blank() && IsSetextUnderline(Content(line))) {
      cursor_ = line.next;
      return Block{run.cursor, run.end, BlockKind::kHeading};
    }
    if (EndsRun(line, first)) break;
    run.end = line.end;
    run.widest_line = std::max(run.widest_line, line.end - line.begin);
    cursor_ = line.next;
  }
  if (run.cursor >= run.end) return std::nullopt;
  run_ = run;
  return NextPiece();
}

// A writer who wraps lines puts as many words on a line as fit. A line that had room for the next
// line's first word was ended on purpose, if that line starts as a sentence does.
bool BlockReader::IsDeliberateBreak(const Line& line, const Line& following) const {
  const std::string_view content = Content(line);
  const std::string_view next = Content(following);
  if (content.empty() || next.empty()) return false;
  const std::size_t start = std::min(next.find_first_not_of("*_\"'(["), next.size() - 1);
  if (IsLower(next[start])) return false;
  if (line.hard_break) return true;
  if (content.back() == ',' || content.back() == '-' || EndsInFunctionWord(content)) return false;
  const std::size_t first_word = std::min(next.find_first_of(" \t"), next.size());
  return line.end - line.begin + 1 + first_word <= run_->widest_line;
}

// Hands out the run up to its next deliberate line break.
Block BlockReader::NextPiece() {
  Block block{run_->cursor, run_->end, run_->kind};
  Line line = LineAt(run_->cursor);
  while (line.next < run_->end) {
    const Line following = LineAt(line.next);
    if (IsDeliberateBreak(line, following)) {
      block.end = line.end;
      run_->cursor = following.content;
      return block;
    }
    line = following;
  }
  run_.reset();
  return block;
}

std::optional<Block> BlockReader::Next() {
  if (run_) return NextPiece();
  while (cursor_ < text_.size()) {
    const Line line = LineAt(cursor_);
    const std::string_view content = Content(line);
    const bool was_in_table = in_table_;
    if (content.empty() || IsTableDelimiter(content)) {
      cursor_ = line.next;
      if (content.empty()) in_table_ = false;
      continue;
    }
    if (FenceLength(content) > 0) {
      const Block block = ReadFence(line);
      if (block.begin < block.end) return block;
      continue;
    }
    if (IsTableRow(line)) return ReadTableRow(line);
    in_table_ = false;
    if (IsRule(content) && !was_in_table) {
      cursor_ = line.next;
      continue;
    }
    if (const std::size_t level = HeadingLevel(content); level > 0) {
      cursor_ = line.next;
      in_list_ = false;
      Block block{line.content + level, line.end, BlockKind::kHeading};
      while (block.end > block.begin && text_[block.end - 1] == '#') --block.end;
      if (block.begin < block.end) return block;
      continue;
    }
    if (auto block = ReadRun(line, ListMarker(line, false))) return block;
  }
  return std::nullopt;
}

}  // namespace assay::text::segment
