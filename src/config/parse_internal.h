// What the parsers share: limits, errors, and the stack on which a tree grows.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/config/parse.h"

namespace assay::config {

// "file:line:column: message" with Code::kInvalidArgument.
[[nodiscard]] std::unexpected<Error> ParseError(std::string_view file, Location location,
                                                std::string_view message);

// A text on its way to a tree.
struct Source {
  std::string_view text;  // without byte order mark; below 4 GiB; the arena or the caller holds it
  std::string_view file;
  const ParseOptions& options;
  Arena& arena;

  [[nodiscard]] std::unexpected<Error> Refuse(std::size_t offset, std::string_view message) const {
    const Location location = LineCounter(text).At(static_cast<std::uint32_t>(offset));
    return ParseError(file, location, message);
  }
};

// Counts values and depth against ParseOptions while a parser builds its tree.
class Budget {
 public:
  explicit Budget(const ParseOptions& options)
      : max_depth_(options.max_depth), max_values_(options.max_values) {}
  // Empty when one more value at `depth` fits; else what is wrong.
  [[nodiscard]] std::string_view Take(std::size_t depth, std::size_t values = 1) {
    return Fits(depth, values) ? std::string_view() : Problem(depth);
  }
  [[nodiscard]] std::string_view Problem(std::size_t depth) const {
    return depth > max_depth_ ? "lists and maps are nested too deep"
                              : "the document holds too many values";
  }
  [[nodiscard]] bool Fits(std::size_t depth, std::size_t values = 1) {
    values_ += values;
    return depth <= max_depth_ && values_ <= max_values_;
  }

 private:
  std::size_t max_depth_;
  std::size_t max_values_;
  std::size_t values_ = 0;
};

struct DuplicateKey {
  std::string_view key;
  std::uint32_t first = 0;  // offsets
  std::uint32_t second = 0;

  [[nodiscard]] std::string Message(std::string_view text) const;
};

// Eight bits of a key; the keys of one map rarely share them.
[[nodiscard]] inline std::size_t ShortHash(std::string_view key) {
  if (key.empty()) return 0;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(key[i]));
  };
  const std::uint64_t mixed =
      key.size() + (byte(0) << 8) + (byte(key.size() / 2) << 16) + (byte(key.size() - 1) << 24);
  return (mixed * 0x9E3779B97F4A7C15ULL) >> 56;  // Fibonacci hashing (Knuth, TAOCP 3, 6.4)
}

// Tells cheaply that the keys of a map differ.
class SeenKeys {
 public:
  // True when this key may have been there before.
  bool Add(std::string_view key) {
    const std::size_t hash = ShortHash(key);
    std::uint64_t& word = words_[hash >> 6];
    const std::uint64_t bit = 1ULL << (hash & 63);
    const bool seen = (word & bit) != 0;
    word |= bit;
    may_repeat_ = may_repeat_ || seen;
    return seen;
  }
  [[nodiscard]] bool may_repeat() const { return may_repeat_; }

 private:
  std::array<std::uint64_t, 4> words_{};
  bool may_repeat_ = false;
};

// Elements that are made in place: a copy of what has just been written in parts is slow.
template <typename T>
class Stack {
 public:
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) { return data_[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const { return data_[i]; }
  // The new element, which holds anything; valid until the next one.
  T& Add() {
    if (size_ == capacity_) Grow();
    return data_[size_++];
  }
  void Shrink(std::size_t size) { size_ = size; }
  [[nodiscard]] std::span<const T> From(std::size_t mark) const {
    return {data_ + mark, size_ - mark};
  }

 private:
  void Grow() {
    elements_.resize(std::max<std::size_t>(64, 2 * size_));
    data_ = elements_.data();
    capacity_ = elements_.size();
  }

  std::vector<T> elements_;
  T* data_ = nullptr;  // those of elements_
  std::size_t capacity_ = 0;
  std::size_t size_ = 0;
};

// Items and members of the lists and maps that are open, innermost last: Mark...() before the
// first, Close...() after the last one moves them into the arena.
class TreeStack {
 public:
  TreeStack(Arena& arena, bool allow_duplicate_keys)
      : arena_(arena), allow_duplicate_keys_(allow_duplicate_keys) {}

  [[nodiscard]] std::size_t MarkList() const { return items_.size(); }
  [[nodiscard]] std::size_t MarkMap() const { return members_.size(); }
  Value& AddItem() { return items_.Add(); }
  Member& AddMember() { return members_.Add(); }
  [[nodiscard]] Value& item(std::size_t i) { return items_[i]; }
  [[nodiscard]] Member& member(std::size_t i) { return members_[i]; }

  [[nodiscard]] Value::List CloseList(std::size_t mark);
  // Where duplicates are allowed the last one wins, in the place of the first.
  [[nodiscard]] std::optional<DuplicateKey> CloseMap(std::size_t mark, Value::Map& map);
  // For keys that are known to differ.
  [[nodiscard]] Value::Map CloseUniqueMap(std::size_t mark);

 private:
  // Drops or reports the second of two equal keys from `mark` on.
  [[nodiscard]] std::optional<DuplicateKey> MakeUniqueFew(std::size_t mark);
  [[nodiscard]] std::optional<DuplicateKey> MakeUniqueMany(std::size_t mark);
  // False where duplicates are not allowed.
  [[nodiscard]] bool Replace(std::size_t first, std::size_t second);

  Arena& arena_;
  bool allow_duplicate_keys_;
  Stack<Value> items_;
  Stack<Member> members_;
  std::vector<std::uint32_t> slots_;  // of the hash table for a large map
};

[[nodiscard]] Result<Value> ParseYaml(const Source& source);
[[nodiscard]] Result<Value> ParseToml(const Source& source);
[[nodiscard]] Result<Value> ParseJson(const Source& source);

}  // namespace assay::config
