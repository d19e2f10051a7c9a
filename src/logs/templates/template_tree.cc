#include "templates/template_tree.h"

#include <algorithm>
#include <utility>

#include "templates/line_scanner.h"
#include "templates/token_hash.h"

namespace assay::logs::templates {
namespace {

constexpr std::size_t kMaxBranches = 100;  // first words of one length, as Drain's max_children
constexpr std::size_t kMaxGroups = 256;    // of one leaf
constexpr std::size_t kMaxVariants = 64;   // templates of one group
constexpr std::size_t kForgetShare = 16;
constexpr std::size_t kSlotsPerTemplate =
    4;  // merged ones keep theirs, so that their ids are known

bool InCapitals(std::string_view word) {
  return word.size() > 1 &&
         std::ranges::all_of(word, [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

bool Contains(std::span<const std::uint64_t> ids, std::uint64_t id) {
  return std::ranges::find(ids, id) != ids.end();
}

std::uint64_t HashOf(std::string_view before) {
  Punctuation punctuation;
  for (const char c : before.substr(0, kMaxPunctuation)) punctuation.Add(c);
  return punctuation.hash();
}

// A value that stands for both.
Token Common(const Token& a, const Token& b) {
  if (a.punctuation == b.punctuation) return MakeToken(a.before, TokenForm::kValue, {});
  const bool space = a.before.starts_with(' ') && b.before.starts_with(' ');
  return MakeToken(space ? " " : "", TokenForm::kValue, {});
}

double Similarity(std::span<const Token> general, std::span<const Token> line) {
  std::size_t equal = 0;
  std::size_t places = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (general[i].SameNeutral(line[i])) continue;
    ++places;
    if (general[i].id == line[i].id) ++equal;
  }
  return places == 0 ? 1.0 : static_cast<double>(equal) / static_cast<double>(places);
}

}  // namespace

Token MakeToken(std::string_view before, TokenForm form, std::string_view word) {
  Token token;
  token.punctuation = HashOf(before);
  token.form = form;
  const std::uint64_t text = form == TokenForm::kWord    ? HashWord(word)
                             : form == TokenForm::kValue ? kValueHash
                                                         : kEndHash;
  token.id = Mix(text ^ token.punctuation, kMixA);
  token.before = before;
  if (form == TokenForm::kWord) {
    token.word = word;
    token.capitals = InCapitals(word);
  }
  return token;
}

std::uint64_t TemplateTree::LeafKey(std::size_t tokens, std::uint64_t first_word) {
  return Mix(first_word ^ kMixA, kMixB + 2 * tokens);
}

std::uint64_t TemplateTree::FirstWord(std::span<const Token> tokens) const {
  if (tokens.empty() || tokens.front().neutral()) return 0;
  const auto branches = branches_.find(tokens.size());
  if (branches == branches_.end() || branches->second.size() < kMaxBranches) {
    return tokens.front().id;
  }
  return Contains(branches->second, tokens.front().id) ? tokens.front().id : 0;
}

std::uint32_t TemplateTree::BestGroup(std::uint64_t first_word,
                                      std::span<const Token> tokens) const {
  const auto leaf = leaves_.find(LeafKey(tokens.size(), first_word));
  if (leaf == leaves_.end()) return kNone;
  std::uint32_t best = kNone;
  double best_similarity = -1;
  for (const std::uint32_t index : leaf->second) {
    const double similarity = Similarity(groups_[index].general, tokens);
    if (similarity > best_similarity) {
      best = index;
      best_similarity = similarity;
    }
  }
  return best_similarity < options_.similarity ? kNone : best;
}

std::optional<std::uint32_t> TemplateTree::FittingTemplate(const Group& group,
                                                           std::span<const Token> tokens) const {
  for (const std::uint32_t slot : group.templates) {
    const Template& one = templates_[slot];
    bool fits = true;
    for (std::size_t i = 0; i < tokens.size() && fits; ++i) {
      fits = group.open[i] != 0 || one.tokens[i].id == tokens[i].id;
    }
    if (fits) return slot;
  }
  return std::nullopt;
}

std::uint32_t TemplateTree::Assign(std::span<const Token> tokens) {
  MakeRoom();
  const std::uint64_t first_word = FirstWord(tokens);
  const std::uint32_t index = BestGroup(first_word, tokens);
  if (index == kNone) return NewTemplate(NewGroup(first_word, tokens), tokens);
  Generalise(groups_[index], tokens);
  if (const auto fitting = FittingTemplate(groups_[index], tokens)) return *fitting;
  const std::uint32_t slot = NewTemplate(index, tokens);
  OpenPlaces(groups_[index]);
  return Root(slot);
}

std::optional<std::uint32_t> TemplateTree::Count(std::uint32_t slot, std::uint32_t generation) {
  if (templates_[slot].generation != generation) return std::nullopt;
  slot = Root(slot);
  Template& one = templates_[slot];
  ++one.lines;
  one.last_line = ++clock_;
  return slot;
}

std::uint32_t TemplateTree::NewGroup(std::uint64_t first_word, std::span<const Token> tokens) {
  if (const auto leaf = leaves_.find(LeafKey(tokens.size(), first_word));
      leaf != leaves_.end() && leaf->second.size() >= kMaxGroups) {
    const auto last_line = [&](std::uint32_t index) {
      std::uint64_t last = 0;
      for (const std::uint32_t slot : groups_[index].templates) {
        last = std::max(last, templates_[slot].last_line);
      }
      return last;
    };
    ForgetGroup(std::ranges::min(leaf->second, {}, last_line));
  }
  if (free_groups_.empty()) {
    free_groups_.push_back(static_cast<std::uint32_t>(groups_.size()));
    groups_.emplace_back();
  }
  const std::uint32_t index = free_groups_.back();
  free_groups_.pop_back();
  Group& group = groups_[index];
  group.first_word = first_word;
  group.born = next_id_;
  group.general.assign(tokens.begin(), tokens.end());
  group.open.assign(tokens.size(), 0);
  Plant(index);
  return index;
}

void TemplateTree::Plant(std::uint32_t index) {
  const Group& group = groups_[index];
  const std::size_t size = group.general.size();
  leaves_[LeafKey(size, group.first_word)].push_back(index);
  if (group.first_word == 0) return;
  std::vector<std::uint64_t>& branches = branches_[size];
  if (!Contains(branches, group.first_word)) branches.push_back(group.first_word);
}

std::uint32_t TemplateTree::TakeSlot() {
  ++alive_;
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(templates_.size()));
    templates_.emplace_back();
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

std::uint32_t TemplateTree::NewTemplate(std::uint32_t group, std::span<const Token> tokens) {
  const std::uint32_t slot = TakeSlot();
  Template& one = templates_[slot];
  one.id = next_id_++;
  one.last_line = clock_;
  one.group = group;
  one.tokens.assign(tokens.begin(), tokens.end());
  slot_of_id_.emplace(one.id, slot);
  groups_[group].templates.push_back(slot);
  return slot;
}

void TemplateTree::Generalise(Group& group, std::span<const Token> tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (group.general[i].id != tokens[i].id) {
      group.general[i] = Common(group.general[i], tokens[i]);
    }
  }
}

std::size_t TemplateTree::Variety(const Group& group, std::size_t place, bool& must_open) const {
  must_open = false;
  if (group.open[place] != 0 || group.templates.size() < 2) return 0;
  std::vector<std::uint64_t> seen;
  bool value = false;
  bool capitals = true;
  for (const std::uint32_t slot : group.templates) {
    const Token& token = templates_[slot].tokens[place];
    value = value || token.neutral();
    capitals = capitals && token.capitals;
    if (!Contains(seen, token.id)) seen.push_back(token.id);
  }
  if (seen.size() < 2) return 0;
  must_open = value || seen.size() > (capitals ? options_.kept_states : options_.kept_words);
  return seen.size();
}

void TemplateTree::OpenPlaces(Group& group) {
  bool opened = false;
  std::size_t widest = 0;
  std::size_t most = 0;
  for (std::size_t i = 0; i < group.general.size(); ++i) {
    if (group.general[i].form != TokenForm::kValue) continue;
    bool must_open = false;
    const std::size_t variety = Variety(group, i, must_open);
    if (must_open) {
      group.open[i] = 1;
      opened = true;
    } else if (variety > most) {
      most = variety;
      widest = i;
    }
  }
  if (group.templates.size() > kMaxVariants && !opened) {
    group.open[widest] = 1;
    opened = true;
  }
  if (opened) MergeEqual(group);
}

void TemplateTree::MergeEqual(Group& group) {
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t slot : group.templates) {
    Template& one = templates_[slot];
    const auto same = std::ranges::find_if(kept, [&](std::uint32_t other) {
      for (std::size_t i = 0; i < one.tokens.size(); ++i) {
        if (group.open[i] == 0 && templates_[other].tokens[i].id != one.tokens[i].id) return false;
      }
      return true;
    });
    if (same == kept.end()) {
      kept.push_back(slot);
      continue;
    }
    Template& into = templates_[*same];
    into.lines += one.lines;
    into.last_line = std::max(into.last_line, one.last_line);
    one.merged_into = *same;
    for (const std::uint32_t earlier : group.merged) {  // so that Root() takes one step
      if (templates_[earlier].merged_into == slot) templates_[earlier].merged_into = *same;
    }
    one.tokens.clear();
    one.tokens.shrink_to_fit();
    group.merged.push_back(slot);
    --alive_;
  }
  group.templates = std::move(kept);
}

std::uint32_t TemplateTree::Root(std::uint32_t slot) const {
  const std::uint32_t into = templates_[slot].merged_into;
  return into == kNone ? slot : into;
}

void TemplateTree::MakeRoom() {
  const std::size_t limit = options_.max_templates;
  while (alive_ > 0 &&
         (alive_ >= limit || templates_.size() - free_slots_.size() >= kSlotsPerTemplate * limit)) {
    ForgetOldest();
  }
}

void TemplateTree::ForgetOldest() {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> ages;  // id breaks ties
  for (const Group& group : groups_) {
    for (const std::uint32_t slot : group.templates) {
      ages.emplace_back(templates_[slot].last_line, slot);
    }
  }
  const std::size_t count = std::max<std::size_t>(1, ages.size() / kForgetShare);
  const auto older = [&](const auto& a, const auto& b) {
    return std::pair(a.first, templates_[a.second].id) <
           std::pair(b.first, templates_[b.second].id);
  };
  std::ranges::partial_sort(ages, ages.begin() + static_cast<std::ptrdiff_t>(count), older);
  for (std::size_t i = 0; i < count; ++i) ForgetTemplate(ages[i].second);
  if (forgotten_.size() > options_.max_templates) {
    const auto surplus = static_cast<std::ptrdiff_t>(forgotten_.size() - options_.max_templates);
    forgotten_.erase(forgotten_.begin(), forgotten_.begin() + surplus);
  }
}

void TemplateTree::ForgetTemplate(std::uint32_t slot) {
  const std::uint32_t index = templates_[slot].group;
  Group& group = groups_[index];
  if (group.templates.size() == 1) return ForgetGroup(index);
  forgotten_.push_back(Mined(templates_[slot]));
  std::erase(group.templates, slot);
  std::erase_if(group.merged, [&](std::uint32_t merged) {
    if (templates_[merged].merged_into != slot) return false;
    FreeSlot(merged);
    return true;
  });
  FreeSlot(slot);
  --alive_;
}

void TemplateTree::ForgetGroup(std::uint32_t index) {
  Group& group = groups_[index];
  for (const std::uint32_t slot : group.templates) {
    forgotten_.push_back(Mined(templates_[slot]));
    FreeSlot(slot);
    --alive_;
  }
  for (const std::uint32_t slot : group.merged) FreeSlot(slot);
  const std::size_t size = group.general.size();
  const auto leaf = leaves_.find(LeafKey(size, group.first_word));
  std::erase(leaf->second, index);
  if (leaf->second.empty()) {
    leaves_.erase(leaf);
    if (group.first_word != 0) std::erase(branches_[size], group.first_word);
  }
  group = Group{};
  free_groups_.push_back(index);
}

void TemplateTree::FreeSlot(std::uint32_t slot) {
  slot_of_id_.erase(templates_[slot].id);
  const std::uint32_t generation = templates_[slot].generation + 1;
  templates_[slot] = Template{};
  templates_[slot].generation = generation;
  free_slots_.push_back(slot);
}

MinedTemplate TemplateTree::Mined(const Template& one) const {
  const Group& group = groups_[one.group];
  MinedTemplate mined{.id = one.id, .lines = one.lines, .text = {}};
  for (std::size_t i = 0; i < one.tokens.size(); ++i) {
    const Token& token = group.open[i] != 0 ? group.general[i] : one.tokens[i];
    mined.text += token.before;
    if (token.form == TokenForm::kValue) mined.text += "<*>";
    for (const char c : token.word) {
      if (c == kMaskedByte && !options_.masks.empty()) {
        mined.text += "<*>";
      } else {
        mined.text += c;
      }
    }
  }
  return mined;
}

std::uint64_t TemplateTree::Resolve(std::uint64_t id) const {
  const auto slot = slot_of_id_.find(id);
  return slot == slot_of_id_.end() ? id : templates_[Root(slot->second)].id;
}

std::optional<MinedTemplate> TemplateTree::Find(std::uint64_t id) const {
  const auto slot = slot_of_id_.find(id);
  if (slot == slot_of_id_.end()) return std::nullopt;
  return Mined(templates_[Root(slot->second)]);
}

std::vector<MinedTemplate> TemplateTree::Templates() const {
  std::vector<MinedTemplate> out;
  for (const Group& group : groups_) {
    for (const std::uint32_t slot : group.templates) out.push_back(Mined(templates_[slot]));
  }
  std::ranges::sort(out, {}, &MinedTemplate::id);
  return out;
}

std::vector<MinedTemplate> TemplateTree::TakeForgotten() {
  std::vector<MinedTemplate> out = std::exchange(forgotten_, {});
  std::ranges::sort(out, {}, &MinedTemplate::id);
  return out;
}

}  // namespace assay::logs::templates
