// PDF by poppler: the text of each page, its lines joined to paragraphs.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <poppler-document.h>
#include <poppler-global.h>
#include <poppler-page.h>

#include "assay/text/utf8.h"

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

constexpr std::size_t kShortLine = 40;  // a line this short that does not end a page ends a block

std::string ToUtf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return text::RepairUtf8(std::string_view(bytes.data(), bytes.size()));
}

// Splits the text of one page, which stands in the extracted text from `base` on.
class PageReader {
 public:
  PageReader(Document& document, std::uint32_t page, std::uint32_t base)
      : document_(document), page_(page), base_(base) {}

  void Read(std::string_view page_text) {
    for (std::size_t at = 0; at < page_text.size();) {
      const std::size_t end = std::min(page_text.find('\n', at), page_text.size());
      ReadLine(page_text.substr(at, end - at), base_ + static_cast<std::uint32_t>(at));
      at = end + 1;
    }
    Flush();
  }

 private:
  void ReadLine(std::string_view line, std::uint32_t source) {
    const std::string_view content = Trim(line);
    if (content.empty()) return Flush();
    source += static_cast<std::uint32_t>(content.data() - line.data());
    const bool bullet = content.starts_with("\xE2\x80\xA2") || content.starts_with("- ");
    if (bullet) Flush();
    kind_ = bullet || (kind_ == text::BlockKind::kListItem && !open_.empty())
                ? text::BlockKind::kListItem
                : text::BlockKind::kParagraph;
    const std::size_t marker = bullet ? content.find(' ') : 0;
    const std::string_view body =
        marker == std::string_view::npos ? std::string_view() : content.substr(marker);
    if (joins_word_) {
      joins_word_ = false;
    } else {
      open_.AppendSpace(source);
    }
    // A hyphen at a line's end after a lower-case letter is most often one of typesetting.
    const bool hyphen = body.size() > 2 && body.back() == '-' && body[body.size() - 2] >= 'a' &&
                        body[body.size() - 2] <= 'z';
    joins_word_ = hyphen;
    open_.AppendRun(
        hyphen ? body.substr(0, body.size() - 1) : body,
        source + static_cast<std::uint32_t>(marker == std::string_view::npos ? 0 : marker));
    const char last = content.back();
    if (content.size() < kShortLine && (last == '.' || last == ':' || last == '!' || last == '?')) {
      Flush();
    }
  }

  void Flush() {
    joins_word_ = false;
    if (open_.empty()) return;
    Block block = open_.TakeBlock(kind_, {});
    if (!block.source_of.empty()) {
      block.source = {block.source_of.front(), block.source_of.back() + 1};
    }
    block.page = page_;
    block.group = static_cast<std::uint32_t>(document_.blocks.size());
    document_.blocks.push_back(std::move(block));
    kind_ = text::BlockKind::kParagraph;
  }

  Document& document_;
  std::uint32_t page_;
  std::uint32_t base_;
  MappedText open_;
  text::BlockKind kind_ = text::BlockKind::kParagraph;
  bool joins_word_ = false;
};

void Silence(const std::string&, void*) {}

Result<void> ReadPages(poppler::document& pdf, Document& document) {
  document.title = ToUtf8(pdf.get_title());
  std::string extracted;
  int without_text = 0;
  for (int i = 0; i < pdf.pages(); ++i) {
    const std::unique_ptr<poppler::page> page(pdf.create_page(i));
    const std::string text =
        page ? ToUtf8(page->text(poppler::rectf(), poppler::page::non_raw_non_physical_layout))
             : std::string();
    if (Trim(text).empty()) ++without_text;
    if (extracted.size() + text.size() > kMaxDocumentBytes) {
      return Fail(Code::kOutOfRange, document.path + ": the text of this PDF is too large");
    }
    PageReader(document, static_cast<std::uint32_t>(i + 1),
               static_cast<std::uint32_t>(extracted.size()))
        .Read(text);
    extracted += text;
    if (!extracted.empty() && extracted.back() != '\n') extracted += '\n';
  }
  if (without_text > 0) {
    document.warnings.push_back(
        {document.path,
         fmt::format("{}: {} of {} pages hold no text (scanned pages need OCR first)",
                     document.path, without_text, pdf.pages())});
  }
  document.lines = FindLines(extracted);
  return {};
}

}  // namespace

Result<void> ReadPdf(std::string_view bytes, Document& document) {
  const auto not_a_pdf = [&](std::string_view why) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: cannot be read as a PDF ({})", document.path, why));
  };
  if (bytes.substr(0, 1024).find("%PDF-") == std::string_view::npos) {
    return not_a_pdf("it does not start with %PDF-");
  }
  if (bytes.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
    return not_a_pdf("it is too large");
  }
  try {
    poppler::set_debug_error_function(&Silence, nullptr);
    const std::unique_ptr<poppler::document> pdf(
        poppler::document::load_from_raw_data(bytes.data(), static_cast<int>(bytes.size())));
    if (!pdf) return not_a_pdf("it is damaged");
    if (pdf->is_locked()) return not_a_pdf("it needs a password");
    return ReadPages(*pdf, document);
  } catch (const std::exception& error) {
    return not_a_pdf(error.what());
  }
}

}  // namespace assay::corpus
