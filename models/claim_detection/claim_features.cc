// Reads one sentence a line and writes its features as "index:value ..." a line: what train.py
// learns from is computed by the code that uses the model. With --score: the model's probability;
// with --claims: the claims of the line, separated by tabs (for measure_splitting.py).
#include <cstdio>
#include <iostream>
#include <string>
#include <vector>

#include "extract/sentence_internal.h"

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  const bool score = mode == "--score";
  std::string line;
  assay::claims::SentenceView sentence;
  std::vector<assay::claims::Feature> features;
  while (std::getline(std::cin, line)) {
    if (mode == "--claims") {
      for (const auto& extracted : assay::claims::Extractor().Extract(line)) {
        for (const auto& claim : extracted.claims) std::printf("%s\t", claim.text.c_str());
      }
      std::printf("\n");
      continue;
    }
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
