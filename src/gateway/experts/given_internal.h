// One expert's answer, and the answer that the client gets.
// Threads: the I/O thread of the exchange.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "experts/circle_internal.h"

namespace assay::gateway {

struct Circle::Given {
  ExpertNote note;
  double weight = 1;
  Result<UpstreamReply> reply = Fail(Code::kInternal, "not asked");
  std::string text;  // of the answer
  std::string verdict;
  std::vector<ClaimVerdict> claims;

  [[nodiscard]] bool good() const { return reply && reply->status == 200 && !text.empty(); }
  [[nodiscard]] std::size_t Contradicted() const;
  // 1 for an answer without claims: there is nothing to object to.
  [[nodiscard]] double SupportedShare() const;
  // The higher the better.
  [[nodiscard]] std::pair<double, double> Rank() const;
  [[nodiscard]] boost::json::object ToJson() const;
};

[[nodiscard]] Circle::Given TakeGiven(std::string expert, double weight, std::int64_t begin_ns,
                                      Result<UpstreamReply> reply);

// `answer_json`, a chat.completion, with `text` (null: its own) as the text of its only choice, the
// usage, and the member "assay".
[[nodiscard]] std::string MergedAnswer(std::string_view answer_json, const std::string* text,
                                       const TokenUsage& usage, boost::json::object assay);

// What of an expert's name may stand in a header.
[[nodiscard]] std::string HeaderName(std::string_view expert);

}  // namespace assay::gateway
