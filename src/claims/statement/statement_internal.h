// A sentence of a claim or a document, read once: words, quantities, names, cues, fields.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"
#include "assay/text/cues.h"
#include "assay/text/names.h"
#include "assay/text/quantity.h"
#include "assay/text/span.h"

#include "statement/words_internal.h"

namespace assay::claims::internal {

struct Token {
  text::Span span;
  std::uint32_t word = 0;  // in the WordTable
  std::uint32_t stem = 0;
  float rarity = 0;
  std::uint8_t flags = 0;
  bool capitalized = false;    // and not the first word
  bool common = false;         // of a claim: so many passages hold it that it tells none apart
  bool negated = false;        // in the reach of an odd number of negations
  std::int16_t quantity = -1;  // index of the quantity that it is part of

  [[nodiscard]] bool is(WordFlag flag) const { return (flags & flag) != 0; }
};

enum class FieldValue : std::uint8_t { kTrue, kFalse, kNull, kText, kHours };

// "Business Parking > garage: false".
struct Field {
  std::vector<std::uint32_t> key;     // stems of the last part's words, in order
  std::vector<std::uint32_t> parent;  // of the part before it
  std::string key_joined;             // the last part without spaces, lower case: "wifi"
  float key_rarity = 0;               // of its rarest word
  FieldValue value = FieldValue::kText;
  std::uint8_t weekday = 0;                        // 1 = Monday to 7: the key is a weekday
  std::int32_t open_minute = 0, close_minute = 0;  // kHours, since midnight
  text::Span span;                                 // key and value
};

struct Statement {
  std::string text;
  std::vector<Token> tokens;
  std::vector<std::uint32_t> content;  // indices of tokens that are no stop words
  std::vector<text::Quantity> quantities;
  std::vector<text::Name> names;
  std::vector<text::Cue> cues;
  std::vector<Field> fields;
  std::vector<float> mean;   // [dim] rarity-weighted mean of the word vectors, length 1 or 0
  float content_rarity = 0;  // sum over content
  [[nodiscard]] std::string_view word(std::size_t token) const {
    return tokens[token].span.of(text);
  }
};

// What lies beyond is not read: some comparisons take quadratic time.
inline constexpr std::size_t kMaxStatementBytes = 8192;

// Errors: those of the encoder.
[[nodiscard]] Result<Statement> ReadStatement(std::string text, WordTable& words);

// As text::Compare; an amount is compared with a rate of the evidence as if its unit of time were
// said: "180 euros" with "180 euros a night".
[[nodiscard]] text::Comparison CompareStated(const text::Quantity& claim,
                                             const text::Quantity& evidence);

// Whether the evidence's quantity says what the claim's says. A narrower range is another
// statement: "open from 8:00 to 20:00" is not borne out by "7:00 to 20:00".
[[nodiscard]] bool QuantityMatches(const text::Quantity& claim, const text::Quantity& evidence);

// matches[i * evidence.quantities.size() + j] for every pair.
[[nodiscard]] std::vector<char> MatchQuantities(const Statement& claim, const Statement& evidence);

// The fields of a long record ("key: value; key: value; ...") with readable keys; empty where the
// row is no record of at least eight fields.
[[nodiscard]] std::vector<std::string> SplitRecord(std::string_view row);

// Fields of a "key: value" sentence, or of several with "; " between. Needs tokens.
void ReadFields(Statement& statement);

}  // namespace assay::claims::internal
