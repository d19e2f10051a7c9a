// Markdown to plain text, for the text of claims.
#include <algorithm>

#include "extract/sentence_internal.h"

namespace assay::claims {

static constexpr std::size_t kMaxLink = 1024;  // bytes of a link's text or target

void AppendPlain(std::string_view markdown, std::string& out) {
  const std::size_t start = out.size();
  const auto put = [&](char c) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (out.size() > start && out.back() != ' ') {
      out += ' ';
    }
  };
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const char c = markdown[i];
    if (c == '*' || c == '`') {
      // "5 * 3" keeps its star.
      const bool spaced = c == '*' && i > 0 && i + 1 < markdown.size() && markdown[i - 1] == ' ' &&
                          markdown[i + 1] == ' ';
      if (spaced) put(c);
      continue;
    }
    if (c == ']' && i + 1 < markdown.size() && markdown[i + 1] == '(') {
      const std::size_t close = markdown.substr(i, kMaxLink).find(')');
      if (close != std::string_view::npos) {
        const std::size_t from = std::max(start, out.size() - std::min(out.size(), kMaxLink));
        const std::size_t open = std::string_view(out).substr(from).rfind('[');
        if (open != std::string_view::npos) out.erase(from + open, 1);
        i += close;
        continue;
      }
    }
    put(c);
  }
  while (out.size() > start && out.back() == ' ') out.pop_back();
}

}  // namespace assay::claims
