#include "assay/claims/json.h"

#include <cmath>
#include <span>
#include <utility>

#include <boost/json.hpp>

#include "assay/text/utf8.h"

namespace assay::claims {
namespace {

// Four decimals: more would be noise, and float rounding would show.
double Rounded(float value) {
  return std::round(static_cast<double>(value) * 1e4) / 1e4;
}

// Spans of the claim as spans of its text in the JSON, where ill-formed bytes are repaired.
boost::json::array WordsToJson(std::string_view claim, std::span<const text::Span> words) {
  const auto repaired = [claim](std::uint32_t end) {
    return text::RepairUtf8(claim.substr(0, end)).size();
  };
  boost::json::array array;
  for (const text::Span& word : words) {
    if (word.end > claim.size()) continue;
    array.push_back({{"start", repaired(word.begin)}, {"end", repaired(word.end)}});
  }
  return array;
}

}  // namespace

boost::json::object ToJson(const Claim& claim) {
  return {
      {"text", text::RepairUtf8(claim.text)}, {"start", claim.span.begin}, {"end", claim.span.end}};
}

boost::json::object ToJson(const Claim& claim, const Judgement& judgement) {
  boost::json::array evidence;
  for (const Evidence& item : judgement.evidence) {
    evidence.push_back({{"file", item.file},
                        {"line", item.line},
                        {"start", item.bytes.begin},
                        {"end", item.bytes.end},
                        {"text", text::RepairUtf8(item.text)},
                        {"score", Rounded(item.score)}});
  }
  boost::json::object object = ToJson(claim);
  object["verdict"] = VerdictName(judgement.verdict);
  object["confidence"] = Rounded(judgement.confidence);
  object["reason"] = text::RepairUtf8(judgement.reason);
  object["evidence"] = std::move(evidence);
  object["unsupported_words"] = WordsToJson(claim.text, judgement.unsupported_words);
  return object;
}

boost::json::object ToJson(const VerdictSummary& summary) {
  return {{"supported", summary.supported},
          {"contradicted", summary.contradicted},
          {"unverified", summary.unverified}};
}

boost::json::object ToJson(const ExtractedSentence& sentence, std::string_view answer) {
  boost::json::array claims;
  for (const Claim& claim : sentence.claims) claims.push_back(ToJson(claim));
  return {{"text", text::RepairUtf8(sentence.span.of(answer))},
          {"start", sentence.span.begin},
          {"end", sentence.span.end},
          {"kind", KindName(sentence.kind)},
          {"claims", std::move(claims)}};
}

}  // namespace assay::claims
