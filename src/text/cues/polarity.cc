// Opposites: scales of words, found through the dictionary form.
#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "assay/text/cues.h"

#include "cues/lexicon_internal.h"

namespace assay::text {
namespace {

constexpr std::string_view kScales =
#include "cues/polarity_table.inc"
    ;
constexpr std::string_view kIrregular =
#include "cues/irregular_forms.inc"
    ;
// Base verbs and nouns whose final e the suffix rules would lose.
constexpr std::string_view kFinalE =
    "acknowledge achieve acquire advise apologize arrange assume bake believe bore breathe bribe "
    "capture care cause cease challenge change charge chase choose cite close combine compare "
    "compete complete compose conclude confine confuse consume continue contribute convene create "
    "criticize damage date debate decide decline decrease dedicate define delete demote describe "
    "deserve desire determine dine disclose dispute divide double drive educate emerge enable "
    "encourage endorse engage ensure escape estimate evaluate examine exclude excuse execute "
    "expire "
    "explore expose facilitate fire force frame generate give guide handle hate hire hope ignore "
    "imagine improve include increase indicate inquire inspire insure introduce invade invite "
    "involve issue judge late leave like live locate lose love make manage measure merge mine move "
    "name note notice observe operate oppose organize organise overrule owe participate peace "
    "phone "
    "place please police postpone praise precede preclude prepare preserve preside presume produce "
    "promise promote propose prove provide purchase pursue raise rate realize recognize recognise "
    "reduce refuse reimburse relate release relieve remove replace require rescue reserve resolve "
    "restore retire revise revoke rise rule sale save score secure seize separate serve share "
    "shape "
    "solve space stage state store strike struggle suppose surprise survive take taste terminate "
    "tie time tolerate trace trade translate type undertake unite update upgrade use value vote "
    "waive wake waste welcome whole wipe write damage price cure excite vaccinate authorise "
    "authorize legalise legalize maximise maximize minimise minimize criticise apologise penalise "
    "penalize worse license divorce house home image language file size age course sentence case "
    "base line machine magazine volume service office practice police edge range college village "
    "pipe tape shade stone zone plate slope route scale rise tune phase phrase purpose universe "
    "resource source force piece race surface advance balance chance finance insurance distance";

class Forms {
 public:
  static const Forms& Get() {
    static const Forms forms;
    return forms;
  }
  // Dictionary forms by irregular form; values index bases.
  Lexicon irregular;
  std::vector<std::string_view> bases;
  Lexicon known;  // dictionary forms, to choose between spellings of a stem

  // word -> range in `polarities`.
  Lexicon scaled;
  std::vector<std::vector<Polarity>> polarities;

 private:
  Forms() {
    ReadIrregular();
    ReadScales();
    known.InsertAll(kFinalE, ' ', 1);
  }
  void ReadIrregular() {
    for (std::string_view rest = kIrregular; !rest.empty();) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      const std::string_view entry = rest.substr(0, bar);
      const std::size_t equals = entry.find('=');
      const auto index = static_cast<std::uint32_t>(bases.size());
      bases.push_back(entry.substr(0, equals));
      known.Insert(bases.back(), 1);
      irregular.InsertAll(entry.substr(equals + 1), ' ', index);
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
  }
  void ReadScales() {
    std::uint16_t scale = 0;
    for (std::string_view rest = kScales; !rest.empty(); ++scale) {
      const std::size_t bar = std::min(rest.find('|'), rest.size());
      const std::string_view entry = rest.substr(0, bar);
      const std::size_t slash = entry.find('/');
      AddSide(entry.substr(0, slash), {scale, 1});
      AddSide(entry.substr(slash + 1), {scale, -1});
      rest.remove_prefix(std::min(bar + 1, rest.size()));
    }
  }
  void AddSide(std::string_view words, Polarity polarity) {
    while (!words.empty()) {
      const std::size_t end = std::min(words.find(' '), words.size());
      const std::string_view word = words.substr(0, end);
      const auto id = scaled.Insert(word, static_cast<std::uint32_t>(polarities.size()));
      if (id == polarities.size()) polarities.emplace_back();
      if (std::ranges::find(polarities[id], polarity) == polarities[id].end()) {
        polarities[id].push_back(polarity);
      }
      known.Insert(word, 1);
      words.remove_prefix(std::min(end + 1, words.size()));
    }
  }
};

bool IsVowel(char c) {
  return c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u';
}

// A stem of -ed or -ing back to a word: "stopp" -> "stop", "clos" -> "close", "walk".
std::size_t RestoreStem(char* word, std::size_t size, const Forms& forms) {
  if (size < 2) return size;
  const auto view = [&](std::size_t n) { return std::string_view(word, n); };
  if (word[size - 1] == 'i') {
    word[size - 1] = 'y';
    return size;
  }
  if (forms.known.Has(view(size))) return size;
  word[size] = 'e';
  if (forms.known.Has(view(size + 1))) return size + 1;
  const char last = word[size - 1];
  const char before = word[size - 2];
  if (last == before && !IsVowel(last)) {
    const bool keeps = last == 'l' || last == 's' || last == 'z' || last == 'f';
    if (forms.known.Has(view(size - 1)) || !keeps) return size - 1;
    return size;
  }
  // Porter (1980), step 1b: -at, -bl, -iz; and letters that do not end English words.
  if (view(size).ends_with("at") || view(size).ends_with("bl") || view(size).ends_with("iz") ||
      last == 'v' || last == 'c' || last == 'u' || (last == 'g' && before == 'd') ||
      (last == 's' && before != 's') || last == 'z') {
    return size + 1;
  }
  return size;
}

bool EndsWith(const char* word, std::size_t size, std::string_view suffix) {
  return std::string_view(word, size).ends_with(suffix);
}

std::size_t StripPlural(char* word, std::size_t size, const Forms& forms) {
  if (size > 4 && EndsWith(word, size, "ies")) {
    word[size - 3] = 'y';
    return size - 2;
  }
  if (EndsWith(word, size, "sses") || EndsWith(word, size, "shes") ||
      EndsWith(word, size, "ches") || EndsWith(word, size, "xes") || EndsWith(word, size, "zzes") ||
      (size > 4 && EndsWith(word, size, "oes"))) {
    // "aches", "shoes": the e may be the word's own.
    return forms.known.Has(std::string_view(word, size - 1)) ? size - 1 : size - 2;
  }
  if (EndsWith(word, size, "ss") || EndsWith(word, size, "us") || EndsWith(word, size, "is") ||
      EndsWith(word, size, "as") || EndsWith(word, size, "os")) {
    return size;
  }
  return size - 1;
}

// un-, in- ... : what is left must itself be a word of some length, and the listed words only look
// as if they had the prefix.
bool IsNegatedForm(std::string_view longer, std::string_view shorter) {
  static constexpr std::string_view kPrefixes[] = {"un",  "in",  "im",   "il",  "ir",
                                                   "dis", "non", "non-", "mis", "de"};
  static constexpr std::string_view kFalse =
      " inform invest income input inside into invalid-ate intake intend intent indeed infant "
      "interest increase invent inland inset install instill impress impart important import "
      "impose improve imprint illuminate dispatch display dispose disease distance discover "
      "disclose discount discourse distill distract disturb district unit under union until "
      "universe mission mister depart deliver demand design desire detail detain determine develop "
      "device devote defend defer define degree delight depend deposit depress describe deserve "
      "despite defense defence debase debate decide declare decline department delay delegate "
      "inflame inhabit inhabited infamous invaluable intense instance inquire indebted "
      "inspire instruct insure impassioned ingenious incite ";
  for (const std::string_view prefix : kPrefixes) {
    if (!longer.starts_with(prefix) || longer.substr(prefix.size()) != shorter) continue;
    if (shorter.size() < 3) continue;
    if (prefix == "de") {  // only of verbs in -ate, -ize, -code, -press and the like
      return shorter.ends_with("activate") || shorter.ends_with("centralize") ||
             shorter.ends_with("regulate") || shorter.ends_with("code") ||
             shorter.ends_with("stabilize") || shorter.ends_with("militarize");
    }
    std::array<char, 72> key{};
    if (longer.size() + 2 > key.size()) return true;
    key[0] = ' ';
    std::ranges::copy(longer, key.begin() + 1);
    key[longer.size() + 1] = ' ';
    return kFalse.find(std::string_view(key.data(), longer.size() + 2)) == std::string_view::npos;
  }
  return false;
}

// "careful", "careless".
bool DifferInFulLess(std::string_view a, std::string_view b) {
  return a.size() > 6 && a.ends_with("ful") && b.ends_with("less") &&
         a.substr(0, a.size() - 3) == b.substr(0, b.size() - 4);
}

struct LemmaBuffer {
  char bytes[72];
  std::size_t size;
  explicit LemmaBuffer(std::string_view word)
      : size(Lemma(word.substr(0, 64), std::span<char>(bytes))) {}
  [[nodiscard]] std::string_view view() const { return {bytes, size}; }
};

constexpr std::size_t kMaxOppositeBytes = 60;

enum class Ends { kUnrelated, kShared, kOpposite };

Ends EndsOf(std::span<const Polarity> a, std::span<const Polarity> b) {
  Ends ends = Ends::kUnrelated;
  for (const Polarity& one : a) {
    for (const Polarity& other : b) {
      if (one.scale != other.scale) continue;
      if (one.side == other.side) return Ends::kShared;  // synonyms in some sense
      ends = Ends::kOpposite;
    }
  }
  return ends;
}

struct Written {
  std::string_view lower;
  std::string_view lemma;
};

bool HaveOppositeForms(const Written& a, const Written& b) {
  return IsNegatedForm(a.lower, b.lower) || IsNegatedForm(b.lower, a.lower) ||
         IsNegatedForm(a.lemma, b.lemma) || IsNegatedForm(b.lemma, a.lemma) ||
         DifferInFulLess(a.lower, b.lower) || DifferInFulLess(b.lower, a.lower);
}

}  // namespace

std::size_t Lemma(std::string_view word, std::span<char> out) {
  const Forms& forms = Forms::Get();
  std::size_t size = 0;
  for (const char c : word) out[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  char* bytes = out.data();
  if (EndsWith(bytes, size, "'s")) size -= 2;
  if (EndsWith(bytes, size, "\xE2\x80\x99s")) size -= 4;
  const std::string_view whole(bytes, size);
  if (const std::uint32_t base = forms.irregular.Find(whole); base != Lexicon::kAbsent) {
    const std::string_view form = forms.bases[base];
    if (form.size() <= out.size()) {
      std::ranges::copy(form, bytes);
      return form.size();
    }
  }
  if (size <= 3) return size;
  if (size > 5 && EndsWith(bytes, size, "ing")) {
    const bool has_vowel = std::any_of(bytes, bytes + size - 3, [](char c) { return IsVowel(c); });
    if (has_vowel) return RestoreStem(bytes, size - 3, forms);
  }
  if (size > 4 && EndsWith(bytes, size, "ied")) {
    bytes[size - 3] = 'y';
    return size - 2;
  }
  if (size > 4 && EndsWith(bytes, size, "ed") && !EndsWith(bytes, size, "eed")) {
    const bool has_vowel = std::any_of(bytes, bytes + size - 2, [](char c) { return IsVowel(c); });
    if (has_vowel) return RestoreStem(bytes, size - 2, forms);
  }
  if (bytes[size - 1] == 's') return StripPlural(bytes, size, forms);
  return size;
}

std::size_t PolaritiesOf(std::string_view word, std::span<Polarity, kMaxPolarities> out) {
  if (word.size() > 40) return 0;
  const Forms& forms = Forms::Get();
  std::size_t count = 0;
  const auto add = [&](std::uint32_t id) {
    if (id == Lexicon::kAbsent) return;
    for (const Polarity polarity : forms.polarities[id]) {
      const bool seen = std::ranges::find(out.first(count), polarity) != out.first(count).end();
      if (!seen && count < out.size()) out[count++] = polarity;
    }
  };
  const LowerWord lower(word);
  add(forms.scaled.Find(lower));
  const LemmaBuffer lemma(word);
  if (lemma.view() != lower.view()) add(forms.scaled.Find(lemma.view()));
  return count;
}

OppositeForms ReadOppositeForms(std::string_view word) {
  OppositeForms forms;
  forms.polarity_count = PolaritiesOf(word, forms.polarities);
  if (word.size() > kMaxOppositeBytes) return forms;
  forms.lower = LowerWord(word).view();
  forms.lemma = LemmaBuffer(word).view();
  return forms;
}

bool AreAntonyms(const OppositeForms& a, const OppositeForms& b) {
  const Ends ends = EndsOf(std::span(a.polarities).first(a.polarity_count),
                           std::span(b.polarities).first(b.polarity_count));
  if (ends != Ends::kUnrelated) return ends == Ends::kOpposite;
  if (a.lower.empty() || b.lower.empty()) return false;
  return HaveOppositeForms({a.lower, a.lemma}, {b.lower, b.lemma});
}

bool AreAntonyms(std::string_view a, std::string_view b) {
  std::array<Polarity, kMaxPolarities> of_a;
  std::array<Polarity, kMaxPolarities> of_b;
  const std::size_t count_a = PolaritiesOf(a, of_a);
  const std::size_t count_b = count_a == 0 ? 0 : PolaritiesOf(b, of_b);
  const Ends ends = EndsOf(std::span(of_a).first(count_a), std::span(of_b).first(count_b));
  if (ends != Ends::kUnrelated) return ends == Ends::kOpposite;
  if (a.size() > kMaxOppositeBytes || b.size() > kMaxOppositeBytes) return false;
  const LowerWord lower_a(a);
  const LowerWord lower_b(b);
  const LemmaBuffer lemma_a(a);
  const LemmaBuffer lemma_b(b);
  return HaveOppositeForms({lower_a.view(), lemma_a.view()}, {lower_b.view(), lemma_b.view()});
}

}  // namespace assay::text
