// Drain's tree over lines that are tokens, and the templates under its groups.
// Threads: one at a time.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "assay/core/result.h"
#include "assay/logs/template_miner.h"

#include "templates/word_kinds.h"

namespace assay::logs::templates {

class StateReader;

enum class TokenForm : std::uint8_t { kWord, kValue, kEnd };

struct Token {
  std::uint64_t id = 0;           // of punctuation, form and word: equal texts have equal ids
  std::uint64_t punctuation = 0;  // its hash
  TokenForm form = TokenForm::kWord;
  bool capitals = false;  // a word of A-Z and _
  std::string before;     // the punctuation
  std::string word;       // empty unless kWord

  [[nodiscard]] bool neutral() const { return form != TokenForm::kWord; }
  [[nodiscard]] bool SameNeutral(const Token& other) const {
    return neutral() && other.neutral() && punctuation == other.punctuation;
  }
};

[[nodiscard]] Token MakeToken(std::string_view before, TokenForm form, std::string_view word);

class TemplateTree {
 public:
  explicit TemplateTree(const MinerOptions& options) : options_(options) {}

  // The slot of the line's template. Learns from the line, but does not count it.
  // Requires: tokens.size() <= 2 * kMaxTokens.
  std::uint32_t Assign(std::span<const Token> tokens);
  // Counts one line. `slot` may be of a template that was merged; the one that stays is returned.
  // nullopt: the template was forgotten.
  std::optional<std::uint32_t> Count(std::uint32_t slot, std::uint32_t generation);

  [[nodiscard]] std::uint64_t id(std::uint32_t slot) const { return templates_[slot].id; }
  [[nodiscard]] std::uint32_t generation(std::uint32_t slot) const {
    return templates_[slot].generation;
  }
  [[nodiscard]] std::uint64_t lines() const { return clock_; }
  [[nodiscard]] std::size_t template_count() const { return alive_; }
  [[nodiscard]] std::uint64_t Resolve(std::uint64_t id) const;
  [[nodiscard]] std::optional<MinedTemplate> Find(std::uint64_t id) const;
  [[nodiscard]] std::vector<MinedTemplate> Templates() const;
  [[nodiscard]] std::vector<MinedTemplate> TakeForgotten();

  // template_state.cc
  void AppendTo(std::string& bytes) const;
  // nullopt: `bytes` are not what AppendTo() wrote.
  [[nodiscard]] static std::optional<TemplateTree> Read(std::string_view bytes,
                                                        const MinerOptions& options);

 private:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  // Lines that differ in words alone. A group that was forgotten has no tokens and no templates.
  struct Group {
    std::uint64_t first_word = 0;          // id of the word that leads to its leaf; 0: any
    std::uint64_t born = 0;                // id of its first template
    std::vector<Token> general;            // a value wherever two of its lines differ
    std::vector<std::uint8_t> open;        // 1: the place holds any word, for all its templates
    std::vector<std::uint32_t> templates;  // alive, by id
    std::vector<std::uint32_t> merged;     // slots that point to another of its templates
  };

  struct Template {
    std::uint64_t id = 0;
    std::uint64_t lines = 0;
    std::uint64_t last_line = 0;  // when it was seen
    std::uint32_t group = kNone;  // kNone: the slot is free
    std::uint32_t merged_into = kNone;
    std::uint32_t generation = 0;  // one more each time the slot becomes free
    std::vector<Token> tokens;     // of its first line; where its group is open they do not count
  };

  [[nodiscard]] static std::uint64_t LeafKey(std::size_t tokens, std::uint64_t first_word);
  // The word that leads to the line's leaf, which need not exist; 0: any.
  [[nodiscard]] std::uint64_t FirstWord(std::span<const Token> tokens) const;
  [[nodiscard]] std::uint32_t BestGroup(std::uint64_t first_word,
                                        std::span<const Token> tokens) const;
  [[nodiscard]] std::optional<std::uint32_t> FittingTemplate(const Group& group,
                                                             std::span<const Token> tokens) const;
  [[nodiscard]] std::uint32_t NewGroup(std::uint64_t first_word, std::span<const Token> tokens);
  void Plant(std::uint32_t index);
  std::uint32_t NewTemplate(std::uint32_t group, std::span<const Token> tokens);
  // Makes the group's general line fit `tokens` too.
  static void Generalise(Group& group, std::span<const Token> tokens);
  // How many different tokens a place has; 0 where all are the same or the place is open already.
  // `must_open`: they are more than are kept apart, or one of them is a value.
  [[nodiscard]] std::size_t Variety(const Group& group, std::size_t place, bool& must_open) const;
  void OpenPlaces(Group& group);
  void MergeEqual(Group& group);
  void MakeRoom();
  void ForgetOldest();
  void ForgetTemplate(std::uint32_t slot);
  void ForgetGroup(std::uint32_t index);
  [[nodiscard]] std::uint32_t TakeSlot();
  void FreeSlot(std::uint32_t slot);
  [[nodiscard]] std::uint32_t Root(std::uint32_t slot) const;
  [[nodiscard]] MinedTemplate Mined(const Template& one) const;
  [[nodiscard]] bool ReadGroup(StateReader& reader);

  MinerOptions options_;
  std::uint64_t clock_ = 0;  // lines counted
  std::uint64_t next_id_ = 1;
  std::size_t alive_ = 0;
  std::vector<Group> groups_;
  std::vector<std::uint32_t> free_groups_;
  std::vector<Template> templates_;
  std::vector<std::uint32_t> free_slots_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> leaves_;  // groups, oldest first
  std::unordered_map<std::uint64_t, std::vector<std::uint64_t>>
      branches_;  // first words, by length
  std::unordered_map<std::uint64_t, std::uint32_t> slot_of_id_;
  std::vector<MinedTemplate> forgotten_;
};

}  // namespace assay::logs::templates
