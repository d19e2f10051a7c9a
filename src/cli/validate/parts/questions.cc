#include "validate/parts/questions.h"

#include <algorithm>

#include <fmt/format.h>

#include "assay/config/parse.h"
#include "assay/core/file_system.h"

namespace assay::cli::validate {
namespace {

Result<std::vector<std::regex>> Patterns(const config::Document& file, const config::Value* list) {
  std::vector<std::regex> out;
  if (list == nullptr || list->as_list() == nullptr) return out;
  for (const config::Value& one : *list->as_list()) {
    const std::string_view* text = one.as_string();
    const auto wrong = [&](std::string_view why) {
      return Fail(Code::kInvalidArgument, fmt::format("{}:{}: no regular expression: {}", file.file,
                                                      file.LocationOf(one.offset()).line, why));
    };
    if (text == nullptr) return wrong("a text is needed");
    try {
      out.emplace_back(std::string(*text), std::regex::ECMAScript | std::regex::icase);
    } catch (const std::regex_error& error) {
      return wrong(error.what());
    }
  }
  return out;
}

}  // namespace

bool HeldQuestion::IsRight(const std::string& answer) const {
  const auto found = [&](const std::regex& pattern) { return std::regex_search(answer, pattern); };
  return std::ranges::all_of(accept, found) && std::ranges::none_of(reject, found);
}

Result<std::vector<HeldQuestion>> ReadQuestions(const std::string& path) {
  ASSAY_ASSIGN(const config::Document file, config::Load(core::FileSystem::Real(), path));
  const config::Value* list = file.root.Find("questions");
  std::vector<HeldQuestion> out;
  if (list != nullptr && list->as_list() != nullptr) {
    for (const config::Value& one : *list->as_list()) {
      const config::Value* text = one.Find("question");
      HeldQuestion question;
      ASSAY_ASSIGN(question.accept, Patterns(file, one.Find("accept")));
      ASSAY_ASSIGN(question.reject, Patterns(file, one.Find("reject")));
      if (text == nullptr || text->as_string() == nullptr || question.accept.empty()) {
        return Fail(Code::kInvalidArgument,
                    fmt::format("{}:{}: a question needs the text 'question' and the list 'accept'",
                                path, file.LocationOf(one.offset()).line));
      }
      question.text = *text->as_string();
      out.push_back(std::move(question));
    }
  }
  if (out.empty()) {
    return Fail(Code::kInvalidArgument, path + ": there are no 'questions' in it");
  }
  return out;
}

}  // namespace assay::cli::validate
