// Porter's step 1 (M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980):
// plurals, -ed, -ing and final y. The later steps, which strip derivation ("relational" ->
// "relate"), are left out: they merge words of different meaning.
#include <cstddef>
#include <cstring>
#include <string_view>

#include "assay/corpus/analysis.h"

namespace assay::corpus {
namespace {

bool IsVowelAt(const char* word, std::size_t i) {
  switch (word[i]) {
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
      return true;
    case 'y':
      return i > 0 && !IsVowelAt(word, i - 1);
    default:
      return false;
  }
}

bool HasVowel(const char* word, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) {
    if (IsVowelAt(word, i)) return true;
  }
  return false;
}

// Number of vowel-consonant sequences, Porter's m.
int Measure(const char* word, std::size_t length) {
  int m = 0;
  bool after_vowel = false;
  for (std::size_t i = 0; i < length; ++i) {
    const bool vowel = IsVowelAt(word, i);
    if (after_vowel && !vowel) ++m;
    after_vowel = vowel;
  }
  return m;
}

bool EndsIn(const char* word, std::size_t length, std::string_view suffix) {
  return length >= suffix.size() &&
         std::memcmp(word + length - suffix.size(), suffix.data(), suffix.size()) == 0;
}

// consonant-vowel-consonant, the last not w, x or y: "hop" takes an e after -ing is gone
// ("hoping").
bool EndsInShortSyllable(const char* word, std::size_t length) {
  if (length < 3) return false;
  const char last = word[length - 1];
  return !IsVowelAt(word, length - 1) && IsVowelAt(word, length - 2) &&
         !IsVowelAt(word, length - 3) && last != 'w' && last != 'x' && last != 'y';
}

std::size_t StripPlural(const char* word, std::size_t length) {
  if (word[length - 1] != 's') return length;
  if (EndsIn(word, length, "sses") || EndsIn(word, length, "ies")) return length - 2;
  if (EndsIn(word, length, "ss") || EndsIn(word, length, "us") || EndsIn(word, length, "is")) {
    return length;
  }
  return length - 1;
}

// Repairs a stem that lost -ed or -ing: "conflat" -> "conflate", "hopp" -> "hop", "fil" -> "file".
std::size_t Mend(char* word, std::size_t length) {
  if (EndsIn(word, length, "at") || EndsIn(word, length, "bl") || EndsIn(word, length, "iz")) {
    word[length] = 'e';
    return length + 1;
  }
  const char last = word[length - 1];
  if (length >= 2 && last == word[length - 2] && !IsVowelAt(word, length - 1) && last != 'l' &&
      last != 's' && last != 'z') {
    return length - 1;
  }
  if (Measure(word, length) == 1 && EndsInShortSyllable(word, length)) {
    word[length] = 'e';
    return length + 1;
  }
  return length;
}

std::size_t StripPast(char* word, std::size_t length) {
  if (EndsIn(word, length, "eed")) {
    return Measure(word, length - 3) > 0 ? length - 1 : length;
  }
  if (EndsIn(word, length, "ed") && HasVowel(word, length - 2)) return Mend(word, length - 2);
  if (EndsIn(word, length, "ing") && HasVowel(word, length - 3)) return Mend(word, length - 3);
  return length;
}

}  // namespace

std::size_t Stem(char* word, std::size_t length) {
  if (length < 4) return length;
  for (std::size_t i = 0; i < length; ++i) {
    if (word[i] < 'a' || word[i] > 'z') return length;
  }
  length = StripPlural(word, length);
  length = StripPast(word, length);
  if (word[length - 1] == 'y' && HasVowel(word, length - 1)) word[length - 1] = 'i';
  return length;
}

}  // namespace assay::corpus
