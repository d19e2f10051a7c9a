#include "fact_changes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "assay/text/names.h"
#include "assay/text/segment.h"

namespace assay::claims {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {
    "January", "February", "March",     "April",   "May",      "June",
    "July",    "August",   "September", "October", "November", "December"};
constexpr std::array<std::string_view, 7> kWeekdays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
constexpr std::array<std::string_view, 12> kNumbers = {"one",  "two", "three",  "four",
                                                       "five", "six", "seven",  "eight",
                                                       "nine", "ten", "eleven", "twelve"};
constexpr std::array<std::string_view, 5> kNames = {"Osaka", "Marlowe", "Kestrel", "Valdez",
                                                    "Brighton"};
// Auxiliary -> its negation.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kAuxiliaries = {{
    {"is", "is not"},
    {"are", "are not"},
    {"was", "was not"},
    {"were", "were not"},
    {"must", "must not"},
    {"may", "may not"},
    {"can", "cannot"},
    {"has", "does not have"},
    {"pays", "does not pay"},
    {"receive", "do not receive"},
    {"receives", "does not receive"},
    {"contributes", "does not contribute"},
}};

class Changer {
 public:
  explicit Changer(std::string_view sentence) : sentence_(sentence) {
    text::SplitWords(sentence, words_);
  }

  std::vector<FactChange> All() {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      ChangeNumber(i);
      ChangeListed(i, kMonths, 5, ChangeKind::kDate);
      ChangeListed(i, kWeekdays, 2, ChangeKind::kDate);
    }
    ChangeNames();
    ChangeNegation();
    return std::move(changes_);
  }

 private:
  [[nodiscard]] std::string_view Word(std::size_t i) const { return words_[i].of(sentence_); }

  void Replace(text::Span span, std::string_view by, ChangeKind kind) {
    std::string text(sentence_.substr(0, span.begin));
    text += by;
    text += sentence_.substr(span.end);
    changes_.push_back({kind, std::move(text)});
  }

  [[nodiscard]] bool Says(std::string_view word) const {
    return std::ranges::any_of(words_,
                               [&](const text::Span& span) { return span.of(sentence_) == word; });
  }

  // 27 -> 37, 9:30 -> 1:30: the first digit becomes another.
  void ChangeNumber(std::size_t i) {
    const std::string_view word = Word(i);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool numeric =
        std::ranges::all_of(word, [&](char c) { return is_digit(c) || c == ',' || c == '.'; });
    if (numeric && is_digit(word[0])) {
      const bool is_year = word.size() == 4 && (word[0] == '1' || word[0] == '2');
      std::string other(word);
      char& digit = is_year ? other.back() : other.front();
      digit = digit == '9' ? '4' : static_cast<char>(digit + (digit == '0' ? 5 : 1));
      if (!Says(other))
        Replace(words_[i], other, is_year ? ChangeKind::kDate : ChangeKind::kNumber);
      return;
    }
    ChangeListed(i, std::span<const std::string_view>(kNumbers).subspan(1), 3, ChangeKind::kNumber);
  }

  void ChangeListed(std::size_t i, std::span<const std::string_view> list, std::size_t step,
                    ChangeKind kind) {
    const auto it = std::ranges::find(list, Word(i));
    if (it == list.end()) return;
    const std::size_t at = static_cast<std::size_t>(it - list.begin());
    const std::string_view other = list[(at + step) % list.size()];
    // "may" is no month unless it is written as one, and "May" begins no date without a number.
    if (Word(i) == "May" || Says(other)) return;
    Replace(words_[i], other, kind);
  }

  void ChangeNames() {
    std::vector<text::Name> names;
    text::FindNames(sentence_, words_, names);
    for (std::size_t k = 0; k < names.size(); ++k) {
      if (names[k].kind != text::NameKind::kProper) continue;
      Replace(names[k].span, kNames[(k + sentence_.size()) % kNames.size()], ChangeKind::kName);
    }
  }

  // One change a sentence: a negation that stands there goes, or else the first auxiliary gets one.
  void ChangeNegation() {
    for (std::size_t i = 1; i < words_.size(); ++i) {
      if (Word(i) != "not" && Word(i) != "never") continue;
      Replace({words_[i - 1].end, words_[i].end}, "", ChangeKind::kNegation);
      return;
    }
    for (const std::string_view word : {"no", "No", "Nobody", "cannot", "only", "Only"}) {
      if (Says(word)) return;  // turned around, the sentence would need other words too
    }
    for (std::size_t i = 0; i < words_.size(); ++i) {
      for (const auto& [auxiliary, negated] : kAuxiliaries) {
        if (Word(i) != auxiliary) continue;
        Replace(words_[i], negated, ChangeKind::kNegation);
        return;
      }
    }
  }

  std::string_view sentence_;
  std::vector<text::Span> words_;
  std::vector<FactChange> changes_;
};

}  // namespace

std::vector<FactChange> ChangesOf(std::string_view sentence) {
  return Changer(sentence).All();
}

}  // namespace assay::claims
