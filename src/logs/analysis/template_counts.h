// The templates of one log: how many lines have each, and when it came first.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/logs/analysis.h"

#include "analysis/block_counts.h"

namespace assay::logs::internal {

class TemplateCounts {
 public:
  // Null: nothing is ever added.
  explicit TemplateCounts(TemplateMiner* miner);

  void Add(std::span<const LineContent> lines);
  [[nodiscard]] std::vector<LogTemplate> Result() const;

 private:
  TemplateMiner* miner_;
  std::uint64_t last_known_ = 0;  // ids up to this one were there before
  std::uint64_t line_ = 0;
  std::unordered_map<std::uint64_t, LogTemplate> seen_;  // by the id of the line
  std::vector<std::string_view> texts_;
  std::vector<std::uint64_t> ids_;
};

}  // namespace assay::logs::internal
