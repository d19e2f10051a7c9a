// Reads one sentence a line and writes its features as "index:value ..." a line: what train.py
// learns from is computed by the code that uses the model.
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "extract/sentence_internal.h"

int main(int argc, char** argv) {
  const bool score = argc > 1 && std::string(argv[1]) == "--score";
  std::string line;
  assay::claims::SentenceView sentence;
  std::vector<assay::claims::Feature> features;
  while (std::getline(std::cin, line)) {
    sentence.Read(line, assay::text::BlockKind::kParagraph);
    features.clear();
    assay::claims::CheckFeatures(sentence, features);
    if (score) {
      std::printf("%.6f", static_cast<double>(assay::claims::CheckWorthiness(features)));
    } else {
      for (const auto& f : features) std::printf("%u:%.6g ", f.index, static_cast<double>(f.value));
    }
    std::printf("\n");
  }
  return 0;
}
