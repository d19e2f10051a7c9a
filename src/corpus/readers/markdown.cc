// Markdown by cmark (CommonMark), with front matter and pipe tables, which CommonMark lacks.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cmark.h>

#include "readers/markdown_inline.h"
#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

struct IterFree {
  void operator()(cmark_iter* iter) const { cmark_iter_free(iter); }
};
struct NodeFree {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};

// "| --- | :-: |": pipes, dashes, colons and spaces, with at least one dash and one pipe.
bool IsTableRule(std::string_view line) {
  return line.find_first_not_of("|-: \t\r\n") == std::string_view::npos &&
         line.find('-') != std::string_view::npos && line.find('|') != std::string_view::npos;
}

// Cells of a table line as spans of the text.
std::vector<text::Span> SplitCells(std::string_view raw, text::Span line) {
  std::vector<text::Span> cells;
  const std::string_view content = Trim(line.of(raw));
  if (content.empty()) return cells;
  auto at = static_cast<std::uint32_t>(content.data() - raw.data());
  const std::uint32_t end = at + static_cast<std::uint32_t>(content.size());
  if (raw[at] == '|') ++at;
  std::uint32_t begin = at;
  bool in_code = false;
  for (; at < end; ++at) {
    if (raw[at] == '`') in_code = !in_code;
    if (raw[at] == '\\' && at + 1 < end) {
      ++at;
    } else if (raw[at] == '|' && !in_code) {
      cells.push_back({begin, at});
      begin = at + 1;
    }
  }
  if (begin < end) cells.push_back({begin, end});
  return cells;
}

class MarkdownReader {
 public:
  MarkdownReader(std::string_view raw, Document& document)
      : raw_(raw), document_(document), headings_(document) {}

  Result<void> Read() {
    std::string body(raw_);
    ReadFrontMatter(body);
    const std::unique_ptr<cmark_node, NodeFree> root(
        cmark_parse_document(body.data(), body.size(), CMARK_OPT_DEFAULT));
    if (!root) return Fail(Code::kInternal, document_.path + ": the Markdown reader failed");
    const std::unique_ptr<cmark_iter, IterFree> iter(cmark_iter_new(root.get()));
    for (cmark_event_type event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE;
         event = cmark_iter_next(iter.get())) {
      if (event == CMARK_EVENT_ENTER) {
        Enter(cmark_iter_get_node(iter.get()));
      } else {
        Leave(cmark_iter_get_node(iter.get()));
      }
    }
    return {};
  }

 private:
  void Enter(cmark_node* node) {
    switch (cmark_node_get_type(node)) {
      case CMARK_NODE_LIST:
        if (list_depth_++ == 0) ++group_;
        break;
      case CMARK_NODE_BLOCK_QUOTE:
        ++quote_depth_;
        break;
      case CMARK_NODE_HEADING:
        ReadHeading(node);
        break;
      case CMARK_NODE_PARAGRAPH:
        ReadParagraph(node);
        break;
      case CMARK_NODE_CODE_BLOCK:
        ReadCode(node);
        break;
      case CMARK_NODE_HTML_BLOCK:
        ReadHtmlBlock(node);
        break;
      default:
        break;
    }
  }

  void Leave(cmark_node* node) {
    if (cmark_node_get_type(node) == CMARK_NODE_LIST) --list_depth_;
    if (cmark_node_get_type(node) == CMARK_NODE_BLOCK_QUOTE) --quote_depth_;
  }

  // Start of a 1-based line; the text's end past the last.
  [[nodiscard]] std::uint32_t LineBegin(int line) const {
    const auto index = static_cast<std::size_t>(std::max(line, 1) - 1);
    return index < document_.lines.size() ? document_.lines[index]
                                          : static_cast<std::uint32_t>(raw_.size());
  }

  [[nodiscard]] text::Span SourceOf(cmark_node* node) const {
    const std::uint32_t line = LineBegin(cmark_node_get_start_line(node));
    const auto column = static_cast<std::uint32_t>(std::max(cmark_node_get_start_column(node), 1));
    const std::uint32_t end = LineBegin(cmark_node_get_end_line(node) + 1);
    return {std::min(line + column - 1, end), end};
  }

  void Push(MappedText& content, text::BlockKind kind, text::Span source) {
    Block block = content.TakeBlock(kind, source);
    if (!block.source_of.empty()) {
      block.source = {block.source_of.front(), block.source_of.back() + 1};
    }
    block.heading = headings_.current();
    block.group = group_;
    document_.blocks.push_back(std::move(block));
  }

  void ReadHeading(cmark_node* node) {
    const text::Span source = SourceOf(node);
    MappedText content;
    AppendInline(node, raw_, source.begin, source.end, content);
    headings_.Open(cmark_node_get_heading_level(node), content.text());
    ++group_;
    Push(content, text::BlockKind::kHeading, source);
  }

  void ReadParagraph(cmark_node* node) {
    const text::Span source = SourceOf(node);
    if (list_depth_ == 0) ++group_;
    if (ReadTable(node, source)) return;
    MappedText content;
    AppendInline(node, raw_, source.begin, source.end, content);
    const text::BlockKind kind = list_depth_ > 0    ? text::BlockKind::kListItem
                                 : quote_depth_ > 0 ? text::BlockKind::kQuote
                                                    : text::BlockKind::kParagraph;
    Push(content, kind, source);
  }

  void ReadCode(cmark_node* node) {
    const text::Span source = SourceOf(node);
    const char* literal = cmark_node_get_literal(node);
    MappedText content;
    std::uint32_t cursor = source.begin;
    const char* info = cmark_node_get_fence_info(node);
    if (info != nullptr && *info != '\0') cursor = LineBegin(cmark_node_get_start_line(node) + 1);
    if (literal != nullptr) content.AppendAligned(literal, raw_, cursor, source.end);
    if (list_depth_ == 0) ++group_;
    Push(content, text::BlockKind::kCode, source);
  }

  // Tags and comments are left out; what stands between them is a paragraph.
  void ReadHtmlBlock(cmark_node* node) {
    const text::Span source = SourceOf(node);
    MappedText content;
    for (std::uint32_t at = source.begin; at < source.end;) {
      if (raw_[at] == '<') {
        const bool comment = raw_.substr(at).starts_with("<!--");
        const std::size_t close = raw_.find(comment ? "-->" : ">", at);
        if (close == std::string_view::npos || close >= source.end) break;
        at = static_cast<std::uint32_t>(close + (comment ? 3 : 1));
        content.AppendSpace(at - 1);
        continue;
      }
      const bool space = raw_[at] == '\n' || raw_[at] == '\r' || raw_[at] == ' ';
      if (space) {
        content.AppendSpace(at);
      } else {
        content.AppendRun(raw_.substr(at, 1), at);
      }
      ++at;
    }
    if (list_depth_ == 0) ++group_;
    Push(content, text::BlockKind::kParagraph, source);
  }

  // A paragraph whose second or later line is a table rule. Lines before the header are a
  // paragraph.
  bool ReadTable(cmark_node* node, text::Span source) {
    if (source.of(raw_).find('|') == std::string_view::npos) return false;
    const int first = cmark_node_get_start_line(node);
    const int last = cmark_node_get_end_line(node);
    int rule = first + 1;
    while (rule <= last && !IsTableRule(LineOf(rule, source).of(raw_))) ++rule;
    if (rule > last) return false;
    if (rule > first + 1) {
      MappedText before;
      AppendInlineSource(raw_, source.begin, LineBegin(rule - 1), before);
      Push(before, text::BlockKind::kParagraph, source);
    }
    std::vector<std::string> columns;
    for (const text::Span cell : SplitCells(raw_, LineOf(rule - 1, source))) {
      MappedText name;
      AppendInlineSource(raw_, cell.begin, cell.end, name);
      columns.emplace_back(Trim(name.text()));
    }
    ++group_;
    for (int line = rule + 1; line <= last; ++line) ReadRow(LineOf(line, source), columns);
    return true;
  }

  [[nodiscard]] text::Span LineOf(int line, text::Span within) const {
    return {std::max(LineBegin(line), within.begin), std::min(LineBegin(line + 1), within.end)};
  }

  void ReadRow(text::Span line, const std::vector<std::string>& columns) {
    MappedText row;
    const std::vector<text::Span> cells = SplitCells(raw_, line);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      MappedText value;
      AppendInlineSource(raw_, cells[i].begin, cells[i].end, value);
      if (Trim(value.text()).empty()) continue;
      if (!row.empty()) row.AppendAt("; ", cells[i].begin);
      if (i < columns.size() && !columns[i].empty()) {
        row.AppendAt(columns[i] + ": ", cells[i].begin);
      }
      AppendInlineSource(raw_, cells[i].begin, cells[i].end, row);
    }
    const std::string_view content = Trim(line.of(raw_));
    if (content.empty()) return;
    const auto begin = static_cast<std::uint32_t>(content.data() - raw_.data());
    const text::Span source{begin, begin + static_cast<std::uint32_t>(content.size())};
    Push(row, text::BlockKind::kTableRow, source);
    document_.blocks.back().source = source;
  }

  // "---", lines of YAML, "---" at the start of the file: each line is a paragraph, and the bytes
  // are blanked for cmark, which would read a heading.
  void ReadFrontMatter(std::string& body) {
    if (document_.lines.size() < 3 || Trim(LineOf(1, WholeText()).of(raw_)) != "---") return;
    int close = 2;
    const auto line_count = static_cast<int>(document_.lines.size());
    while (close <= line_count && Trim(LineOf(close, WholeText()).of(raw_)) != "---") ++close;
    if (close > line_count || close > 200) return;
    for (int line = 2; line < close; ++line) {
      const text::Span span = LineOf(line, WholeText());
      const std::string_view content = Trim(span.of(raw_));
      if (content.empty()) continue;
      MappedText text;
      text.AppendRun(content, static_cast<std::uint32_t>(content.data() - raw_.data()));
      Push(text, text::BlockKind::kListItem, span);
      constexpr std::string_view kTitle = "title:";
      if (content.starts_with(kTitle)) document_.title = Trim(content.substr(kTitle.size()));
    }
    for (std::uint32_t i = 0; i < LineBegin(close + 1); ++i) {
      if (body[i] != '\n' && body[i] != '\r') body[i] = ' ';
    }
  }

  [[nodiscard]] text::Span WholeText() const {
    return {0, static_cast<std::uint32_t>(raw_.size())};
  }

  std::string_view raw_;
  Document& document_;
  HeadingStack headings_;
  std::uint32_t group_ = 0;
  int list_depth_ = 0;
  int quote_depth_ = 0;
};

}  // namespace

Result<void> ReadMarkdown(std::string_view text, Document& document) {
  return MarkdownReader(text, document).Read();
}

}  // namespace assay::corpus
