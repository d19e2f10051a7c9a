#include <algorithm>
#include <string>
#include <vector>

#include "assay/text/names.h"
#include "assay/text/utf8.h"

#include "names/name_form_internal.h"

namespace assay::text {
namespace {

#include "names/name_lists.inc"

constexpr std::string_view kCommon =
#include "names/common_words.inc"
    ;

// Base letters of U+00C0..U+017F, one each; '?' where there is none.
constexpr std::string_view kBaseLetters =
    "aaaaaaaceeeeiiiidnooooo?ouuuuytsaaaaaaaceeeeiiiidnooooo?ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrr"
    "sssssssstttttt"
    "uuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(kBaseLetters.size() == 0x180 - 0xC0);

struct NameWords {
  Lexicon words;
  Lexicon aliases;
  std::vector<std::string_view> targets;

  static const NameWords& Get() {
    static const NameWords lists;
    return lists;
  }

 private:
  NameWords() {
    Add(kTitles, '|', kWordTitle);
    Add(kFemaleTitles, '|', kWordFemaleTitle);
    Add(kMaleTitles, '|', kWordMaleTitle);
    Add(kCalendar, '|', kWordCalendar);
    Add(kFunctionWords, '|', kWordFunction);
    Add(kMaleGiven, '|', kWordMaleGiven);
    Add(kFemaleGiven, '|', kWordFemaleGiven);
    Add(kPlaces, '|', kWordPlace);
    Add(kPlaceWords, '|', kWordPlaceNoun);
    Add(kOrganisationWords, '|', kWordOrganisation);
    Add(kCompanySuffixes, '|', kWordCompanySuffix);
    Add(kSplitters, '|', kWordSplitter);
    Add(kSmallWords, '|', kWordSmall);
    Add(kCommon, ' ', kWordCommon);
    for (std::string_view rest = kAliases; !rest.empty();) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      const std::string_view entry = rest.substr(0, bar);
      const std::size_t equals = entry.find('=');
      aliases.Insert(entry.substr(0, equals), static_cast<std::uint32_t>(targets.size()));
      targets.push_back(entry.substr(equals + 1));
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
  }
  void Add(std::string_view list, char separator, std::uint32_t flag) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(separator), list.size());
      const std::string_view word = list.substr(0, end);
      if (!word.empty()) {
        const std::uint32_t old = words.Find(word);
        words.Set(word, (old == Lexicon::kAbsent ? 0 : old) | flag);
      }
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }
};

// Name without a possessive at its end.
std::string_view StripPossessive(std::string_view name) {
  for (const std::string_view suffix :
       {std::string_view("'s"), std::string_view("\xE2\x80\x99s"), std::string_view("'S"),
        std::string_view("\xE2\x80\x99"), std::string_view("'")}) {
    if (name.size() > suffix.size() && name.ends_with(suffix)) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

// Whether every word of the shorter name fits one of the longer in order, a single letter fitting
// any word that it starts, with the last words equal.
bool FitsWithInitials(const NameForm& shorter, const NameForm& longer) {
  if (shorter.word(shorter.size() - 1) != longer.word(longer.size() - 1)) return false;
  std::size_t at = 0;
  for (std::size_t i = 0; i + 1 < shorter.size(); ++i) {
    const std::string_view want = shorter.word(i);
    bool fits = false;
    for (; at + 1 < longer.size() && !fits; ++at) {
      const std::string_view have = longer.word(at);
      fits = want == have || (want.size() == 1 && have.starts_with(want)) ||
             (have.size() == 1 && want.starts_with(have));
      if (!fits && i == 0) return false;  // the given names decide
    }
    if (!fits) return false;
  }
  return true;
}

bool IsGeneric(std::string_view word) {
  return (NameWordFlags(word) & (kWordOrganisation | kWordPlaceNoun | kWordSmall | kWordSplitter |
                                 kWordFunction | kWordPlace)) != 0;
}

bool HasGeneric(const NameForm& form) {
  for (std::size_t i = 0; i < form.size(); ++i) {
    if (IsGeneric(form.word(i))) return true;
  }
  return false;
}

bool InitialsFit(std::string_view letters, const NameForm& form, std::size_t word) {
  if (word == form.size()) return letters.empty();
  const std::string_view w = form.word(word);
  const bool small = (NameWordFlags(w) & kWordSmall) != 0;
  if (small && InitialsFit(letters, form, word + 1)) return true;
  return !letters.empty() && w.front() == letters.front() &&
         InitialsFit(letters.substr(1), form, word + 1);
}

}  // namespace

std::uint32_t NameWordFlags(std::string_view lower) {
  const std::uint32_t flags = NameWords::Get().words.Find(lower);
  return flags == Lexicon::kAbsent ? 0 : flags;
}

NameForm::NameForm(std::string_view name) {
  Read(StripPossessive(name));
  MergeInitials();
  DropEdges();
  ReplaceAlias();
}

void NameForm::Put(char c) {
  if (size_ + 1U >= bytes_.size() - 1) return;
  if (!open_) {
    if (count_ == kMaxWords) return;
    if (count_ > 0) bytes_[size_++] = ' ';
    starts_[count_++] = size_;
    open_ = true;
  }
  bytes_[size_++] = c;
  ends_[count_ - 1] = size_;
}

void NameForm::EndWord() {
  open_ = false;
}

void NameForm::Read(std::string_view name) {
  std::size_t upper = 0;
  std::size_t other = 0;
  for (std::size_t i = 0; i < name.size();) {
    const auto byte = static_cast<unsigned char>(name[i]);
    if (byte < 0x80) {
      const char c = name[i++];
      if (c >= 'A' && c <= 'Z') {
        ++upper;
        Put(static_cast<char>(c + 32));
      } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '&' || c == '@') {
        if (c >= '0' && c <= '9') has_digit_ = true;
        ++other;
        Put(c);
      } else if (c == '.') {
        // The dot of an initial ends a word, that in "example.org" does not matter.
        EndWord();
      } else if (c != '\'') {
        EndWord();
      }
      continue;
    }
    const Decoded decoded = DecodeUtf8(name, i);
    const char32_t c = decoded.code_point;
    if (decoded.valid && c >= 0xC0 && c < 0x180 && kBaseLetters[c - 0xC0] != '?') {
      Put(kBaseLetters[c - 0xC0]);
    } else if (decoded.valid && (c == 0x2019 || c == 0x02BC || Classify(c) == CharClass::kMark)) {
      // apostrophes and combining marks are dropped
    } else if (decoded.valid && (IsPunctuation(Classify(c)) || Classify(c) == CharClass::kSpace)) {
      EndWord();
    } else {
      std::string folded;
      AppendUtf8(FoldCase(c), folded);
      for (const char f : folded) Put(f);
    }
    ++other;
    i += decoded.size_bytes;
  }
  acronym_ = upper >= 2 && count_ > 0 &&
             (other == 0 || (count_ == 1 && other <= upper / 2 && upper >= 2)) &&
             (count_ == 1 || ends_[count_ - 1] - starts_[0] == 2 * count_ - 1);
}

// "u s" of "U.S." becomes "us".
void NameForm::MergeInitials() {
  if (count_ < 2 || !acronym_) return;
  std::uint8_t at = starts_[0];
  for (std::size_t i = 0; i < count_; ++i) {
    for (std::uint8_t k = starts_[i]; k < ends_[i]; ++k) bytes_[at++] = bytes_[k];
  }
  count_ = 1;
  ends_[0] = at;
}

void NameForm::DropEdges() {
  std::size_t first = 0;
  while (first + 1 < count_) {
    const std::string_view w = word(first);
    const bool article = w == "the" || w == "a" || w == "an";
    if (!article && (NameWordFlags(w) & kWordTitle) == 0) break;
    // "President of Peru", "Prince Edward Island": only before a word that can be a name.
    if (!article && (NameWordFlags(word(first + 1)) & kWordSmall) != 0) break;
    ++first;
  }
  std::size_t last = count_;
  while (last > first + 1 && (NameWordFlags(word(last - 1)) & kWordCompanySuffix) != 0) --last;
  for (std::size_t i = first; i < last; ++i) {
    starts_[i - first] = starts_[i];
    ends_[i - first] = ends_[i];
  }
  count_ = static_cast<std::uint8_t>(last - first);
}

void NameForm::ReplaceAlias() {
  const NameWords& lists = NameWords::Get();
  const std::uint32_t target = lists.aliases.Find(joined());
  if (target == Lexicon::kAbsent) return;
  if (count_ == 1 && joined().size() <= 4 && !acronym_) return;  // "us", "it", "la"
  const std::string_view replacement = lists.targets[target];
  count_ = 0;
  size_ = 0;
  open_ = false;
  acronym_ = false;
  for (const char c : replacement) {
    if (c == ' ') {
      EndWord();
    } else {
      Put(c);
    }
  }
}

bool SameForm(const NameForm& a, const NameForm& b) {
  if (a.size() == 0 || b.size() == 0) return false;
  if (a.joined() == b.joined()) return true;
  const NameForm& shorter = a.size() <= b.size() ? a : b;
  const NameForm& longer = a.size() <= b.size() ? b : a;
  if (shorter.size() == 1 && longer.size() > 1 && shorter.acronym() && !longer.acronym() &&
      InitialsFit(shorter.word(0), longer, 0)) {
    return true;
  }
  if (a.has_digit() || b.has_digit()) return false;
  if (shorter.size() == longer.size()) {
    if (shorter.size() == 1 || HasGeneric(a) || HasGeneric(b)) return false;
    return FitsWithInitials(shorter, longer);
  }
  if (IsGeneric(shorter.word(0)) && shorter.size() == 1) return false;
  if (shorter.size() > 1) {
    return !HasGeneric(shorter) && !HasGeneric(longer) && FitsWithInitials(shorter, longer);
  }
  // One word against several: a surname, a given name, a company without its kind.
  const std::string_view one = shorter.word(0);
  if (one.size() < 3 || (NameWordFlags(longer.word(0)) & kWordSplitter) != 0) return false;
  if (one == longer.word(0)) {
    for (std::size_t i = 1; i < longer.size(); ++i) {
      if ((NameWordFlags(longer.word(i)) & kWordSmall) != 0) return false;
    }
    return true;
  }
  return one == longer.word(longer.size() - 1) && !HasGeneric(longer);
}

bool SameName(std::string_view a, std::string_view b) {
  return SameForm(NameForm(a), NameForm(b));
}

std::string NormalizeName(std::string_view name) {
  return std::string(NameForm(name).joined());
}

bool IsAcronymOf(std::string_view acronym, std::string_view long_form) {
  std::string letters;
  for (const char c : StripPossessive(acronym)) {
    if (c >= 'A' && c <= 'Z') letters += static_cast<char>(c + 32);
    if (c >= 'a' && c <= 'z') letters += c;
  }
  const NameForm form(long_form);
  return letters.size() >= 2 && form.size() >= 2 && InitialsFit(letters, form, 0);
}

bool IsCommonWord(std::string_view word) {
  return (NameWordFlags(LowerWord(word)) & (kWordCommon | kWordFunction)) != 0;
}

}  // namespace assay::text
