// One sentence with what the readers of `text` found in it; the buffers are reused.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/extractor.h"
#include "assay/text/cues.h"
#include "assay/text/names.h"
#include "assay/text/segment.h"
#include "assay/text/span.h"

namespace assay::claims {

enum WordRole : std::uint16_t {
  kRoleFinite = 1,        // auxiliary: "is", "has", "must"
  kRoleVerb = 2,          // finite form of a full verb: "employs", "founded", "rose"
  kRoleActive = 4,        // a past form that is no participle, or a verb without a passive
  kRoleSubordinator = 8,  // "if", "because", "which"
  kRolePronoun = 16,      // subject pronoun
  kRoleDeterminer = 32,
  kRolePreposition = 64,
  kRoleReporting = 128,  // "said", "claims", "believes"
  kRoleBase = 256,       // dictionary form of a full verb: finite after a plural ("Tickets cost")
};

// Whether two words are equal, `lower` being in lower case ASCII.
[[nodiscard]] bool EqualsLower(std::string_view word, std::string_view lower);

struct SentenceView {
  std::string_view text;
  text::BlockKind block = text::BlockKind::kParagraph;
  std::vector<text::Span> words;
  std::vector<std::uint16_t> roles;  // WordRole flags of each word
  std::vector<text::Cue> cues;
  std::vector<text::Name> names;

  void Read(std::string_view sentence, text::BlockKind kind);

  [[nodiscard]] std::string_view word(std::size_t i) const { return words[i].of(text); }
  // Bytes between word i - 1 and word i (from the start for i == 0).
  [[nodiscard]] std::string_view gap(std::size_t i) const {
    const std::uint32_t begin = i == 0 ? 0 : words[i - 1].end;
    const std::uint32_t end =
        i < words.size() ? words[i].begin : static_cast<std::uint32_t>(text.size());
    return text.substr(begin, end - begin);
  }
  // Whether word i is `lower` (lower-case ASCII); false past the end.
  [[nodiscard]] bool is(std::size_t i, std::string_view lower) const {
    if (i >= words.size() || words[i].size_bytes() != lower.size()) return false;
    return ((text[words[i].begin] ^ lower[0]) & ~0x20) == 0 && EqualsLower(word(i), lower);
  }
  [[nodiscard]] bool has(text::CueKind kind) const;
  [[nodiscard]] bool verb(std::size_t i) const {
    return (roles[i] & (kRoleFinite | kRoleVerb)) != 0;
  }
  [[nodiscard]] bool figure(std::size_t begin, std::size_t end) const;
};

// Roles of one word (any case).
[[nodiscard]] std::uint16_t RolesOf(std::string_view word);

// A piece of a sentence that stands as a statement of its own.
struct Piece {
  text::Span span;    // in the sentence: the bytes that make the statement
  text::Span prefix;  // in the sentence: subject to put before it; empty where it has its own
  // A relative clause that is left out of the piece; empty for none.
  text::Span gap;
};

// Cuts a sentence at coordinated clauses and verb phrases and takes relative clauses with figures
// or names out; one piece, the whole sentence, where no rule is sure. Pieces come in the order of
// their spans' begins. O(words).
void SplitClauses(const SentenceView& sentence, std::vector<Piece>& out);

// Appends the bytes without Markdown emphasis, code ticks and link targets, white space collapsed.
void AppendPlain(std::string_view markdown, std::string& out);

// What is to be said of the sentence. `worth` is the model's score.
[[nodiscard]] SentenceKind Classify(const SentenceView& sentence, float worth);

// Whether a sentence announces what follows ("Benefits include:", "Here is an overview:").
[[nodiscard]] bool IsLeadIn(const SentenceView& sentence);

struct Feature {
  std::uint32_t index;
  float value;
};
inline constexpr std::uint32_t kHashedFeatures = 1U << 14U;  // word uni- and bigrams
inline constexpr std::uint32_t kDenseFeatures = 40;
inline constexpr std::uint32_t kFeatures = kHashedFeatures + kDenseFeatures;

// Features of the check-worthiness model; indices may repeat. The trainer reads them from the
// program claim_features, so training and use cannot differ.
void CheckFeatures(const SentenceView& sentence, std::vector<Feature>& out);

// Probability in [0, 1] that the sentence is check-worthy.
[[nodiscard]] float CheckWorthiness(std::span<const Feature> features);

}  // namespace assay::claims
