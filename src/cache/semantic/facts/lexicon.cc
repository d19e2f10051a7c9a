#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "assay/text/cues.h"

#include "semantic/facts/lexicon_internal.h"

namespace assay::cache::internal {
namespace {

constexpr std::string_view kSynonyms =
#include "semantic/facts/synonyms.inc"
    ;
constexpr std::string_view kExclusive =
#include "semantic/facts/exclusive.inc"
    ;
constexpr std::string_view kOpposites =
#include "semantic/facts/opposites.inc"
    ;

constexpr std::string_view kFunctionWords =
    "a an the and or but nor so yet if then than that this these those it its they them their he "
    "she him her his "
    "hers you your yours we us our i me my mine who whom whose which what when where why how is am "
    "are was were be "
    "been being do does did done have has had having will would shall should can could may might "
    "must in of on at "
    "by for with from to into onto over under about as up down out off above below between through "
    "during before "
    "after again once here there any both each other such own same too very just also not no yes s "
    "t now it's i'm "
    "don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't cannot couldn't "
    "shouldn't haven't hasn't "
    "i've i'd i'll you're you've what's where's how's who's when's that's there's let's because "
    "while although "
    "though since due per via please hi hello hey thanks thank dear kindly ok okay well actually "
    "really exactly "
    "simply maybe perhaps still already ever even else someone somebody something anything anyone "
    "everyone one "
    "ones without within inside outside against until upon toward towards whether however way ways "
    "step steps "
    "process procedure possible able unable allowed command need want like know tell let like "
    "wonder wondering "
    "wanna gonna gotta necessary required right best good proper usual somehow currently kind sort "
    "type thing "
    "things order able us question answer explain mean meaning means everything long often much "
    "many myself "
    "yourself themselves itself was go going get getting got else of more most some all every only "
    "few less least";
constexpr std::string_view kTopicalFunctionWords =
    "right more most some all every only few less least type order well";
constexpr std::string_view kLightWords =
    "find take make use give put see look help work happen come keep turn set try seem become call "
    "show ask say "
    "new different certain available option point time times case issue problem place reason "
    "people person "
    "using used made taking making there required necessary need allowed possible safe cover look "
    "check";

std::vector<std::string_view> Split(std::string_view list, char separator) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    if (end > 0) parts.push_back(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return parts;
}

class Lists {
 public:
  static const Lists& Get() {
    static const Lists lists;
    return lists;
  }

  std::unordered_map<std::string_view, GroupList> groups;
  std::vector<std::string_view> heads;  // of group i + 1
  std::unordered_map<std::string_view, float> weights;

  [[nodiscard]] Exclusions Of(std::string_view word) const {
    Exclusions found;
    if (const auto it = opposites_.find(word); it != opposites_.end()) {
      found.word = it->first;
      found.opposites = it->second;
    }
    if (const auto it = members_.find(word); it != members_.end()) {
      found.word = it->first;
      found.sets = it->second;
    }
    return found;
  }

 private:
  Lists() {
    std::uint16_t id = 0;
    for (const std::string_view line : Split(kSynonyms, '\n')) {
      ++id;
      heads.push_back(line.substr(0, line.find('|')));
      for (const std::string_view member : Split(line, '|')) {
        auto& ids = groups[member].ids;
        const auto free = std::ranges::find(ids, 0);
        if (free != ids.end()) *free = id;
      }
    }
    for (const std::string_view word : Split(kLightWords, ' ')) weights[word] = 0.3F;
    for (const std::string_view word : Split(kFunctionWords, ' ')) weights[word] = 0;
    for (const std::string_view word : Split(kTopicalFunctionWords, ' ')) weights[word] = 0.6F;
    int set = 0;
    for (const std::string_view line : Split(kExclusive, '\n')) {
      ++set;
      int place = 0;
      for (const std::string_view member : Split(line.substr(line.find(':') + 1), '|')) {
        ++place;
        for (const std::string_view name : Split(member, '=')) {
          members_[name].push_back({.set = set, .place = place});
        }
      }
    }
    for (const std::string_view line : Split(kOpposites, '\n')) {
      const std::size_t slash = line.find('/');
      const std::string_view a = line.substr(0, slash);
      const std::string_view b = line.substr(slash + 1);
      opposites_[a].push_back(b);
      opposites_[b].push_back(a);
    }
  }

  std::unordered_map<std::string_view, std::vector<Exclusions::Member>> members_;
  std::unordered_map<std::string_view, std::vector<std::string_view>> opposites_;
};

}  // namespace

GroupList GroupsOf(std::string_view words) {
  const auto& groups = Lists::Get().groups;
  const auto it = groups.find(words);
  return it == groups.end() ? GroupList{} : it->second;
}

std::string_view HeadOf(std::uint16_t group) {
  return Lists::Get().heads[group - 1U];
}

bool Share(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) {
  return std::ranges::any_of(
      a, [b](std::uint16_t id) { return id != 0 && std::ranges::find(b, id) != b.end(); });
}

Exclusions ExclusionsOf(std::string_view word) {
  return Lists::Get().Of(word);
}

bool ExcludeEachOther(const Exclusions& a, const Exclusions& b) {
  if (std::ranges::find(a.opposites, b.word) != a.opposites.end()) return true;
  for (const Exclusions::Member& first : a.sets) {
    for (const Exclusions::Member& second : b.sets) {
      if (first.set == second.set) return first.place != second.place;
    }
  }
  return false;
}

float WeightOf(std::string_view lower) {
  const auto& weights = Lists::Get().weights;
  const auto it = weights.find(lower);
  return it == weights.end() ? 1.0F : it->second;
}

std::string LowerCase(std::string_view word) {
  std::string lower(word);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  for (std::size_t at = 0; (at = lower.find("\xE2\x80\x99", at)) != std::string::npos;) {
    lower.replace(at, 3, "'");
  }
  return lower;
}

std::string LemmaOf(std::string_view lower) {
  std::string lemma(lower.size() + 4, '\0');
  lemma.resize(text::Lemma(lower, lemma));
  return lemma;
}

}  // namespace assay::cache::internal
