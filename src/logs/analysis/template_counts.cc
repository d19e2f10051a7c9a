#include "analysis/template_counts.h"

#include <algorithm>

namespace assay::logs::internal {
namespace {

void AddTo(LogTemplate& into, const LogTemplate& more) {
  into.lines += more.lines;
  if (into.first_line == 0 || more.first_line < into.first_line) {
    into.first_line = more.first_line;
    into.first_us = more.first_us;
  }
  into.worst_level = std::max(into.worst_level, more.worst_level);
}

}  // namespace

TemplateCounts::TemplateCounts(TemplateMiner* miner) : miner_(miner) {
  if (miner_ == nullptr) return;
  for (const MinedTemplate& one : miner_->Templates()) last_known_ = std::max(last_known_, one.id);
}

void TemplateCounts::Add(std::span<const LineContent> lines) {
  texts_.clear();
  for (const LineContent& line : lines) texts_.push_back(line.text);
  ids_.resize(lines.size());
  miner_->AddLines(texts_, ids_);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    ++line_;
    LogTemplate& seen = seen_[ids_[i]];
    if (seen.lines++ == 0) {
      seen.first_line = line_;
      seen.first_us = lines[i].time_us;
    }
    seen.worst_level = std::max(seen.worst_level, lines[i].level);
  }
  for (const MinedTemplate& gone : miner_->TakeForgotten()) seen_.erase(gone.id);
}

std::vector<LogTemplate> TemplateCounts::Result() const {
  std::unordered_map<std::uint64_t, LogTemplate> resolved;
  for (const auto& [id, seen] : seen_) {
    const auto found = miner_->Find(id);
    if (!found) continue;
    LogTemplate& into = resolved[found->id];
    into.id = found->id;
    into.text = found->text;
    into.known = found->id <= last_known_;
    AddTo(into, seen);
  }
  std::vector<LogTemplate> all;
  for (auto& [id, one] : resolved) all.push_back(std::move(one));
  std::ranges::sort(all, {}, &LogTemplate::id);
  return all;
}

}  // namespace assay::logs::internal
