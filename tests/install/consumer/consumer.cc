#include <assay/text/segment.h>

int main() {
  std::vector<assay::text::Sentence> sentences;
  assay::text::SplitSentences("Dr. Lee paid 3.5 million. It was too much.", sentences);
  return sentences.size() == 2 ? 0 : 1;
}
