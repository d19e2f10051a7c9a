// Hit ratios of the shipped memory cache and of other policies on public traces.
//
// usage: cache_hit_ratio TRACES_FOLDER: the table of docs/cache_hit_ratios.md on standard output.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "policies.h"
#include "traces.h"

namespace {

using assay::bench::Policies;
using assay::bench::Trace;

constexpr std::array kShares = {0.001, 0.01, 0.05, 0.1, 0.2};  // of the distinct keys
constexpr std::size_t kLeastEntries = 8;                       // smaller caches are left out

struct Row {
  const Trace* trace;
  std::size_t entries;
  double share;
  std::vector<double> ratios;  // one a policy
  double bound;
};

double Share(std::uint64_t hits, const Trace& trace) {
  return 100.0 * static_cast<double>(hits) / static_cast<double>(trace.accesses.size());
}

Row Measure(const Trace& trace, std::size_t entries, double share) {
  Row row{.trace = &trace, .entries = entries, .share = share, .ratios = {}, .bound = 0};
  for (const auto& kind : Policies()) {
    const auto policy = kind.make(entries, trace.distinct);
    std::uint64_t hits = 0;
    for (const auto key : trace.accesses) hits += policy->Access(key) ? 1U : 0U;
    row.ratios.push_back(Share(hits, trace));
  }
  row.bound = Share(assay::bench::BeladyHits(trace.accesses, entries, trace.distinct), trace);
  return row;
}

// What two decimals show.
bool AtLeast(double left, double right) {
  return left >= right - 0.005;
}

void PrintTable(const std::vector<Row>& rows) {
  std::string head = "| trace | cache | entries |";
  std::string line = "|---|---:|---:|";
  for (const auto& kind : Policies()) {
    head += fmt::format(" {} |", kind.name);
    line += "---:|";
  }
  std::puts((head + " bound |").c_str());
  std::puts((line + "---:|").c_str());
  for (const Row& row : rows) {
    const auto rivals = std::span(row.ratios).subspan(1, assay::bench::kRivals);
    const bool wins = AtLeast(row.ratios[0], *std::ranges::max_element(rivals));
    std::string cells =
        fmt::format("| {} | {:g} % | {} |", row.trace->name, row.share * 100, row.entries);
    for (std::size_t i = 0; i < row.ratios.size(); ++i) {
      const std::string_view mark = i == 0 && wins ? "**" : "";
      cells += fmt::format(" {0}{1:.2f}{0} |", mark, row.ratios[i]);
    }
    std::puts(fmt::format("{} {:.2f} |", cells, row.bound).c_str());
  }
}

void PrintSummary(const std::vector<Row>& rows) {
  std::puts("\n| against | better | equal | worse | mean difference, points |");
  std::puts("|---|---:|---:|---:|---:|");
  const auto add = [&](std::string_view name, auto&& rival) {
    int better = 0;
    int equal = 0;
    double sum = 0;
    for (const Row& row : rows) {
      const double difference = row.ratios[0] - rival(row);
      sum += difference;
      if (difference > 0.005) ++better;
      if (difference <= 0.005 && difference >= -0.005) ++equal;
    }
    const int all = static_cast<int>(rows.size());
    std::puts(fmt::format("| {} | {} | {} | {} | {:+.2f} |", name, better, equal,
                          all - better - equal, sum / all)
                  .c_str());
  };
  for (std::size_t i = 1; i < Policies().size(); ++i) {
    add(Policies()[i].name, [i](const Row& row) { return row.ratios[i]; });
  }
  add("the best of LRU, LFU, ARC", [](const Row& row) {
    return *std::ranges::max_element(std::span(row.ratios).subspan(1, assay::bench::kRivals));
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: cache_hit_ratio TRACES_FOLDER\n");
    return 2;
  }
  const std::vector<Trace> traces = assay::bench::ReadTraces(argv[1]);
  if (traces.empty()) {
    std::fprintf(stderr, "no traces in '%s'\n", argv[1]);
    return 2;
  }
  std::vector<Row> rows;
  for (const Trace& trace : traces) {
    for (const double share : kShares) {
      const auto entries = static_cast<std::size_t>(share * static_cast<double>(trace.distinct));
      if (entries >= kLeastEntries) rows.push_back(Measure(trace, entries, share));
    }
  }
  PrintTable(rows);
  PrintSummary(rows);
  return 0;
}
