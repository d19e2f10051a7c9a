// Hashes of words and of the punctuation between them. They stay in memory and in state files,
// which name the version of this file.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace assay::logs::templates {

inline constexpr std::size_t kMaxPunctuation = 48;  // bytes of one token; more make a further token

// (a * b) folded to 64 bits: the mixing step of wyhash (Wang Yi 2019).
[[nodiscard]] inline std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

inline constexpr std::uint64_t kMixA = 0x9e3779b97f4a7c15;  // odd numbers with half of their bits:
inline constexpr std::uint64_t kMixB = 0xe7037ed1a0b428db;  // the golden ratio; wyhash's secret
inline constexpr std::uint64_t kValueHash = 0x8ebc6af09c88c6e3;
inline constexpr std::uint64_t kEndHash = 0x589965cc75374cc3;

[[nodiscard]] inline std::uint64_t HashWord(std::string_view word) {
  const auto load32 = [](const char* at) {
    std::uint32_t bytes = 0;
    std::memcpy(&bytes, at, sizeof(bytes));
    return std::uint64_t{bytes};
  };
  const auto load64 = [](const char* at) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, at, sizeof(bytes));
    return bytes;
  };
  const char* at = word.data();
  const std::size_t size = word.size();
  std::uint64_t hash = kMixA * (2 * size + 1);
  if (size >= 8) {  // the last piece overlaps the one before
    for (std::size_t left = size; left > 8; at += 8, left -= 8)
      hash = Mix(hash ^ load64(at), kMixB);
    return Mix(hash ^ load64(word.data() + size - 8), kMixB);
  }
  if (size >= 4) return Mix(hash ^ load32(at) ^ load32(at + size - 4) << 32, kMixB);
  if (size == 0) return hash;
  const auto byte = [at](std::size_t i) {
    return std::uint64_t{static_cast<unsigned char>(at[i])};
  };
  return Mix(hash ^ byte(0) ^ byte(size / 2) << 8 ^ byte(size - 1) << 16, kMixB);
}

// The punctuation in front of a word, with runs of white space as one space.
class Punctuation {
 public:
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] bool full() const { return size_ == text_.size(); }
  [[nodiscard]] bool IsOnly(char c) const { return size_ == 1 && text_[0] == c; }
  [[nodiscard]] bool EndsWith(char c) const { return size_ > 0 && text_[size_ - 1] == c; }
  // Is this " (" or another text that ends so?
  [[nodiscard]] bool EndsWithSpaceAndBracket() const {
    return size_ > 1 && text_[size_ - 1] == '(' && text_[size_ - 2] == ' ';
  }
  // Requires: !full().
  void Add(char c) {
    text_[size_++] = c;
    hash_ = hash_ * kMixA + static_cast<unsigned char>(c) + 1;
  }
  void Clear() { size_ = 0, hash_ = 0; }

 private:
  std::array<char, kMaxPunctuation> text_;
  std::size_t size_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace assay::logs::templates
