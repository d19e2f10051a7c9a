#include "passages/chunker.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/text/segment.h"
#include "assay/text/utf8.h"

namespace assay::corpus {
namespace {

constexpr std::uint32_t kCodeLines = 12;  // of one sentence of code

// A sentence of a block, ready to be placed into a passage.
struct Piece {
  std::string_view text;
  Source source;
  text::BlockKind block = text::BlockKind::kParagraph;
};

constexpr auto kLeaning = std::to_array<std::string_view>({
    "it",      "its",     "they",         "their",     "them",      "he",       "she",
    "his",     "her",     "this",         "these",     "that",      "those",    "such",
    "however", "also",    "therefore",    "otherwise", "instead",   "then",     "but",
    "both",    "neither", "nevertheless", "moreover",  "similarly", "likewise", "thus",
});

// True for a sentence that is hard to understand without the one before it.
bool LeansBack(std::string_view sentence) {
  std::string word;
  for (const char c : sentence) {
    const char lower = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    if (lower < 'a' || lower > 'z') break;
    word.push_back(lower);
  }
  return std::ranges::find(kLeaning, word) != kLeaning.end();
}

std::uint32_t CountWords(std::string_view text) {
  std::uint32_t words = 0;
  bool inside = false;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '\t';
    if (!space && !inside) ++words;
    inside = !space;
  }
  return words;
}

class Cutter {
 public:
  Cutter(const Document& document, std::vector<PassageDraft>& out)
      : document_(document), out_(out) {}

  void Cut() {
    for (std::size_t i = 0; i < document_.blocks.size(); ++i) {
      const Block& block = document_.blocks[i];
      if (block.kind == text::BlockKind::kHeading) {
        ReadHeading(i);
      } else {
        ReadBlock(block);
      }
    }
    Close();
  }

 private:
  void ReadHeading(std::size_t i) {
    Close();
    heading_ = document_.blocks[i].heading;
    lead_in_.reset();
    const bool is_last = i + 1 == document_.blocks.size();
    if (!is_last && document_.blocks[i + 1].kind != text::BlockKind::kHeading) return;
    // A heading above deeper headings is in their paths.
    if (!is_last && document_.blocks[i + 1].heading != kNoHeading &&
        document_.headings[document_.blocks[i + 1].heading].starts_with(
            document_.headings[heading_] + " > ")) {
      return;
    }
    ReadBlock(document_.blocks[i]);
    Close();
  }

  void ReadBlock(const Block& block) {
    if (block.heading != heading_ || block.page != page_) {
      Close();
      heading_ = block.heading;
      page_ = block.page;
      lead_in_.reset();
    }
    if (block.group != group_ && words_ >= kMinPassageWords) Close();
    SplitBlock(block);
    const bool listed =
        block.kind == text::BlockKind::kListItem || block.kind == text::BlockKind::kTableRow;
    for (std::size_t i = 0; i < pieces_.size(); ++i) {
      const std::uint32_t words = CountWords(pieces_[i].text);
      if (words_ > 0 && words_ + words > kPassageWords + kPassageWords / 5) {
        Close();
        if (listed && lead_in_) {
          Add(*lead_in_);
        } else if (i > 0 && LeansBack(pieces_[i].text)) {
          Add(pieces_[i - 1]);
        }
      }
      Add(pieces_[i]);
      words_ += words;
      if (words_ >= kPassageWords) {
        Close();
        if (i + 1 < pieces_.size() && LeansBack(pieces_[i + 1].text)) Add(pieces_[i]);
        if (listed && lead_in_) pending_lead_in_ = true;
      }
    }
    if (!listed && !pieces_.empty()) {
      pending_lead_in_ = false;
      lead_in_.reset();
      if (pieces_.back().text.ends_with(':')) lead_in_ = pieces_.back();
    }
    group_ = block.group;
  }

  [[nodiscard]] Source SourceAt(const Block& block, text::Span span) const {
    Source source;
    if (block.source_of.empty()) {
      source.bytes = {block.source.begin + span.begin, block.source.begin + span.end};
    } else {
      source.bytes = {block.source_of[span.begin], block.source_of[span.end - 1] + 1};
      if (source.bytes.end <= source.bytes.begin) source.bytes.end = source.bytes.begin + 1;
      // A row's evidence is the whole row: its cells may stand in any order.
      if (block.kind == text::BlockKind::kTableRow) source.bytes = block.source;
    }
    source.line = document_.LineOf(source.bytes.begin);
    source.page = block.page;
    return source;
  }

  void Push(const Block& block, text::Span span) {
    if (span.empty()) return;
    pieces_.push_back({span.of(block.text), SourceAt(block, span), block.kind});
  }

  void SplitBlock(const Block& block) {
    pieces_.clear();
    const text::Span whole{0, static_cast<std::uint32_t>(block.text.size())};
    if (block.kind == text::BlockKind::kTableRow || block.kind == text::BlockKind::kHeading) {
      Push(block, whole);
    } else if (block.kind == text::BlockKind::kCode) {
      SplitCode(block);
    } else {
      sentences_.clear();
      text::SplitSentences(block.text, sentences_);
      for (const text::Sentence& sentence : sentences_) Push(block, sentence.span);
      if (pieces_.empty()) Push(block, whole);
    }
  }

  void SplitCode(const Block& block) {
    std::uint32_t begin = 0;
    std::uint32_t lines = 0;
    const auto size = static_cast<std::uint32_t>(block.text.size());
    for (std::uint32_t i = 0; i < size; ++i) {
      if (block.text[i] != '\n') continue;
      const bool blank = i + 1 < size && block.text[i + 1] == '\n';
      if (++lines < kCodeLines && !blank) continue;
      Push(block, {begin, i});
      while (i + 1 < size && block.text[i + 1] == '\n') ++i;
      begin = i + 1;
      lines = 0;
    }
    Push(block, {begin, size});
  }

  void Add(const Piece& piece) {
    if (pending_lead_in_ && lead_in_) {
      pending_lead_in_ = false;
      if (draft_.text.empty() && piece.text != lead_in_->text) Add(*lead_in_);
    }
    if (!draft_.text.empty()) {
      const bool same_block = draft_.sentences.back().block == piece.block &&
                              piece.block == text::BlockKind::kParagraph;
      draft_.text += same_block ? ' ' : '\n';
    }
    const auto begin = static_cast<std::uint32_t>(draft_.text.size());
    draft_.text += piece.text;
    draft_.sentences.push_back({.text = {begin, static_cast<std::uint32_t>(draft_.text.size())},
                                .source = piece.source,
                                .block = piece.block});
  }

  void Close() {
    if (words_ > 0) {
      draft_.heading = heading_;
      draft_.source = draft_.sentences.back().source;
      for (const PassageSentence& sentence : draft_.sentences) {
        auto& bytes = draft_.source.bytes;
        if (sentence.source.bytes.begin < bytes.begin) {
          bytes.begin = sentence.source.bytes.begin;
          draft_.source.line = sentence.source.line;
        }
        bytes.end = std::max(bytes.end, sentence.source.bytes.end);
      }
      out_.push_back(std::move(draft_));
    }
    draft_ = {};
    words_ = 0;
  }

  const Document& document_;
  std::vector<PassageDraft>& out_;
  PassageDraft draft_;
  std::uint32_t words_ = 0;  // of the draft, without what was taken along
  std::uint32_t heading_ = kNoHeading;
  std::uint32_t page_ = 0;
  std::uint32_t group_ = 0xffffffffu;
  std::optional<Piece> lead_in_;  // views a block of the document
  bool pending_lead_in_ = false;
  std::vector<Piece> pieces_;
  std::vector<text::Sentence> sentences_;
};

}  // namespace

void CutPassages(const Document& document, std::vector<PassageDraft>& out) {
  Cutter(document, out).Cut();
}

}  // namespace assay::corpus
