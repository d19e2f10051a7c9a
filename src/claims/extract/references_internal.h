// What has been talked about so far, and what pronouns and "the company" refer to.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "extract/sentence_internal.h"

namespace assay::claims {

struct Replacement {
  text::Span span;   // bytes of the sentence
  std::string text;  // put in their place
};

// The names of the last sentences of one answer. Looks only backwards, so streaming sees the same.
// Rule: the subject of the nearest sentence goes before its other names; a name must fit in number,
// sex and kind as far as its traits are known; a pronoun with two different fitting names before it
// in its own sentence stays. "The company" needs a name that is written or used as an
// organisation's; one of the heading is in reach of all its section. (After Hobbs, 1978, reduced to
// what can be read without a parse.)
class Discourse {
 public:
  // Appends what to replace in the sentence, in order, and remembers its names.
  void Read(const SentenceView& sentence, bool resolve, std::vector<Replacement>& out);
  void Clear();

 private:
  enum class Need : std::uint8_t { kMale, kFemale, kThing, kPlural, kOrganisation, kPlace };
  struct Entity {
    std::string text;
    text::NameKind kind = text::NameKind::kProper;
    std::uint8_t traits = 0;
    std::uint32_t sentence = 0;  // last mention
    bool subject = false;        // there
    bool organisation = false;   // "Inc", "&", an acronym, or the text uses it as one
    bool heading = false;        // stands in the last heading that has names
  };
  struct Reference {
    std::uint32_t begin_word;
    std::uint32_t end_word;
    Need need;
    bool possessive;
    std::string_view noun;  // of "the bank"; empty for pronouns and "the company"
  };

  [[nodiscard]] static bool Fits(const Entity& entity, const Reference& reference);
  [[nodiscard]] bool ReferenceAt(const SentenceView& s, std::uint32_t i, Reference& out) const;
  [[nodiscard]] const Entity* Antecedent(const SentenceView& s, const Reference& reference,
                                         std::uint32_t subject_word);
  void Remember(const SentenceView& s);
  [[nodiscard]] static bool UsedAsOrganisation(const SentenceView& s, const text::Name& name);
  Entity* Find(std::string_view name, text::NameKind kind);

  std::vector<Entity> entities_;
  std::uint32_t sentence_ = 0;
};

}  // namespace assay::claims
