// Counts by a text, in one open-addressing table.
#pragma once
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/hash.h"
#include "assay/logs/analysis.h"

namespace assay::logs::internal {

class SourceTable {
 public:
  SourceTable() : places_(kFirstPlaces, 0) {}

  void Add(std::string_view source, std::uint64_t lines, std::uint64_t errors) {
    const std::uint32_t hash = HashOf(source);
    std::size_t place = hash & (places_.size() - 1);
    while (places_[place] != 0) {
      Entry& entry = entries_[places_[place] - 1];
      if (entry.hash == hash && TextOf(entry) == source) {
        entry.lines += lines;
        entry.errors += errors;
        return;
      }
      place = (place + 1) & (places_.size() - 1);
    }
    Insert(source, hash, place, lines, errors);
  }
  // In the order in which `other` saw its sources.
  void Merge(const SourceTable& other) {
    for (const Entry& entry : other.entries_) Add(other.TextOf(entry), entry.lines, entry.errors);
    other_lines_ += other.other_lines_;
  }
  void Clear();
  // By lines, then by name.
  [[nodiscard]] std::vector<SourceCount> Sorted() const;
  [[nodiscard]] std::uint64_t other_lines() const { return other_lines_; }

 private:
  struct Entry {
    std::uint32_t hash;
    std::uint32_t size;
    std::size_t begin;  // in text_
    std::uint64_t lines;
    std::uint64_t errors;
  };
  static constexpr std::size_t kFirstPlaces = 1024;

  // Short texts, which most are, by two overlapping words and one multiplication.
  static std::uint32_t HashOf(std::string_view text) {
    const std::size_t size = text.size();
    if (size > 16) return static_cast<std::uint32_t>(core::HashBytes64(text));
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    if (size >= 8) {
      std::memcpy(&low, text.data(), 8);
      std::memcpy(&high, text.data() + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(&low, text.data(), 4);
      std::memcpy(&high, text.data() + size - 4, 4);
    } else if (size > 0) {
      low = static_cast<unsigned char>(text[0]);
      high = static_cast<std::uint64_t>(static_cast<unsigned char>(text[size / 2])) << 8 |
             static_cast<unsigned char>(text[size - 1]);
    }
    // Odd constants of splitmix64 (Steele, Lea and Flood 2014).
    std::uint64_t mixed =
        (low ^ size) * 0x9e3779b97f4a7c15U + (high ^ (low >> 32)) * 0xbf58476d1ce4e5b9U;
    mixed = (mixed ^ (mixed >> 32)) * 0x94d049bb133111ebU;
    return static_cast<std::uint32_t>(mixed >> 32);
  }
  [[nodiscard]] std::string_view TextOf(const Entry& entry) const {
    return {text_.data() + entry.begin, entry.size};
  }
  void Insert(std::string_view source, std::uint32_t hash, std::size_t place, std::uint64_t lines,
              std::uint64_t errors);
  void Grow();

  std::vector<std::uint32_t> places_;  // 1 + index into entries_; 0: free
  std::vector<Entry> entries_;
  std::string text_;
  std::uint64_t other_lines_ = 0;
};

}  // namespace assay::logs::internal
