// assay/consensus/final_answer.h: what an answer says in the end: a number, a choice, yes or no.
// Room: consensus (uses core, text).  Threads: pure functions.
// Method: a marker ("#### 72", "A: 72", "\boxed{72}", "the answer is 72") decides, the last one of
// several; without one the last number, choice or yes/no, as evaluations of GSM8K read answers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/text/span.h"

namespace assay::consensus {

enum class FinalKind : std::uint8_t {
  kNone,    // nothing that could be compared
  kNumber,  // "5,600", "$5600.00", "12 %": value; "3/4" is 0.75
  kChoice,  // "(B)", "B.": text is the letter, A to J
  kYesNo,   // text is "yes" or "no"
  kText,    // a few words: text in lower case without articles and punctuation
};

// "none", "number", "choice", "yes_no", "text".
[[nodiscard]] std::string_view FinalKindName(FinalKind kind);

struct FinalAnswer {
  FinalKind kind = FinalKind::kNone;
  bool marked = false;  // a marker or the whole answer says so; else the last one of its kind
  double number = 0;    // kNumber
  std::string text;     // canonical; of a number its shortest decimal form
  text::Span span;      // bytes of the answer
};

// kNone as `expected` takes what the marker or the whole of a short answer says, and never the last
// number of a long text. Another kind takes nothing else. UTF-8; O(bytes).
[[nodiscard]] FinalAnswer ExtractFinal(std::string_view answer,
                                       FinalKind expected = FinalKind::kNone);

// Numbers by a relative difference of at most 1e-6, the rest by their texts. kNone equals nothing.
[[nodiscard]] bool SameFinal(const FinalAnswer& a, const FinalAnswer& b);

}  // namespace assay::consensus
