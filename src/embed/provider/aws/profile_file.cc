#include "provider/aws/profile_file.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace assay::embed::internal {
namespace {

bool Blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && Blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && Blank(text.back())) text.remove_suffix(1);
  return text;
}

// Without a comment, which begins with # or ; behind a blank.
std::string_view WithoutComment(std::string_view value) {
  for (std::size_t i = 1; i < value.size(); ++i) {
    if ((value[i] == '#' || value[i] == ';') && Blank(value[i - 1])) return value.substr(0, i);
  }
  return value;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

}  // namespace

Result<ProfileFile> ReadProfileFile(std::string_view text, std::string_view path) {
  ProfileFile file;
  std::map<std::string, crypto::SecretString>* section = nullptr;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    ++number;
    const std::string_view content = Trim(line);
    if (content.empty() || content.front() == '#' || content.front() == ';') continue;
    const auto wrong = [&](std::string_view why) {
      return Fail(Code::kInvalidArgument, fmt::format("{}:{}: {}", path, number, why));
    };
    if (content.front() == '[') {
      const std::size_t close = content.find(']');
      if (close == std::string_view::npos) return wrong("a section name without ]");
      section = &file[std::string(Trim(content.substr(1, close - 1)))];
      continue;
    }
    if (Blank(line.front())) continue;  // a nested setting, such as `s3 =`'s
    const std::size_t equals = content.find('=');
    if (equals == std::string_view::npos || equals == 0)
      return wrong("neither a section nor key = value");
    if (section == nullptr) return wrong("a setting before the first section");
    section->insert_or_assign(
        Lower(Trim(content.substr(0, equals))),
        crypto::SecretString::Copy(Trim(WithoutComment(content.substr(equals + 1)))));
  }
  return file;
}

}  // namespace assay::embed::internal
