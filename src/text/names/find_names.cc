#include <algorithm>
#include <vector>

#include "assay/text/names.h"
#include "assay/text/segment.h"
#include "assay/text/utf8.h"

#include "names/name_form_internal.h"

namespace assay::text {
namespace {

constexpr std::size_t kMaxAddress = 512;  // bytes of an address; longer ones are cut
constexpr std::size_t kMaxLookBack = 64;  // names that a new one is compared with

enum class Shape : std::uint8_t { kLower, kCapital, kAllCapitals, kMixed, kDigits, kCode };

struct Word {
  Span span;  // without possessive
  Shape shape = Shape::kLower;
  bool initial = false;     // first of a sentence
  bool possessive = false;  // ends a name
  std::uint32_t flags = 0;
};

bool IsAsciiUpper(char c) {
  return c >= 'A' && c <= 'Z';
}

Shape ShapeOf(std::string_view word) {
  std::size_t upper = 0;
  std::size_t lower = 0;
  std::size_t digits = 0;
  bool first_upper = false;
  for (std::size_t i = 0; i < word.size();) {
    const auto byte = static_cast<unsigned char>(word[i]);
    std::size_t size = 1;
    CharClass char_class = CharClass::kLower;
    if (byte < 0x80) {
      char_class = Classify(byte);
    } else {
      const Decoded decoded = DecodeUtf8(word, i);
      size = decoded.size_bytes;
      char_class = decoded.valid ? Classify(decoded.code_point) : CharClass::kLetter;
    }
    if (char_class == CharClass::kUpper) {
      ++upper;
      first_upper |= i == 0;
    } else if (char_class == CharClass::kDigit) {
      ++digits;
    } else if (IsLetter(char_class)) {
      ++lower;
    }
    i += size;
  }
  if (digits > 0) {
    if (upper + lower == 0) return Shape::kDigits;
    if (word[0] >= '0' && word[0] <= '9') {
      // "30km", "1990s", "10AM" are quantities; "3M" and "802.11ac" are rarely meant.
      return upper + lower <= 3 ? Shape::kDigits : Shape::kCode;
    }
    return upper > 0 || digits > 1 ? Shape::kCode : Shape::kLower;
  }
  if (upper == 0) return Shape::kLower;
  if (lower == 0) return upper >= 2 ? Shape::kAllCapitals : Shape::kCapital;
  return first_upper ? Shape::kCapital : Shape::kMixed;
}

// Whether a sentence ends in the gap before a word.
bool EndsSentence(std::string_view gap) {
  return gap.find_first_of(".!?:\n\"|*#") != std::string_view::npos ||
         gap.find("\xE2\x80\x9C") != std::string_view::npos;
}

class Finder {
 public:
  Finder(std::string_view text, std::span<const Span> spans, std::vector<Name>& out)
      : text_(text), out_(out), first_(out.size()), words_(Buffer()) {
    Prepare(spans);
  }

  void Run() {
    for (std::size_t i = 0; i < words_.size();) {
      const std::size_t address = Address(i);
      i = address > i ? address : Run(i);
    }
  }

 private:
  static std::vector<Word>& Buffer() {
    static thread_local std::vector<Word> buffer;
    buffer.clear();
    return buffer;
  }

  std::string_view Gap(std::size_t i) const {  // before word i
    const std::uint32_t begin = i == 0 ? 0 : words_[i - 1].span.end;
    return text_.substr(begin, words_[i].span.begin - begin);
  }

  void Prepare(std::span<const Span> spans) {
    words_.reserve(spans.size());
    std::uint32_t previous_end = 0;
    bool after_title = false;
    for (const Span span : spans) {
      Word word{span, ShapeOf(span.of(text_))};
      const std::string_view gap = text_.substr(previous_end, span.begin - previous_end);
      word.initial = previous_end == 0 || (EndsSentence(gap) && !(after_title && gap == ". "));
      const std::string_view bytes = span.of(text_);
      for (const std::string_view suffix :
           {std::string_view("'s"), std::string_view("\xE2\x80\x99s")}) {
        if (bytes.size() > suffix.size() && bytes.ends_with(suffix)) {
          word.possessive = true;
          word.span.end -= static_cast<std::uint32_t>(suffix.size());
        }
      }
      if (word.shape != Shape::kDigits) {
        LowerWord lower(word.span.of(text_));
        word.flags = NameWordFlags(lower);
      }
      after_title =
          (word.flags & kWordTitle) != 0 || (word.span.size_bytes() == 1 && IsAsciiUpper(bytes[0]));
      previous_end = word.span.end;
      if (word.possessive) previous_end = span.end;
      words_.push_back(word);
    }
  }

  // An e-mail address, URL or code at word i: emits it and returns the next word; i where none is.
  std::size_t Address(std::size_t i) {
    const Word& word = words_[i];
    const std::size_t end = word.span.end;
    const char next = end < text_.size() ? text_[end] : ' ';
    if (next == ' ' || next == '\n') {
      if (word.shape != Shape::kCode) return i;
      return Emit(word.span.begin, word.span.end, NameKind::kCode, kTraitNone, i + 1);
    }
    std::size_t stop = end;
    const std::size_t limit = std::min(text_.size(), end + kMaxAddress);
    while (stop < limit && static_cast<unsigned char>(text_[stop]) > ' ' && text_[stop] != '<' &&
           text_[stop] != '>' && text_[stop] != ')' && text_[stop] != '"' && text_[stop] != ',' &&
           text_[stop] != ';' && text_[stop] != ']' && text_[stop] != '`') {
      ++stop;
    }
    while (stop > end &&
           (text_[stop - 1] == '.' || text_[stop - 1] == '?' || text_[stop - 1] == '!' ||
            text_[stop - 1] == '\'' || text_[stop - 1] == '*' || text_[stop - 1] == ':')) {
      --stop;
    }
    const std::string_view whole = text_.substr(word.span.begin, stop - word.span.begin);
    const std::size_t at = whole.find('@');
    if (at != std::string_view::npos && at > 0 && whole.find('.', at) != std::string_view::npos) {
      return EmitAddress(i, stop, NameKind::kEmail);
    }
    if (whole.find("://") != std::string_view::npos || whole.starts_with("www.") ||
        IsDomain(whole)) {
      return EmitAddress(i, stop, NameKind::kUrl);
    }
    if (next == '-' && i + 1 < words_.size() && words_[i + 1].span.begin == end + 1 &&
        (words_[i + 1].shape == Shape::kDigits || words_[i + 1].shape == Shape::kCode) &&
        (word.shape == Shape::kCapital || word.shape == Shape::kAllCapitals ||
         word.shape == Shape::kCode)) {
      return Emit(word.span.begin, words_[i + 1].span.end, NameKind::kCode, kTraitNone, i + 2);
    }
    if (word.shape == Shape::kCode) {
      return Emit(word.span.begin, word.span.end, NameKind::kCode, kTraitNone, i + 1);
    }
    return i;
  }

  static bool IsDomain(std::string_view whole) {
    const std::string_view host = whole.substr(0, whole.find('/'));
    const std::size_t dot = host.rfind('.');
    if (dot == std::string_view::npos || dot == 0) return false;
    const LowerWord top(host.substr(dot + 1));
    for (const std::string_view known : {"com", "org", "net", "edu", "gov", "io", "dev", "ai",
                                         "info", "uk", "de", "eu", "co", "app"}) {
      if (top.view() == known) return true;
    }
    return false;
  }

  std::size_t EmitAddress(std::size_t i, std::size_t stop, NameKind kind) {
    std::size_t next = i + 1;
    while (next < words_.size() && words_[next].span.begin < stop) ++next;
    return Emit(words_[i].span.begin, stop, kind, kTraitNone, next);
  }

  [[nodiscard]] bool NameLike(const Word& word) const {
    return (word.shape == Shape::kCapital || word.shape == Shape::kAllCapitals ||
            word.shape == Shape::kMixed) &&
           (word.flags & kWordCalendar) == 0;
  }

  [[nodiscard]] bool SeenElsewhere(std::size_t i) const {
    const std::string_view bytes = words_[i].span.of(text_);
    for (std::size_t j = 0; j < words_.size() && j < 400; ++j) {
      if (j != i && !words_[j].initial && NameLike(words_[j]) &&
          words_[j].span.of(text_) == bytes) {
        return true;
      }
    }
    return false;
  }

  // "Full-time", "Well-known", "E-mail": lower case behind every hyphen, as no name is written.
  static bool IsCommonCompound(std::string_view word) {
    bool compound = false;
    for (std::size_t i = word.find('-'); i != std::string_view::npos; i = word.find('-', i + 1)) {
      if (i + 1 >= word.size() || word[i + 1] < 'a' || word[i + 1] > 'z') return false;
      compound = true;
    }
    return compound;
  }

  [[nodiscard]] bool Starts(std::size_t i) const {
    const Word& word = words_[i];
    if (!NameLike(word)) return false;
    if ((word.flags & kWordFunction) != 0 && word.shape != Shape::kAllCapitals) {
      // "The", "In", "New": the last opens names inside a sentence or before a capital.
      const bool opens = (word.flags & kWordSplitter) != 0 && i + 1 < words_.size() &&
                         NameLike(words_[i + 1]) && Gap(i + 1) == " ";
      return opens && word.span.of(text_) != "The";
    }
    if (word.span.size_bytes() == 1) {  // an initial: only with a name behind it
      return i + 1 < words_.size() && NameLike(words_[i + 1]) &&
             (Gap(i + 1) == ". " || Gap(i + 1) == ".");
    }
    if (!word.initial) return true;
    const std::string_view bytes = word.span.of(text_);
    const bool plural =
        bytes.ends_with('s') &&
        (NameWordFlags(LowerWord(bytes.substr(0, bytes.size() - 1))) & kWordCommon) != 0;
    if ((word.flags & kWordCommon) == 0 && !plural && !IsCommonCompound(bytes) &&
        !bytes.ends_with("ly") && !bytes.ends_with("ing")) {
      return true;
    }
    const bool capital_next = i + 1 < words_.size() && NameLike(words_[i + 1]) &&
                              !words_[i + 1].initial && Gap(i + 1) == " ";
    if (capital_next && !bytes.ends_with("ing") && !bytes.ends_with("ly")) return true;
    return SeenElsewhere(i);
  }

  // Whether word j goes on with the name that word j - 1 belongs to, and where the name then ends:
  // returns the index of the last word taken, or j - 1.
  [[nodiscard]] std::size_t Extend(std::size_t j, bool organisation, bool given) const {
    if (j >= words_.size() || words_[j - 1].possessive) return j - 1;
    const std::string_view gap = Gap(j);
    const Word& previous = words_[j - 1];
    const bool plain = gap == " " || gap == "\n" || gap == " & " || gap == "&";
    const bool after_dot = (gap == ". " || gap == ".") &&
                           (previous.span.size_bytes() == 1 || (previous.flags & kWordTitle) != 0);
    const bool suffix_comma = gap == ", " && (words_[j].flags & kWordCompanySuffix) != 0;
    if (!plain && !after_dot && !suffix_comma) return j - 1;
    const bool calendar_name = given && words_[j].shape == Shape::kCapital &&
                               (words_[j].flags & kWordCalendar) != 0;  // "Theresa May"
    if (NameLike(words_[j]) || calendar_name) {
      return (words_[j].flags & kWordFunction) != 0 && (words_[j].flags & kWordSplitter) == 0 &&
                     words_[j].shape == Shape::kCapital && !calendar_name
                 ? j - 1
                 : j;
    }
    // Small words inside: "University of California", "Centers for Disease Control".
    if ((words_[j].flags & kWordSmall) == 0 || words_[j].shape != Shape::kLower) return j - 1;
    const std::string_view small = words_[j].span.of(text_);
    if (small == "and" || small == "in" || small == "on" || small == "the" ||
        (small == "for" && !organisation)) {
      return j - 1;
    }
    std::size_t k = j + 1;
    if (k < words_.size() && words_[k].shape == Shape::kLower &&
        (words_[k].flags & kWordSmall) != 0 && words_[k].span.of(text_) != "and" && Gap(k) == " ") {
      ++k;  // "of the", "de la"
    }
    const bool capital =
        k < words_.size() && NameLike(words_[k]) && Gap(k) == " " &&
        ((words_[k].flags & kWordFunction) == 0 || (words_[k].flags & kWordSplitter) != 0);
    return capital ? k : j - 1;
  }

  std::size_t Run(std::size_t i) {
    if (!Starts(i)) return i + 1;
    std::size_t first = i;
    std::uint8_t traits = TraitsOfTitleBefore(i);
    std::size_t last = i;
    bool organisation = false;
    bool given = false;
    for (;;) {
      organisation |= (words_[last].flags & kWordOrganisation) != 0;
      given |= (words_[last].flags & (kWordMaleGiven | kWordFemaleGiven)) != 0;
      const std::size_t next = Extend(last + 1, organisation, given);
      if (next == last) break;
      last = next;
    }
    // Titles in front are no part of the name but say that it is a person's.
    while (first < last && (words_[first].flags & kWordTitle) != 0 &&
           (words_[first + 1].flags & kWordSmall) == 0) {
      traits |= TitleTraits(words_[first].flags);
      ++first;
    }
    if (first == last && (words_[first].flags & kWordTitle) != 0 &&
        (words_[first].flags & (kWordMaleGiven | kWordFemaleGiven)) == 0) {
      return last + 1;  // a title alone
    }
    traits |= TraitsOfWords(first, last, traits);
    const bool acronym = first == last && (words_[first].shape == Shape::kAllCapitals ||
                                           IsDotted(words_[first].span.of(text_)));
    return Emit(words_[first].span.begin, words_[last].span.end,
                acronym ? NameKind::kAcronym : NameKind::kProper, traits, last + 1);
  }

  static bool IsDotted(std::string_view word) {
    return word.size() >= 3 && word[1] == '.' && IsAsciiUpper(word[2]);
  }

  static std::uint8_t TitleTraits(std::uint32_t flags) {
    std::uint8_t traits = kTraitPerson;
    if ((flags & kWordFemaleTitle) != 0) traits |= kTraitFemale;
    if ((flags & kWordMaleTitle) != 0) traits |= kTraitMale;
    return traits;
  }

  // "president Lincoln", "actress Jane Doe": a title in lower case before the name.
  [[nodiscard]] std::uint8_t TraitsOfTitleBefore(std::size_t i) const {
    if (i == 0 || (words_[i - 1].flags & kWordTitle) == 0 || Gap(i) != " ") return kTraitNone;
    return TitleTraits(words_[i - 1].flags);
  }

  [[nodiscard]] std::uint8_t TraitsOfWords(std::size_t first, std::size_t last,
                                           std::uint8_t known) const {
    std::uint32_t all = 0;
    for (std::size_t i = first; i <= last; ++i) all |= words_[i].flags;
    std::uint8_t traits = kTraitNone;
    if ((all & kWordOrganisation) != 0) traits |= kTraitOrganisation;
    if ((all & (kWordPlace | kWordPlaceNoun)) != 0 && (all & kWordOrganisation) == 0) {
      traits |= kTraitPlace;
    }
    const std::uint32_t head = words_[first].flags;
    const bool company = (traits & (kTraitOrganisation | kTraitPlace)) != 0;
    if (!company && (head & (kWordMaleGiven | kWordFemaleGiven)) != 0) {
      traits |= kTraitPerson;
      if ((head & kWordMaleGiven) == 0) traits |= kTraitFemale;
      if ((head & kWordFemaleGiven) == 0) traits |= kTraitMale;
    }
    const std::string_view tail = words_[last].span.of(text_);
    if (((known | traits) & kTraitPerson) == 0 && tail.ends_with('s') && !tail.ends_with("ss") &&
        tail.size() > 4) {
      traits |= kTraitPlural;
    }
    return traits;
  }

  std::size_t Emit(std::size_t begin, std::size_t end, NameKind kind, std::uint8_t traits,
                   std::size_t next) {
    const auto index = static_cast<std::uint32_t>(out_.size() - first_);
    Name name{
        {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)}, kind, traits, index};
    const NameForm form(name.span.of(text_));
    const std::size_t oldest = forms_.size() > kMaxLookBack ? forms_.size() - kMaxLookBack : 0;
    for (std::size_t i = forms_.size(); i > oldest; --i) {
      if (!SameForm(forms_[i - 1].form, form)) continue;
      name.same_as = forms_[i - 1].index;
      Name& original = out_[first_ + name.same_as];
      name.traits |= original.traits;
      original.traits |= traits;
      break;
    }
    if (name.same_as == index) forms_.push_back({form, index});
    out_.push_back(name);
    return next;
  }

  struct Canonical {
    NameForm form;
    std::uint32_t index;
  };
  std::string_view text_;
  std::vector<Name>& out_;
  std::size_t first_;
  std::vector<Word>& words_;
  std::vector<Canonical> forms_;
};

}  // namespace

void FindNames(std::string_view text, std::span<const Span> words, std::vector<Name>& out) {
  Finder(text, words, out).Run();
}

void FindNames(std::string_view text, std::vector<Name>& out) {
  std::vector<Span> words;
  SplitWords(text, words);
  FindNames(text, words, out);
}

}  // namespace assay::text
