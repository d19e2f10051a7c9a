#include "assay/text/cues.h"

#include <algorithm>
#include <string>
#include <vector>

#include "cues/cue_table_internal.h"
#include "cues/lexicon_internal.h"

namespace assay::text {
namespace {

// Words that a cue can bear on; keeps the time linear on text without punctuation.
constexpr std::uint32_t kMaxReach = 80;

// What a word or the gap before it does to the reach of a cue.
enum WordFlag : std::uint8_t {
  kStop = 1,          // strong break before the word: ; : . ! ? brackets, dash
  kComma = 2,         // a comma before the word
  kTerminator = 4,    // "but", "because", "which": ends every reach
  kSubject = 8,       // pronoun or determiner that opens a clause after a comma
  kCoordinator = 16,  // "and", "or"
  kPreposition = 32,
  kAuxiliary = 64,
  kNumber = 128,  // digits, number word or currency sign
};

constexpr std::string_view kTerminators =
    "but|however|nevertheless|yet|though|although|still|because|since|as|unless|which|who|whose|"
    "whereas|while|so|if|when|otherwise|therefore|thus|then|whether";
constexpr std::string_view kSubjects =
    "he|she|it|they|we|you|i|this|that|these|those|the|a|an|his|her|their|your|our|its|my|there";
constexpr std::string_view kPrepositions =
    "of|in|on|at|by|for|from|to|with|into|during|per|through|between|among|against|without|about";
constexpr std::string_view kAuxiliaries =
    "is|are|was|were|be|been|being|am|has|have|had|do|does|did|will|would|can|could|may|might|"
    "must|shall|should";
constexpr std::string_view kNumberWords =
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty|"
    "sixty|seventy|eighty|ninety|hundred|thousand|million|billion|half|a";

struct Phrase {
  std::uint32_t first = 0;  // range in CueIndex::words
  std::uint32_t size = 0;   // words
  std::vector<std::uint16_t> rows;
};

// The cue table, compiled: the first word of a phrase leads to its phrases, longest first.
class CueIndex {
 public:
  static const CueIndex& Get() {
    static const CueIndex index;
    return index;
  }
  std::vector<std::string_view> words;
  std::vector<Phrase> phrases;
  std::vector<std::vector<std::uint16_t>> groups;
  Lexicon by_first_word;
  Lexicon flags;

 private:
  CueIndex() {
    const auto rows = CueRows();
    for (std::size_t row = 0; row < rows.size(); ++row) {
      std::string_view list = rows[row].phrases;
      while (!list.empty()) {
        const std::size_t bar = std::min(list.find('|'), list.size());
        AddPhrase(list.substr(0, bar), static_cast<std::uint16_t>(row));
        list.remove_prefix(std::min(bar + 1, list.size()));
      }
    }
    for (auto& group : groups) {
      std::ranges::stable_sort(group, [this](std::uint16_t a, std::uint16_t b) {
        return phrases[a].size > phrases[b].size;
      });
    }
    flags.AddFlag(kTerminators, '|', kTerminator);
    flags.AddFlag(kSubjects, '|', kSubject);
    flags.AddFlag("and|or|nor", '|', kCoordinator);
    flags.AddFlag(kPrepositions, '|', kPreposition);
    flags.AddFlag(kAuxiliaries, '|', kAuxiliary);
    flags.AddFlag(kNumberWords, '|', kNumber);
  }

  void AddPhrase(std::string_view phrase, std::uint16_t row) {
    std::vector<std::string_view> parts;
    for (std::string_view rest = phrase; !rest.empty();) {
      const std::size_t end = std::min(rest.find(' '), rest.size());
      parts.push_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    const auto group = by_first_word.Insert(parts[0], static_cast<std::uint32_t>(groups.size()));
    if (group == groups.size()) groups.emplace_back();
    for (const std::uint16_t id : groups[group]) {
      const Phrase& other = phrases[id];
      if (std::equal(parts.begin(), parts.end(), words.begin() + other.first,
                     words.begin() + other.first + other.size)) {
        phrases[id].rows.push_back(row);
        return;
      }
    }
    groups[group].push_back(static_cast<std::uint16_t>(phrases.size()));
    phrases.push_back({static_cast<std::uint32_t>(words.size()),
                       static_cast<std::uint32_t>(parts.size()),
                       {row}});
    words.insert(words.end(), parts.begin(), parts.end());
  }
};

std::uint8_t GapFlags(std::string_view gap) {
  std::uint8_t flags = 0;
  for (std::size_t i = 0; i < gap.size(); ++i) {
    switch (gap[i]) {
      case ',':
        flags |= kComma;
        break;
      case ';':
      case ':':
      case '.':
      case '!':
      case '?':
      case '(':
      case ')':
        flags |= kStop;
        break;
      case '$':
        flags |= kNumber;
        break;
      case '-':
        if (gap.size() > 1) flags |= kStop;
        break;
      case '\xE2':  // en and em dash; the pound and euro signs
        if (gap.substr(i).starts_with("\xE2\x80\x93") || gap.substr(i).starts_with("\xE2\x80\x94"))
          flags |= kStop;
        if (gap.substr(i).starts_with("\xE2\x82\xAC")) flags |= kNumber;
        break;
      case '\xC2':
        if (gap.substr(i).starts_with("\xC2\xA3")) flags |= kNumber;
        break;
      default:
        break;
    }
  }
  return flags;
}

// One sentence while its cues are read.
class Reader {
 public:
  Reader(std::string_view text, std::span<const Span> words, std::vector<Cue>& out)
      : text_(text), words_(words), out_(out), index_(CueIndex::Get()) {}

  void Run() {
    static thread_local std::vector<LowerWord> lower_buffer;
    static thread_local std::vector<std::uint8_t> flag_buffer;
    lower_buffer.resize(words_.size());
    flag_buffer.resize(words_.size());
    lower_ = lower_buffer.data();
    flags_ = flag_buffer.data();
    std::uint32_t previous_end = words_.empty() ? 0 : words_[0].begin;
    for (std::size_t i = 0; i < words_.size(); ++i) {
      lower_[i].Assign(words_[i].of(text_));
      const std::uint32_t own = index_.flags.Find(lower_[i]);
      const std::string_view gap = text_.substr(previous_end, words_[i].begin - previous_end);
      flags_[i] = gap == " " ? std::uint8_t{0} : GapFlags(gap);
      if (own != Lexicon::kAbsent) flags_[i] |= static_cast<std::uint8_t>(own);
      const char c = text_[words_[i].begin];
      if (c >= '0' && c <= '9') flags_[i] |= kNumber;
      previous_end = words_[i].end;
    }
    for (std::uint32_t i = 0; i < words_.size();) i += MatchAt(i);
  }

 private:
  // Emits the cues of the longest phrase at word i; returns how many words it takes.
  std::uint32_t MatchAt(std::uint32_t i) {
    const std::string_view word = lower_[i];
    const bool contracted = word.ends_with("n't");
    const std::uint32_t group = index_.by_first_word.Find(word);
    const Phrase* match = group == Lexicon::kAbsent ? nullptr : LongestAt(i, group);
    const std::uint32_t taken = match != nullptr ? match->size : 1;
    if (match != nullptr && !Dismissed(i, word, taken)) {
      bool emitted_negation = false;
      for (const std::uint16_t row : match->rows) {
        const CueRow& cue = CueRows()[row];
        if (cue.value == kNoCue) continue;
        emitted_negation |= cue.kind == CueKind::kNegation;
        Emit(cue.kind, cue.value, i, taken);
      }
      if (contracted && !emitted_negation) Emit(CueKind::kNegation, 0, i, 1);
    } else if (contracted) {
      Emit(CueKind::kNegation, 0, i, 1);
    }
    return taken;
  }

  const Phrase* LongestAt(std::uint32_t i, std::uint32_t group) const {
    for (const std::uint16_t id : index_.groups[group]) {
      const Phrase& phrase = index_.phrases[id];
      if (i + phrase.size > words_.size()) continue;
      std::uint32_t k = 1;
      while (k < phrase.size && (flags_[i + k] & (kStop | kComma)) == 0 &&
             lower_[i + k].view() == index_.words[phrase.first + k]) {
        ++k;
      }
      if (k == phrase.size) return &phrase;
    }
    return nullptr;
  }

  // Words that are cues only in some company.
  [[nodiscard]] bool Dismissed(std::uint32_t i, std::string_view word, std::uint32_t taken) const {
    const std::uint32_t next = i + taken;
    const bool number_next = next < words_.size() && (flags_[next] & kNumber) != 0;
    if (word == "over" || word == "under" || word == "above" || word == "below" ||
        word == "within") {
      return taken == 1 && !number_next;
    }
    const bool capital = text_[words_[i].begin] >= 'A' && text_[words_[i].begin] <= 'Z';
    if (word == "may" && capital && taken == 1) return i > 0 || number_next;  // the month
    if (word == "no" && next < words_.size() && taken == 1) {
      // "No, ..." answers, "No. 5" numbers.
      return (flags_[next] & kComma) != 0 || ((flags_[next] & kStop) != 0 && number_next);
    }
    return false;
  }

  void Emit(CueKind kind, std::uint8_t value, std::uint32_t i, std::uint32_t taken) {
    if (lower_[i].view() == "may" && kind == CueKind::kHedge && i + taken < words_.size()) {
      // "may be used" permits, "may be late" guesses.
      const std::string_view next = lower_[i + taken];
      const bool participle = next.ends_with("ed") || next.ends_with("en");
      if (participle && lower_[i + taken - 1].view() == "be") kind = CueKind::kPermission;
    }
    Cue cue{kind, value, i, i + taken, i + taken, i + taken};
    SetScope(cue);
    out_.push_back(cue);
  }

  void SetScope(Cue& cue) const {
    const auto n = static_cast<std::uint32_t>(words_.size());
    const bool narrow = cue.kind == CueKind::kQuantifier || cue.kind == CueKind::kComparative ||
                        cue.kind == CueKind::kSuperlative;
    const std::uint32_t limit = std::min(n, cue.end_word + (narrow ? 6 : kMaxReach));
    cue.scope_end = cue.end_word;
    while (cue.scope_end < limit && !EndsAt(cue, cue.scope_end, narrow)) ++cue.scope_end;
    const bool passive = cue.kind == CueKind::kProhibition && cue.begin_word > 0 &&
                         (flags_[cue.begin_word - 1] & kAuxiliary) != 0 &&
                         lower_[cue.begin_word].view() != "cannot";
    // "Smoking is prohibited": what is forbidden stands before.
    while (passive && cue.scope_begin > 0 && cue.begin_word < cue.scope_begin + kMaxReach &&
           (cue.scope_begin > cue.begin_word || !Breaks(cue.scope_begin))) {
      --cue.scope_begin;
    }
  }

  [[nodiscard]] bool Breaks(std::uint32_t j) const {
    return (flags_[j] & (kStop | kTerminator)) != 0 || (flags_[j] & kComma) != 0;
  }

  [[nodiscard]] bool EndsAt(const Cue& cue, std::uint32_t j, bool narrow) const {
    const std::uint8_t flags = flags_[j];
    if ((flags & (kStop | kTerminator)) != 0) return true;
    const bool after_comma = (flags & kComma) != 0;
    const bool subject_next =
        (flags & kCoordinator) != 0 && j + 1 < words_.size() && (flags_[j + 1] & kSubject) != 0;
    if (subject_next && Pronoun(j + 1)) return true;
    if (after_comma && (flags & kSubject) != 0) return true;
    if (after_comma && (flags & kCoordinator) != 0 && (subject_next || narrow)) return true;
    if (narrow) return after_comma || (flags & kAuxiliary) != 0;
    const std::string_view first = lower_[cue.begin_word];
    const bool phrase_only = first == "without" || first == "lack" || first == "absence" ||
                             first == "except" || first == "instead" || first == "rather";
    return phrase_only && after_comma;
  }

  [[nodiscard]] bool Pronoun(std::uint32_t j) const {
    const std::string_view word = lower_[j];
    return word == "he" || word == "she" || word == "it" || word == "they" || word == "we" ||
           word == "you" || word == "i" || word == "there";
  }

  std::string_view text_;
  std::span<const Span> words_;
  std::vector<Cue>& out_;
  const CueIndex& index_;
  LowerWord* lower_ = nullptr;
  std::uint8_t* flags_ = nullptr;
};

}  // namespace

void FindCues(std::string_view text, std::span<const Span> words, std::vector<Cue>& out) {
  Reader(text, words, out).Run();
}

bool IsNegated(std::span<const Cue> cues, std::uint32_t index) {
  bool negated = false;
  for (const Cue& cue : cues) {
    if (index < cue.scope_begin || index >= cue.scope_end) continue;
    if (index >= cue.begin_word && index < cue.end_word) continue;
    if (cue.kind == CueKind::kNegation) negated = !negated;
    if (cue.kind == CueKind::kProhibition) {
      const bool has_own = std::ranges::any_of(cues, [&](const Cue& other) {
        return other.kind == CueKind::kNegation && other.begin_word == cue.begin_word;
      });
      if (!has_own) negated = !negated;
    }
  }
  return negated;
}

}  // namespace assay::text
