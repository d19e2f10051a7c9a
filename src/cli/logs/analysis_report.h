// The three forms in which `assay logs analyze` says what it found.
#pragma once
#include <string>
#include <vector>

#include "assay/logs/analysis.h"

#include "terminal.h"

namespace assay::cli {

struct AnalysisReport {
  std::vector<std::string> files;
  std::vector<std::string> patterns;  // of analysis.pattern_lines
  logs::LogAnalysis analysis;
  std::vector<logs::LogProblem> problems;
  std::size_t top = 10;  // sources and templates that are shown
  bool templates = false;
  double seconds = 0;
};

// Templates of this log only: those that came in its last tenth (or that a kept state did not know)
// and those that few lines have; the worst level first.
[[nodiscard]] std::vector<const logs::LogTemplate*> NewTemplates(const AnalysisReport& report);
[[nodiscard]] std::vector<const logs::LogTemplate*> RareTemplates(const AnalysisReport& report);

[[nodiscard]] std::string AnalysisText(const AnalysisReport& report, const Painter& paint);
[[nodiscard]] std::string AnalysisJson(const AnalysisReport& report);
// One file without anything outside of it.
[[nodiscard]] std::string AnalysisHtml(const AnalysisReport& report);

}  // namespace assay::cli
