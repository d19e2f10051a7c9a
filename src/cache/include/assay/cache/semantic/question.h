// assay/cache/semantic/question.h: what a question asks about, and whether two questions ask the
// same.
// Room: cache (uses core, embed, text).  Threads: pure functions.
// Method: hand-written word lists and the extractors of room text; the words of the two questions
// are laid against each other by a heaviest common subsequence. No trained model.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/embed/encoder.h"
#include "assay/text/cues.h"
#include "assay/text/names.h"
#include "assay/text/quantity.h"
#include "assay/text/span.h"

namespace assay::cache {

// What lies beyond is not read: the comparison takes quadratic time.
inline constexpr std::size_t kMaxQuestionBytes = 4096;
inline constexpr std::size_t kMaxQuestionWords = 256;

// What a question wants to know, by its first question word and what stands behind it.
enum class AskKind : std::uint8_t {
  kUnknown,
  kYesNo,
  kWhat,
  kWho,
  kWhen,
  kWhere,
  kWhy,
  kHow,
  kHowMany,
  kHowMuch,
  kHowLong,
  kHowOften,
};

struct QuestionWord {
  text::Span span;
  std::string lower;  // as written, in lower case
  std::uint64_t stem = 0;
  std::array<std::uint16_t, 4> groups = {};  // of words that mean the same; 0: none
  float weight = 0;       // 0 function word, 0.3 light verb, 1 and more: carries the topic
  float rarity = 0;       // text::RarityOf
  bool negated = false;   // in the reach of an odd number of negations
  bool quantity = false;  // part of a number, date, ...
  bool pronoun = false;   // I, you, he, ...: a party that can change places with another
};

// A question, read once. Movable, immutable after reading.
struct Question {
  std::string text;
  std::vector<QuestionWord> words;
  std::vector<text::Quantity> quantities;
  std::vector<text::Name> names;
  std::vector<text::Cue> cues;
  AskKind asks = AskKind::kUnknown;
  std::uint8_t negations = 0;
  std::uint16_t aspects =
      0;  // what of the matter is asked for: its cause, its cure, ...; 0: unknown
  std::uint8_t language = 0;  // 0: unknown; else an index that differs between languages
};

// Reads the first kMaxQuestionBytes bytes. O(bytes), about 20 us for a short question.
[[nodiscard]] Question ReadQuestion(std::string_view text);

enum class DifferenceKind : std::uint8_t {
  kQuantity,    // number, date, duration, unit, money
  kName,        // people, places, products, codes, versions
  kNegation,    // one of them says not
  kQuantifier,  // all, some, only
  kOpposite,    // on and off, buy and sell; red and blue, Monday and Friday; "apart from"
  kOrder,       // from A to B, from B to A
  kAsk,         // who and when, how and why; the cause and the cure
  kModality,    // must and may
  kLanguage,
};

// In a question of more words a fact that only one of the two names may be told by the way.
inline constexpr std::size_t kStoryWords = 16;
// In such a question what is told and what is asked only decide where nearly all words are the
// same.
inline constexpr float kRetold = 0.75F;

// A fact in which two questions differ.
struct Difference {
  DifferenceKind kind = DifferenceKind::kQuantity;
  std::string asked;   // as written in the new question; empty: it is not there
  std::string cached;  // as written in the question that was answered before
  // Whether an answer to one is none to the other. Else it was said by the way in a long question.
  bool decides = true;
};

// "30 days, not 3 days", "asked about before, answered about after".
[[nodiscard]] std::string Describe(const Difference& difference);
// "quantity", "name", ...
[[nodiscard]] std::string_view NameOf(DifferenceKind kind);

// How two questions compare, apart from the similarity of their vectors. All in [0, 1] unless said.
struct Agreement {
  std::vector<Difference> differences;  // deciding ones first
  float shared = 0;           // weight of the words that both hold, of all words with weight
  float left_out_both = 0;    // smaller of the two weights that the other side lacks, >= 0
  float left_out_one = 0;     // the larger minus the smaller, >= 0
  float rarest_left_out = 0;  // rarity of the rarest such word, 0 to 3.1
  float rest_similarity = 1;  // cosine of the words left out on both sides; 1: not on both sides
  float swapped = 0;          // places at which words stand for others, >= 0
  float one_swap = 0;         // 1 where a single place differs and all other words agree
  float moved = 0;            // share of the common words that stand in another order
  float in_order = 0;         // share of all words, function words too, in the same order
  float ask_differs = 0;      // 1 where the question words differ
  float story = 0;            // 0 to 8 words, 1 from 24 words on, of the longer question
  float facts = 0;            // 1 where both name the same quantities or names, 0 where none does
};

[[nodiscard]] inline bool Decides(const Agreement& agreement) {
  return !agreement.differences.empty() && agreement.differences.front().decides;
}

// `words` gives the vectors of single words (the static encoder); null: rest_similarity is 0 where
// both sides have words left. Symmetric but for the wording of the differences. O(words squared).
// Errors: those of the encoder.
[[nodiscard]] Result<Agreement> Compare(const Question& asked, const Question& cached,
                                        const embed::Encoder* words);

}  // namespace assay::cache
