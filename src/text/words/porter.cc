// M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980.
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "assay/text/cues.h"

namespace assay::text {
namespace {

struct Rule {
  std::string_view suffix;
  std::string_view by;
};

constexpr std::array<Rule, 20> kStep2 = {
    {{"ational", "ate"}, {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},
     {"izer", "ize"},    {"abli", "able"},   {"alli", "al"},     {"entli", "ent"},
     {"eli", "e"},       {"ousli", "ous"},   {"ization", "ize"}, {"ation", "ate"},
     {"ator", "ate"},    {"alism", "al"},    {"iveness", "ive"}, {"fulness", "ful"},
     {"ousness", "ous"}, {"aliti", "al"},    {"iviti", "ive"},   {"biliti", "ble"}}};
constexpr std::array<Rule, 7> kStep3 = {{{"icate", "ic"},
                                         {"ative", ""},
                                         {"alize", "al"},
                                         {"iciti", "ic"},
                                         {"ical", "ic"},
                                         {"ful", ""},
                                         {"ness", ""}}};
constexpr std::array<Rule, 19> kStep4 = {{{"al", ""},
                                          {"ance", ""},
                                          {"ence", ""},
                                          {"er", ""},
                                          {"ic", ""},
                                          {"able", ""},
                                          {"ible", ""},
                                          {"ant", ""},
                                          {"ement", ""},
                                          {"ment", ""},
                                          {"ent", ""},
                                          {"ion", ""},
                                          {"ou", ""},
                                          {"ism", ""},
                                          {"ate", ""},
                                          {"iti", ""},
                                          {"ous", ""},
                                          {"ive", ""},
                                          {"ize", ""}}};

// The word under the stemmer's hands. No step makes it longer than it was.
class Stemmer {
 public:
  Stemmer(char* word, std::size_t length) : word_(word), length_(length) {}

  void StripPlural() {
    if (Ends("sses") || Ends("ies")) {
      length_ -= 2;
    } else if (Ends("s") && !Ends("ss")) {
      length_ -= 1;
    }
  }

  void StripPastAndFinalY() {
    if (Ends("eed")) {
      if (Measure(length_ - 3) > 0) length_ -= 1;
    } else {
      const std::size_t cut = Ends("ed") ? 2 : Ends("ing") ? 3 : 0;
      if (cut > 0 && HasVowel(length_ - cut)) {
        length_ -= cut;
        Repair();
      }
    }
    if (Ends("y") && HasVowel(length_ - 1)) word_[length_ - 1] = 'i';
  }

  void StripDerivation() {
    Replace(kStep2);
    Replace(kStep3);
    Step4();
    Step5();
  }

  [[nodiscard]] std::size_t length() const { return length_; }

 private:
  [[nodiscard]] bool IsVowel(std::size_t i) const {
    switch (word_[i]) {
      case 'a':
      case 'e':
      case 'i':
      case 'o':
      case 'u':
        return true;
      case 'y':
        return i > 0 && !IsVowel(i - 1);
      default:
        return false;
    }
  }

  // Vowel-consonant sequences in the first `length` letters, Porter's m.
  [[nodiscard]] int Measure(std::size_t length) const {
    int m = 0;
    bool after_vowel = false;
    for (std::size_t i = 0; i < length; ++i) {
      const bool vowel = IsVowel(i);
      if (after_vowel && !vowel) ++m;
      after_vowel = vowel;
    }
    return m;
  }

  [[nodiscard]] bool HasVowel(std::size_t length) const {
    for (std::size_t i = 0; i < length; ++i) {
      if (IsVowel(i)) return true;
    }
    return false;
  }

  [[nodiscard]] bool Ends(std::string_view suffix) const {
    return std::string_view(word_, length_).ends_with(suffix);
  }

  // Consonant, vowel, consonant that is not w, x or y.
  [[nodiscard]] bool EndsInShortSyllable(std::size_t n) const {
    if (n < 3 || IsVowel(n - 1) || !IsVowel(n - 2) || IsVowel(n - 3)) return false;
    return word_[n - 1] != 'w' && word_[n - 1] != 'x' && word_[n - 1] != 'y';
  }

  // After -ed or -ing is gone: "conflat" -> "conflate", "hopp" -> "hop", "fil" -> "file".
  void Repair() {
    const char last = word_[length_ - 1];
    const bool doubled = length_ >= 2 && last == word_[length_ - 2] && !IsVowel(length_ - 1);
    if (Ends("at") || Ends("bl") || Ends("iz")) {
      word_[length_++] = 'e';
    } else if (doubled && last != 'l' && last != 's' && last != 'z') {
      length_ -= 1;
    } else if (Measure(length_) == 1 && EndsInShortSyllable(length_)) {
      word_[length_++] = 'e';
    }
  }

  template <std::size_t kSize>
  void Replace(const std::array<Rule, kSize>& rules) {
    for (const Rule& rule : rules) {
      if (!Ends(rule.suffix)) continue;
      const std::size_t rest = length_ - rule.suffix.size();
      if (Measure(rest) > 0) length_ = rest + rule.by.copy(word_ + rest, rule.by.size());
      return;
    }
  }

  void Step4() {
    for (const Rule& rule : kStep4) {
      if (!Ends(rule.suffix)) continue;
      const std::size_t rest = length_ - rule.suffix.size();
      const bool blocked =
          rule.suffix == "ion" && (rest == 0 || (word_[rest - 1] != 's' && word_[rest - 1] != 't'));
      if (!blocked && Measure(rest) > 1) length_ = rest;
      return;
    }
  }

  void Step5() {
    if (Ends("e")) {
      const std::size_t rest = length_ - 1;
      const int m = Measure(rest);
      if (m > 1 || (m == 1 && !EndsInShortSyllable(rest))) length_ = rest;
    }
    if (Ends("ll") && Measure(length_) > 1) length_ -= 1;
  }

  char* word_;
  std::size_t length_;
};

}  // namespace

std::string PorterStem(std::string lower_case) {
  if (lower_case.size() < 3) return lower_case;
  for (const char c : lower_case) {
    if (c < 'a' || c > 'z') return lower_case;
  }
  Stemmer stemmer(lower_case.data(), lower_case.size());
  stemmer.StripPlural();
  stemmer.StripPastAndFinalY();
  stemmer.StripDerivation();
  lower_case.resize(stemmer.length());
  return lower_case;
}

std::size_t StripPastAndFinalY(char* word, std::size_t length) {
  Stemmer stemmer(word, length);
  stemmer.StripPastAndFinalY();
  return stemmer.length();
}

}  // namespace assay::text
