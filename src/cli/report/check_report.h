// The result of `assay check` and its three forms: for people, as JSON, as an HTML page.
#pragma once
#include <string>
#include <vector>

#include <boost/json/value.hpp>

#include "assay/claims/extractor.h"
#include "assay/claims/verdict.h"
#include "assay/claims/verifier.h"
#include "assay/corpus/index.h"

#include "terminal.h"

namespace assay::cli {

struct CheckedClaim {
  claims::Claim claim;
  claims::Judgement judgement;
};

struct CheckReport {
  std::string answer_name;           // a path, or "standard input"
  std::string answer;                // the whole text; empty with --claims
  claims::Extraction sentences;      // of the answer; empty with --claims
  std::vector<CheckedClaim> claims;  // in order
  claims::VerdictSummary summary;
  std::string checker;    // name of the model that took part; empty: none did
  std::string documents;  // what it was checked against, as the user named it
  std::uint32_t files = 0;
  std::uint32_t passages = 0;
  double seconds = 0;  // of extraction and verification
};

// {text, start, end, verdict, confidence, reason, evidence: [{file, line, start, end, text,
// score}], unsupported_words: [{start, end}]}
[[nodiscard]] boost::json::value ClaimToJson(const CheckedClaim& checked);
// {claims: [...], summary: {supported, contradicted, unverified}}, and checker: NAME where a model
// took part
[[nodiscard]] boost::json::value ReportToJson(const CheckReport& report);
[[nodiscard]] boost::json::value SummaryToJson(const claims::VerdictSummary& summary);

// One claim with its reason and best evidence, as lines for a terminal.
[[nodiscard]] std::string ClaimToText(const CheckedClaim& checked, const Painter& paint);
// The whole report: the answer's own structure with a verdict at every claim, and a summary line.
[[nodiscard]] std::string ReportToText(const CheckReport& report, const Painter& paint);
[[nodiscard]] std::string SummaryToText(const claims::VerdictSummary& summary,
                                        const Painter& paint);

// One self-contained page; a click on a claim shows its evidence inside its passage of `index`.
[[nodiscard]] std::string ReportToHtml(const CheckReport& report, const corpus::Index& index);

}  // namespace assay::cli
