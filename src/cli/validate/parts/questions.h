// Questions with known answers, as in examples/questions.yaml.
#pragma once
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::cli::validate {

struct HeldQuestion {
  std::string text;
  std::vector<std::regex> accept;  // all must be found
  std::vector<std::regex> reject;  // none may be

  [[nodiscard]] bool IsRight(const std::string& answer) const;
};

// {questions: [{question, accept: [PATTERN], reject?: [PATTERN]}]}; patterns are ECMAScript,
// without regard to case. Errors: kInvalidArgument naming file and line; those of config::Load.
[[nodiscard]] Result<std::vector<HeldQuestion>> ReadQuestions(const std::string& path);

}  // namespace assay::cli::validate
