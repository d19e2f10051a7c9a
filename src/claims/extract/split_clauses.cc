// Clause splitting by word patterns. Every rule asks for a finite verb on both sides and gives up
// where a condition, a report or a quotation could reach over the cut.
#include <algorithm>

#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMaxWords = 250;  // longer sentences are lists or damage: left whole
constexpr std::size_t kMaxLink = 1024;  // bytes of a link's text or target
constexpr std::size_t kMinWords = 3;    // of a piece; shorter ones say nothing checkable alone

class Splitter {
 public:
  Splitter(const SentenceView& sentence, std::vector<Piece>& out) : s_(sentence), out_(out) {}

  void Run() {
    const auto n = static_cast<std::uint32_t>(s_.words.size());
    const Piece whole{{0, static_cast<std::uint32_t>(s_.text.size())}, {}, {}};
    if (n < 2 * kMinWords || n > kMaxWords || Unsafe()) {
      out_.push_back(whole);
      return;
    }
    begin_ = 0;
    first_verb_ = FindVerb(0, n);
    if (first_verb_ == n) {
      out_.push_back(whole);
      return;
    }
    const std::size_t before = out_.size();
    for (std::uint32_t i = 1; i < n; ++i) {
      if (i > first_verb_) {
        Consider(i);
      } else if (s_.is(i, "who") && s_.gap(i).find(',') != std::string_view::npos) {
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
      const bool plural = i > from && ((s_.roles[i - 1] & kRolePronoun) != 0 ||
                                       (s_.word(i - 1).ends_with('s') && i == from + 1));
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
    const bool conjunction =
        s_.is(i, "and") || s_.is(i, "but") || s_.is(i, "while") || s_.is(i, "whereas");
    if (!conjunction || i + kMinWords > s_.words.size() || InBrackets(i)) return;
    if (relative_end_ > i) return;
    if (SubordinatorBetween(first_verb_ + 1, i) && relative_begin_ == 0) return;
    if (comma && ClauseAt(i + 1)) {
      Cut(i, i + 1, false);
      return;
    }
    if ((s_.is(i, "and") || s_.is(i, "but")) && VerbPhraseAt(i + 1, i)) Cut(i, i + 1, true);
  }

  // A clause with its own subject starts at word i: pronoun, determiner or name, then a finite verb
  // within six words and before any comma.
  [[nodiscard]] bool ClauseAt(std::uint32_t i) const {
    if (i >= s_.words.size()) return false;
    const bool subject =
        (s_.roles[i] & (kRolePronoun | kRoleDeterminer)) != 0 || NameAt(i) || s_.figure(i, i + 1);
    if (!subject) return false;
    for (std::uint32_t j = i + 1; j < s_.words.size() && j < i + 7; ++j) {
      if (s_.gap(j).find_first_of(",;:(") != std::string_view::npos) return false;
      const std::uint16_t r = s_.roles[j];
      if ((r & kRoleSubordinator) != 0 && (r & kRolePreposition) == 0) return false;
      if (s_.verb(j)) {
        // "the first released film": a participle before a noun is no verb; an auxiliary is sure.
        const bool sure = (r & kRoleFinite) != 0 || (r & kRoleActive) != 0 || NameAt(i) ||
                          (s_.roles[i] & kRolePronoun) != 0;
        return sure || (j + 1 < s_.words.size() &&
                        (s_.roles[j + 1] & (kRolePreposition | kRoleDeterminer)) != 0);
      }
    }
    return false;
  }

  [[nodiscard]] bool NameAt(std::uint32_t i) const {
    return std::ranges::any_of(s_.names, [&](const text::Name& name) {
      return name.span.begin <= s_.words[i].begin && s_.words[i].begin < name.span.end;
    });
  }

  // A verb phrase that shares the subject starts at word i, behind the conjunction at
  // `conjunction`.
  [[nodiscard]] bool VerbPhraseAt(std::uint32_t i, std::uint32_t conjunction) const {
    if (i + 2 >= s_.words.size() || !s_.verb(i)) return false;
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
    if ((r & kRoleActive) != 0) {
      // "was born and died", but "did not work and moved", "had worked and moved": one auxiliary.
      return !first_auxiliary || s_.is(first_verb_, "was") || s_.is(first_verb_, "were");
    }
    return !first_auxiliary;  // "joined ... and retired"
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
    relative_ = {{s_.words[i + 1].begin, s_.words[end - 1].end}, antecedent, {}};
    relative_gap_ = {comma, to_the_end ? s_.words[end - 1].end : s_.words[end].begin};
    if (!to_the_end) {
      // Keep the white space before what follows.
      relative_gap_.end = s_.words[end - 1].end;
      while (relative_gap_.end < s_.words[end].begin && s_.text[relative_gap_.end] == ',') {
        ++relative_gap_.end;
      }
    }
  }

  // Ends the running piece before word `end` and starts the next at word `next`.
  void Cut(std::uint32_t end, std::uint32_t next, bool shares_subject) {
    if (end < begin_ + kMinWords || s_.words.size() < next + kMinWords) return;
    if (shares_subject && first_verb_ == subject_begin_) return;
    const text::Span subject =
        shares_subject ? text::Span{s_.words[subject_begin_].begin, s_.words[first_verb_ - 1U].end}
                       : text::Span{};
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

void AppendPlain(std::string_view markdown, std::string& out) {
  const std::size_t start = out.size();
  const auto put = [&](char c) {
    const bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!space) {
      out += c;
    } else if (out.size() > start && out.back() != ' ') {
      out += ' ';
    }
  };
  for (std::size_t i = 0; i < markdown.size(); ++i) {
    const char c = markdown[i];
    if (c == '*' || c == '`') {
      // "5 * 3" keeps its star.
      const bool spaced = c == '*' && i > 0 && i + 1 < markdown.size() && markdown[i - 1] == ' ' &&
                          markdown[i + 1] == ' ';
      if (spaced) put(c);
      continue;
    }
    if (c == ']' && i + 1 < markdown.size() && markdown[i + 1] == '(') {
      const std::size_t close = markdown.substr(i, kMaxLink).find(')');
      if (close != std::string_view::npos) {
        const std::size_t from = std::max(start, out.size() - std::min(out.size(), kMaxLink));
        const std::size_t open = std::string_view(out).substr(from).rfind('[');
        if (open != std::string_view::npos) out.erase(from + open, 1);
        i += close;
        continue;
      }
    }
    put(c);
  }
  while (out.size() > start && out.back() == ' ') out.pop_back();
}

}  // namespace assay::claims
