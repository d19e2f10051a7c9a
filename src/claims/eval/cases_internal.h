// Records of the evaluation formats, one JSON line each.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/claims/evaluation.h"
#include "assay/claims/verdict.h"
#include "assay/core/result.h"
#include "assay/corpus/documents.h"
#include "assay/text/span.h"

namespace assay::claims::internal {

enum class Truth : std::uint8_t { kSupported, kContradicted, kNeutral, kNotSupported };

struct LabelledSpan {
  text::Span span;  // bytes of the response
  bool conflicts = false;
};

// One answer or pair to judge.
struct EvalCase {
  std::string id;
  std::string group;  // what must not be split between training and test
  std::string part;   // task or set
  std::string source;
  corpus::Format source_format = corpus::Format::kText;
  std::string question;  // completes an answer that begins with fragments; may be empty
  std::string response;
  bool is_one_claim = false;  // judge the response whole
  Truth truth = Truth::kSupported;
  std::vector<LabelledSpan> spans;  // grounding only
};

// Format of a file by its first record.
[[nodiscard]] Result<EvalFormat> DetectFormat(std::string_view line);

// Appends the cases of one line: two for kPairs, none for a claim whose evidence is null. Errors:
// kInvalidArgument naming the field.
[[nodiscard]] Result<void> ReadCases(std::string_view line, EvalFormat format,
                                     std::vector<EvalCase>& cases);

// Byte offset of the `count`-th code point; the size where the text is shorter.
[[nodiscard]] std::uint32_t ByteOfCodePoint(std::string_view text, std::uint64_t count);

}  // namespace assay::claims::internal
