// HTML by gumbo: the visible text, block by block.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gumbo.h>

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

// gumbo frees its tree by recursion; pages in the wild nest a few hundred deep.
constexpr int kMaxNesting = 4000;

struct OutputFree {
  void operator()(GumboOutput* output) const {
    gumbo_destroy_output(&kGumboDefaultOptions, output);
  }
};

bool IsOneOf(GumboTag tag, std::initializer_list<GumboTag> tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

bool IsInvisible(const GumboElement& element) {
  if (IsOneOf(element.tag, {GUMBO_TAG_SCRIPT, GUMBO_TAG_STYLE, GUMBO_TAG_NOSCRIPT,
                            GUMBO_TAG_TEMPLATE, GUMBO_TAG_TITLE, GUMBO_TAG_SVG, GUMBO_TAG_TEXTAREA,
                            GUMBO_TAG_SELECT, GUMBO_TAG_IFRAME})) {
    return true;
  }
  if (gumbo_get_attribute(&element.attributes, "hidden") != nullptr) return true;
  const GumboAttribute* style = gumbo_get_attribute(&element.attributes, "style");
  if (style == nullptr) return false;
  std::string value = style->value;
  std::erase(value, ' ');
  return value.find("display:none") != std::string::npos;
}

bool IsBlock(GumboTag tag) {
  return IsOneOf(tag,
                 {GUMBO_TAG_P,       GUMBO_TAG_DIV,        GUMBO_TAG_H1,      GUMBO_TAG_H2,
                  GUMBO_TAG_H3,      GUMBO_TAG_H4,         GUMBO_TAG_H5,      GUMBO_TAG_H6,
                  GUMBO_TAG_LI,      GUMBO_TAG_UL,         GUMBO_TAG_OL,      GUMBO_TAG_DL,
                  GUMBO_TAG_DT,      GUMBO_TAG_DD,         GUMBO_TAG_TABLE,   GUMBO_TAG_TR,
                  GUMBO_TAG_CAPTION, GUMBO_TAG_BLOCKQUOTE, GUMBO_TAG_PRE,     GUMBO_TAG_SECTION,
                  GUMBO_TAG_ARTICLE, GUMBO_TAG_HEADER,     GUMBO_TAG_FOOTER,  GUMBO_TAG_MAIN,
                  GUMBO_TAG_NAV,     GUMBO_TAG_ASIDE,      GUMBO_TAG_FIGURE,  GUMBO_TAG_FIGCAPTION,
                  GUMBO_TAG_HR,      GUMBO_TAG_FORM,       GUMBO_TAG_ADDRESS, GUMBO_TAG_BODY,
                  GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY});
}

// Open tags that are not closed, at their deepest; tags that need no end do not count.
int NestingOf(std::string_view html) {
  int depth = 0;
  int deepest = 0;
  for (std::size_t at = html.find('<'); at != std::string_view::npos && at + 1 < html.size();
       at = html.find('<', at + 1)) {
    const bool closes = html[at + 1] == '/';
    const char first =
        html[at + 1 + (closes ? 1 : 0) < html.size() ? at + 1 + (closes ? 1 : 0) : at];
    if (!((first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))) continue;
    constexpr std::array<std::string_view, 14> kUnclosed = {"p",    "br",   "hr",    "li",    "td",
                                                            "tr",   "th",   "dt",    "dd",    "img",
                                                            "meta", "link", "input", "option"};
    std::size_t end = at + 1 + (closes ? 1 : 0);
    std::string name;
    for (; end < html.size() && name.size() < 8; ++end) {
      const char c = static_cast<char>(html[end] | 0x20);
      if (c < 'a' || c > 'z') break;
      name.push_back(c);
    }
    if (std::ranges::find(kUnclosed, name) != kUnclosed.end()) continue;
    depth = std::max(0, depth + (closes ? -1 : 1));
    deepest = std::max(deepest, depth);
  }
  return deepest;
}

class HtmlReader {
 public:
  HtmlReader(std::string_view raw, Document& document)
      : raw_(raw), document_(document), headings_(document) {}

  void Read(const GumboNode* root) {
    // An explicit stack: a page may nest deeper than the thread's stack.
    std::vector<std::pair<const GumboNode*, bool>> stack = {{root, false}};
    while (!stack.empty()) {
      const auto [node, leaving] = stack.back();
      stack.pop_back();
      if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE ||
          node->type == GUMBO_NODE_CDATA) {
        ReadText(node->v.text);
        continue;
      }
      if (node->type != GUMBO_NODE_ELEMENT && node->type != GUMBO_NODE_DOCUMENT) continue;
      if (node->type == GUMBO_NODE_ELEMENT) {
        if (leaving) {
          Leave(node->v.element);
          continue;
        }
        if (node->v.element.tag == GUMBO_TAG_TITLE) ReadTitle(node->v.element);
        if (IsInvisible(node->v.element)) continue;
        Enter(node->v.element);
        stack.emplace_back(node, true);
      }
      const GumboVector& children =
          node->type == GUMBO_NODE_ELEMENT ? node->v.element.children : node->v.document.children;
      for (unsigned int i = children.length; i-- > 0;) {
        stack.emplace_back(static_cast<const GumboNode*>(children.data[i]), false);
      }
    }
    Flush();
  }

 private:
  void ReadTitle(const GumboElement& element) {
    for (unsigned int i = 0; i < element.children.length; ++i) {
      const auto* child = static_cast<const GumboNode*>(element.children.data[i]);
      if (child->type == GUMBO_NODE_TEXT && document_.title.empty()) {
        document_.title = Trim(child->v.text.text);
      }
    }
  }

  void ReadText(const GumboText& text) {
    const char* at = text.original_text.data;
    if (at < raw_.data() || at > raw_.data() + raw_.size()) return;
    auto cursor = static_cast<std::uint32_t>(at - raw_.data());
    const std::uint32_t end = cursor + static_cast<std::uint32_t>(text.original_text.length);
    MappedText& out = Target();
    std::string_view rest = text.text;
    while (!rest.empty()) {
      const std::size_t run = std::min(rest.find_first_of(" \t\r\n\f"), rest.size());
      if (run > 0) out.AppendAligned(rest.substr(0, run), raw_, cursor, end);
      rest.remove_prefix(run);
      if (rest.empty()) break;
      const bool keeps = in_pre_ && (rest[0] == '\n' || rest[0] == ' ');
      if (keeps) {
        out.AppendAt(rest.substr(0, 1), std::min(cursor, end));
      } else {
        out.AppendSpace(std::min(cursor, end));
      }
      rest.remove_prefix(1);
    }
  }

  [[nodiscard]] MappedText& Target() { return in_cell_ ? cell_ : open_; }

  void Enter(const GumboElement& element) {
    const GumboTag tag = element.tag;
    if (IsBlock(tag) && !in_cell_) Flush();
    if (tag == GUMBO_TAG_BR || (IsBlock(tag) && in_cell_)) {
      Target().AppendSpace(element.start_pos.offset);
    }
    if (tag == GUMBO_TAG_LI) ++items_;
    if (IsOneOf(tag, {GUMBO_TAG_UL, GUMBO_TAG_OL, GUMBO_TAG_DL}) && items_ == 0) ++group_;
    if (tag == GUMBO_TAG_BLOCKQUOTE) ++quotes_;
    if (tag == GUMBO_TAG_PRE) in_pre_ = true;
    if (tag == GUMBO_TAG_TABLE) {
      ++group_;
      columns_.clear();
    }
    if (tag == GUMBO_TAG_TR) {
      row_ = {};
      row_is_header_ = true;
      names_.clear();
      column_ = 0;
    }
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) {
      if (tag == GUMBO_TAG_TD) row_is_header_ = false;
      in_cell_ = true;
      cell_.Clear();
    }
  }

  void Leave(const GumboElement& element) {
    const GumboTag tag = element.tag;
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) return EndCell();
    if (tag == GUMBO_TAG_TR) return EndRow(element);
    if (tag >= GUMBO_TAG_H1 && tag <= GUMBO_TAG_H6 && !in_cell_) {
      headings_.Open(static_cast<int>(tag - GUMBO_TAG_H1) + 1, open_.text());
      ++group_;
      Push(open_, text::BlockKind::kHeading);
    }
    if (IsBlock(tag) && !in_cell_) Flush();
    if (tag == GUMBO_TAG_LI) items_ = std::max(0, items_ - 1);
    if (tag == GUMBO_TAG_BLOCKQUOTE) quotes_ = std::max(0, quotes_ - 1);
    if (tag == GUMBO_TAG_PRE) in_pre_ = false;
  }

  void EndCell() {
    in_cell_ = false;
    const Block cell = cell_.TakeBlock(text::BlockKind::kTableRow, {});
    names_.push_back(cell.text);
    if (!cell.text.empty()) {
      const std::uint32_t at = cell.source_of.empty() ? cell.source.begin : cell.source_of[0];
      if (!row_.empty()) row_.AppendAt("; ", at);
      if (column_ < columns_.size() && !columns_[column_].empty()) {
        row_.AppendAt(columns_[column_] + ": ", at);
      }
      for (std::size_t i = 0; i < cell.text.size(); ++i) {
        row_.AppendAt(
            std::string_view(cell.text).substr(i, 1),
            cell.source_of.empty() ? at + static_cast<std::uint32_t>(i) : cell.source_of[i]);
      }
    }
    ++column_;
  }

  void EndRow(const GumboElement&) {
    if (row_is_header_ && columns_.empty() && names_.size() > 1) {
      columns_ = std::move(names_);
      row_.Clear();
    } else if (!row_.empty()) {
      Push(row_, text::BlockKind::kTableRow);
    }
  }

  void Flush() {
    if (Trim(open_.text()).empty()) {
      open_.Clear();
      return;
    }
    if (items_ == 0) ++group_;
    Push(open_, in_pre_       ? text::BlockKind::kCode
                : items_ > 0  ? text::BlockKind::kListItem
                : quotes_ > 0 ? text::BlockKind::kQuote
                              : text::BlockKind::kParagraph);
  }

  void Push(MappedText& content, text::BlockKind kind) {
    Block block = content.TakeBlock(kind, {});
    if (!block.source_of.empty()) {
      const auto [low, high] = std::ranges::minmax(block.source_of);
      block.source = {low, high + 1};
    }
    block.heading = headings_.current();
    block.group = group_;
    document_.blocks.push_back(std::move(block));
  }

  std::string_view raw_;
  Document& document_;
  HeadingStack headings_;
  MappedText open_;
  MappedText cell_;
  MappedText row_;
  std::vector<std::string> columns_;
  std::vector<std::string> names_;
  std::size_t column_ = 0;
  std::uint32_t group_ = 0;
  int items_ = 0;
  int quotes_ = 0;
  bool in_pre_ = false;
  bool in_cell_ = false;
  bool row_is_header_ = false;
};

// What is left of a page that nests too deep for the parser: its text without tags.
void ReadFlat(std::string_view raw, Document& document) {
  MappedText content;
  for (std::size_t at = 0; at < raw.size(); ++at) {
    if (raw[at] == '<') {
      at = std::min(raw.find('>', at), raw.size());
      content.AppendSpace(static_cast<std::uint32_t>(std::min(at, raw.size() - 1)));
      continue;
    }
    content.AppendRun(raw.substr(at, 1), static_cast<std::uint32_t>(at));
  }
  Block block = content.TakeBlock(text::BlockKind::kParagraph, {});
  if (!block.source_of.empty())
    block.source = {block.source_of.front(), block.source_of.back() + 1};
  document.blocks.push_back(std::move(block));
  document.warnings.push_back(
      {document.path, fmt::format("{}: nests more than {} elements; read without its structure",
                                  document.path, kMaxNesting)});
}

}  // namespace

Result<void> ReadHtml(std::string_view text, Document& document) {
  if (NestingOf(text) > kMaxNesting) {
    ReadFlat(text, document);
    return {};
  }
  const std::unique_ptr<GumboOutput, OutputFree> output(
      gumbo_parse_with_options(&kGumboDefaultOptions, text.data(), text.size()));
  if (!output) return Fail(Code::kInternal, document.path + ": the HTML reader failed");
  HtmlReader(text, document).Read(output->document);
  return {};
}

}  // namespace assay::corpus
