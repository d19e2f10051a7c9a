// assay/claims/json.h: sentences, claims and judgements as JSON, the same in every face of Assay.
// Room: claims (uses core, text).  Threads: pure functions.
// Texts are repaired to valid UTF-8; offsets are bytes of the answer; shares have four decimals.
#pragma once
#include <string_view>

#include <boost/json/object.hpp>

#include "assay/claims/extractor.h"
#include "assay/claims/verdict.h"
#include "assay/claims/verifier.h"

namespace assay::claims {

// {text, start, end}
[[nodiscard]] boost::json::object ToJson(const Claim& claim);

// {text, start, end, verdict, confidence, reason, evidence: [{file, line, start, end, text,
// score}], unsupported_words: [{start, end}]}; the words' offsets are bytes of `text`
[[nodiscard]] boost::json::object ToJson(const Claim& claim, const Judgement& judgement);

// {supported, contradicted, unverified}
[[nodiscard]] boost::json::object ToJson(const VerdictSummary& summary);

// {text, start, end, kind, claims: [{text, start, end}]}; `answer` is what was extracted from.
[[nodiscard]] boost::json::object ToJson(const ExtractedSentence& sentence,
                                         std::string_view answer);

}  // namespace assay::claims
