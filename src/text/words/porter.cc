// M. F. Porter, "An algorithm for suffix stripping", Program 14(3), 1980. Retrieval strips
// inflection only (corpus/analysis.h); here "popularity" and "popular" must meet, since a claim
// that uses the other form of a word is not news.
#include <array>
#include <string>
#include <string_view>
#include <utility>

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

class Stemmer {
 public:
  explicit Stemmer(std::string word) : word_(std::move(word)) {}

  std::string Stem() && {
    Step1();
    Replace(kStep2, 0);
    Replace(kStep3, 0);
    Step4();
    Step5();
    return std::move(word_);
  }

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

  // Vowel-consonant sequences in the first `length` letters.
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

  [[nodiscard]] bool Ends(std::string_view suffix) const { return word_.ends_with(suffix); }

  [[nodiscard]] bool EndsInDoubleConsonant() const {
    const std::size_t n = word_.size();
    return n >= 2 && word_[n - 1] == word_[n - 2] && !IsVowel(n - 1);
  }

  // Consonant, vowel, consonant that is not w, x or y.
  [[nodiscard]] bool EndsInShortSyllable(std::size_t n) const {
    if (n < 3 || IsVowel(n - 1) || !IsVowel(n - 2) || IsVowel(n - 3)) return false;
    return word_[n - 1] != 'w' && word_[n - 1] != 'x' && word_[n - 1] != 'y';
  }

  void Cut(std::size_t letters) { word_.resize(word_.size() - letters); }

  void Step1() {
    if (Ends("sses") || Ends("ies")) {
      Cut(2);
    } else if (Ends("s") && !Ends("ss")) {
      Cut(1);
    }
    if (Ends("eed")) {
      if (Measure(word_.size() - 3) > 0) Cut(1);
    } else {
      const std::size_t cut = Ends("ed") ? 2 : Ends("ing") ? 3 : 0;
      if (cut > 0 && HasVowel(word_.size() - cut)) {
        Cut(cut);
        Repair();
      }
    }
    if (Ends("y") && HasVowel(word_.size() - 1)) word_.back() = 'i';
  }

  // After -ed or -ing is gone: "hopping" -> "hop", "filing" -> "file".
  void Repair() {
    if (Ends("at") || Ends("bl") || Ends("iz")) {
      word_ += 'e';
    } else if (EndsInDoubleConsonant() && !Ends("l") && !Ends("s") && !Ends("z")) {
      Cut(1);
    } else if (Measure(word_.size()) == 1 && EndsInShortSyllable(word_.size())) {
      word_ += 'e';
    }
  }

  template <std::size_t kSize>
  void Replace(const std::array<Rule, kSize>& rules, int above) {
    for (const Rule& rule : rules) {
      if (!Ends(rule.suffix)) continue;
      if (Measure(word_.size() - rule.suffix.size()) > above) {
        Cut(rule.suffix.size());
        word_ += rule.by;
      }
      return;
    }
  }

  void Step4() {
    for (const Rule& rule : kStep4) {
      if (!Ends(rule.suffix)) continue;
      const std::size_t rest = word_.size() - rule.suffix.size();
      const bool blocked =
          rule.suffix == "ion" && (rest == 0 || (word_[rest - 1] != 's' && word_[rest - 1] != 't'));
      if (!blocked && Measure(rest) > 1) word_.resize(rest);
      return;
    }
  }

  void Step5() {
    if (Ends("e")) {
      const std::size_t rest = word_.size() - 1;
      const int m = Measure(rest);
      if (m > 1 || (m == 1 && !EndsInShortSyllable(rest))) Cut(1);
    }
    if (Ends("ll") && Measure(word_.size()) > 1) Cut(1);
  }

  std::string word_;
};

}  // namespace

std::string PorterStem(std::string lower_case) {
  if (lower_case.size() < 3) return lower_case;
  for (const char c : lower_case) {
    if (c < 'a' || c > 'z') return lower_case;
  }
  return Stemmer(std::move(lower_case)).Stem();
}

}  // namespace assay::text
