#include "json_output.h"

#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace assay::cli {
namespace {

constexpr std::size_t kCompact = static_cast<std::size_t>(-1);  // a depth that means "on one line"

// Boost.JSON writes 0.8 as 8E-1: as valid, but nobody wants to read it.
std::string Number(double value) {
  return std::isfinite(value) ? fmt::format("{}", value) : std::string("null");
}

void Break(std::size_t depth, std::string& out) {
  if (depth == kCompact) return;
  out += '\n';
  out.append(2 * depth, ' ');
}

void Write(const boost::json::value& value, std::size_t depth, std::string& out) {
  const std::size_t inner = depth == kCompact ? kCompact : depth + 1;
  if (const auto* object = value.if_object(); object != nullptr && !object->empty()) {
    char separator = '{';
    for (const auto& member : *object) {
      out += separator;
      Break(inner, out);
      out += boost::json::serialize(boost::json::string(member.key()));
      out += ": ";
      Write(member.value(), inner, out);
      separator = ',';
    }
    Break(depth, out);
    out += '}';
  } else if (const auto* array = value.if_array(); array != nullptr && !array->empty()) {
    char separator = '[';
    for (const auto& item : *array) {
      out += separator;
      Break(inner, out);
      Write(item, inner, out);
      separator = ',';
    }
    Break(depth, out);
    out += ']';
  } else if (const auto* number = value.if_double()) {
    out += Number(*number);
  } else {
    out += boost::json::serialize(value);
  }
}

}  // namespace

std::string PrettyJson(const boost::json::value& value) {
  std::string out;
  Write(value, 0, out);
  out += '\n';
  return out;
}

std::string CompactJson(const boost::json::value& value) {
  return boost::json::serialize(value) + "\n";
}

}  // namespace assay::cli
