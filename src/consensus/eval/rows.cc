#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "eval/rows_internal.h"

namespace assay::consensus::internal {
namespace {

namespace json = boost::json;

std::unexpected<Error> Bad(std::string message) {
  return Fail(Code::kInvalidArgument, std::move(message));
}

// Text of a field, or nothing where it is absent or no text.
std::string TextOf(const json::object& object, std::string_view field) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr || !value->is_string()) return {};
  return {value->get_string().begin(), value->get_string().end()};
}

// The first of the fields that holds true or false.
Truth TruthOf(const json::object& object) {
  for (const std::string_view field : {"correct", "human_true", "judge_true"}) {
    const json::value* value = object.if_contains(field);
    if (value != nullptr && value->is_bool())
      return value->get_bool() ? Truth::kRight : Truth::kWrong;
  }
  return Truth::kUnknown;
}

void ReadTriplets(const json::object& object, LabelledAnswer& out) {
  const json::value* triplets = object.if_contains("triplets");
  if (triplets == nullptr || !triplets->is_array()) return;
  for (const json::value& value : triplets->get_array()) {
    if (!value.is_object()) continue;
    const json::object& triplet = value.get_object();
    LabelledClaim& claim = out.claims.emplace_back();
    claim.text = fmt::format("{} {} {}", TextOf(triplet, "subject"), TextOf(triplet, "predicate"),
                             TextOf(triplet, "object"));
    claim.supported = TextOf(triplet, "label") == "supported";
  }
}

Result<LabelledAnswer> ReadAnswer(const json::value& value) {
  if (!value.is_object()) return Bad("an answer is no object");
  const json::object& object = value.get_object();
  LabelledAnswer out;
  out.expert = TextOf(object, "model");
  if (out.expert.empty()) out.expert = TextOf(object, "expert");
  if (out.expert.empty()) return Bad("an answer has no \"model\"");
  out.text = TextOf(object, object.contains("text") ? "text" : "response");
  out.truth = TruthOf(object);
  ReadTriplets(object, out);
  return out;
}

Result<Row> ReadOutcomes(const json::object& object, const json::object& correct) {
  Row out;
  out.format = EvalFormat::kOutcomes;
  out.subject = TextOf(object, "subject");
  for (const auto& member : correct) {
    if (!member.value().is_bool()) return Bad("\"correct\" holds what is neither true nor false");
    LabelledAnswer& answer = out.answers.emplace_back();
    answer.expert = member.key();
    answer.truth = member.value().get_bool() ? Truth::kRight : Truth::kWrong;
  }
  return out;
}

}  // namespace

Result<Row> ParseRow(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
  if (error) return Bad(fmt::format("this is no JSON: {}", error.message()));
  if (!value.is_object()) return Bad("this is no JSON object");
  const json::object& object = value.get_object();
  const json::value* correct = object.if_contains("correct");
  if (correct != nullptr && correct->is_object())
    return ReadOutcomes(object, correct->get_object());
  const json::value* answers = object.if_contains("answers");
  if (answers == nullptr || !answers->is_array()) return Bad("\"answers\" is not a list");
  Row out;
  for (const json::value& one : answers->get_array()) {
    ASSAY_ASSIGN(LabelledAnswer answer, ReadAnswer(one));
    out.answers.push_back(std::move(answer));
  }
  out.reference = TextOf(object, "reference");
  const auto labelled = [](const LabelledAnswer& a) { return a.truth != Truth::kUnknown; };
  const auto split = [](const LabelledAnswer& a) { return !a.claims.empty(); };
  if (std::ranges::any_of(out.answers, split)) {
    out.format = EvalFormat::kClaims;
  } else if (!std::ranges::any_of(out.answers, labelled) && !out.reference.empty()) {
    out.format = EvalFormat::kReference;
  }
  return out;
}

}  // namespace assay::consensus::internal
