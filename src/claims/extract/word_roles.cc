#include <algorithm>
#include <array>
#include <unordered_map>

#include "extract/sentence_internal.h"

namespace assay::claims {
namespace {

constexpr std::string_view kFinite =
    "is are was were has have had do does did will would can could may might must shall should "
    "isn't aren't wasn't weren't hasn't haven't hadn't don't doesn't didn't won't wouldn't can't "
    "cannot couldn't";
// Full verbs in dictionary form; their -s and past forms count as finite.
constexpr std::string_view kVerbs =
    "accept achieve acquire add adopt agree aim allow announce appear apply appoint approve argue "
    "arrive ask assemble attend attract avoid award base become begin believe belong bring build "
    "buy call carry cause celebrate charge choose claim close collect come compete complete "
    "comprise concern conduct confirm consist contain continue contribute convert cost cover "
    "create cut deal decide decline decrease deliver demand deny depart describe design destroy "
    "determine develop die direct discover drop earn elect employ enable encourage end enter "
    "establish expand expect expire explain export extend face fail fall feature finance find "
    "finish follow force form found fund gain generate get give go govern grant grow happen head "
    "help hire hold host house identify import improve include increase indicate introduce invent "
    "invest involve issue join keep kill know lack last launch lead learn leave let lie like "
    "limit list live locate lose love maintain make manage manufacture mark marry mean measure "
    "meet mention move need note offer open operate oppose order organize own participate pass "
    "pay perform permit plan play portray possess praise prefer prepare present prevent produce "
    "prohibit promise promote propose protect prove provide publish purchase reach receive "
    "recommend record reduce refer refuse reimburse reject release remain remove repair replace "
    "report represent require resign result retire return reveal rise rule run say see seek sell "
    "send serve settle share show sign spend sponsor stand star start state stay stop study submit "
    "succeed suffer suggest supply support surpass take teach tell travel turn understand use "
    "visit "
    "vote want warn weigh win work write feel think rank measure total equal exceed pay last "
    "graduate immigrate emigrate debut premiere star gross earn span";
constexpr std::string_view kActive =
    "became began came did drove fell flew gave grew knew ran saw sang spoke took went wrote wore "
    "died moved served worked joined graduated attended retired arrived departed remained happened "
    "appeared lived stayed continued resigned emigrated immigrated traveled travelled received "
    "studied earned starred debuted rose";
constexpr std::string_view kSubordinators =
    "if unless whether because when while that which who whom whose although though since until "
    "where as whereas once before after";
constexpr std::string_view kPronouns = "he she it they we you i there this these those";
constexpr std::string_view kDeterminers =
    "the a an his her its their our my your this that these those each every all some most many "
    "both no any";
constexpr std::string_view kPrepositions =
    "of in on at by for from to with into during per through between among against without about "
    "under over after before within across near";
constexpr std::string_view kReporting =
    "said says say claim claims claimed believe believes believed report reports reported argue "
    "argues argued announced states stated suggests suggested think thinks thought told alleged "
    "alleges denied denies warned mentioned mentions according";
// Pasts of intransitive or mostly active verbs; the check-worthiness model does not know them.
constexpr std::string_view kRarePast =
    "led collaborated acted authored toured criticized criticised pitched scored enrolled "
    "befriended attempted switched shifted evolved transitioned divorced struggled reunited peaked "
    "interned embarked pursued fled raced obtained survived contested competed won defeated "
    "signed co-founded co-wrote carried amended grew";

class RoleTable {
 public:
  static const RoleTable& Get() {
    static const RoleTable table;
    return table;
  }
  [[nodiscard]] std::uint16_t Find(std::string_view lower) const {
    const auto it = roles_.find(lower);
    return it == roles_.end() ? std::uint16_t{0} : it->second;
  }
  [[nodiscard]] bool Verb(std::string_view lemma) const { return verbs_.contains(lemma); }

 private:
  RoleTable() {
    Add(kFinite, kRoleFinite);
    Add(kActive, kRoleActive);
    Add(kSubordinators, kRoleSubordinator);
    Add(kPronouns, kRolePronoun);
    Add(kDeterminers, kRoleDeterminer);
    Add(kPrepositions, kRolePreposition);
    Add(kReporting, kRoleReporting);
    Add(kRarePast, kRoleRarePast);
    ForEach(kVerbs, [this](std::string_view word) { verbs_.emplace(word, true); });
  }
  template <typename F>
  static void ForEach(std::string_view list, F&& take) {
    while (!list.empty()) {
      const std::size_t end = std::min(list.find(' '), list.size());
      take(list.substr(0, end));
      list.remove_prefix(std::min(end + 1, list.size()));
    }
  }
  void Add(std::string_view list, std::uint16_t role) {
    ForEach(list, [&](std::string_view word) { roles_[word] |= role; });
  }
  std::unordered_map<std::string_view, std::uint16_t> roles_;
  std::unordered_map<std::string_view, bool> verbs_;
};

}  // namespace

bool EqualsLower(std::string_view word, std::string_view lower) {
  return word.size() == lower.size() &&
         std::equal(word.begin(), word.end(), lower.begin(), [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b;
         });
}

std::uint16_t RolesOf(std::string_view word) {
  if (word.empty() || word.size() > 24) return 0;
  std::array<char, 32> lower{};
  std::ranges::transform(word, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  const RoleTable& table = RoleTable::Get();
  const std::string_view key(lower.data(), word.size());
  std::uint16_t roles = table.Find(key);
  if ((roles & (kRoleFinite | kRolePronoun | kRolePreposition | kRoleDeterminer)) != 0) {
    return roles;
  }
  if (key.ends_with("ing") || key.size() < 3) return roles;
  std::array<char, 32> lemma{};
  const std::size_t size = text::Lemma(word, lemma);
  const std::string_view base(lemma.data(), size);
  if (table.Verb(base)) roles |= base != key ? kRoleVerb : kRoleBase;
  if ((roles & kRoleActive) != 0) roles |= kRoleVerb;
  return roles;
}

void SentenceView::Read(std::string_view sentence, text::BlockKind kind) {
  text = sentence;
  block = kind;
  words.clear();
  roles.clear();
  cues.clear();
  names.clear();
  text::SplitWords(text, words);
  text::FindCues(text, words, cues);
  text::FindNames(text, words, names);
  roles.reserve(words.size());
  for (const text::Span span : words) roles.push_back(RolesOf(span.of(text)));
  // A word of a name is no verb: "United Airlines", "Best Buy".
  std::size_t i = 0;
  for (const text::Name& name : names) {
    while (i < words.size() && words[i].begin < name.span.begin) ++i;
    for (; i < words.size() && words[i].end <= name.span.end; ++i) roles[i] = 0;
  }
}

bool SentenceView::in_name(std::size_t i) const {
  return i < words.size() && std::ranges::any_of(
                                 names,
                                 [&](const text::Name& name) {
                                   return name.span.begin <= words[i].begin &&
                                          words[i].begin < name.span.end;
                                 });
}

bool SentenceView::has(text::CueKind kind) const {
  return std::ranges::any_of(cues, [kind](const text::Cue& cue) { return cue.kind == kind; });
}

bool SentenceView::figure(std::size_t begin, std::size_t end) const {
  for (std::size_t i = begin; i < end && i < words.size(); ++i) {
    const std::string_view w = word(i);
    if (std::ranges::any_of(w, [](char c) { return c >= '0' && c <= '9'; })) return true;
  }
  return false;
}

}  // namespace assay::claims
