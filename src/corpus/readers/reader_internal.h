// What the readers of the seven formats share.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/core/result.h"
#include "assay/corpus/documents.h"

namespace assay::corpus {

// Readable text with the source byte of each of its bytes.
class MappedText {
 public:
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  void Clear() {
    text_.clear();
    map_.clear();
  }
  // Bytes that stand in the source from `source` on, one by one.
  void AppendRun(std::string_view bytes, std::uint32_t source) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      map_.push_back(source + static_cast<std::uint32_t>(i));
    }
    text_.append(bytes);
  }
  // Bytes that stand for something else at `source`: a decoded entity, a table header.
  void AppendAt(std::string_view bytes, std::uint32_t source) {
    map_.insert(map_.end(), bytes.size(), source);
    text_.append(bytes);
  }
  // One space between words, none at the start.
  void AppendSpace(std::uint32_t source) {
    if (!text_.empty() && text_.back() != ' ' && text_.back() != '\n') AppendAt(" ", source);
  }
  // Bytes that stand in raw[cursor, end), where some may be written as an entity or an escape;
  // moves `cursor` behind them. O(bytes) but for the search within [cursor, end).
  void AppendAligned(std::string_view bytes, std::string_view raw, std::uint32_t& cursor,
                     std::uint32_t end);
  // A block of [source.begin, source.end) without white space at its ends; clears this object.
  [[nodiscard]] Block TakeBlock(text::BlockKind kind, text::Span source);

 private:
  std::string text_;
  std::vector<std::uint32_t> map_;
};

// Keeps the open headings and writes their paths into a document.
class HeadingStack {
 public:
  explicit HeadingStack(Document& document) : document_(document) {}
  // Opens a heading of level 1..6 and closes those of its level and below.
  void Open(int level, std::string_view text);
  [[nodiscard]] std::uint32_t current() const { return current_; }

 private:
  Document& document_;
  std::vector<std::pair<int, std::string>> open_;
  std::uint32_t current_ = kNoHeading;
};

// Each reader fills blocks and headings from `text` (valid UTF-8); a failure names the document.
Result<void> ReadText(std::string_view text, Document& document);
Result<void> ReadMarkdown(std::string_view text, Document& document);
Result<void> ReadHtml(std::string_view text, Document& document);
Result<void> ReadCsv(std::string_view text, Document& document);
Result<void> ReadJson(std::string_view text, Document& document);
Result<void> ReadJsonl(std::string_view text, Document& document);
// `bytes` is the raw file; fills Document::lines for the extracted text.
Result<void> ReadPdf(std::string_view bytes, Document& document);

// Turns the raw bytes of a text format into valid UTF-8 of the same length (but UTF-16, which is
// converted): a byte-order mark becomes spaces and an invalid byte becomes kInvalidMark.
// Errors: kInvalidArgument for a binary file.
inline constexpr char kInvalidMark = '\x1a';  // ASCII SUBSTITUTE
Result<std::string> DecodeText(std::string bytes, Document& document);

// Byte offsets at which the lines of `text` start; "\n", "\r\n" and "\r" end a line.
std::vector<std::uint32_t> FindLines(std::string_view text);

// White space of ASCII cut from both ends.
std::string_view Trim(std::string_view text);

}  // namespace assay::corpus
