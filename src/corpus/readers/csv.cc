// CSV as in RFC 4180, with ';', tab and '|' as further separators. The first record names the
// columns; each further record becomes "column: value; column: value".
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

struct Cell {
  MappedText value;
  bool quoted = false;
};

struct Record {
  std::vector<Cell> cells;
  text::Span source;
  bool unclosed = false;  // a quote without its end
};

class CsvScanner {
 public:
  CsvScanner(std::string_view text, char separator) : text_(text), separator_(separator) {}

  [[nodiscard]] bool done() const { return at_ >= text_.size(); }

  Record Next() {
    Record record;
    record.source.begin = at();
    bool more = true;
    while (more) more = ReadCell(record);
    return record;
  }

 private:
  [[nodiscard]] std::uint32_t at() const { return static_cast<std::uint32_t>(at_); }

  // False at the end of the record.
  bool ReadCell(Record& record) {
    Cell& cell = record.cells.emplace_back();
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (at_ < text_.size() && text_[at_] == '"') ReadQuoted(cell, record);
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n' &&
           text_[at_] != '\r') {
      cell.value.AppendRun(text_.substr(at_, 1), at());
      ++at_;
    }
    record.source.end = at();
    if (at_ >= text_.size()) return false;
    const char end = text_[at_++];
    if (end == '\r' && at_ < text_.size() && text_[at_] == '\n') ++at_;
    return end == separator_;
  }

  void ReadQuoted(Cell& cell, Record& record) {
    cell.quoted = true;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] == '"') {
        if (at_ + 1 >= text_.size() || text_[at_ + 1] != '"') {
          ++at_;
          return;
        }
        ++at_;
      }
      const bool line_break = text_[at_] == '\n' || text_[at_] == '\r';
      cell.value.AppendRun(line_break ? " " : text_.substr(at_, 1), at());
    }
    record.unclosed = true;
  }

  std::string_view text_;
  char separator_;
  std::size_t at_ = 0;
};

// The separator that stands most often outside of quotes in the first record.
char FindSeparator(std::string_view text) {
  constexpr std::string_view kSeparators = ",;\t|";
  std::array<std::size_t, 4> counts{};
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') {
      if (*std::max_element(counts.begin(), counts.end()) > 0) break;
    }
    const std::size_t which = kSeparators.find(c);
    if (which != std::string_view::npos) ++counts[which];
  }
  const auto best = std::max_element(counts.begin(), counts.end()) - counts.begin();
  return kSeparators[static_cast<std::size_t>(best)];
}

bool IsBlank(const Record& record) {
  return std::ranges::all_of(record.cells,
                             [](const Cell& cell) { return Trim(cell.value.text()).empty(); });
}

Block RowBlock(Record& record, const std::vector<std::string>& columns) {
  MappedText row;
  for (std::size_t i = 0; i < record.cells.size(); ++i) {
    Block value = record.cells[i].value.TakeBlock(text::BlockKind::kTableRow, record.source);
    if (value.text.empty()) continue;
    const std::uint32_t at = value.source_of.empty() ? value.source.begin : value.source_of[0];
    if (!row.empty()) row.AppendAt("; ", at);
    if (i < columns.size() && !columns[i].empty()) row.AppendAt(columns[i] + ": ", at);
    for (std::size_t b = 0; b < value.text.size(); ++b) {
      const auto step = static_cast<std::uint32_t>(b);
      row.AppendAt(std::string_view(value.text).substr(b, 1),
                   value.source_of.empty() ? at + step : value.source_of[b]);
    }
  }
  Block block = row.TakeBlock(text::BlockKind::kTableRow, record.source);
  block.source = record.source;
  if (block.source_of.empty()) block.source_of.assign(block.text.size(), record.source.begin);
  return block;
}

}  // namespace

Result<void> ReadCsv(std::string_view text, Document& document) {
  CsvScanner scanner(text, FindSeparator(text));
  std::vector<std::string> columns;
  std::size_t uneven = 0;
  std::uint32_t first_uneven = 0;
  while (!scanner.done()) {
    Record record = scanner.Next();
    if (IsBlank(record)) continue;
    const std::uint32_t line = document.LineOf(record.source.begin);
    if (record.unclosed) {
      document.warnings.push_back(
          {document.path,
           fmt::format("{}:{}: a quoted field has no closing quote", document.path, line)});
    }
    if (columns.empty()) {
      for (const Cell& cell : record.cells) columns.emplace_back(Trim(cell.value.text()));
      continue;
    }
    if (record.cells.size() != columns.size() && uneven++ == 0) first_uneven = line;
    document.blocks.push_back(RowBlock(record, columns));
  }
  if (uneven > 0) {
    document.warnings.push_back(
        {document.path,
         fmt::format("{}:{}: has another number of fields than the header's {} ({} such rows)",
                     document.path, first_uneven, columns.size(), uneven)});
  }
  if (document.blocks.empty()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: a CSV file without a record after its header", document.path));
  }
  return {};
}

}  // namespace assay::corpus
