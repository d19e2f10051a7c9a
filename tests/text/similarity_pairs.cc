// Reads texts and prints their similarities: the C++ side of tests/text/similarity_peer_test.py.
// Standard input: per case a line "pairs" or "matrix" and a count n, then 2n or n texts, each as
// its length in bytes on a line, its bytes and a line feed. Standard output: per pair a line of
// Levenshtein distance, length of the longest common subsequence and the five similarities; per
// matrix a line of n * n values for each measure, then Jaccard (1 and 3 words) and cosine.
#include <array>
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "assay/text/similarity/edit.h"
#include "assay/text/similarity/word_bags.h"

namespace {

using assay::text::EditMeasure;

constexpr std::array kMeasures = {EditMeasure::kLevenshtein, EditMeasure::kIndel, EditMeasure::kLcs,
                                  EditMeasure::kJaro, EditMeasure::kJaroWinkler};

std::string ReadText() {
  std::size_t size_bytes = 0;
  std::cin >> size_bytes;
  std::cin.get();
  std::string text(size_bytes, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(size_bytes));
  return text;
}

void PrintLine(const std::vector<double>& values) {
  for (const double value : values) std::printf("%.17g ", value);
  std::printf("\n");
}

void PrintPair(const std::string& a, const std::string& b) {
  const std::u32string x = assay::text::ToCodePoints(a);
  const std::u32string y = assay::text::ToCodePoints(b);
  std::printf("%zu %zu ", assay::text::LevenshteinDistance(x, y), assay::text::LcsLength(x, y));
  for (const EditMeasure measure : kMeasures) {
    std::printf("%.17g ", assay::text::EditSimilarity(a, b, measure));
  }
  std::printf("\n");
}

void PrintMatrices(const std::vector<std::string>& texts) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const EditMeasure measure : kMeasures) {
    PrintLine(assay::text::EditMatrix(views, measure));
  }
  const assay::text::WordBags bags(views);
  PrintLine(bags.Jaccard(1));
  PrintLine(bags.Jaccard(3));
  PrintLine(bags.Cosine());
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  std::string kind;
  std::size_t count = 0;
  while (std::cin >> kind >> count) {
    if (kind == "pairs") {
      for (std::size_t i = 0; i < count; ++i) {
        const std::string a = ReadText();
        const std::string b = ReadText();
        PrintPair(a, b);
      }
    } else {
      std::vector<std::string> texts;
      for (std::size_t i = 0; i < count; ++i) texts.push_back(ReadText());
      PrintMatrices(texts);
    }
  }
  return 0;
}
