#include "embed/jsonl_texts.h"

#include <algorithm>
#include <cstdint>
#include <unordered_map>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/file_system.h"

#include "input.h"

namespace assay::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 8ULL << 30;

Result<TextLine> ReadLine(std::string_view line, std::size_t number) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(line, error);
  if (error) return Fail(Code::kInvalidArgument, "it is not JSON: " + error.message());
  const boost::json::object* object = value.if_object();
  if (object == nullptr) return Fail(Code::kInvalidArgument, "it is not a JSON object");
  const boost::json::value* text = object->if_contains("text");
  if (text == nullptr || !text->is_string()) {
    return Fail(Code::kInvalidArgument, "it has no string `text`");
  }
  TextLine read{.id = fmt::format("line {}", number), .text = {}, .line = number};
  if (text->get_string().empty()) return Fail(Code::kInvalidArgument, "its `text` is empty");
  read.text.assign(text->get_string().data(), text->get_string().size());
  if (const boost::json::value* id = object->if_contains("id"); id != nullptr) {
    read.has_id = true;
    if (id->is_string()) {
      read.id.assign(id->get_string().data(), id->get_string().size());
    } else if (id->is_int64() || id->is_uint64()) {
      read.id = boost::json::serialize(*id);
    } else {
      return Fail(Code::kInvalidArgument, "its `id` is neither a string nor a whole number");
    }
  }
  return read;
}

}  // namespace

JsonlTexts ParseJsonlTexts(std::string_view content) {
  JsonlTexts result;
  std::unordered_map<std::string, std::size_t> line_of_id;
  if (content.starts_with("\xEF\xBB\xBF")) content.remove_prefix(3);
  std::size_t number = 0;
  while (!content.empty()) {
    const std::size_t end = std::min(content.find('\n'), content.size());
    const std::string_view line = content.substr(0, end);
    content.remove_prefix(std::min(end + 1, content.size()));
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    Result<TextLine> read = ReadLine(line, number);
    if (!read) {
      result.bad.push_back({.line = number, .why = std::move(read).error().message});
      continue;
    }
    const auto [place, fresh] = line_of_id.try_emplace(read->id, number);
    if (!fresh) {
      result.bad.push_back(
          {.line = number,
           .why = fmt::format("its id '{}' is that of line {}", read->id, place->second)});
      continue;
    }
    result.texts.push_back(*std::move(read));
  }
  return result;
}

Result<JsonlTexts> ReadJsonlTexts(const std::string& path) {
  if (path != "-") {
    ASSAY_ASSIGN(const std::string content, core::FileSystem::Real().ReadFile(path, kMaxFileBytes));
    return ParseJsonlTexts(content);
  }
  std::string content;
  ASSAY_TRY(FollowStandardInput([&](std::string_view piece) -> Result<void> {
    content += piece;
    if (content.size() <= kMaxFileBytes) return {};
    return Fail(Code::kOutOfRange, "standard input is too large; give it in parts");
  }));
  return ParseJsonlTexts(content);
}

}  // namespace assay::cli
