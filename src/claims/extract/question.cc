#include <algorithm>
#include <array>

#include "extract/question_internal.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMaxOpening = 4;  // words before the word that asks: "From which day"
constexpr std::size_t kMaxQuestionWords = 80;

bool Asks(const SentenceView& s, std::size_t i) {
  return s.is_one_of(i, {"what", "which", "who", "whom", "whose", "when", "where", "why", "how"});
}

bool IsDo(const SentenceView& s, std::size_t i) {
  return s.is_one_of(i, {"do", "does", "did"});
}

bool IsYes(const SentenceView& s) {
  return s.is(0, "yes");
}
bool IsNo(const SentenceView& s) {
  return s.is(0, "no") && (s.words.size() == 1 || s.comma_before(1));
}

std::string Join(const SentenceView& s, std::size_t begin, std::size_t end) {
  if (begin >= end) return {};
  return std::string(
      s.text.substr(s.words[begin].begin, s.words[end - 1].end - s.words[begin].begin));
}

void Append(std::string_view words, std::string& out) {
  if (words.empty()) return;
  if (!out.empty()) out += ' ';
  out += words;
}

// A capital of a sentence's first word, inside a sentence.
void Uncapitalize(std::string& words, std::uint16_t roles) {
  if ((roles & (kRoleFinite | kRolePreposition | kRoleDeterminer)) == 0) return;
  if (words[0] >= 'A' && words[0] <= 'Z') words[0] = static_cast<char>(words[0] + 32);
}

// The last piece that ends in a question mark, without it.
std::string_view LastQuestion(std::string_view text) {
  const std::size_t mark = text.rfind('?');
  if (mark == std::string_view::npos) return text;
  text = text.substr(0, mark);
  const std::size_t before = text.find_last_of("?!\n");
  std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  const std::size_t stop = text.rfind(". ");
  if (stop != std::string_view::npos) begin = std::max(begin, stop + 2);
  return text.substr(begin);
}

// "May employees smoke": behind a plural that stands alone comes the verb, known or not.
bool IsBareSubject(const SentenceView& s, std::size_t auxiliary, std::size_t verb) {
  if (verb != auxiliary + 2) return false;
  const std::string_view subject = s.word(auxiliary + 1);
  return (s.roles[auxiliary + 1] & kRolePronoun) != 0 ||
         (subject.ends_with('s') && !subject.ends_with("ss"));
}

// The participle or full verb behind the subject; view.words.size() if there is none.
std::size_t VerbBehindSubject(const SentenceView& s, std::size_t auxiliary) {
  const bool modal = !s.is_one_of(auxiliary, {"is", "are", "was", "were"});
  for (std::size_t i = auxiliary + 2; i < s.words.size(); ++i) {
    const std::uint16_t before = s.roles[i - 1];
    if ((before & (kRoleDeterminer | kRolePreposition)) != 0 || s.in_name(i)) continue;
    if (s.is_one_of(i,
                    {"be", "been", "have", "get", "do", "open", "closed", "free", "available"})) {
      return i;
    }
    const bool participle =
        (s.roles[i] & kRoleVerb) != 0 || s.word(i).ends_with("ed") || s.word(i).ends_with("dden");
    const bool ends_here =
        i + 1 == s.words.size() ||
        (s.roles[i + 1] & (kRolePreposition | kRoleDeterminer | kRoleSubordinator)) != 0 ||
        s.is_one_of(i + 1, {"and", "per", "when", "to", "up"});
    if (participle && (ends_here || modal || i == auxiliary + 2)) return i;
    if (modal && ((s.roles[i] & kRoleBase) != 0 || IsBareSubject(s, auxiliary, i))) return i;
  }
  return s.words.size();
}

bool IsTimeUnit(std::string_view lemma) {
  constexpr std::array<std::string_view, 7> kUnits = {"second", "minute", "hour", "day",
                                                      "week",   "month",  "year"};
  return std::ranges::find(kUnits, lemma) != kUnits.end();
}

}  // namespace

bool IsFragment(const SentenceView& s) {
  if (s.words.empty()) return false;
  if (IsYes(s) || IsNo(s)) return s.words.size() == 1 || s.comma_before(1);
  for (std::size_t i = 0; i < s.words.size(); ++i) {
    if ((s.roles[i] & kRoleFinite) != 0) return false;
    const bool verb = (s.roles[i] & kRoleVerb) != 0;
    const bool base = (s.roles[i] & kRoleBase) != 0 && i > 0 && s.word(i - 1).ends_with('s');
    if (i == 0 || (!verb && !base)) continue;
    // "fully paid leave" holds a participle, "the company paid 300 euros" a verb.
    const bool has_object =
        i + 1 < s.words.size() &&
        ((s.roles[i + 1] & (kRoleDeterminer | kRolePreposition | kRolePronoun)) != 0 ||
         s.figure(i + 1, i + 2));
    const bool third_person = verb && s.word(i).ends_with('s') && i + 1 < s.words.size() &&
                              (s.roles[i - 1] & (kRolePreposition | kRoleDeterminer)) == 0 &&
                              !s.figure(i - 1, i);
    if (has_object || third_person) return false;
  }
  return true;
}

QuestionFrame::QuestionFrame(std::string_view question) {
  SentenceView view;
  view.Read(LastQuestion(question), text::BlockKind::kParagraph);
  if (view.words.size() >= 2 && view.words.size() <= kMaxQuestionWords) Read(view);
}

void QuestionFrame::Read(const SentenceView& s) {
  std::size_t asks = 0;
  while (asks < std::min(kMaxOpening, s.words.size()) && !Asks(s, asks)) ++asks;
  if (asks == std::min(kMaxOpening, s.words.size())) {
    yes_or_no_ = (s.roles[0] & kRoleFinite) != 0;
    if (yes_or_no_) ReadOther(s, 0);
    return;
  }
  preposition_ = Join(s, 0, asks);
  if (!preposition_.empty()) Uncapitalize(preposition_, s.roles[0]);
  std::size_t noun = asks + 1;
  if (s.is(asks, "how")) ++noun;  // "how many", "how long"
  std::size_t verb = noun;
  while (verb < s.words.size() && (s.roles[verb] & kRoleFinite) == 0) {
    const bool full = (s.roles[verb] & (kRoleVerb | kRoleBase)) != 0;
    if (full && (verb > noun || s.is(asks, "who") || s.is(asks, "what"))) {
      const bool later =
          std::ranges::any_of(s.roles.begin() + static_cast<std::ptrdiff_t>(verb), s.roles.end(),
                              [](std::uint16_t roles) { return (roles & kRoleFinite) != 0; });
      if (!later) break;
    }
    ++verb;
  }
  if (verb >= s.words.size()) return;
  const bool asks_for_time = s.is_one_of(noun, {"year", "date", "month", "day", "time"});
  for (std::size_t i = noun; i < verb && !(asks_for_time && verb == noun + 1); ++i) {
    asked_.emplace_back(s.word(i));
  }
  if ((s.roles[verb] & kRoleFinite) == 0) {
    ReadSubjectQuestion(s, verb);
    return;
  }
  // "Who must approve overtime?", "What is required?": what is asked for is the subject.
  const bool verb_next = verb + 1 < s.words.size() && !s.in_name(verb + 1) &&
                         (s.roles[verb + 1] & (kRoleBase | kRoleVerb)) != 0 &&
                         (verb + 2 >= s.words.size() || (s.roles[verb + 2] & kRoleFinite) == 0);
  const bool asks_for_subject = s.is_one_of(asks, {"who", "what", "which"});
  if (asks_for_subject && verb_next && !IsDo(s, verb)) {
    ReadSubjectQuestion(s, verb);
  } else {
    ReadOther(s, verb);
  }
}

void QuestionFrame::ReadSubjectQuestion(const SentenceView& s, std::size_t verb) {
  after_ = Join(s, verb, s.words.size());
}

// "must lost devices be reported" gives "lost devices must be reported".
void QuestionFrame::ReadOther(const SentenceView& s, std::size_t auxiliary) {
  const std::size_t verb = VerbBehindSubject(s, auxiliary);
  subject_ = Join(s, auxiliary + 1, verb);
  std::string helper(s.word(auxiliary));
  Uncapitalize(helper, kRoleFinite);
  const std::string rest = Join(s, verb, s.words.size());
  before_ = subject_;
  negated_ = subject_;
  if (!IsDo(s, auxiliary)) Append(helper, before_);
  Append(helper, negated_);
  Append("not", negated_);
  Append(rest, before_);
  Append(rest, negated_);
}

// What the fragment leaves unsaid of "days of leave": all for "27", "of leave" for "27 days" and
// for "4 weeks".
std::string QuestionFrame::AskedNoun(const SentenceView& fragment) const {
  std::size_t said = 0;
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    for (std::size_t k = 0; k < fragment.words.size(); ++k) {
      std::array<char, 64> mine{};
      std::array<char, 64> other{};
      const std::string_view word = fragment.word(k);
      if (word.size() > 48 || asked_[i].size() > 48) continue;
      const std::string_view a(mine.data(), text::Lemma(word, mine));
      const std::string_view b(other.data(), text::Lemma(asked_[i], other));
      if (a == b || (IsTimeUnit(a) && IsTimeUnit(b))) said = i + 1;
    }
  }
  std::string noun;
  for (std::size_t i = said; i < asked_.size(); ++i) Append(asked_[i], noun);
  return noun;
}

std::string QuestionFrame::Complete(std::string_view fragment) const {
  SentenceView view;
  view.Read(fragment, text::BlockKind::kParagraph);
  if (view.words.empty() || empty()) return std::string(fragment);
  const bool no = IsNo(view);
  const std::size_t first = no || IsYes(view) ? 1 : 0;
  std::string statement = no && yes_or_no_ ? negated_ : before_;
  std::string middle = Join(view, first, view.words.size());
  // Signs that are no words: "€40", "45%".
  if (first == 0) {
    std::string_view whole = fragment;
    while (!whole.empty() && (whole.back() == '.' || whole.back() == ' ')) whole.remove_suffix(1);
    middle = whole;
  }
  if (!middle.empty()) {
    if (!before_.empty()) Uncapitalize(middle, view.roles[first]);
    if (!before_.empty() && (view.roles[first] & kRolePreposition) == 0) {
      Append(preposition_, statement);
    }
    Append(middle, statement);
    Append(AskedNoun(view), statement);
  }
  Append(after_, statement);
  if (!statement.empty() && statement[0] >= 'a' && statement[0] <= 'z') {
    statement[0] = static_cast<char>(statement[0] - 32);
  }
  if (statement.ends_with('?')) statement.pop_back();
  return statement + ".";
}

}  // namespace assay::claims
