// What the three targets share: a parsed tree must be walkable, an error must name the file and a
// line.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/config/parse.h"

namespace assay::config {

inline std::size_t CountValues(const Value& value) {
  std::size_t count = 1;
  if (const auto* list = value.as_list()) {
    for (const Value& item : *list) count += CountValues(item);
  }
  if (const auto* map = value.as_map()) {
    for (const Member& member : *map) count += CountValues(member.value);
  }
  return count;
}

inline int FuzzParse(const std::uint8_t* data, std::size_t size, Syntax syntax) {
  if (size > 4096) return 0;  // a configuration's features fit; longer input only slows the search
  ParseOptions options;
  options.max_values = 10'000;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto document = Parse(text, "f", syntax, options);
  if (document) {
    if (CountValues(document->root) > 2 * options.max_values) std::abort();
  } else if (!document.error().message.starts_with("f:")) {
    std::abort();
  }
  return 0;
}

}  // namespace assay::config
