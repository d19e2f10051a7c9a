// Rows of the evaluation sets.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "assay/consensus/evaluation.h"

namespace assay::consensus::internal {

enum class Truth : std::uint8_t { kUnknown, kWrong, kRight };

struct LabelledClaim {
  std::string text;
  bool supported = false;
};

struct LabelledAnswer {
  std::string expert;
  std::string text;
  Truth truth = Truth::kUnknown;
  std::vector<LabelledClaim> claims;
};

struct Row {
  EvalFormat format = EvalFormat::kAnswers;
  std::string subject;    // kOutcomes
  std::string reference;  // kReference
  std::vector<LabelledAnswer> answers;
};

// Errors: kInvalidArgument that says what is missing.
[[nodiscard]] Result<Row> ParseRow(std::string_view line);

}  // namespace assay::consensus::internal
