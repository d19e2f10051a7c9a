#include <algorithm>

#include "extract/references_internal.h"

namespace assay::claims {
namespace {

constexpr std::size_t kMaxEntities = 16;
constexpr std::uint32_t kReach = 3;  // sentences back

constexpr std::string_view kOrganisationNouns =
    " company firm organization organisation agency university college school bank hospital team "
    "club band restaurant hotel museum store business startup charity ministry airline "
    "manufacturer corporation cafe retailer foundation institute ";
constexpr std::string_view kAnyOrganisation =
    " company firm organization organisation business corporation startup charity manufacturer "
    "agency ";
constexpr std::string_view kPlaceNouns = " city town country village island river ";

bool InList(std::string_view list, std::string_view word) {
  if (word.size() < 3 || word.size() > 20) return false;
  char key[24];
  std::size_t size = 0;
  key[size++] = ' ';
  for (const char c : word) key[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  key[size++] = ' ';
  return list.find(std::string_view(key, size)) != std::string_view::npos;
}

// A quick test before the costly SameName: one name holds the other's last word, or an acronym.
bool MayBeSame(std::string_view a, std::string_view b) {
  const auto last = [](std::string_view name) {
    const std::size_t space = name.rfind(' ');
    return space == std::string_view::npos ? name : name.substr(space + 1);
  };
  return a.find(last(b)) != std::string_view::npos || b.find(last(a)) != std::string_view::npos ||
         (a.size() <= 6) != (b.size() <= 6);
}

// "It is likely that ...", "It takes two days to ...": the pronoun stands for no name.
bool IsEmptyIt(const SentenceView& s, std::uint32_t i) {
  for (std::size_t j = i + 1; j < s.words.size() && j < i + 9; ++j) {
    if (s.is(j, "that") || s.is(j, "whether") || s.is(j, "if") || s.is(j, "when")) return true;
    if (s.is(j, "to") && j <= i + 5U) return true;
    if (s.is(j, "raining") || s.is(j, "snowing")) return true;
  }
  return s.is(i + 1, "takes") || s.is(i + 1, "seems") || s.is(i + 1, "appears");
}

}  // namespace

void Discourse::Clear() {
  entities_.clear();
  sentence_ = 0;
}

bool Discourse::Fits(const Entity& entity, const Reference& reference) {
  using namespace text;  // the traits
  const std::uint8_t t = entity.traits;
  const bool person = (t & kTraitPerson) != 0;
  const bool thing = (t & (kTraitOrganisation | kTraitPlace)) != 0;
  const bool long_name = entity.text.find(' ') != std::string::npos;
  switch (reference.need) {
    case Need::kMale:
      return !thing && (t & kTraitFemale) == 0 && entity.kind == NameKind::kProper &&
             (person || long_name);
    case Need::kFemale:
      return !thing && (t & kTraitMale) == 0 && entity.kind == NameKind::kProper &&
             (person || long_name);
    case Need::kThing:
      return !person && (thing || entity.subject);
    case Need::kPlural:
      return !person && (t & (kTraitPlural | kTraitOrganisation)) != 0;
    case Need::kOrganisation:
      // "the bank" is "Ghent Savings Bank", not any organisation.
      return !person && entity.organisation &&
             (reference.noun.empty() ||
              entity.text.find(reference.noun.substr(1)) != std::string::npos);
    case Need::kPlace:
      return !person && (t & kTraitOrganisation) == 0 && ((t & kTraitPlace) != 0 || entity.subject);
  }
  return false;
}

bool Discourse::ReferenceAt(const SentenceView& s, std::uint32_t i, Reference& out) const {
  out = {i, i + 1, Need::kThing, false, {}};
  const bool last = i + 1 >= s.words.size();
  if (!last && (s.is(i, "the") || s.is(i, "this"))) {
    std::string_view noun = s.word(i + 1);
    const bool possessive = noun.ends_with("'s");
    if (possessive) noun.remove_suffix(2);
    const bool organisation = InList(kOrganisationNouns, noun);
    if (!organisation && !InList(kPlaceNouns, noun)) return false;
    if (s.gap(i + 1) != " " || s.is(i + 2, "of") || s.is(i + 2, "that") || s.is(i + 2, "which")) {
      return false;
    }
    // "the company car" is no reference.
    const bool free = possessive || i + 2 >= s.words.size() || s.gap(i + 2) != " " ||
                      s.verb(i + 2) ||
                      (s.roles[i + 2] & (kRolePreposition | kRoleSubordinator)) != 0 ||
                      s.is(i + 2, "and") || s.is(i + 2, "also");
    out = {i, i + 2, organisation ? Need::kOrganisation : Need::kPlace, possessive, {}};
    if (organisation && !InList(kAnyOrganisation, noun)) out.noun = noun;
    return free;
  }
  const bool his = s.is(i, "his");
  const bool her = s.is(i, "her");
  const bool its = s.is(i, "its");
  const bool their = s.is(i, "their");
  if (his || her || its || their) {
    if (last || s.gap(i + 1) != " " || s.verb(i + 1) ||
        (s.roles[i + 1] & (kRolePreposition | kRoleDeterminer | kRoleSubordinator)) != 0 ||
        s.is(i + 1, "and")) {
      return false;
    }
    out.need = his ? Need::kMale : her ? Need::kFemale : its ? Need::kThing : Need::kPlural;
    out.possessive = true;
    return true;
  }
  const bool he = s.is(i, "he");
  const bool she = s.is(i, "she");
  const bool it = s.is(i, "it");
  if (!he && !she && !it && !s.is(i, "they")) return false;
  const bool opens = i == 0 || s.gap(i).find_first_of(",;") != std::string_view::npos ||
                     s.is(i - 1, "and") || s.is(i - 1, "but") || s.is(i - 1, "because") ||
                     s.is(i - 1, "while") || s.is(i - 1, "when") || s.is(i - 1, "where");
  const bool subject = !last && (s.verb(i + 1) || (i + 2 < s.words.size() && s.verb(i + 2)));
  if (!opens || !subject || (it && IsEmptyIt(s, i))) return false;
  out.need = he ? Need::kMale : she ? Need::kFemale : it ? Need::kThing : Need::kPlural;
  return true;
}

Discourse::Entity* Discourse::Find(std::string_view name, text::NameKind kind) {
  for (auto it = entities_.rbegin(); it != entities_.rend(); ++it) {
    const bool acronym = it->kind == text::NameKind::kAcronym || kind == text::NameKind::kAcronym;
    if (it->text == name ||
        ((acronym || MayBeSame(it->text, name)) && text::SameName(it->text, name))) {
      return &*it;
    }
  }
  return nullptr;
}

const Discourse::Entity* Discourse::Antecedent(const SentenceView& s, const Reference& reference,
                                               std::uint32_t subject_word) {
  // Names before the reference in its own sentence.
  const std::uint32_t at = s.words[reference.begin_word].begin;
  static thread_local Entity own;
  bool found = false;
  for (const text::Name& name : s.names) {
    if (name.span.end > at) break;
    const Entity* known = Find(name.span.of(s.text), name.kind);
    Entity candidate;
    if (known != nullptr) candidate = *known;
    candidate.text = known != nullptr ? known->text : std::string(name.span.of(s.text));
    candidate.kind = name.kind;
    candidate.traits |= name.traits;
    candidate.organisation |= UsedAsOrganisation(s, name);
    candidate.subject =
        subject_word < s.words.size() && name.span.begin == s.words[subject_word].begin;
    if (!Fits(candidate, reference)) continue;
    if (found && own.text != candidate.text) return nullptr;
    own = candidate;
    found = true;
  }
  // A name that is not the subject, or a possessive behind the verb, may mean another.
  if (found) return own.subject && !reference.possessive ? &own : nullptr;
  const Entity* best = nullptr;
  std::uint32_t best_rank = 0;
  for (const Entity& entity : entities_) {
    const bool section = entity.heading && reference.need == Need::kOrganisation;
    if ((entity.sentence + kReach < sentence_ && !section) || !Fits(entity, reference)) {
      continue;
    }
    const std::uint32_t rank = entity.sentence * 2 + (entity.subject ? 2U : 1U);
    if (best == nullptr || rank >= best_rank) {
      best = &entity;
      best_rank = rank;
    }
  }
  return best;
}

// The first name before the first verb that no preposition leads in; words.size() where none is.
static std::uint32_t SubjectWord(const SentenceView& s) {
  const auto n = static_cast<std::uint32_t>(s.words.size());
  std::size_t next = 0;
  for (std::uint32_t i = 0; i < n && next < s.names.size(); ++i) {
    if (s.words[i].begin == s.names[next].span.begin) {
      if (i == 0 || (s.roles[i - 1] & kRolePreposition) == 0) return i;
      ++next;
      continue;
    }
    if (s.words[i].begin > s.names[next].span.begin) ++next;
    if (s.verb(i)) return n;
  }
  return n;
}

void Discourse::Read(const SentenceView& s, bool resolve, std::vector<Replacement>& out) {
  const std::uint32_t subject_word = SubjectWord(s);
  std::string resolved_subject;
  bool after_verb = false;
  for (std::uint32_t i = 0; resolve && i < s.words.size(); ++i) {
    Reference reference{};
    after_verb |= s.verb(i);
    if (!ReferenceAt(s, i, reference)) continue;
    if (reference.possessive && after_verb) continue;
    const Entity* entity = Antecedent(s, reference, subject_word);
    if (entity == nullptr) continue;
    std::string replacement = entity->text;
    if (reference.possessive) replacement += "'s";
    if (i <= 1 && !reference.possessive && resolved_subject.empty()) {
      resolved_subject = entity->text;
    }
    out.push_back(
        {{s.words[i].begin, s.words[reference.end_word - 1].end}, std::move(replacement)});
    i = reference.end_word - 1;
  }
  Remember(s);
  if (!resolved_subject.empty()) {
    for (Entity& entity : entities_) {
      if (entity.text != resolved_subject) continue;
      entity.sentence = sentence_;
      entity.subject = true;
    }
  }
  ++sentence_;
}

// "Alder & Finch", "BBC", "Acme Inc", "Acme, a Dutch manufacturer", "Acme is a company", "Acme was
// founded", "Acme employs".
bool Discourse::UsedAsOrganisation(const SentenceView& s, const text::Name& name) {
  if ((name.traits & (text::kTraitPerson | text::kTraitPlace)) != 0) return false;
  if ((name.traits & text::kTraitOrganisation) != 0 || name.kind == text::NameKind::kAcronym) {
    return true;
  }
  if (name.span.of(s.text).find('&') != std::string_view::npos) return true;
  const auto after = std::ranges::lower_bound(s.words, name.span.end, {}, &text::Span::begin);
  auto i = static_cast<std::size_t>(after - s.words.begin());
  if (i > 0 && s.words[i - 1].end > name.span.end) return false;  // possessive
  const bool passive = s.is(i, "was") && (s.is(i + 1, "founded") || s.is(i + 1, "incorporated"));
  constexpr std::string_view kDoneByOrganisations =
      " employs hires hired sells manufactures produces ";
  if (passive || (i < s.words.size() && InList(kDoneByOrganisations, s.word(i)))) return true;
  const bool joined = s.gap(i) == ", " || s.is(i, "is") || s.is(i, "was");
  if (!joined) return false;
  if (s.is(i, "is") || s.is(i, "was")) ++i;
  if (!s.is(i, "a") && !s.is(i, "an")) return false;
  for (std::size_t j = i + 1; j < s.words.size() && j < i + 6; ++j) {
    if ((s.roles[j] & (kRolePreposition | kRoleSubordinator)) != 0) return false;
    if (InList(kOrganisationNouns, s.word(j))) return true;
  }
  return false;
}

void Discourse::Remember(const SentenceView& s) {
  const std::uint32_t subject_word = SubjectWord(s);
  const bool heading = s.block == text::BlockKind::kHeading;
  if (heading && !s.names.empty()) {
    for (Entity& entity : entities_) entity.heading = false;
  }
  for (const text::Name& name : s.names) {
    if (name.kind == text::NameKind::kEmail || name.kind == text::NameKind::kUrl) continue;
    const std::string_view bytes = name.span.of(s.text);
    if (bytes.size() > 100) continue;
    const bool subject =
        subject_word < s.words.size() && name.span.begin == s.words[subject_word].begin;
    Entity* known = Find(bytes, name.kind);
    if (known == nullptr) {
      if (entities_.size() == kMaxEntities) {
        const auto oldest = std::ranges::find(entities_, false, &Entity::heading);
        entities_.erase(oldest == entities_.end() ? entities_.begin() : oldest);
      }
      entities_.emplace_back();
      known = &entities_.back();
      known->text = bytes;
      known->kind = name.kind;
    } else if (bytes.size() > known->text.size()) {
      known->text = bytes;
      known->kind = name.kind;
    }
    known->traits |= name.traits;
    known->organisation |= UsedAsOrganisation(s, name);
    known->heading |= heading;
    known->subject = subject || (known->subject && known->sentence == sentence_);
    known->sentence = sentence_;
  }
}

}  // namespace assay::claims
