#include <algorithm>

#include "wordpiece/trie_builder_internal.h"

namespace assay::text {
namespace {

constexpr std::size_t kFirstPlace = 256;  // a base is never negative
constexpr int kTries = 64;  // free places looked at before a node goes to the end: keeps it linear

}  // namespace

WordPieceTrieBuilder::WordPieceTrieBuilder(std::vector<WordPiece::Node>& nodes) : nodes_(nodes) {
  nodes_.assign(kFirstPlace, WordPiece::Node{});
  for (WordPiece::Node& node : nodes_) node.parent = 0;  // reserved
  next_free_.assign(kFirstPlace, 0);
  previous_free_.assign(kFirstPlace, 0);
}

void WordPieceTrieBuilder::Grow(std::size_t size) {
  while (nodes_.size() < size) {
    const auto place = static_cast<std::uint32_t>(nodes_.size());
    nodes_.push_back({});
    const std::uint32_t last = previous_free_[0];
    next_free_.push_back(0);
    previous_free_.push_back(last);
    next_free_[last] = place;
    previous_free_[0] = place;
  }
}

void WordPieceTrieBuilder::Take(std::size_t place, std::int32_t parent) {
  Grow(place + 1);
  nodes_[place].parent = parent;
  next_free_[previous_free_[place]] = next_free_[place];
  previous_free_[next_free_[place]] = previous_free_[place];
}

// A base at which every byte's place is free. `bytes` rises.
std::size_t WordPieceTrieBuilder::FindBase(const std::vector<unsigned char>& bytes) const {
  std::size_t place = next_free_[0];
  for (int tries = 0; place != 0 && tries < kTries; ++tries, place = next_free_[place]) {
    const std::size_t base = place - bytes[0];
    if (std::ranges::all_of(bytes, [&](unsigned char byte) { return IsFree(base + byte); })) {
      return base;
    }
  }
  return nodes_.size() - bytes[0];
}

void WordPieceTrieBuilder::Add(std::int32_t root, std::vector<Entry> entries) {
  std::ranges::sort(entries);
  std::vector<Range> ranges = {{root, 0, entries.size(), 0}};
  std::vector<unsigned char> bytes;
  // Breadth first: the first letters' nodes, which every word visits, lie together.
  for (std::size_t next = 0; next < ranges.size(); ++next) {
    Range range = ranges[next];
    if (range.begin < range.end && entries[range.begin].first.size() == range.depth) {
      nodes_[static_cast<std::size_t>(range.node)].id = entries[range.begin].second;
      ++range.begin;
    }
    if (range.begin == range.end) continue;
    bytes.clear();
    const std::size_t first_child = ranges.size();
    for (std::size_t i = range.begin; i < range.end; ++i) {
      const auto byte = static_cast<unsigned char>(entries[i].first[range.depth]);
      if (bytes.empty() || bytes.back() != byte) {
        bytes.push_back(byte);
        ranges.push_back({0, i, i, range.depth + 1});
      }
      ranges.back().end = i + 1;
    }
    const std::size_t base = FindBase(bytes);
    nodes_[static_cast<std::size_t>(range.node)].base = static_cast<std::int32_t>(base);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      Take(base + bytes[i], range.node);
      ranges[first_child + i].node = static_cast<std::int32_t>(base + bytes[i]);
    }
  }
  // Every base + byte is inside the array.
  Grow(nodes_.size() + 256);
}

}  // namespace assay::text
