// assay/text/similarity/word_bags.h: how alike texts are by the words that they share.
// Room: text (uses core).  Threads: a WordBags is immutable and may be shared.
// Method: words are numbered once; shared words are summed along posting lists, O(n^2) a word at
// most. All sums are of integers, so values do not depend on the CPU or on the order of the texts.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::text {

// The words of some texts. A word is a maximal run of letters, marks, digits and numbers (utf8.h),
// case folded: "Don't" holds "don" and "t".
class WordBags {
 public:
  // O(bytes). Ill-formed UTF-8 separates words. Texts need not outlive the object.
  explicit WordBags(std::span<const std::string_view> texts);

  [[nodiscard]] std::size_t size() const { return starts_.size() - 1; }
  [[nodiscard]] std::size_t vocabulary() const { return vocabulary_; }
  // Word numbers of text i in their order; equal words have equal numbers below vocabulary().
  [[nodiscard]] std::span<const std::uint32_t> words(std::size_t i) const {
    return {words_.data() + starts_[i], starts_[i + 1] - starts_[i]};
  }

  // All pairs: [n * n] row-major, symmetric, 1 on the diagonal.
  // Jaccard: shared distinct shingles / all distinct shingles of both. A shingle is `length`
  // consecutive words (Broder 1997); a text of fewer words is one shingle of them all. Two texts
  // without words: 1. Requires: length >= 1.
  [[nodiscard]] std::vector<double> Jaccard(std::size_t length = 1) const;
  // Cosine of the vectors of word counts. Two texts without words: 1; one of them: 0.
  [[nodiscard]] std::vector<double> Cosine() const;

 private:
  std::vector<std::uint32_t> words_;
  std::vector<std::size_t> starts_;  // [n + 1]
  std::size_t vocabulary_ = 0;
};

}  // namespace assay::text
