// For the test and the fuzz target that hold the quick reader against libfyaml.
#pragma once
#include <cmath>
#include <string>

#include <fmt/format.h>

#include "assay/config/value.h"

namespace assay::config::yaml {

// Every value, key and offset of a tree; equal trees give equal texts.
inline void Describe(const Value& value, std::string& out) {
  out += fmt::format("{}@", value.offset());
  if (const auto* boolean = value.as_bool()) out += *boolean ? "true" : "false";
  if (const auto* integer = value.as_integer()) out += fmt::format("{}", *integer);
  if (const auto* number = value.as_float()) out += fmt::format("f{}", *number);
  if (const auto* string = value.as_string()) out += fmt::format("'{}'", *string);
  if (value.kind() == Kind::kNull) out += "null";
  if (const auto* list = value.as_list()) {
    out += "[";
    for (const Value& item : *list) {
      Describe(item, out);
      out += ", ";
    }
    out += "]";
  }
  if (const auto* map = value.as_map()) {
    out += "{";
    for (const Member& member : *map) {
      out += fmt::format("{}@'{}': ", member.key_offset, member.key);
      Describe(member.value, out);
      out += ", ";
    }
    out += "}";
  }
}

}  // namespace assay::config::yaml
