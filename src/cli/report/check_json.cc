#include <cmath>

#include <boost/json.hpp>

#include "assay/text/utf8.h"

#include "report/check_report.h"

namespace assay::cli {
namespace {

// Four decimals: more would be noise, and float rounding would show.
double Rounded(float value) {
  return std::round(static_cast<double>(value) * 1e4) / 1e4;
}

}  // namespace

boost::json::value ClaimToJson(const CheckedClaim& checked) {
  boost::json::array evidence;
  for (const claims::Evidence& item : checked.judgement.evidence) {
    evidence.push_back({{"file", item.file},
                        {"line", item.line},
                        {"start", item.bytes.begin},
                        {"end", item.bytes.end},
                        {"text", text::RepairUtf8(item.text)},
                        {"score", Rounded(item.score)}});
  }
  return {{"text", text::RepairUtf8(checked.claim.text)},
          {"start", checked.claim.span.begin},
          {"end", checked.claim.span.end},
          {"verdict", claims::VerdictName(checked.judgement.verdict)},
          {"confidence", Rounded(checked.judgement.confidence)},
          {"reason", text::RepairUtf8(checked.judgement.reason)},
          {"evidence", std::move(evidence)}};
}

boost::json::value SummaryToJson(const claims::VerdictSummary& summary) {
  return {{"supported", summary.supported},
          {"contradicted", summary.contradicted},
          {"unverified", summary.unverified}};
}

boost::json::value ReportToJson(const CheckReport& report) {
  boost::json::array claims;
  for (const CheckedClaim& checked : report.claims) claims.push_back(ClaimToJson(checked));
  return {{"claims", std::move(claims)}, {"summary", SummaryToJson(report.summary)}};
}

}  // namespace assay::cli
