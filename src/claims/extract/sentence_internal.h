// One sentence with what the readers of `text` found in it; the buffers are reused.
#pragma once
#include <cstdint>
#include <initializer_list>
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
  kRoleRarePast = 512,   // past form of a verb that only the splitting knows: "collaborated"
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
  [[nodiscard]] bool is_one_of(std::size_t i, std::initializer_list<std::string_view> list) const {
    for (const std::string_view lower : list) {
      if (is(i, lower)) return true;
    }
    return false;
  }
  [[nodiscard]] bool comma_before(std::size_t i) const {
    return gap(i).find(',') != std::string_view::npos;
  }
  // Whether word i lies in a name.
  [[nodiscard]] bool in_name(std::size_t i) const;
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
  // A relative clause or the like that is left out of the piece; empty for none.
  text::Span gap;
  // Put between prefix and span ("is"); empty for none.
  std::string_view glue = {};
};

inline constexpr std::uint32_t kMaxSubject = 8;  // words of a subject put before another piece

// A statement about the sentence's subject beside its main verb: "Founded in 2009, Acme employs",
// "Ada Young (born May 5, 1970) is", "Ada Young, the managing director, joined".
struct SubjectStatement {
  Piece piece;
  text::Span gap;           // what the main piece loses; empty where the main piece starts behind
  std::uint32_t begin = 0;  // first word of the main piece
  std::uint32_t verb = 0;   // its verb; 0: there is no such statement
};
[[nodiscard]] SubjectStatement FindSubjectStatement(const SentenceView& sentence);

// Cuts a sentence at coordinated clauses and verb phrases and takes relative clauses with figures
// or names, appositions to the subject, "(born ...)" and "Founded in 2009, ..." out; one piece, the
// whole sentence, where no rule is sure. Pieces come in the order of their spans' begins. O(words).
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
