#include "readers/markdown_inline.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>

namespace assay::corpus {
namespace {

struct IterFree {
  void operator()(cmark_iter* iter) const { cmark_iter_free(iter); }
};
struct NodeFree {
  void operator()(cmark_node* node) const { cmark_node_free(node); }
};

std::string_view Literal(cmark_node* node) {
  const char* literal = cmark_node_get_literal(node);
  return literal == nullptr ? std::string_view() : std::string_view(literal);
}

// The bytes behind a link's text: "](target "title")", "][label]" or ">".
std::uint32_t SkipLinkTail(std::string_view raw, std::uint32_t cursor, std::uint32_t end) {
  const std::string_view window = raw.substr(0, end);
  const std::size_t close = window.find(']', cursor);
  if (close == std::string_view::npos) return cursor;
  std::size_t at = close + 1;
  if (at >= window.size() || (window[at] != '(' && window[at] != '[')) {
    return static_cast<std::uint32_t>(at);
  }
  const char open = window[at];
  const char shut = open == '(' ? ')' : ']';
  int depth = 0;
  for (; at < window.size(); ++at) {
    if (window[at] == open) ++depth;
    if (window[at] == shut && --depth == 0) return static_cast<std::uint32_t>(at + 1);
  }
  return static_cast<std::uint32_t>(close + 1);
}

bool IsAutolink(cmark_node* link) {
  const char* url = cmark_node_get_url(link);
  cmark_node* child = cmark_node_first_child(link);
  if (url == nullptr || child == nullptr) return false;
  const std::string_view text = Literal(child);
  const std::string_view target = url;
  return target == text || (target.starts_with("mailto:") && target.substr(7) == text);
}

}  // namespace

void AppendInline(cmark_node* node, std::string_view raw, std::uint32_t begin, std::uint32_t end,
                  MappedText& out) {
  std::uint32_t cursor = begin;
  const std::unique_ptr<cmark_iter, IterFree> iter(cmark_iter_new(node));
  for (cmark_event_type event = cmark_iter_next(iter.get()); event != CMARK_EVENT_DONE;
       event = cmark_iter_next(iter.get())) {
    cmark_node* at = cmark_iter_get_node(iter.get());
    switch (cmark_node_get_type(at)) {
      case CMARK_NODE_TEXT:
      case CMARK_NODE_CODE:
        out.AppendAligned(Literal(at), raw, cursor, end);
        break;
      case CMARK_NODE_SOFTBREAK:
      case CMARK_NODE_LINEBREAK: {
        const std::size_t line_end = raw.substr(0, end).find_first_of("\r\n", cursor);
        if (line_end != std::string_view::npos) cursor = static_cast<std::uint32_t>(line_end + 1);
        out.AppendSpace(cursor == 0 ? 0 : cursor - 1);
        break;
      }
      case CMARK_NODE_HTML_INLINE: {
        const std::string_view tag = Literal(at);
        const std::size_t found = raw.substr(0, end).find(tag, cursor);
        if (found != std::string_view::npos) {
          cursor = static_cast<std::uint32_t>(found + tag.size());
        }
        if (tag.starts_with("<br")) out.AppendSpace(cursor == 0 ? 0 : cursor - 1);
        break;
      }
      case CMARK_NODE_LINK:
      case CMARK_NODE_IMAGE:
        if (event == CMARK_EVENT_EXIT && !IsAutolink(at)) cursor = SkipLinkTail(raw, cursor, end);
        break;
      default:
        break;
    }
  }
}

void AppendInlineSource(std::string_view raw, std::uint32_t begin, std::uint32_t end,
                        MappedText& out) {
  // Pipes are escaped inside of tables only.
  const std::string_view cell = Trim(raw.substr(begin, end - begin));
  if (cell.find_first_of("*_`[]<>&\\!") == std::string_view::npos) {
    out.AppendRun(cell, static_cast<std::uint32_t>(cell.data() - raw.data()));
    return;
  }
  const std::unique_ptr<cmark_node, NodeFree> root(
      cmark_parse_document(cell.data(), cell.size(), CMARK_OPT_DEFAULT));
  cmark_node* paragraph = cmark_node_first_child(root.get());
  if (paragraph == nullptr || cmark_node_get_type(paragraph) != CMARK_NODE_PARAGRAPH) {
    out.AppendRun(cell, static_cast<std::uint32_t>(cell.data() - raw.data()));
    return;
  }
  AppendInline(paragraph, raw, begin, end, out);
}

}  // namespace assay::corpus
