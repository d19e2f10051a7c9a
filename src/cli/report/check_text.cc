#include <algorithm>
#include <functional>
#include <span>

#include <fmt/format.h>

#include "assay/text/utf8.h"

#include "report/check_report.h"

namespace assay::cli {
namespace {

constexpr std::size_t kVerdictColumns = 14;
constexpr std::size_t kMaxEvidenceLines = 3;

std::string PaintVerdict(claims::Verdict verdict, const Painter& paint, std::string_view text) {
  switch (verdict) {
    case claims::Verdict::kSupported:
      return paint.Green(text);
    case claims::Verdict::kContradicted:
      return paint.Red(text);
    case claims::Verdict::kUnverified:
      return paint.Yellow(text);
  }
  return std::string(text);
}

// Columns of UTF-8 text, counting code points.
std::size_t Columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

// A line of wrapped text; `from` says for each byte where it stood in the whole text.
struct Line {
  std::string text;
  std::vector<std::size_t> from;

  void Append(std::string_view piece, std::size_t begin) {
    text += piece;
    for (std::size_t i = 0; i < piece.size(); ++i) from.push_back(begin + i);
  }
};

// Breaks at spaces so that each line has at most `width` columns; longer words stay whole. At most
// `max_lines` lines; a cut is marked.
std::vector<Line> Wrap(std::string_view text, std::size_t width, std::size_t max_lines) {
  std::vector<Line> lines(1);
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t begin = text.find_first_not_of(" \t\r\n", at);
    if (begin == std::string_view::npos) break;
    const std::size_t end = std::min(text.find_first_of(" \t\r\n", begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    if (!lines.back().text.empty() && Columns(lines.back().text) + 1 + Columns(word) > width) {
      if (lines.size() == max_lines) {
        lines.back().text += " ...";
        return lines;
      }
      lines.emplace_back();
    }
    if (!lines.back().text.empty()) lines.back().Append(" ", begin - 1);
    lines.back().Append(word, begin);
    at = end;
  }
  return lines;
}

std::vector<Line> WrapAt(std::string_view text, std::size_t indent, std::size_t max_lines) {
  const std::size_t width = OutputColumns() > indent + 20 ? OutputColumns() - indent : 20;
  return Wrap(text, width, max_lines);
}

void AppendWrapped(std::string_view text, std::size_t indent, std::size_t max_lines,
                   const std::function<std::string(std::string_view)>& paint, std::string& out) {
  for (const Line& line : WrapAt(text, indent, max_lines)) {
    out.append(indent, ' ');
    out += paint(line.text);
    out += '\n';
  }
}

// The same with words underlined: by colours, or by a line of carets where there are none.
void AppendMarked(std::string_view text, std::span<const text::Span> words, std::size_t indent,
                  std::size_t max_lines, const Painter& paint, std::string& out) {
  const auto is_marked = [words](std::size_t byte) {
    return std::ranges::any_of(
        words, [byte](const text::Span& word) { return word.begin <= byte && byte < word.end; });
  };
  for (const Line& line : WrapAt(text, indent, max_lines)) {
    std::string painted;
    std::string carets;
    for (std::size_t i = 0; i < line.from.size();) {
      const bool marked = is_marked(line.from[i]);
      std::size_t end = i + 1;
      while (end < line.from.size() && is_marked(line.from[end]) == marked) ++end;
      const std::string_view run = std::string_view(line.text).substr(i, end - i);
      painted += marked ? paint.Underlined(run) : std::string(run);
      carets.append(Columns(run), marked ? '^' : ' ');
      i = end;
    }
    painted += std::string_view(line.text).substr(line.from.size());
    out.append(indent, ' ').append(painted) += '\n';
    carets.resize(carets.find_last_not_of(' ') + 1);
    if (!paint.on() && !carets.empty()) out.append(indent, ' ').append(carets) += '\n';
  }
}

// The Markdown marker before a sentence on its line ("- ", "## ", "1. "), so that lists stay lists.
std::string_view MarkerBefore(std::string_view answer, std::uint32_t begin) {
  const std::size_t line = answer.rfind('\n', begin == 0 ? 0 : begin - 1);
  const std::size_t start = line == std::string_view::npos || begin == 0 ? 0 : line + 1;
  const std::string_view marker = answer.substr(start, begin - start);
  const bool plain = marker.find_first_not_of(" \t#>*-+0123456789.)") == std::string_view::npos;
  return plain ? marker : std::string_view();
}

}  // namespace

std::string SummaryToText(const claims::VerdictSummary& summary, const Painter& paint) {
  return fmt::format("{}, {}, {}", paint.Green(fmt::format("{} supported", summary.supported)),
                     paint.Red(fmt::format("{} contradicted", summary.contradicted)),
                     paint.Yellow(fmt::format("{} unverified", summary.unverified)));
}

std::string ClaimToText(const CheckedClaim& checked, const Painter& paint) {
  const claims::Judgement& judgement = checked.judgement;
  const std::string_view name = claims::VerdictName(judgement.verdict);
  std::string out;
  const std::string claim = text::RepairUtf8(checked.claim.text);
  std::span<const text::Span> words = judgement.unsupported_words;
  if (claim != checked.claim.text) words = {};  // their places are those of the text as it was
  AppendMarked(claim, words, kVerdictColumns, 20, paint, out);
  const std::string head = PaintVerdict(judgement.verdict, paint, name) +
                           std::string(kVerdictColumns - name.size(), ' ');
  out.replace(0, kVerdictColumns, head);
  AppendWrapped(
      fmt::format("{} ({:.0f}% sure)", text::RepairUtf8(judgement.reason),
                  judgement.confidence * 100),
      kVerdictColumns, 4, [](std::string_view line) { return std::string(line); }, out);
  if (!judgement.evidence.empty()) {
    const claims::Evidence& best = judgement.evidence.front();
    const std::string place = best.page == 0 ? fmt::format("{}:{}", best.file, best.line)
                                             : fmt::format("{}, page {}", best.file, best.page);
    AppendWrapped(
        fmt::format("{}: {}", place, text::RepairUtf8(best.text)), kVerdictColumns,
        kMaxEvidenceLines, [&](std::string_view line) { return paint.Dim(line); }, out);
  }
  return out;
}

std::string ReportToText(const CheckReport& report, const Painter& paint) {
  std::string out =
      fmt::format("{} against {} ({} files, {} passages)\n\n", paint.Bold(report.answer_name),
                  paint.Bold(report.documents), report.files, report.passages);
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < report.sentences.size(); ++i) {
    const claims::ExtractedSentence& sentence = report.sentences[i];
    if (sentence.claims.empty()) {
      const std::string_view marker = MarkerBefore(report.answer, sentence.span.begin);
      AppendWrapped(
          fmt::format("{}{}", marker, sentence.span.of(report.answer)), kVerdictColumns, 2,
          [&](std::string_view line) { return paint.Dim(line); }, out);
    }
    for (std::size_t c = 0; c < sentence.claims.size(); ++c) {
      out += ClaimToText(report.claims[next++], paint);
    }
    out += '\n';
  }
  for (; next < report.claims.size(); ++next) out += ClaimToText(report.claims[next], paint) + "\n";
  if (report.claims.empty()) out += "There is nothing to check: no sentence states a fact.\n";
  out +=
      fmt::format("{}  ({:.0f} ms)\n", SummaryToText(report.summary, paint), report.seconds * 1e3);
  return out;
}

}  // namespace assay::cli
