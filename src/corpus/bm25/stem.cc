// Porter's step 1 (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980):
// plurals, -ed, -ing and final y. The later steps, which strip derivation ("relational" ->
// "relate"), are left out: they merge words of different meaning.
#include <cstddef>
#include <cstring>
#include <string_view>

#include "assay/corpus/analysis.h"
#include "assay/text/cues.h"

namespace assay::corpus {
namespace {

bool EndsIn(const char* word, std::size_t length, std::string_view suffix) {
  return length >= suffix.size() &&
         std::memcmp(word + length - suffix.size(), suffix.data(), suffix.size()) == 0;
}

// As Porter's step 1a, but "virus" and "basis" are no plurals.
std::size_t StripPlural(const char* word, std::size_t length) {
  if (word[length - 1] != 's') return length;
  if (EndsIn(word, length, "sses") || EndsIn(word, length, "ies")) return length - 2;
  if (EndsIn(word, length, "ss") || EndsIn(word, length, "us") || EndsIn(word, length, "is")) {
    return length;
  }
  return length - 1;
}

}  // namespace

std::size_t Stem(char* word, std::size_t length) {
  if (length < 4) return length;
  for (std::size_t i = 0; i < length; ++i) {
    if (word[i] < 'a' || word[i] > 'z') return length;
  }
  length = StripPlural(word, length);
  return text::StripPastAndFinalY(word, length);
}

}  // namespace assay::corpus
