#include <algorithm>
#include <string_view>
#include <unordered_map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "semantic/eval/cases_internal.h"

namespace assay::cache::internal {
namespace {

namespace json = boost::json;

class Reader {
 public:
  explicit Reader(EvalSet& set) : set_(set) {}

  Result<void> Add(std::string_view line) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object()) {
      return Fail(Code::kInvalidArgument, "is no JSON object");
    }
    const json::object& record = value.get_object();
    const bool is_pair = record.contains("a") && record.contains("b");
    const auto format = is_pair ? SemanticDataFormat::kPairs : SemanticDataFormat::kIntents;
    if (set_.requests.empty()) set_.format = format;
    if (set_.format != format) {
      return Fail(Code::kInvalidArgument, "is of another format than the first");
    }
    return is_pair ? AddPair(record) : AddIntent(record);
  }

 private:
  static Result<std::string> TextField(const json::object& record, const char* name) {
    const json::value* value = record.if_contains(name);
    if (value == nullptr || !value->is_string()) {
      return Fail(Code::kInvalidArgument, fmt::format("has no text in field '{}'", name));
    }
    return std::string(value->get_string());
  }

  Result<void> AddPair(const json::object& record) {
    ASSAY_ASSIGN(const std::string a, TextField(record, "a"));
    ASSAY_ASSIGN(const std::string b, TextField(record, "b"));
    const json::value* same = record.if_contains("same");
    if (same == nullptr || !same->is_bool()) {
      return Fail(Code::kInvalidArgument, "has neither true nor false in field 'same'");
    }
    set_.requests.push_back({TextId(b), TextId(a), same->get_bool() ? 1U : 2U, 1});
    return {};
  }

  Result<void> AddIntent(const json::object& record) {
    ASSAY_ASSIGN(const std::string text, TextField(record, "text"));
    ASSAY_ASSIGN(const std::string intent, TextField(record, "intent"));
    const std::uint64_t answer = intents_.emplace(intent, intents_.size() + 1).first->second;
    set_.requests.push_back({TextId(text), kNoText, answer, 0});
    return {};
  }

  std::uint32_t TextId(const std::string& text) {
    const auto [it, is_new] = texts_.emplace(text, static_cast<std::uint32_t>(set_.texts.size()));
    if (is_new) set_.texts.push_back(text);
    return it->second;
  }

  EvalSet& set_;
  std::unordered_map<std::string, std::uint32_t> texts_;
  std::unordered_map<std::string, std::uint64_t> intents_;
};

}  // namespace

Result<EvalSet> ReadEvalSet(core::FileSystem& files, const std::string& path) {
  constexpr std::uint64_t kMaxBytes = 1ULL << 30;
  ASSAY_ASSIGN(const std::string content, files.ReadFile(path, kMaxBytes));
  EvalSet set;
  Reader reader(set);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    const std::string_view line = std::string_view(content).substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (auto added = reader.Add(line); !added) {
      return Fail(added.error().code,
                  fmt::format("{}:{}: the line {}; expected {{\"a\",\"b\",\"same\"}} or "
                              "{{\"text\",\"intent\"}}",
                              path, number, added.error().message));
    }
  }
  if (set.requests.empty()) return Fail(Code::kInvalidArgument, path + " holds no record");
  return set;
}

}  // namespace assay::cache::internal
