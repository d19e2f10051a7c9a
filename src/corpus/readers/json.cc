// JSON and JSON lines: each record becomes "path: value" text, in the order of its fields.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

namespace dom = simdjson::dom;

constexpr std::size_t kLongValueBytes = 160;  // a longer text is a paragraph of its own

// Writes one record. `raw` is the whole file; values are looked for from `cursor` on, so that each
// sentence stands where its value does.
class RecordReader {
 public:
  RecordReader(std::string_view raw, text::Span record, std::uint32_t group, Document& document)
      : raw_(raw), record_(record), cursor_(record.begin), group_(group), document_(document) {}

  void Read(dom::element value) {
    Walk(value, "");
    Flush();
  }

 private:
  // simdjson refuses nesting over 1,024 levels, so the recursion is bounded.
  void Walk(dom::element value, const std::string& path) {
    if (dom::object object; value.get(object) == simdjson::SUCCESS) {
      for (const dom::key_value_pair field : object) {
        FindKey(field.key);
        std::string below = path.empty() ? "" : path + ".";
        below += field.key;
        Walk(field.value, below);
      }
      return;
    }
    if (dom::array array; value.get(array) == simdjson::SUCCESS) {
      for (const dom::element item : array) Walk(item, path);
      return;
    }
    Add(path, ScalarText(value));
  }

  static std::string ScalarText(dom::element value) {
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) return std::string(text);
    return simdjson::minify(value);
  }

  // Where to stop looking for something of `bytes` bytes: an escape takes at most six times the
  // room, and white space may stand before. Keeps a file without exact values linear.
  [[nodiscard]] std::uint32_t SearchEnd(std::size_t bytes) const {
    const std::uint64_t end = std::uint64_t{cursor_} + 6 * bytes + 256;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(end, record_.end));
  }

  void FindKey(std::string_view key) {
    const std::string quoted = fmt::format("\"{}\"", key);
    const std::size_t at = raw_.substr(0, SearchEnd(quoted.size())).find(quoted, cursor_);
    if (at != std::string_view::npos) cursor_ = static_cast<std::uint32_t>(at + quoted.size());
  }

  void Add(const std::string& path, std::string_view value) {
    value = Trim(value);
    if (value.empty()) return;
    const bool is_long = value.size() > kLongValueBytes;
    if (is_long) Flush();
    if (!row_.empty()) row_.AppendAt("; ", cursor_);
    if (!path.empty() && !is_long) row_.AppendAt(path + ": ", cursor_);
    row_.AppendAligned(value, raw_, cursor_, SearchEnd(value.size()));
    if (is_long) Flush(text::BlockKind::kParagraph);
  }

  void Flush(text::BlockKind kind = text::BlockKind::kTableRow) {
    if (row_.empty()) return;
    Block block = row_.TakeBlock(kind, record_);
    if (!block.source_of.empty()) {
      block.source = {block.source_of.front(), block.source_of.back() + 1};
    }
    block.group = group_;
    document_.blocks.push_back(std::move(block));
  }

  std::string_view raw_;
  text::Span record_;
  std::uint32_t cursor_;
  std::uint32_t group_;
  Document& document_;
  MappedText row_;
};

}  // namespace

Result<void> ReadJson(std::string_view text, Document& document) {
  dom::parser parser;
  dom::element root;
  const simdjson::error_code error = parser.parse(simdjson::padded_string(text)).get(root);
  if (error != simdjson::SUCCESS) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: is no valid JSON ({})", document.path,
                                                    simdjson::error_message(error)));
  }
  const text::Span whole{0, static_cast<std::uint32_t>(text.size())};
  dom::array records;
  if (root.get(records) != simdjson::SUCCESS) {
    RecordReader(text, whole, 0, document).Read(root);
    return {};
  }
  // The records share one cursor: each starts where the one before it ended.
  std::uint32_t group = 0;
  text::Span rest = whole;
  for (const dom::element record : records) {
    RecordReader(text, rest, group++, document).Read(record);
    if (!document.blocks.empty()) {
      rest.begin = std::max(rest.begin, document.blocks.back().source.end);
    }
  }
  return {};
}

Result<void> ReadJsonl(std::string_view text, Document& document) {
  dom::parser parser;
  std::size_t broken = 0;
  std::string first_broken;
  std::uint32_t group = 0;
  for (std::size_t i = 0; i < document.lines.size(); ++i) {
    const std::uint32_t begin = document.lines[i];
    const auto end = i + 1 < document.lines.size() ? document.lines[i + 1]
                                                   : static_cast<std::uint32_t>(text.size());
    const std::string_view line = Trim(text.substr(begin, end - begin));
    if (line.empty()) continue;
    dom::element record;
    const simdjson::error_code error = parser.parse(simdjson::padded_string(line)).get(record);
    if (error != simdjson::SUCCESS) {
      if (broken++ == 0) {
        first_broken = fmt::format("{}:{}: is no valid JSON ({})", document.path, i + 1,
                                   simdjson::error_message(error));
      }
      continue;
    }
    const auto from = static_cast<std::uint32_t>(line.data() - text.data());
    RecordReader(text, {from, from + static_cast<std::uint32_t>(line.size())}, group++, document)
        .Read(record);
  }
  if (broken > 0) {
    document.warnings.push_back(
        {document.path, fmt::format("{}; {} such line(s) left out", first_broken, broken)});
  }
  return {};
}

}  // namespace assay::corpus
