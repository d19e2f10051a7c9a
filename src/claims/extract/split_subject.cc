// Statements about the subject that stand beside the main verb.
#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

// The verb behind a subject without commas, prepositions and clauses that starts at word i; the
// number of words where there is none.
std::uint32_t PlainSubjectEnd(const SentenceView& s, std::uint32_t i) {
  const auto n = static_cast<std::uint32_t>(s.words.size());
  for (std::uint32_t j = i; j < n && j < i + kMaxSubject; ++j) {
    if (j > i && s.gap(j) != " " && s.gap(j) != " & ") return n;
    if (j > i && s.verb(j)) return j;
    if ((s.roles[j] & (kRolePreposition | kRoleSubordinator)) != 0 || s.is(j, "and")) return n;
  }
  return n;
}

// "Founded in 2009, Acme employs": "Acme was founded in 2009" comes first.
bool FrontParticiple(const SentenceView& s, SubjectStatement& out) {
  const auto n = static_cast<std::uint32_t>(s.words.size());
  const bool place = s.is_one_of(0, {"located", "based", "headquartered", "situated"});
  const bool born = s.is(0, "born");
  const bool event = born || s.is_one_of(0, {"founded", "established", "built", "released",
                                             "published", "constructed", "launched"});
  if (!place && !event) return false;
  if (!s.is_one_of(1, {"in", "on", "at", "near"}) || (s.is(1, "on") && !born)) return false;
  std::uint32_t subject = 2;
  std::uint32_t verb = n;
  for (; subject < n && subject < 14; ++subject) {
    if (s.verb(subject) || (s.roles[subject] & kRoleSubordinator) != 0) return false;
    const bool starts = s.is_one_of(subject, {"he", "she", "it"}) || s.in_name(subject) ||
                        (s.is(subject, "the") && !born);
    if (!s.comma_before(subject) || !starts) continue;
    verb = PlainSubjectEnd(s, subject);
    if (verb != n) break;
  }
  if (verb == n || subject >= 14) return false;
  const bool plural = s.is(subject, "the") && s.word(verb - 1).ends_with('s');
  if (plural || s.is_one_of(verb, {"are", "were", "have"})) return false;
  out.piece = {{0, s.words[subject - 1].end},
               {s.words[subject].begin, s.words[verb - 1].end},
               {},
               place ? "is" : "was"};
  out.begin = subject;
  out.verb = verb;
  return true;
}

// "Ada Young (born May 5, 1970) is": "Ada Young was born May 5, 1970".
bool Born(const SentenceView& s, SubjectStatement& out) {
  if (s.names.empty() || s.names[0].span.begin != s.words[0].begin) return false;
  const auto n = static_cast<std::uint32_t>(s.words.size());
  std::uint32_t i = 1;
  while (i < n && i < kMaxSubject && s.words[i].begin < s.names[0].span.end) ++i;
  if (!s.is(i, "born") || s.gap(i) != " (" || s.words[i].begin != s.names[0].span.end + 2) {
    return false;
  }
  const std::size_t close = s.text.find_first_of("();\n", s.words[i].begin);
  if (close == std::string_view::npos || s.text[close] != ')') return false;
  const std::string_view life = s.text.substr(s.words[i].begin, close - s.words[i].begin);
  if (life.find("\xE2\x80\x93") != std::string_view::npos || life.find(" - ") < life.size()) {
    return false;  // "(born 1893 - 1966)"
  }
  std::uint32_t verb = i;
  while (verb < n && s.words[verb].begin < close) ++verb;
  if (verb - i < 2 || !s.figure(i, verb) || verb == n || !s.verb(verb)) return false;
  const auto end = static_cast<std::uint32_t>(close);
  out.piece = {{s.words[i].begin, end}, s.names[0].span, {}, "was"};
  out.gap = {s.names[0].span.end, end + 1};
  out.verb = verb;
  return true;
}

// "Ada Young, the managing director, joined": "Ada Young is the managing director".
bool Apposition(const SentenceView& s, SubjectStatement& out) {
  if (s.names.empty() || s.names[0].span.begin != s.words[0].begin) return false;
  const auto n = static_cast<std::uint32_t>(s.words.size());
  std::uint32_t i = 1;
  while (i < n && i < kMaxSubject && s.words[i].begin < s.names[0].span.end) ++i;
  if (i >= n || s.gap(i) != ", " || s.words[i].begin != s.names[0].span.end + 2) return false;
  if (!s.is_one_of(i, {"a", "an", "the"})) return false;
  std::uint32_t verb = i + 1;
  for (; verb < n && !s.comma_before(verb); ++verb) {
    if ((s.roles[verb] & (kRoleFinite | kRoleSubordinator | kRolePronoun)) != 0) return false;
    if (s.is(verb, "and") || s.is(verb, "or")) return false;
    if (s.gap(verb).find_first_of("();:") != std::string_view::npos) return false;
  }
  const bool own = verb < n && ((s.roles[verb] & (kRoleFinite | kRoleActive)) != 0 ||
                                (s.verb(verb) && (s.roles[verb] & kRolePreposition) == 0));
  if (!own || verb < i + 2 || s.gap(verb) != ", ") return false;
  out.piece = {{s.words[i].begin, s.words[verb - 1].end}, s.names[0].span, {}, "is"};
  out.gap = {s.names[0].span.end, s.words[verb].begin - 1U};
  out.verb = verb;
  return true;
}

}  // namespace

SubjectStatement FindSubjectStatement(const SentenceView& s) {
  SubjectStatement out;
  if (!FrontParticiple(s, out) && !Born(s, out) && !Apposition(s, out)) out = {};
  return out;
}

}  // namespace assay::claims
