// Plain text: paragraphs between empty lines; lines that start with a bullet or a number are list
// items.
#include <cstdint>
#include <string_view>

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

// Bytes of a list marker with the space after it, or 0.
std::size_t MarkerBytes(std::string_view line) {
  std::size_t at = 0;
  if (line.starts_with("\xE2\x80\xA2")) {
    at = 3;  // a bullet
  } else if (!line.empty() && (line[0] == '-' || line[0] == '*' || line[0] == '+')) {
    at = 1;
  } else {
    while (at < line.size() && at < 3 && IsDigit(line[at])) ++at;
    if (at == 0 || at >= line.size() || (line[at] != '.' && line[at] != ')')) return 0;
    ++at;
  }
  return at < line.size() && (line[at] == ' ' || line[at] == '\t') ? at + 1 : 0;
}

class TextReader {
 public:
  TextReader(std::string_view text, Document& document) : text_(text), document_(document) {}

  void Read() {
    for (std::size_t i = 0; i < document_.lines.size(); ++i) {
      const std::uint32_t begin = document_.lines[i];
      const std::size_t end =
          i + 1 < document_.lines.size() ? document_.lines[i + 1] : text_.size();
      ReadLine(begin, text_.substr(begin, end - begin));
    }
    Flush();
  }

 private:
  void ReadLine(std::uint32_t begin, std::string_view line) {
    const std::string_view content = Trim(line);
    if (content.empty()) {
      Flush();
      in_list_ = false;
      return;
    }
    auto source = begin + static_cast<std::uint32_t>(content.data() - line.data());
    const std::size_t marker = MarkerBytes(content);
    if (marker > 0) {
      Flush();
      if (!in_list_) ++group_;
      in_list_ = true;
      kind_ = text::BlockKind::kListItem;
    } else if (open_.empty()) {
      kind_ = text::BlockKind::kParagraph;
      ++group_;
    }
    open_.AppendSpace(source - 1);
    open_.AppendRun(content.substr(marker), source + static_cast<std::uint32_t>(marker));
  }

  void Flush() {
    if (open_.empty()) return;
    Block block = open_.TakeBlock(kind_, {});
    if (!block.source_of.empty())
      block.source = {block.source_of.front(), block.source_of.back() + 1};
    block.group = group_;
    document_.blocks.push_back(std::move(block));
  }

  std::string_view text_;
  Document& document_;
  MappedText open_;
  text::BlockKind kind_ = text::BlockKind::kParagraph;
  std::uint32_t group_ = 0;
  bool in_list_ = false;
};

}  // namespace

Result<void> ReadText(std::string_view text, Document& document) {
  TextReader(text, document).Read();
  return {};
}

}  // namespace assay::corpus
