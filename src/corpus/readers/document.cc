#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "assay/corpus/documents.h"
#include "assay/text/utf8.h"

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

constexpr std::array<std::pair<std::string_view, Format>, 15> kExtensions = {{
    {"md", Format::kMarkdown},
    {"markdown", Format::kMarkdown},
    {"mdown", Format::kMarkdown},
    {"txt", Format::kText},
    {"text", Format::kText},
    {"rst", Format::kText},
    {"html", Format::kHtml},
    {"htm", Format::kHtml},
    {"xhtml", Format::kHtml},
    {"pdf", Format::kPdf},
    {"csv", Format::kCsv},
    {"tsv", Format::kCsv},
    {"jsonl", Format::kJsonl},
    {"ndjson", Format::kJsonl},
    {"json", Format::kJson},
}};

std::string LowerAscii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return lower;
}

// UTF-16 with a byte-order mark to UTF-8. A lone surrogate and an odd last byte give U+FFFD.
std::string FromUtf16(std::string_view bytes, bool big_endian) {
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<std::uint8_t>(bytes[i]);
    const auto b = static_cast<std::uint8_t>(bytes[i + 1]);
    return static_cast<char32_t>(big_endian ? a << 8 | b : b << 8 | a);
  };
  std::string out;
  for (std::size_t i = 2; i + 1 < bytes.size(); i += 2) {
    char32_t code = unit(i);
    if (code >= 0xD800 && code < 0xDC00 && i + 3 < bytes.size() && unit(i + 2) >= 0xDC00 &&
        unit(i + 2) < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (unit(i + 2) - 0xDC00);
      i += 2;
    }
    text::AppendUtf8(code, out);
  }
  if (bytes.size() % 2 != 0) text::AppendUtf8(text::kReplacement, out);
  return out;
}

// Writes U+FFFD for the marks that DecodeText left, now that a block has its map.
void ShowInvalid(Block& block) {
  if (block.text.find(kInvalidMark) == std::string::npos) return;
  MappedText shown;
  for (std::size_t i = 0; i < block.text.size(); ++i) {
    const std::uint32_t source = block.source_of.empty()
                                     ? block.source.begin + static_cast<std::uint32_t>(i)
                                     : block.source_of[i];
    const std::string_view byte = std::string_view(block.text).substr(i, 1);
    shown.AppendAt(byte[0] == kInvalidMark ? "\xEF\xBF\xBD" : byte, source);
  }
  Block repaired = shown.TakeBlock(block.kind, block.source);
  block.text = std::move(repaired.text);
  block.source_of = std::move(repaired.source_of);
}

Result<void> Dispatch(std::string_view text, Document& document) {
  switch (document.format) {
    case Format::kText:
      return ReadText(text, document);
    case Format::kMarkdown:
      return ReadMarkdown(text, document);
    case Format::kHtml:
      return ReadHtml(text, document);
    case Format::kPdf:
      return ReadPdf(text, document);
    case Format::kCsv:
      return ReadCsv(text, document);
    case Format::kJsonl:
      return ReadJsonl(text, document);
    case Format::kJson:
      return ReadJson(text, document);
  }
  return Fail(Code::kInternal, "an unknown document format");
}

}  // namespace

std::string_view NameOf(Format format) {
  constexpr std::array<std::string_view, 7> kNames = {"text", "markdown", "html", "pdf",
                                                      "csv",  "jsonl",    "json"};
  return kNames[static_cast<std::size_t>(format)];
}

std::uint32_t Document::LineOf(std::uint32_t byte) const {
  const auto after = std::upper_bound(lines.begin(), lines.end(), byte);
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>(after - lines.begin()));
}

Format FormatOf(std::string_view path, std::string_view bytes) {
  if (bytes.substr(0, 1024).find("%PDF-") == 0) return Format::kPdf;
  const std::size_t slash = path.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? path : path.substr(slash + 1);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string extension = LowerAscii(name.substr(dot + 1));
    for (const auto& [known, format] : kExtensions) {
      if (extension == known) return format;
    }
  }
  const std::string head = LowerAscii(Trim(bytes.substr(0, 256)));
  if (head.starts_with("<!doctype html") || head.starts_with("<html")) return Format::kHtml;
  return Format::kText;
}

Result<std::string> DecodeText(std::string bytes, Document& document) {
  if (bytes.starts_with("\xFF\xFE")) return FromUtf16(bytes, false);
  if (bytes.starts_with("\xFE\xFF")) return FromUtf16(bytes, true);
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.replace(0, 3, "   ");
  const std::size_t zero = bytes.find('\0');
  if (zero != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: is a binary file (a zero byte at offset {}); convert it to text, "
                            "Markdown, HTML, PDF, CSV or JSON",
                            document.path, zero));
  }
  std::size_t invalid = 0;
  std::size_t first = 0;
  for (std::size_t from = 0; from < bytes.size();) {
    const auto error = text::FindUtf8Error(std::string_view(bytes).substr(from));
    if (!error) break;
    const std::size_t at = from + error->offset;
    const std::size_t length = text::DecodeUtf8(bytes, at).size_bytes;
    if (invalid++ == 0) first = at;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at), length, kInvalidMark);
    from = at + length;
  }
  if (invalid > 0) {
    document.warnings.push_back(
        {document.path,
         fmt::format("{}: {} invalid UTF-8 sequence(s), the first at byte offset {}; "
                     "read as U+FFFD",
                     document.path, invalid, first)});
  }
  return bytes;
}

Result<Document> ParseDocument(std::string path, Format format, std::string bytes) {
  Document document;
  document.path = std::move(path);
  document.format = format;
  if (bytes.size() > kMaxDocumentBytes) {
    return Fail(Code::kOutOfRange, fmt::format("{}: is larger than {} MiB; split it", document.path,
                                               kMaxDocumentBytes >> 20));
  }
  if (Trim(bytes).empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: is empty", document.path));
  }
  if (format != Format::kPdf) {
    ASSAY_ASSIGN(bytes, DecodeText(std::move(bytes), document));
    document.lines = FindLines(bytes);
  }
  ASSAY_TRY(Dispatch(bytes, document));
  std::erase_if(document.blocks, [](const Block& block) { return block.text.empty(); });
  for (Block& block : document.blocks) ShowInvalid(block);
  if (document.blocks.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: holds no readable text", document.path));
  }
  return document;
}

Result<Document> ReadDocument(core::FileSystem& files, const std::string& path,
                              std::string shown_path) {
  ASSAY_ASSIGN(std::string bytes, files.ReadFile(path, kMaxDocumentBytes));
  const Format format = FormatOf(path, bytes);
  return ParseDocument(std::move(shown_path), format, std::move(bytes));
}

}  // namespace assay::corpus
