// assay/claims/verdict.h: what the documents say about a claim.
// Room: claims (uses text).  Threads: plain values.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/text/span.h"

namespace assay::claims {

enum class Verdict : std::uint8_t {
  kSupported,     // the documents say so
  kContradicted,  // the documents say something else about the same thing
  kUnverified,    // the documents do not say so
};

// "supported", "contradicted", "unverified".
[[nodiscard]] std::string_view VerdictName(Verdict verdict);

// A sentence, list item or table row of a document.
struct Evidence {
  std::string file;        // as corpus::Passage::file
  std::uint32_t line = 1;  // 1-based
  std::uint32_t page = 0;  // 1-based page of a PDF, 0 elsewhere
  text::Span bytes;        // in the file (corpus::Source says which bytes those are)
  std::string text;        // readable, without markup
  float score =
      0;  // share of the claim that it covers, weighted by how rare the words are, in [0, 1]
};

// Kinds of facts that are compared one by one.
enum class FactKind : std::uint8_t {
  kQuantity,    // numbers, dates, durations, money, measures
  kName,        // people, places, organisations, codes
  kNegation,    // said with "not" on one side only
  kAntonym,     // opposite words at the same place
  kQuantifier,  // "all" for "some"
  kModality,    // "must" for "may"
  kOrder,       // who did what to whom
  kField,       // a field of a record: false, null or another value
  kWord,        // another word at the same place, its own place being elsewhere
};

// "quantity", "name", "negation", ...
[[nodiscard]] std::string_view FactKindName(FactKind kind);

// One fact of the claim that the evidence does not bear out.
struct FactFinding {
  FactKind kind = FactKind::kQuantity;
  bool conflicts = false;      // the evidence states another value; else it states none
  text::Span claim;            // bytes of the claim
  std::string claim_says;      // "3 days"
  std::string evidence_says;   // "30 days"; empty unless `conflicts`
  std::uint32_t evidence = 0;  // index into Judgement::evidence; meaningful if `conflicts`
};

struct Judgement {
  Verdict verdict = Verdict::kUnverified;
  float confidence = 0;            // probability that the verdict is right, in [0, 1], calibrated
  float support = 0;               // probability that the documents support the claim, in [0, 1]
  float support_by_facts = 0;      // the same by facts and similarity, before a model was heard
  std::string reason;              // one sentence for people, without a final line break
  std::vector<Evidence> evidence;  // best first; empty where nothing bears on the claim
  std::vector<FactFinding>
      findings;  // conflicts first; empty for a claim that is plainly supported
  // Bytes of the claim: what the evidence does not bear out, as far as it is known, in order and
  // apart from each other. Empty for a supported claim.
  std::vector<text::Span> unsupported_words;
};

}  // namespace assay::claims
