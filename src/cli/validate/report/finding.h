// What `assay validate` found out, one row at a time, and the forms in which it is shown.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>

#include "assay/core/result.h"

#include "terminal.h"

namespace assay::cli::validate {

enum class Verdict : std::uint8_t {
  kHolds,
  kFallsShort,
  kNotMeasured,  // and `reason` says why
};

// "holds", "falls short", "not measured".
[[nodiscard]] std::string_view NameOf(Verdict verdict);

struct Finding {
  std::string section;        // "speed", "accuracy", ...
  std::string name;           // what was looked at
  std::string claimed;        // by the report that the project grew from; empty: nothing
  std::string promised;       // what Assay should hold on an ordinary machine
  std::string measured = {};  // here, in words
  Verdict verdict = Verdict::kNotMeasured;
  std::string reason = {};           // what the row cannot show, or why it was not measured
  boost::json::object figures = {};  // the numbers in `measured`, for programs
};

struct Counts {
  std::size_t holds = 0;
  std::size_t falls_short = 0;
  std::size_t not_measured = 0;
};
[[nodiscard]] Counts Count(std::span<const Finding> findings);

// For people: a block for each section, at most `columns` wide.
[[nodiscard]] std::string ToText(std::span<const Finding> findings, const Painter& paint,
                                 std::size_t columns);
[[nodiscard]] boost::json::object ToJson(std::span<const Finding> findings);

// A table in Markdown, one row a finding, under one line that says where it was measured.
[[nodiscard]] std::string ToMarkdown(std::span<const Finding> findings, std::string_view where);

inline constexpr std::string_view kTableBegin = "<!-- assay validate: begin -->\n";
inline constexpr std::string_view kTableEnd = "<!-- assay validate: end -->\n";
// `page` with what stands between its two markers replaced by `table`. `name` stands in errors.
// Errors: kInvalidArgument unless both markers stand there once, each on a line of its own, in
// this order.
[[nodiscard]] Result<std::string> ReplaceTable(std::string_view page, std::string_view table,
                                               std::string_view name);

}  // namespace assay::cli::validate
