// Sentences and words of any bytes: in order, inside the text, never empty, never overlapping, and
// nothing but white space and markers between sentences is lost from plain words.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/text/segment.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace assay::text;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::vector<Sentence> sentences;
  SplitSentences(text, sentences);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Sentence& sentence = sentences[i];
    Require(sentence.span.begin < sentence.span.end && sentence.span.end <= size);
    if (i == 0) {
      Require(sentence.block_index == 0);
      continue;
    }
    Require(sentences[i - 1].span.end <= sentence.span.begin);
    const std::uint32_t rise = sentence.block_index - sentences[i - 1].block_index;
    Require(rise <= 1 && (rise == 1 || sentence.block == sentences[i - 1].block));
  }
  std::vector<Span> words;
  SplitWords(text, words);
  for (std::size_t i = 0; i < words.size(); ++i) {
    Require(words[i].begin < words[i].end && words[i].end <= size);
    if (i > 0) Require(words[i - 1].end <= words[i].begin);
  }
  return 0;
}
