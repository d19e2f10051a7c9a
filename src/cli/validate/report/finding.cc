#include "validate/report/finding.h"

#include <algorithm>

#include <boost/json/array.hpp>
#include <fmt/format.h>

namespace assay::cli::validate {
namespace {

constexpr std::size_t kIndent = 14;  // of what follows the verdict, in columns
constexpr std::size_t kLabel = 10;   // "measured  "

// Words of `text` on lines of at most `width` bytes; all but the first line begin with `indent`.
std::string Wrap(std::string_view text, std::size_t indent, std::size_t width) {
  std::string out;
  std::size_t column = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (column > 0 && column + 1 + word.size() > width) {
      out += '\n';
      out.append(indent, ' ');
      column = 0;
    }
    if (column > 0) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

std::string Painted(Verdict verdict, const Painter& paint) {
  const std::string padded = fmt::format("{:<{}}", NameOf(verdict), kIndent);
  switch (verdict) {
    case Verdict::kHolds:
      return paint.Green(padded);
    case Verdict::kFallsShort:
      return paint.Red(padded);
    case Verdict::kNotMeasured:
      return paint.Yellow(padded);
  }
  return padded;
}

// A cell of a table: one line, with bars that end no cell.
std::string Cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kHolds:
      return "holds";
    case Verdict::kFallsShort:
      return "falls short";
    case Verdict::kNotMeasured:
      return "not measured";
  }
  return "";
}

Counts Count(std::span<const Finding> findings) {
  const auto of = [&](Verdict verdict) {
    return static_cast<std::size_t>(std::ranges::count(findings, verdict, &Finding::verdict));
  };
  return {of(Verdict::kHolds), of(Verdict::kFallsShort), of(Verdict::kNotMeasured)};
}

std::string ToText(std::span<const Finding> findings, const Painter& paint, std::size_t columns) {
  std::string out;
  std::string_view section;
  const std::size_t inner = kIndent + kLabel;
  const std::size_t width = std::max(columns, inner + 20) - inner;
  for (const Finding& one : findings) {
    if (one.section != section) {
      section = one.section;
      out += fmt::format("{}{}\n", out.empty() ? "" : "\n", paint.Bold(one.section));
    }
    out += Painted(one.verdict, paint) + Wrap(one.name, kIndent, width + kLabel) + "\n";
    const auto line = [&](std::string_view label, std::string_view text) {
      if (text.empty()) return;
      out += fmt::format("{:{}}{}{}\n", "", kIndent,
                         paint.Dim(fmt::format("{:<{}}", label, kLabel)), Wrap(text, inner, width));
    };
    line("report", one.claimed);
    line("promised", one.promised);
    line("measured", one.measured);
    line("note", one.reason);
  }
  const Counts counts = Count(findings);
  out += fmt::format("\n{} hold, {} fall short, {} not measured\n", counts.holds,
                     counts.falls_short, counts.not_measured);
  return out;
}

boost::json::object ToJson(std::span<const Finding> findings) {
  boost::json::array rows;
  for (const Finding& one : findings) {
    rows.push_back({{"section", one.section},
                    {"name", one.name},
                    {"claimed", one.claimed},
                    {"promised", one.promised},
                    {"measured", one.measured},
                    {"outcome", NameOf(one.verdict)},
                    {"reason", one.reason},
                    {"figures", one.figures}});
  }
  const Counts counts = Count(findings);
  return {{"holds", counts.holds},
          {"falls_short", counts.falls_short},
          {"not_measured", counts.not_measured},
          {"findings", std::move(rows)}};
}

std::string ToMarkdown(std::span<const Finding> findings, std::string_view where) {
  std::string out = fmt::format("{}\n\n", where);
  out += "| part | what | the report | promised | measured here | |\n|---|---|---|---|---|---|\n";
  for (const Finding& one : findings) {
    std::string measured = one.measured;
    if (!one.reason.empty()) measured += (measured.empty() ? "" : ". ") + one.reason;
    out += fmt::format("| {} | {} | {} | {} | {} | {} |\n", Cell(one.section), Cell(one.name),
                       one.claimed.empty() ? "-" : Cell(one.claimed), Cell(one.promised),
                       Cell(measured), NameOf(one.verdict));
  }
  const Counts counts = Count(findings);
  out += fmt::format("\n{} hold, {} fall short, {} not measured.\n", counts.holds,
                     counts.falls_short, counts.not_measured);
  return out;
}

Result<std::string> ReplaceTable(std::string_view page, std::string_view table,
                                 std::string_view name) {
  const auto once = [&](std::string_view marker) {
    const std::size_t at = page.find(marker);
    const bool alone = at != std::string_view::npos &&
                       page.find(marker, at + 1) == std::string_view::npos &&
                       (at == 0 || page[at - 1] == '\n');
    return alone ? at : std::string_view::npos;
  };
  const std::size_t begin = once(kTableBegin);
  const std::size_t end = once(kTableEnd);
  if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: needs the lines '{}' and '{}' once each, in this order: the table "
                            "is written between them",
                            name, kTableBegin.substr(0, kTableBegin.size() - 1),
                            kTableEnd.substr(0, kTableEnd.size() - 1)));
  }
  std::string out(page.substr(0, begin + kTableBegin.size()));
  out += table;
  out += page.substr(end);
  return out;
}

}  // namespace assay::cli::validate
