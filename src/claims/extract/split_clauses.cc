// Clause splitting by word patterns. Every rule asks for a finite verb on both sides and gives up
// where a condition, a report or a quotation could reach over the cut.
#include <algorithm>

#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMaxWords = 250;  // longer sentences are lists or damage: left whole
constexpr std::size_t kMinWords = 3;    // of a piece; shorter ones say nothing checkable alone

class Splitter {
 public:
  Splitter(const SentenceView& sentence, std::vector<Piece>& out) : s_(sentence), out_(out) {}

  void Run() {
    const auto n = static_cast<std::uint32_t>(s_.words.size());
    const std::size_t before = out_.size();
    const Piece whole{{0, static_cast<std::uint32_t>(s_.text.size())}, {}, {}, {}};
    if (n < 2 * kMinWords || n > kMaxWords || Unsafe()) {
      out_.push_back(whole);
      return;
    }
    const SubjectStatement front = FindSubjectStatement(s_);
    first_verb_ = front.verb != 0 ? front.verb : FindVerb(0, n);
    begin_ = subject_begin_ = front.begin;
    if (front.begin != 0) {
      out_.push_back(front.piece);
    } else if (front.verb != 0) {
      relative_begin_ = relative_end_ = 1;
      relative_ = front.piece;
      relative_gap_ = front.gap;
    }
    if (first_verb_ == n) {
      out_.resize(before);
      out_.push_back(whole);
      return;
    }
    for (std::uint32_t i = begin_ + 1; i < n; ++i) {
      if (i > first_verb_) {
        Consider(i);
      } else if ((s_.is(i, "who") || s_.is(i, "which")) &&
                 s_.gap(i).find(',') != std::string_view::npos) {
        Relative(i);
      }
    }
    EmitPiece(n);
    if (out_.size() == before) out_.push_back(whole);
  }

 private:
  // Sentences whose parts hang together: conditions in front, quotations, reports.
  [[nodiscard]] bool Unsafe() const {
    const std::uint16_t first = s_.roles[0];
    const bool opens_subordinate =
        (first & kRoleSubordinator) != 0 && (first & kRoleDeterminer) == 0;
    if (opens_subordinate && (first & kRolePreposition) == 0) return true;
    for (std::size_t i = 0; i < s_.words.size(); ++i) {
      if ((s_.roles[i] & kRoleReporting) != 0 || s_.is(i, "if") || s_.is(i, "unless") ||
          s_.is(i, "either") || s_.is(i, "neither") || s_.is(i, "whether")) {
        return true;
      }
    }
    return s_.text.find('"') != std::string_view::npos ||
           s_.text.find("\xE2\x80\x9C") != std::string_view::npos;
  }

  [[nodiscard]] std::uint32_t FindVerb(std::uint32_t from, std::uint32_t to) const {
    for (std::uint32_t i = from; i < to; ++i) {
      const bool comma = s_.gap(i).find(',') != std::string_view::npos;
      if (i > from && comma && (s_.is(i, "who") || s_.is(i, "which"))) {
        // "Ada Lovelace, who was born in 1815, wrote": the main verb stands behind the clause.
        while (i + 1 < to && s_.gap(i + 1).find(',') == std::string_view::npos) ++i;
        continue;
      }
      if ((s_.roles[i] & kRoleSubordinator) != 0 && (s_.roles[i] & kRolePreposition) == 0 &&
          (s_.roles[i] & kRoleDeterminer) == 0) {
        return to;  // a relative clause before the main verb: subject unclear
      }
      if (s_.verb(i)) return i;
      // "Tickets cost", but not "his debut album".
      const bool plural = i > from && ((s_.roles[i - 1] & kRolePronoun) != 0 ||
                                       ((s_.roles[i - 1] & kRoleDeterminer) == 0 &&
                                        (s_.word(i - 1).ends_with('s') ||
                                         s_.is_one_of(i - 1, {"staff", "people", "children"})) &&
                                        i == from + 1));
      if ((s_.roles[i] & kRoleBase) != 0 && plural && s_.gap(i) == " ") return i;
    }
    return to;
  }

  // Whether the cut at word i lies in brackets.
  [[nodiscard]] bool InBrackets(std::uint32_t i) const {
    const std::string_view before = s_.text.substr(0, s_.words[i].begin);
    return std::ranges::count(before, '(') != std::ranges::count(before, ')');
  }

  [[nodiscard]] bool SubordinatorBetween(std::uint32_t from, std::uint32_t to) const {
    for (std::uint32_t i = from; i < to; ++i) {
      const std::uint16_t r = s_.roles[i];
      if ((r & kRoleSubordinator) != 0 && (r & kRolePreposition) == 0 && !s_.is(i, "as")) {
        return true;
      }
    }
    return false;
  }

  void Consider(std::uint32_t i) {
    const std::string_view gap = s_.gap(i);
    if (gap.find(';') != std::string_view::npos) {
      if (ClauseAt(i) && !InBrackets(i)) Cut(i, i, false);
      return;
    }
    const bool comma = gap.find(',') != std::string_view::npos;
    if (comma && (s_.is(i, "who") || s_.is(i, "which"))) {
      Relative(i);
      return;
    }
    if (gap == " " && (s_.is(i, "who") || s_.is(i, "known") || s_.is(i, "best"))) {
      Predicate(i);
      return;
    }
    const bool conjunction =
        s_.is(i, "and") || s_.is(i, "but") || s_.is(i, "while") || s_.is(i, "whereas");
    if (!conjunction || i + kMinWords > s_.words.size() || InBrackets(i)) return;
    if (relative_end_ > i) return;
    if (SubordinatorBetween(first_verb_ + 1, i) && relative_begin_ == 0) return;
    if (comma && ClauseAt(i + 1)) {
      Cut(i, i + 1, false);
      return;
    }
    if (!s_.is(i, "and") && !s_.is(i, "but")) return;
    if (VerbPhraseAt(i + 1, i)) {
      Cut(i, i + 1, true);
    } else if (SecondPassiveAt(i + 1, i)) {
      Cut(i, i + 1, true, 1);
    } else if (s_.is_one_of(i + 1, {"he", "she", "it", "they"}) && i + 2 < s_.words.size() &&
               s_.verb(i + 2) && i >= first_verb_ + 2) {
      Cut(i, i + 1, false);
    }
  }

  // "Ann is an actor who began in 1990", "Ann is an actor (best) known for": what is said of the
  // predicate noun holds for the subject.
  void Predicate(std::uint32_t i) {
    if (relative_begin_ != 0 || !s_.is_one_of(first_verb_, {"is", "was"})) return;
    if (!s_.is_one_of(first_verb_ + 1, {"a", "an"}) || i < first_verb_ + 3) return;
    for (std::uint32_t j = first_verb_ + 2; j < i; ++j) {
      const std::string_view gap = s_.gap(j);
      if ((s_.roles[j] & (kRolePreposition | kRoleSubordinator)) != 0 || s_.verb(j)) return;
      if (gap.find_first_of("(;:") != std::string_view::npos) return;
    }
    if (s_.is(i, "who")) {
      if (i + 1 < s_.words.size() && Verb(i + 1)) Cut(i, i + 1, true);
      return;
    }
    const std::uint32_t known = s_.is(i, "best") ? i + 1 : i;
    if (s_.is(known, "known") && s_.is_one_of(known + 1, {"for", "as"})) Cut(i, i, true, 1);
  }

  [[nodiscard]] bool Verb(std::uint32_t i) const {
    return s_.verb(i) || (s_.roles[i] & kRoleRarePast) != 0;
  }

  // "is based in Ghent and owned by Acme", "was written by Ann and directed by Bob": the second
  // participle shares subject and auxiliary. Asked for: no negation, a phrase behind the first.
  [[nodiscard]] bool SecondPassiveAt(std::uint32_t i, std::uint32_t conjunction) const {
    if (i + 2 >= s_.words.size() || conjunction < first_verb_ + 4) return false;
    const bool present = s_.is_one_of(first_verb_, {"is", "are"});
    if (!present && !s_.is_one_of(first_verb_, {"was", "were"})) return false;
    const auto participle = [&](std::uint32_t j) {
      const std::string_view w = s_.word(j);
      return (s_.roles[j] & kRoleVerb) != 0 && (s_.roles[j] & kRoleActive) == 0 &&
             !w.ends_with('s');
    };
    if (!participle(first_verb_ + 1) || !participle(i) || s_.gap(i + 1) != " ") return false;
    if ((s_.roles[first_verb_ + 2] & kRolePreposition) == 0) return false;
    return s_.is(i + 1, "by") || (present && (s_.roles[i + 1] & kRolePreposition) != 0);
  }

  // A clause with its own subject starts at word i: pronoun, determiner, name, figure or a bare
  // noun, then a finite verb within six words (eight of a quantity) and before any comma.
  [[nodiscard]] bool ClauseAt(std::uint32_t i) const {
    if (i >= s_.words.size() || s_.verb(i)) return false;
    const std::uint32_t noun = QuantifierEnd(i);
    const bool quantity = noun != i;
    const bool subject = (s_.roles[i] & (kRolePronoun | kRoleDeterminer)) != 0 || s_.in_name(i) ||
                         s_.figure(i, i + 1);
    const std::uint32_t limit = noun + 7;
    for (std::uint32_t j = noun + 1; j < s_.words.size() && j < limit; ++j) {
      if (s_.gap(j).find_first_of(",;:(") != std::string_view::npos) return false;
      const std::uint16_t r = s_.roles[j];
      if ((r & kRoleSubordinator) != 0 && (r & kRolePreposition) == 0) return false;
      if (!subject && (s_.is(j, "and") || s_.is(j, "or"))) return false;
      // "rules, and forms the staff must sign": a second noun phrase before the verb.
      const bool second =
          (r & (kRoleDeterminer | kRolePronoun)) != 0 && (s_.roles[j - 1] & kRolePreposition) == 0;
      if (!subject && second) return false;
      if (s_.verb(j)) {
        if (j + 1 == s_.words.size()) return false;  // "and street parking is"
        if (!subject) return BareVerb(i, j, quantity);
        // "the first released film": a participle before a noun is no verb; an auxiliary is sure.
        const bool sure = (r & kRoleFinite) != 0 || (r & kRoleActive) != 0 || s_.in_name(i) ||
                          (s_.roles[i] & kRolePronoun) != 0;
        return sure || (j + 1 < s_.words.size() &&
                        (s_.roles[j + 1] & (kRolePreposition | kRoleDeterminer)) != 0);
      }
      if ((r & kRoleBase) != 0 && s_.word(j - 1).ends_with('s') && ObjectAt(j + 1)) return true;
    }
    return false;
  }

  // The first word behind "up to", "at least", "no more than", ... and the number after it; i where
  // no such words stand there.
  [[nodiscard]] std::uint32_t QuantifierEnd(std::uint32_t i) const {
    std::uint32_t j = i;
    if (s_.is(i, "no") || s_.is(i, "not")) ++j;
    const bool two =
        (s_.is(j, "up") && s_.is(j + 1, "to")) ||
        (s_.is(j, "at") && s_.is_one_of(j + 1, {"least", "most"})) ||
        (s_.is_one_of(j, {"more", "fewer", "less", "later", "earlier"}) && s_.is(j + 1, "than"));
    if (two) return j + 2;
    return s_.is_one_of(i, {"about", "around", "nearly", "almost", "over"}) &&
                   s_.figure(i + 1, i + 2)
               ? i + 1
               : i;
  }

  // Whether word j is surely the verb of a subject without a determiner that starts at word i.
  [[nodiscard]] bool BareVerb(std::uint32_t i, std::uint32_t j, bool quantity) const {
    const std::uint16_t first = s_.roles[i];
    const bool noun = quantity || (first & (kRolePreposition | kRoleSubordinator | kRoleBase)) == 0;
    if (!noun || s_.word(i).ends_with("ing") || s_.word(i).ends_with("ly")) return false;
    if ((s_.roles[j] & (kRoleFinite | kRoleActive)) != 0) {
      // "and then was", "and so did": no noun between.
      return quantity ||
             !s_.is_one_of(i, {"then", "so", "also", "later", "now", "once", "therefore", "thus",
                               "not", "never", "still", "even", "to", "is"});
    }
    return s_.word(j).ends_with('s') && ObjectAt(j + 1);
  }

  [[nodiscard]] bool ObjectAt(std::uint32_t i) const {
    return i < s_.words.size() && s_.gap(i) == " " &&
           ((s_.roles[i] & kRoleDeterminer) != 0 || s_.figure(i, i + 1));
  }

  // A verb phrase that shares the subject starts at word i, behind the conjunction at
  // `conjunction`.
  [[nodiscard]] bool VerbPhraseAt(std::uint32_t i, std::uint32_t conjunction) const {
    if (i + 2 >= s_.words.size() || !Verb(i)) return false;
    if (conjunction < first_verb_ + 3) return false;  // "designs and builds bicycles"
    const std::uint16_t r = s_.roles[i];
    const std::uint16_t next = s_.roles[i + 1];
    if (s_.gap(i + 1).find(',') != std::string_view::npos) return false;
    if ((r & kRoleFinite) != 0) {
      // "and was", but not "and do not" of an instruction or "and will" after "will".
      return !s_.is(i, "do");
    }
    const std::string_view w = s_.word(i);
    const bool third_person = w.ends_with('s');
    const bool first_auxiliary = (s_.roles[first_verb_] & kRoleFinite) != 0;
    if (third_person) {
      // "prices and offers for members" is a noun; "and employs 214 people" is not.
      const bool object = (next & kRoleDeterminer) != 0 || s_.figure(i + 1, i + 3);
      const bool first_third = s_.word(first_verb_).ends_with('s');
      return object || (first_third && (next & (kRolePreposition | kRoleFinite)) == 0);
    }
    if ((r & (kRoleActive | kRoleRarePast)) != 0 || ActiveByObject(i)) {
      // "was born and died", but "did not work and moved", "had worked and moved": one auxiliary.
      return !first_auxiliary || s_.is(first_verb_, "was") || s_.is(first_verb_, "were");
    }
    return !first_auxiliary;  // "joined ... and retired"
  }

  // "was born in 1970 and founded the club": a participle would take no object, but for a few
  // verbs.
  [[nodiscard]] bool ActiveByObject(std::uint32_t i) const {
    if ((s_.roles[i] & kRoleVerb) == 0 ||
        s_.is_one_of(
            i, {"called",  "made",  "given",      "taught",  "paid",   "shown",  "told", "offered",
                "granted", "asked", "elected",    "kept",    "left",   "sent",   "sold", "let",
                "marked",  "known", "considered", "charged", "denied", "refused"})) {
      return false;
    }
    const std::string_view w = s_.word(i);
    const bool past = w.ends_with("ed") || (s_.roles[i] & kRoleBase) == 0;
    // No time without a preposition: "was built and opened the same year".
    return past && !w.ends_with('n') && s_.gap(i + 1) == " " && !s_.is(i + 2, "same") &&
           s_.is_one_of(i + 1, {"the", "a", "an", "his", "her", "its", "their"});
  }

  // ", who joined the company in 2014": a statement about the name before the comma, or about the
  // whole subject where it ends there.
  void Relative(std::uint32_t i) {
    if (i + 2 >= s_.words.size() || !s_.verb(i + 1) || relative_end_ != 0) return;
    std::uint32_t end = i + 1;
    while (end < s_.words.size() && s_.gap(end).find(',') == std::string_view::npos) ++end;
    const bool to_the_end = end == s_.words.size();
    if (end - i < kMinWords) return;
    text::Span antecedent{};
    const std::uint32_t comma = s_.words[i - 1].end;
    for (const text::Name& name : s_.names) {
      const bool place = (name.traits & text::kTraitPlace) != 0;
      if (name.span.end == comma && s_.is(i, "who") && !place) antecedent = name.span;
    }
    if (antecedent.empty() && i < first_verb_ && i - begin_ <= kMaxSubject) {
      antecedent = PlainSubject(i);
    }
    if (antecedent.empty()) return;
    bool worth = s_.figure(i, end);
    for (const text::Name& name : s_.names) {
      worth |= name.span.begin >= s_.words[i].begin && name.span.begin < s_.words[end - 1].end;
    }
    if (!worth) return;
    // A comma inside the clause ("in May, 2014") would cut it short: only clear ends count.
    if (!to_the_end && !s_.verb(end) && !s_.is(end, "and")) return;
    relative_begin_ = i;
    relative_end_ = end;
    relative_ = {{s_.words[i + 1].begin, s_.words[end - 1].end}, antecedent, {}, {}};
    relative_gap_ = {comma, to_the_end ? s_.words[end - 1].end : s_.words[end].begin};
    if (!to_the_end) {
      // Keep the white space before what follows.
      relative_gap_.end = s_.words[end - 1].end;
      while (relative_gap_.end < s_.words[end].begin && s_.text[relative_gap_.end] == ',') {
        ++relative_gap_.end;
      }
    }
  }

  // The words from the clause's first to the comma before word i where they are one noun phrase.
  [[nodiscard]] text::Span PlainSubject(std::uint32_t i) const {
    const std::uint16_t first = s_.roles[begin_];
    if ((first & kRoleDeterminer) == 0 && !s_.in_name(begin_)) return {};
    for (std::uint32_t j = begin_; j < i; ++j) {
      if (j > begin_ && s_.gap(j) != " " && s_.gap(j) != " & ") return {};
      if ((s_.roles[j] & (kRolePreposition | kRoleSubordinator)) != 0) return {};
      if (s_.verb(j) || s_.is(j, "and") || s_.is(j, "or")) return {};
    }
    return {s_.words[begin_].begin, s_.words[i - 1].end};
  }

  // Ends the running piece before word `end` and starts the next at word `next`.
  // The running clause's subject without what stands in brackets or commas behind a name, with
  // `auxiliaries` words of the verb; empty where its end is not clear.
  [[nodiscard]] text::Span SharedSubject(std::uint32_t auxiliaries) const {
    const std::uint32_t begin = s_.words[subject_begin_].begin;
    const std::uint32_t end = s_.words[first_verb_ - 1U].end;
    const std::size_t mark =
        s_.text.substr(begin, s_.words[first_verb_].begin - begin).find_first_of("(,");
    if (mark == std::string_view::npos ||
        (s_.gap(first_verb_) == " " && s_.text[begin + mark] == ',')) {
      return {begin, s_.words[first_verb_ - 1U + auxiliaries].end};
    }
    for (const text::Name& name : s_.names) {
      const bool ends = name.span.end <= begin + mark && name.span.end + 1U >= begin + mark;
      if (name.span.begin == begin && ends && auxiliaries == 0 && name.span.end <= end) {
        return name.span;
      }
    }
    return {};
  }

  // The next piece shares the subject with `auxiliaries` words of the verb, or has its own.
  void Cut(std::uint32_t end, std::uint32_t next, bool shares_subject,
           std::uint32_t auxiliaries = 0) {
    if (end < begin_ + kMinWords || s_.words.size() < next + kMinWords) return;
    if (shares_subject && first_verb_ == subject_begin_) return;
    const text::Span subject = shares_subject ? SharedSubject(auxiliaries) : text::Span{};
    if (shares_subject && subject.empty()) return;
    EmitPiece(end);
    begin_ = next;
    prefix_ = subject;
    if (!shares_subject) {
      subject_begin_ = next;
      first_verb_ = std::max(FindVerb(next, static_cast<std::uint32_t>(s_.words.size())), next + 1);
      first_verb_ = std::min(first_verb_, static_cast<std::uint32_t>(s_.words.size() - 1));
    }
  }

  void EmitPiece(std::uint32_t end) {
    const auto n = static_cast<std::uint32_t>(s_.words.size());
    Piece piece;
    const bool first = begin_ == 0;
    piece.span.begin = first ? 0 : s_.words[begin_].begin;
    piece.span.end = end == n ? static_cast<std::uint32_t>(s_.text.size()) : s_.words[end - 1].end;
    piece.prefix = prefix_;
    const bool holds = relative_end_ != 0 && relative_gap_.begin >= piece.span.begin &&
                       relative_gap_.end <= piece.span.end;
    if (holds) piece.gap = relative_gap_;
    out_.push_back(piece);
    if (holds) {
      out_.push_back(relative_);
      relative_end_ = 0;
      relative_begin_ = 1;  // spent: later cuts may pass it
    }
  }

  const SentenceView& s_;
  std::vector<Piece>& out_;
  std::uint32_t begin_ = 0;          // first word of the running piece
  std::uint32_t subject_begin_ = 0;  // first word of the running clause
  std::uint32_t first_verb_ = 0;     // of the running clause
  text::Span prefix_{};
  std::uint32_t relative_begin_ = 0;
  std::uint32_t relative_end_ = 0;
  Piece relative_{};
  text::Span relative_gap_{};
};

}  // namespace

void SplitClauses(const SentenceView& sentence, std::vector<Piece>& out) {
  Splitter(sentence, out).Run();
}

}  // namespace assay::claims
