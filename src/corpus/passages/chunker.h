// Blocks of a document to passages of about 110 words.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "assay/corpus/documents.h"
#include "assay/corpus/passage.h"

namespace assay::corpus {

inline constexpr std::uint32_t kPassageWords =
    110;  // a passage ends at the sentence that passes it
inline constexpr std::uint32_t kMinPassageWords = 70;  // from here on it may end with a block

struct PassageDraft {
  std::string text;
  std::uint32_t heading = kNoHeading;  // row of Document::headings
  Source source;
  std::vector<PassageSentence> sentences;
};

// Cuts at headings and pages always, else between sentences. A list or table that goes on in the
// next passage takes its lead-in ("Staff may claim:") along; a paragraph that goes on with a
// pronoun or a connective ("It", "However") takes the sentence before it along. A heading without
// text below it is a passage of its own. O(n) time.
void CutPassages(const Document& document, std::vector<PassageDraft>& out);

}  // namespace assay::corpus
