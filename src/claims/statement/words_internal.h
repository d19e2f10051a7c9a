// The words of claims and evidence: interned once, with stem, rarity and vector.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/text/span.h"

namespace assay::claims::internal {

enum WordFlag : std::uint8_t {
  kWordStop = 1,      // carries no topic
  kWordDigits = 2,    // starts with a digit
  kWordNumber = 4,    // "three", "dozen"
  kWordHedge = 8,     // "may", "likely"
  kWordDerived = 16,  // ends like an adjective or adverb: "beautiful", "quickly"
  kWordNegation = 32,
};

struct Word {
  std::uint32_t stem = 0;  // equal for words of one dictionary form
  float rarity = 0;        // logarithm of the frequency rank, 0.05 to 3.1
  std::uint8_t flags = 0;
};

// Grows without bound; the owner clears it. One thread at a time.
class WordTable {
 public:
  // `encoder` may be null: then vectors are empty and only equal stems are similar.
  explicit WordTable(const embed::Encoder* encoder);

  // Appends one id per word of `text`. Errors: those of the encoder.
  [[nodiscard]] Result<void> Intern(std::string_view text, std::span<const text::Span> words,
                                    std::vector<std::uint32_t>& ids);
  [[nodiscard]] const Word& word(std::uint32_t id) const { return words_[id]; }
  [[nodiscard]] std::string_view spelling(std::uint32_t id) const { return *spellings_[id]; }
  // [dim], length 1 or all zero; empty without an encoder.
  [[nodiscard]] std::span<const float> vector(std::uint32_t id) const;
  [[nodiscard]] std::size_t dim() const { return dim_; }
  [[nodiscard]] std::size_t size() const { return words_.size(); }
  // Cosine of the two words in [-1, 1]; 1 for equal stems.
  [[nodiscard]] float Similarity(std::uint32_t a, std::uint32_t b) const;
  void Clear();

 private:
  std::uint32_t StemId(std::string_view lower_case);

  const embed::Encoder* encoder_;
  std::size_t dim_ = 0;
  std::unordered_map<std::string, std::uint32_t> ids_;  // by lower-case spelling
  std::unordered_map<std::string, std::uint32_t> stems_;
  std::vector<Word> words_;
  std::vector<const std::string*> spellings_;
  std::vector<float> vectors_;  // [size() * dim_]
};

// Dot product with eight running sums, so that every CPU adds in the same order.
[[nodiscard]] float Dot(std::span<const float> a, std::span<const float> b);

}  // namespace assay::claims::internal
