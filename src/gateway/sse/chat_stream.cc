#include "sse/chat_stream.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "sse/json_merge.h"
#include "sse/reader.h"

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::int64_t kMaxChoices = 128;       // as the OpenAI API bounds n
constexpr std::size_t kEventBytes = 4UL << 10;  // most events fit here without an allocation

std::uint64_t Count(const json::object& usage, std::string_view name) {
  const json::value* found = usage.if_contains(name);
  if (found == nullptr) return 0;
  if (const auto* positive = found->if_int64())
    return *positive < 0 ? 0 : static_cast<std::uint64_t>(*positive);
  const auto* large = found->if_uint64();
  return large == nullptr ? 0 : *large;
}

std::string_view View(const json::string& text) {
  return {text.data(), text.size()};
}

}  // namespace

struct ChatStreamAssembler::Impl {
  explicit Impl(std::size_t limit) : limit_bytes(limit) {}

  void Event(const SseEvent& event);
  bool Choices(const json::value& list);
  bool Choice(const json::object& piece);
  json::object Finished(const json::object& choice) const;

  SseReader reader;
  std::size_t limit_bytes;
  std::size_t taken_bytes = 0;
  const char* fault = nullptr;  // why the stream is broken
  bool done = false;            // [DONE] was seen
  bool chat = true;             // a chat.completion, not a text_completion
  json::object top;             // the fields of the answer but for its choices
  std::map<std::int64_t, json::object>
      choices;  // by index: {message | text, finish_reason, logprobs, ...}
  TokenUsage usage;
};

// One choice of one event. Its delta is merged into the choice's message, the rest into the choice.
bool ChatStreamAssembler::Impl::Choice(const json::object& piece) {
  std::int64_t index = 0;
  if (const json::value* found = piece.if_contains("index")) {
    if (!found->is_int64()) return false;
    index = found->get_int64();
  }
  if (index < 0 || index >= kMaxChoices) return false;
  json::object& choice = choices[index];
  for (const auto& [key, value] : piece) {
    const std::string_view name(key.data(), key.size());
    if (name == "index") continue;
    if (name == "delta" || name == "message") {
      if (!value.is_object()) return value.is_null();
      MergeField(choice, "message", value);
    } else if (name == "finish_reason") {
      if (value.is_string() || choice.if_contains(key) == nullptr) choice[key] = value;
    } else {
      MergeField(choice, name, value);
    }
  }
  return true;
}

bool ChatStreamAssembler::Impl::Choices(const json::value& list) {
  if (list.is_null()) return true;
  if (!list.is_array()) return false;
  return std::ranges::all_of(list.get_array(), [&](const json::value& piece) {
    return piece.is_object() && Choice(piece.get_object());
  });
}

void ChatStreamAssembler::Impl::Event(const SseEvent& event) {
  if (done) return;
  if (event.type == "error") {
    fault = "it holds an error event";
    return;
  }
  if (event.type != "message") return;  // an extension; clients ignore those
  if (event.data == "[DONE]") {
    done = true;
    return;
  }
  std::array<unsigned char, kEventBytes> space;
  json::monotonic_resource memory(space.data(), space.size());
  json::error_code error;
  const json::value parsed =
      json::parse(json::string_view(event.data.data(), event.data.size()), error, &memory);
  if (error || !parsed.is_object()) {
    fault = "an event of it is not a JSON object";
    return;
  }
  for (const auto& [key, value] : parsed.get_object()) {
    const std::string_view name(key.data(), key.size());
    if (name == "choices") {
      if (!Choices(value)) fault = "a choice of it is not as the OpenAI API says";
    } else if (name == "error" && !value.is_null()) {
      fault = "it holds an error";
    } else if (name == "object") {
      chat = !value.is_string() || View(value.get_string()) != "text_completion";
    } else if (name == "usage") {
      if (!value.is_object()) continue;
      const json::object& numbers = value.get_object();
      usage = {Count(numbers, "prompt_tokens"), Count(numbers, "completion_tokens"),
               Count(numbers, "total_tokens")};
      top[key] = value;
    } else if (!value.is_null() || top.if_contains(key) == nullptr) {
      top[key] = value;
    }
  }
}

// In the order in which the API shows the fields.
json::object ChatStreamAssembler::Impl::Finished(const json::object& choice) const {
  json::object finished;
  for (const auto& [key, value] : choice) {
    if (key != "message" && key != "finish_reason" && key != "logprobs") finished[key] = value;
  }
  if (chat) {
    json::object message;
    message["role"] = "assistant";
    message["content"] = nullptr;
    const json::value* merged = choice.if_contains("message");
    if (merged != nullptr) {
      for (const auto& [key, value] : merged->get_object()) message[key] = value;
    }
    RemoveIndexes(message, "tool_calls");
    finished["message"] = std::move(message);
  }
  const json::value* logprobs = choice.if_contains("logprobs");
  finished["logprobs"] = logprobs == nullptr ? json::value(nullptr) : *logprobs;
  const json::value* reason = choice.if_contains("finish_reason");
  finished["finish_reason"] = reason == nullptr ? json::value(nullptr) : *reason;
  return finished;
}

ChatStreamAssembler::ChatStreamAssembler(std::size_t limit_bytes)
    : impl_(std::make_unique<Impl>(limit_bytes)) {}
ChatStreamAssembler::ChatStreamAssembler(ChatStreamAssembler&&) noexcept = default;
ChatStreamAssembler& ChatStreamAssembler::operator=(ChatStreamAssembler&&) noexcept = default;
ChatStreamAssembler::~ChatStreamAssembler() = default;

void ChatStreamAssembler::Feed(std::string_view bytes) {
  Impl& self = *impl_;
  // A broken stream is still read, so that at_boundary() stays true to what the client gets; it is
  // not kept.
  if (self.fault == nullptr && bytes.size() > self.limit_bytes - self.taken_bytes)
    self.fault = "it is too long";
  if (self.fault == nullptr) self.taken_bytes += bytes.size();
  const auto taken = self.reader.Feed(bytes, [&](const SseEvent& event, std::size_t) {
    if (self.fault == nullptr) self.Event(event);
    return true;
  });
  if (!taken) {
    self.fault = "an event of it is too long";
    self.reader = SseReader();
  }
}

Result<std::string> ChatStreamAssembler::Finish() {
  const Impl& self = *impl_;
  const char* fault = self.fault;
  if (fault == nullptr && !self.done) fault = "it ended without [DONE]";
  if (fault == nullptr && self.choices.empty()) fault = "it holds no choice";
  const bool unfinished = std::ranges::any_of(self.choices, [](const auto& choice) {
    const json::value* reason = choice.second.if_contains("finish_reason");
    return reason == nullptr || !reason->is_string();
  });
  if (fault == nullptr && unfinished) fault = "a choice of it has no finish_reason";
  if (fault != nullptr)
    return Fail(Code::kDataLoss, fmt::format("the upstream's stream is broken: {}", fault));

  json::object answer;
  const auto take = [&](const char* name) {
    if (const json::value* found = self.top.if_contains(name)) answer[name] = *found;
  };
  take("id");
  answer["object"] = self.chat ? "chat.completion" : "text_completion";
  take("created");
  take("model");
  json::array& list = answer["choices"].emplace_array();
  for (const auto& [index, choice] : self.choices) {
    json::object finished;
    finished["index"] = index;
    for (auto& [key, value] : self.Finished(choice)) finished[key] = std::move(value);
    list.push_back(std::move(finished));
  }
  take("usage");
  for (const auto& [key, value] : self.top) {
    if (answer.if_contains(key) == nullptr) answer[key] = value;
  }
  return json::serialize(answer);
}

TokenUsage ChatStreamAssembler::usage() const {
  return impl_->usage;
}
bool ChatStreamAssembler::broken() const {
  return impl_->fault != nullptr;
}
bool ChatStreamAssembler::at_boundary() const {
  return impl_->reader.at_boundary();
}

std::string_view ChatStreamAssembler::text() const {
  const auto first = impl_->choices.find(0);
  if (first == impl_->choices.end()) return {};
  const json::value* text = first->second.if_contains("text");
  if (text == nullptr) {
    const json::value* message = first->second.if_contains("message");
    if (message != nullptr && message->is_object())
      text = message->get_object().if_contains("content");
  }
  return text != nullptr && text->is_string() ? View(text->get_string()) : std::string_view();
}

}  // namespace assay::gateway
