// Builds the double-array trie of a vocabulary (Aoe, "An efficient digital search algorithm by
// using a double-array structure", IEEE TSE 1989): first fit over a list of free places.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "assay/text/wordpiece.h"

namespace assay::text {

inline constexpr std::int32_t kWordRoot = 1;    // tokens that start a word
inline constexpr std::int32_t kSuffixRoot = 2;  // tokens after "##"

class WordPieceTrieBuilder {
 public:
  using Entry = std::pair<std::string_view, std::int32_t>;  // token, id

  explicit WordPieceTrieBuilder(std::vector<WordPiece::Node>& nodes);
  // Adds `entries` below `root`. They must not repeat; they are sorted here.
  void Add(std::int32_t root, std::vector<Entry> entries);

 private:
  struct Range {
    std::int32_t node;
    std::size_t begin;
    std::size_t end;
    std::size_t depth;
  };

  [[nodiscard]] bool IsFree(std::size_t place) const {
    return place >= nodes_.size() || nodes_[place].parent < 0;
  }
  std::size_t FindBase(const std::vector<unsigned char>& bytes) const;
  void Take(std::size_t place, std::int32_t parent);
  void Grow(std::size_t size);

  std::vector<WordPiece::Node>& nodes_;
  std::vector<std::uint32_t> next_free_;  // doubly linked through place 0
  std::vector<std::uint32_t> previous_free_;
};

}  // namespace assay::text
