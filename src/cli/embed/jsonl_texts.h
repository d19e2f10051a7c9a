// The texts of a JSON lines file: {"id": ..., "text": ...} or {"text": ...} a line.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/result.h"

namespace assay::cli {

struct TextLine {
  std::string id;  // as in the file; "line 12" where it has none
  std::string text;
  std::size_t line = 0;  // from 1
  bool has_id = false;
};

struct BadLine {
  std::size_t line = 0;
  std::string why;
};

struct JsonlTexts {
  std::vector<TextLine> texts;
  std::vector<BadLine> bad;
};

// Empty lines are left out. A line is bad that is not one JSON object, has no `text`, an empty one
// or one that is no string, an `id` that is neither string nor whole number, or another line's id.
[[nodiscard]] JsonlTexts ParseJsonlTexts(std::string_view content);

// The same of a file, or standard input for "-". Errors: those of reading.
[[nodiscard]] Result<JsonlTexts> ReadJsonlTexts(const std::string& path);

}  // namespace assay::cli
