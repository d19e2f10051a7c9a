#include <boost/json.hpp>
#include <fmt/format.h>

#include "eval/cases_internal.h"
#include "extract/question_internal.h"

namespace assay::claims::internal {
namespace {

namespace json = boost::json;

Result<json::object> ParseObject(std::string_view line) {
  json::error_code error;
  json::value value = json::parse(json::string_view(line.data(), line.size()), error);
  if (error)
    return Fail(Code::kInvalidArgument, fmt::format("is no valid JSON ({})", error.message()));
  if (!value.is_object()) return Fail(Code::kInvalidArgument, "is no JSON object");
  return std::move(value.get_object());
}

std::string_view ViewOf(const json::string& text) {
  return {text.data(), text.size()};
}

Result<std::string> TextField(const json::object& record, std::string_view name) {
  const json::value* value = record.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr || !value->is_string()) {
    return Fail(Code::kInvalidArgument, fmt::format("field '{}' is absent or no text", name));
  }
  return std::string(ViewOf(value->get_string()));
}

// Text or a number, else `otherwise`.
std::string OptionalField(const json::object& record, std::string_view name,
                          std::string_view otherwise) {
  const json::value* value = record.if_contains(json::string_view(name.data(), name.size()));
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return std::string(ViewOf(value->get_string()));
  if (value->is_int64()) return fmt::format("{}", value->get_int64());
  return std::string(otherwise);
}

Result<Truth> ReadLabel(const json::object& record) {
  ASSAY_ASSIGN(const std::string label, TextField(record, "label"));
  if (label == "supported") return Truth::kSupported;
  if (label == "contradicted") return Truth::kContradicted;
  if (label == "neutral") return Truth::kNeutral;
  if (label == "not_supported" || label == "partially_supported") return Truth::kNotSupported;
  return Fail(Code::kInvalidArgument, fmt::format("field 'label' is '{}'", label));
}

Result<void> ReadSpans(const json::object& record, EvalCase& out) {
  const json::value* const spans = record.if_contains("spans");
  if (spans == nullptr || !spans->is_array()) return {};
  for (const json::value& item : spans->get_array()) {
    const json::object* const span = item.if_object();
    const json::value* const start = span == nullptr ? nullptr : span->if_contains("start");
    const json::value* const end = span == nullptr ? nullptr : span->if_contains("end");
    if (start == nullptr || end == nullptr || !start->is_int64() || !end->is_int64() ||
        start->get_int64() < 0 || end->get_int64() < start->get_int64()) {
      return Fail(Code::kInvalidArgument, "field 'spans' holds a span without start and end");
    }
    LabelledSpan labelled;
    labelled.span.begin =
        ByteOfCodePoint(out.response, static_cast<std::uint64_t>(start->get_int64()));
    labelled.span.end = ByteOfCodePoint(out.response, static_cast<std::uint64_t>(end->get_int64()));
    labelled.conflicts = OptionalField(*span, "type", "").find("Conflict") != std::string::npos;
    out.spans.push_back(labelled);
  }
  return {};
}

bool IsJsonObject(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return false;
  return ParseObject(text).has_value();
}

Result<void> ReadGrounding(const json::object& record, std::vector<EvalCase>& cases) {
  EvalCase out;
  ASSAY_ASSIGN(out.source, TextField(record, "source"));
  ASSAY_ASSIGN(out.response, TextField(record, "response"));
  out.question = OptionalField(record, "question", "");
  out.part = OptionalField(record, "task", "");
  out.group = OptionalField(record, "source_id", out.source);
  out.id = OptionalField(record, "id", "");
  if (IsJsonObject(out.source)) out.source_format = corpus::Format::kJson;
  ASSAY_TRY(ReadSpans(record, out));
  const json::value* const hallucinated = record.if_contains("hallucinated");
  if (hallucinated == nullptr && record.if_contains("spans") == nullptr) {
    return Fail(Code::kInvalidArgument, "fields 'hallucinated' and 'spans' are both absent");
  }
  const bool positive = hallucinated != nullptr && hallucinated->is_bool()
                            ? hallucinated->get_bool()
                            : !out.spans.empty();
  out.truth = positive ? Truth::kNotSupported : Truth::kSupported;
  cases.push_back(std::move(out));
  return {};
}

Result<void> ReadNli(const json::object& record, std::vector<EvalCase>& cases) {
  EvalCase out;
  out.is_one_claim = true;
  ASSAY_ASSIGN(out.source, TextField(record, "premise"));
  ASSAY_ASSIGN(out.response, TextField(record, "hypothesis"));
  ASSAY_ASSIGN(out.truth, ReadLabel(record));
  if (IsJsonObject(out.source)) out.source_format = corpus::Format::kJson;
  out.part = OptionalField(record, "set", "");
  out.group = OptionalField(record, "group", out.source);
  out.id = OptionalField(record, "id", "");
  cases.push_back(std::move(out));
  return {};
}

Result<void> ReadClaim(const json::object& record, std::vector<EvalCase>& cases) {
  EvalCase out;
  out.is_one_claim = true;
  ASSAY_ASSIGN(out.response, TextField(record, "claim"));
  ASSAY_ASSIGN(out.truth, ReadLabel(record));
  const json::value* const evidence = record.if_contains("evidence");
  if (evidence != nullptr && evidence->is_null()) return {};
  if (evidence == nullptr || !evidence->is_array()) {
    return Fail(Code::kInvalidArgument, "field 'evidence' is absent or no list");
  }
  for (const json::value& sentence : evidence->get_array()) {
    if (!sentence.is_string()) {
      return Fail(Code::kInvalidArgument, "field 'evidence' holds something that is no text");
    }
    out.source += ViewOf(sentence.get_string());
    out.source += "\n\n";  // a paragraph each: fragments of web pages have no full stops
  }
  out.id = OptionalField(record, "id", "");
  out.group = out.id;
  cases.push_back(std::move(out));
  return {};
}

// An answer alone is often only a phrase: the question completes it, or else goes before it.
std::string AnswerTo(const QuestionFrame& frame, std::string_view question,
                     const std::string& answer) {
  SentenceView view;
  view.Read(answer, text::BlockKind::kParagraph);
  if (!frame.empty() && IsFragment(view)) return frame.Complete(answer);
  return fmt::format("{} {}", question, answer);
}

Result<void> ReadPair(const json::object& record, std::vector<EvalCase>& cases) {
  ASSAY_ASSIGN(const std::string knowledge, TextField(record, "knowledge"));
  ASSAY_ASSIGN(const std::string question, TextField(record, "question"));
  ASSAY_ASSIGN(const std::string right, TextField(record, "right_answer"));
  ASSAY_ASSIGN(const std::string wrong, TextField(record, "hallucinated_answer"));
  EvalCase out;
  out.is_one_claim = true;
  out.source = knowledge;
  out.part = OptionalField(record, "turn", "");
  out.id = OptionalField(record, "id", "");
  out.group = OptionalField(record, "question_id", question);
  const QuestionFrame frame(question);
  out.response = AnswerTo(frame, question, right);
  out.truth = Truth::kSupported;
  cases.push_back(out);
  out.response = AnswerTo(frame, question, wrong);
  out.truth = Truth::kNotSupported;
  cases.push_back(std::move(out));
  return {};
}

}  // namespace

std::uint32_t ByteOfCodePoint(std::string_view text, std::uint64_t count) {
  std::size_t at = 0;
  while (at < text.size() && count > 0) {
    ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
    --count;
  }
  return static_cast<std::uint32_t>(at);
}

Result<EvalFormat> DetectFormat(std::string_view line) {
  ASSAY_ASSIGN(const json::object record, ParseObject(line));
  const auto has = [&record](const char* a, const char* b) {
    return record.if_contains(a) != nullptr && record.if_contains(b) != nullptr;
  };
  if (has("source", "response")) return EvalFormat::kGrounding;
  if (has("premise", "hypothesis")) return EvalFormat::kNli;
  if (has("claim", "evidence")) return EvalFormat::kClaims;
  if (has("knowledge", "hallucinated_answer")) return EvalFormat::kPairs;
  return Fail(Code::kInvalidArgument,
              "has none of the pairs of fields source and response, premise and hypothesis, claim "
              "and evidence, knowledge and hallucinated_answer");
}

Result<void> ReadCases(std::string_view line, EvalFormat format, std::vector<EvalCase>& cases) {
  ASSAY_ASSIGN(const json::object record, ParseObject(line));
  switch (format) {
    case EvalFormat::kGrounding:
      return ReadGrounding(record, cases);
    case EvalFormat::kNli:
      return ReadNli(record, cases);
    case EvalFormat::kClaims:
      return ReadClaim(record, cases);
    case EvalFormat::kPairs:
      return ReadPair(record, cases);
  }
  return Fail(Code::kInternal, "unknown format");
}

}  // namespace assay::claims::internal
