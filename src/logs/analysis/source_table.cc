#include "analysis/source_table.h"

#include <algorithm>

namespace assay::logs::internal {

void SourceTable::Insert(std::string_view source, std::uint32_t hash, std::size_t place,
                         std::uint64_t lines, std::uint64_t errors) {
  if (entries_.size() >= kMaxSources) {
    other_lines_ += lines;
    return;
  }
  entries_.push_back(
      {hash, static_cast<std::uint32_t>(source.size()), text_.size(), lines, errors});
  text_ += source;
  places_[place] = static_cast<std::uint32_t>(entries_.size());
  if (entries_.size() * 2 > places_.size()) Grow();
}

void SourceTable::Grow() {
  places_.assign(places_.size() * 2, 0);
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::size_t place = entries_[i].hash & (places_.size() - 1);
    while (places_[place] != 0) place = (place + 1) & (places_.size() - 1);
    places_[place] = static_cast<std::uint32_t>(i + 1);
  }
}

void SourceTable::Clear() {
  if (!entries_.empty()) std::ranges::fill(places_, 0);
  entries_.clear();
  text_.clear();
  other_lines_ = 0;
}

std::vector<SourceCount> SourceTable::Sorted() const {
  std::vector<SourceCount> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    all.push_back({std::string(TextOf(entry)), entry.lines, entry.errors});
  }
  std::ranges::sort(all, [](const SourceCount& a, const SourceCount& b) {
    return a.lines != b.lines ? a.lines > b.lines : a.source < b.source;
  });
  return all;
}

}  // namespace assay::logs::internal
