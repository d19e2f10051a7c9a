#include <boost/json.hpp>

#include "assay/claims/json.h"

#include "report/check_report.h"

namespace assay::cli {

boost::json::value ClaimToJson(const CheckedClaim& checked) {
  return claims::ToJson(checked.claim, checked.judgement);
}

boost::json::value SummaryToJson(const claims::VerdictSummary& summary) {
  return claims::ToJson(summary);
}

boost::json::value ReportToJson(const CheckReport& report) {
  boost::json::array claims;
  for (const CheckedClaim& checked : report.claims) claims.push_back(ClaimToJson(checked));
  boost::json::object object = {{"claims", std::move(claims)},
                                {"summary", SummaryToJson(report.summary)}};
  if (!report.checker.empty()) object["checker"] = report.checker;
  return object;
}

}  // namespace assay::cli
