#include <boost/json.hpp>

#include "sse/chat_stream.h"
#include "sse/json_merge.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

// Writes the events of one answer: all carry the fields that the whole answer has.
class StreamWriter {
 public:
  StreamWriter(const json::object& answer, bool chat) {
    for (const auto& [key, value] : answer) {
      if (key != "choices" && key != "usage") common_[key] = value;
    }
    common_["object"] = chat ? "chat.completion.chunk" : "text_completion";
  }

  void Choice(json::object choice) {
    json::array choices;
    choices.push_back(std::move(choice));
    Event(std::move(choices), nullptr);
  }

  void Event(json::array choices, const json::value* usage) {
    json::object event = common_;
    event["choices"] = std::move(choices);
    if (usage != nullptr) event["usage"] = *usage;
    AppendSseEvent(text_, "", json::serialize(event));
  }

  std::string Done() {
    AppendSseEvent(text_, "", "[DONE]");
    return std::move(text_);
  }

 private:
  json::object common_;
  std::string text_;
};

// Fields of a choice that are neither its text nor its end: they go with the text.
json::object Extras(const json::object& choice) {
  json::object extras;
  for (const auto& [key, value] : choice) {
    if (key != "message" && key != "finish_reason" && key != "text") extras[key] = value;
  }
  return extras;
}

void WriteChatChoice(StreamWriter& out, const json::object& choice, const json::value& index,
                     const json::value& reason) {
  const json::value* message = choice.if_contains("message");
  json::object delta =
      message != nullptr && message->is_object() ? message->get_object() : json::object();
  const json::value* said = delta.if_contains("role");
  const json::value role = said == nullptr ? json::value("assistant") : *said;
  delta.erase("role");
  AddIndexes(delta, "tool_calls");
  const bool has_content = delta.if_contains("content") != nullptr && delta["content"].is_string();
  json::object first = {
      {"index", index}, {"delta", json::object{{"role", role}}}, {"finish_reason", nullptr}};
  if (has_content) first["delta"].get_object()["content"] = "";
  out.Choice(std::move(first));
  if (!has_content) delta.erase("content");
  if (!delta.empty() || choice.if_contains("logprobs") != nullptr) {
    json::object piece = Extras(choice);
    piece["index"] = index;
    piece["delta"] = std::move(delta);
    piece["finish_reason"] = nullptr;
    out.Choice(std::move(piece));
  }
  out.Choice({{"index", index}, {"delta", json::object()}, {"finish_reason", reason}});
}

void WriteTextChoice(StreamWriter& out, const json::object& choice, const json::value& index,
                     const json::value& reason) {
  json::object piece = Extras(choice);
  const json::value* text = choice.if_contains("text");
  piece["index"] = index;
  piece["text"] = text == nullptr ? json::value("") : *text;
  piece["finish_reason"] = nullptr;
  out.Choice(std::move(piece));
  out.Choice({{"index", index}, {"text", ""}, {"finish_reason", reason}});
}

}  // namespace

void AppendSseEvent(std::string& out, std::string_view type, std::string_view data) {
  if (!type.empty()) out.append("event: ").append(type).append("\n");
  while (true) {
    const std::size_t end = data.find_first_of("\r\n");
    out.append("data: ").append(data.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    const bool both = data.substr(end).starts_with("\r\n");
    data.remove_prefix(end + (both ? 2 : 1));
  }
  out.append("\n");
}

Result<std::string> ReplayAsStream(std::string_view answer, bool include_usage) {
  json::error_code error;
  const json::value parsed = json::parse(json::string_view(answer.data(), answer.size()), error);
  const json::object* object = error ? nullptr : parsed.if_object();
  const json::value* kind = object == nullptr ? nullptr : object->if_contains("object");
  const json::value* choices = object == nullptr ? nullptr : object->if_contains("choices");
  const bool chat = kind != nullptr && *kind == "chat.completion";
  if ((!chat && (kind == nullptr || *kind != "text_completion")) || choices == nullptr ||
      !choices->is_array()) {
    return Fail(Code::kInvalidArgument,
                "only a chat.completion or text_completion can be replayed as a stream");
  }
  StreamWriter out(*object, chat);
  std::int64_t number = 0;
  for (const json::value& each : choices->get_array()) {
    const json::object* choice = each.if_object();
    if (choice == nullptr)
      return Fail(Code::kInvalidArgument, "a choice of the answer is not a JSON object");
    const json::value* own = choice->if_contains("index");
    const json::value index = own == nullptr ? json::value(number) : *own;
    const json::value* found = choice->if_contains("finish_reason");
    const json::value reason = found == nullptr || found->is_null() ? json::value("stop") : *found;
    if (chat) {
      WriteChatChoice(out, *choice, index, reason);
    } else {
      WriteTextChoice(out, *choice, index, reason);
    }
    ++number;
  }
  const json::value* usage = object->if_contains("usage");
  if (include_usage && usage != nullptr) out.Event({}, usage);
  return out.Done();
}

}  // namespace assay::gateway
