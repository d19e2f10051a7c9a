// A fixed set of lower-case keys with a number each, for word lists that are read on every word.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::text {

// FNV-1a over the bytes; words are short, so it beats hashes with a set-up cost.
[[nodiscard]] constexpr std::uint32_t HashWord(std::string_view word) {
  std::uint32_t hash = 2166136261U;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

// Open addressing at a load of at most one half. Keys are views of text that outlives the lexicon.
class Lexicon {
 public:
  static constexpr std::uint32_t kAbsent = 0xFFFFFFFFU;

  // Adds a key, or returns the number that it has already.
  std::uint32_t Insert(std::string_view key, std::uint32_t value) {
    if ((used_ + 1) * 2 > slots_.size()) Grow();
    Slot& slot = SlotOf(key, HashWord(key));
    if (slot.value != kAbsent) return slot.value;
    slot = {key, HashWord(key), value};
    ++used_;
    return value;
  }
  // Adds every word of a list separated by `separator` with the same value.
  void InsertAll(std::string_view list, char separator, std::uint32_t value) {
    while (!list.empty()) {
      const std::size_t end = list.find(separator);
      const std::string_view key = list.substr(0, end);
      if (!key.empty()) Insert(key, value);
      if (end == std::string_view::npos) return;
      list.remove_prefix(end + 1);
    }
  }
  [[nodiscard]] std::uint32_t Find(std::string_view key) const {
    if (slots_.empty()) return kAbsent;
    const std::uint32_t hash = HashWord(key);
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      const Slot& slot = slots_[i];
      if (slot.value == kAbsent) return kAbsent;
      if (slot.hash == hash && slot.key == key) return slot.value;
    }
  }
  // Replaces the value of a key that is there or adds it.
  void Set(std::string_view key, std::uint32_t value) {
    Insert(key, value);
    SlotOf(key, HashWord(key)).value = value;
  }
  // Adds a flag to every word of a list separated by `separator`.
  void AddFlag(std::string_view list, char separator, std::uint32_t flag) {
    while (!list.empty()) {
      const std::size_t end = list.find(separator);
      const std::string_view key = list.substr(0, end);
      const std::uint32_t old = Find(key);
      Set(key, (old == kAbsent ? 0 : old) | flag);
      if (end == std::string_view::npos) return;
      list.remove_prefix(end + 1);
    }
  }
  [[nodiscard]] bool Has(std::string_view key) const { return Find(key) != kAbsent; }

 private:
  struct Slot {
    std::string_view key;
    std::uint32_t hash = 0;
    std::uint32_t value = kAbsent;
  };
  Slot& SlotOf(std::string_view key, std::uint32_t hash) {
    std::size_t i = hash & (slots_.size() - 1);
    while (slots_[i].value != kAbsent && slots_[i].key != key) i = (i + 1) & (slots_.size() - 1);
    return slots_[i];
  }
  void Grow() {
    std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2 + 64));
    if ((slots_.size() & (slots_.size() - 1)) != 0) {  // keep a power of two
      std::size_t size = 64;
      while (size < slots_.size()) size *= 2;
      slots_.assign(size, Slot{});
    }
    for (const Slot& slot : old) {
      if (slot.value != kAbsent) SlotOf(slot.key, slot.hash) = slot;
    }
  }
  std::vector<Slot> slots_;
  std::size_t used_ = 0;
};

// A word in lower case (ASCII letters; the typographic apostrophe becomes ') in its own storage.
// Words past 63 bytes are cut: none stands in a list.
class LowerWord {
 public:
  LowerWord() = default;
  explicit LowerWord(std::string_view word) { Assign(word); }
  void Assign(std::string_view word) {
    size_ = 0;
    for (std::size_t i = 0; i < word.size() && size_ < sizeof(bytes_); ++i) {
      const char c = word[i];
      if (c == '\xE2' && i + 2 < word.size() && word[i + 1] == '\x80' && word[i + 2] == '\x99') {
        bytes_[size_++] = '\'';
        i += 2;
      } else {
        bytes_[size_++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      }
    }
  }
  [[nodiscard]] std::string_view view() const { return {bytes_, size_}; }
  operator std::string_view() const { return view(); }  // NOLINT(google-explicit-constructor)

 private:
  char bytes_[63] = {};
  std::uint8_t size_ = 0;
};

}  // namespace assay::text
