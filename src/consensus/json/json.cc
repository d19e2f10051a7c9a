#include "assay/consensus/json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/text/utf8.h"

namespace assay::consensus {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 3> kLinkages = {"single", "complete", "average"};

std::unexpected<Error> Bad(std::string message) {
  return Fail(Code::kInvalidArgument, std::move(message));
}

Result<json::value> ParseJson(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return Bad(fmt::format("this is no JSON: {}", error.message()));
  return value;
}

// Leaves `out` as it is where the field is missing or null.
Result<void> TakeText(const json::object& object, std::string_view field, std::string& out) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_string()) return Bad(fmt::format("\"{}\" is not a string", field));
  out.assign(value->get_string().begin(), value->get_string().end());
  return {};
}

// A text or a number.
Result<void> TakeId(const json::object& object, std::string& out) {
  const json::value* value = object.if_contains("id");
  if (value == nullptr || !value->is_int64()) return TakeText(object, "id", out);
  out = std::to_string(value->get_int64());
  return {};
}

Result<void> TakeNumber(const json::object& object, std::string_view field, double& out) {
  const json::value* value = object.if_contains(field);
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_number()) return Bad(fmt::format("\"{}\" is not a number", field));
  out = value->to_number<double>();
  return {};
}

// A name out of a list that `of` knows.
template <typename T, typename Of>
Result<void> TakeName(const json::object& object, std::string_view field, Of&& of, T& out) {
  std::string name;
  ASSAY_TRY(TakeText(object, field, name));
  if (name.empty()) return {};
  const std::optional<T> value = of(name);
  if (!value) return Bad(fmt::format("\"{}\": \"{}\" is not known", field, name));
  out = *value;
  return {};
}

Result<void> TakeOptions(const json::object& object, MergeOptions& options) {
  ASSAY_TRY(TakeName(object, "method", MethodOf, options.method));
  ASSAY_TRY(TakeName(object, "linkage", LinkageOf, options.linkage));
  ASSAY_TRY(TakeName(object, "final_kind", FinalKindOf, options.final_kind));
  ASSAY_TRY(TakeNumber(object, "same_threshold", options.same_threshold));
  ASSAY_TRY(TakeNumber(object, "quorum", options.quorum));
  ASSAY_TRY(TakeNumber(object, "claim_threshold", options.claim_threshold));
  return TakeNumber(object, "number_tolerance", options.number_tolerance);
}

Result<Question::Answer> AnswerOf(const json::value& value, std::size_t number) {
  Question::Answer out;
  out.expert = fmt::format("expert {}", number);
  if (value.is_string()) {
    out.text.assign(value.get_string().begin(), value.get_string().end());
    return out;
  }
  if (!value.is_object()) return Bad("it is neither a string nor an object");
  const json::object& object = value.get_object();
  ASSAY_TRY(TakeText(object, "model", out.expert));
  ASSAY_TRY(TakeText(object, "expert", out.expert));
  if (!object.contains("text") && !object.contains("response")) return Bad("it has no \"text\"");
  ASSAY_TRY(TakeText(object, "response", out.text));
  ASSAY_TRY(TakeText(object, "text", out.text));
  ASSAY_TRY(TakeNumber(object, "weight", out.weight));
  ASSAY_TRY(TakeNumber(object, "confidence", out.confidence));
  ASSAY_TRY(TakeNumber(object, "latency_ms", out.latency_ms));
  return out;
}

Result<Question> QuestionOf(const json::object& object, const MergeOptions& defaults) {
  Question out;
  out.options = defaults;
  ASSAY_TRY(TakeId(object, out.id));
  ASSAY_TRY(TakeText(object, "question", out.text));
  ASSAY_TRY(TakeOptions(object, out.options));
  const json::value* answers = object.if_contains("answers");
  if (answers == nullptr || !answers->is_array()) return Bad("\"answers\" is not a list");
  for (const json::value& value : answers->get_array()) {
    auto answer = AnswerOf(value, out.answers.size() + 1);
    if (!answer) {
      return Bad(fmt::format("answer {}: {}", out.answers.size() + 1, answer.error().message));
    }
    out.answers.push_back(*std::move(answer));
  }
  return out;
}

// Calls take(line number from 1, line) for every line that is not blank.
template <typename Take>
Result<void> ForEachLine(std::string_view text, Take&& take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (Result<void> done = take(line); !done) {
      return Bad(fmt::format("line {}: {}", number, done.error().message));
    }
  }
  return {};
}

double Rounded(double value) {
  return std::round(value * 1e4) / 1e4;
}

std::string Valid(std::string_view text) {
  return text::RepairUtf8(text);
}

// By name, so that the caller's order does not show.
json::array Names(std::span<const std::uint32_t> indices, std::span<const ExpertAnswer> answers) {
  std::vector<std::string> names;
  for (const std::uint32_t i : indices) names.push_back(Valid(answers[i].expert));
  std::ranges::sort(names);
  return json::array(names.begin(), names.end());
}

json::value NameOf(std::uint32_t i, std::span<const ExpertAnswer> answers) {
  if (i == kNoAnswer) return nullptr;
  return json::string(Valid(answers[i].expert));
}

json::value ToJson(const FinalAnswer& final) {
  if (final.kind == FinalKind::kNone) return nullptr;
  return {{"kind", FinalKindName(final.kind)},
          {"text", Valid(final.text)},
          {"marked", final.marked},
          {"start", final.span.begin},
          {"end", final.span.end}};
}

json::array OpinionsOf(const Outcome& outcome, std::span<const ExpertAnswer> answers) {
  json::array out;
  for (const Opinion& opinion : outcome.opinions) {
    out.push_back({{"experts", Names(opinion.answers, answers)},
                   {"medoid", NameOf(opinion.medoid, answers)},
                   {"final", ToJson(opinion.final)},
                   {"weight", Rounded(opinion.weight)},
                   {"probability", Rounded(opinion.probability)},
                   {"cohesion", Rounded(opinion.cohesion)},
                   {"stability", Rounded(opinion.stability)}});
  }
  return out;
}

json::array ClaimsOf(const Outcome& outcome, std::span<const ExpertAnswer> answers) {
  json::array out;
  for (const ClaimSupport& claim : outcome.claims) {
    out.push_back({{"text", Valid(claim.text)},
                   {"from", NameOf(claim.answer, answers)},
                   {"supporters", Names(claim.supporters, answers)},
                   {"opponents", Names(claim.opponents, answers)},
                   {"weight", Rounded(claim.weight)}});
  }
  return out;
}

json::array DissentOf(const Outcome& outcome, std::span<const ExpertAnswer> answers) {
  json::array out;
  for (const Dissent& dissent : outcome.dissent) {
    json::value against = nullptr;
    if (!dissent.against.empty()) against = json::string(Valid(dissent.against));
    out.push_back({{"text", Valid(dissent.text)},
                   {"experts", Names(dissent.answers, answers)},
                   {"weight", Rounded(dissent.weight)},
                   {"against", std::move(against)},
                   {"reason", Valid(dissent.reason)}});
  }
  return out;
}

}  // namespace

std::vector<ExpertAnswer> Question::Views() const {
  std::vector<ExpertAnswer> out;
  out.reserve(answers.size());
  for (const Answer& a : answers) {
    out.push_back({a.expert, a.text, a.weight, a.confidence, a.latency_ms});
  }
  return out;
}

Result<Question> ParseQuestion(std::string_view text, const MergeOptions& defaults) {
  ASSAY_ASSIGN(const json::value value, ParseJson(text));
  if (!value.is_object()) return Bad("this is no JSON object");
  return QuestionOf(value.get_object(), defaults);
}

Result<std::vector<Question>> ParseQuestions(std::string_view json_lines,
                                             const MergeOptions& defaults) {
  std::vector<Question> out;
  bool answers_alone = false;
  ASSAY_TRY(ForEachLine(json_lines, [&](std::string_view line) -> Result<void> {
    ASSAY_ASSIGN(const json::value value, ParseJson(line));
    if (!value.is_object()) return Bad("this is no JSON object");
    const json::object& object = value.get_object();
    if (out.empty()) {
      answers_alone = !object.contains("answers");
      if (answers_alone) out.emplace_back().options = defaults;
    }
    if (answers_alone) {
      ASSAY_ASSIGN(Question::Answer answer, AnswerOf(value, out.front().answers.size() + 1));
      out.front().answers.push_back(std::move(answer));
      return {};
    }
    ASSAY_ASSIGN(Question question, QuestionOf(object, defaults));
    out.push_back(std::move(question));
    return {};
  }));
  if (out.empty()) return Bad("there is no question and no answer in it");
  return out;
}

std::string_view LinkageName(Linkage linkage) {
  return kLinkages[static_cast<std::size_t>(linkage)];
}

std::optional<Linkage> LinkageOf(std::string_view name) {
  const auto found = std::ranges::find(kLinkages, name);
  if (found == kLinkages.end()) return std::nullopt;
  return static_cast<Linkage>(found - kLinkages.begin());
}

std::optional<FinalKind> FinalKindOf(std::string_view name) {
  for (const FinalKind kind : {FinalKind::kNone, FinalKind::kNumber, FinalKind::kChoice,
                               FinalKind::kYesNo, FinalKind::kText}) {
    if (name == FinalKindName(kind)) return kind;
  }
  return std::nullopt;
}

json::object ToJson(const Outcome& outcome, std::span<const ExpertAnswer> answers) {
  json::array finals;
  for (const FinalAnswer& final : outcome.finals) finals.push_back(ToJson(final));
  json::array agreement;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    json::array row;
    for (std::size_t j = 0; j < answers.size(); ++j) {
      row.push_back(Rounded(outcome.agreement[i * answers.size() + j]));
    }
    agreement.push_back(std::move(row));
  }
  json::value numeric = nullptr;
  if (outcome.numeric) {
    numeric = {{"value", outcome.numeric->value},
               {"experts", Names(outcome.numeric->answers, answers)},
               {"weight", Rounded(outcome.numeric->weight)},
               {"spread", outcome.numeric->spread}};
  }
  json::array experts;
  for (const ExpertAnswer& answer : answers) experts.push_back(json::string(Valid(answer.expert)));
  return {{"answer", Valid(outcome.answer)},
          {"method", MethodName(outcome.method)},
          {"confidence", Rounded(outcome.confidence)},
          {"chosen", NameOf(outcome.chosen, answers)},
          {"agreement_mean", Rounded(outcome.agreement_mean)},
          {"medoid", NameOf(outcome.medoid, answers)},
          {"opinions", OpinionsOf(outcome, answers)},
          {"claims", ClaimsOf(outcome, answers)},
          {"dissent", DissentOf(outcome, answers)},
          {"numeric", std::move(numeric)},
          {"experts", std::move(experts)},
          {"finals", std::move(finals)},
          {"agreement", std::move(agreement)}};
}

}  // namespace assay::consensus
