#include <algorithm>
#include <cmath>
#include <limits>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "read/json_internal.h"

namespace assay::experiments::internal {

namespace json = boost::json;

Place Place::At(std::string_view field) const {
  Place out = *this;
  out.text_ += root_ ? ": " : ".";
  out.text_ += field;
  out.root_ = false;
  return out;
}

Place Place::At(std::size_t index) const {
  Place out = *this;
  out.text_ += fmt::format("{}[{}]", root_ ? ": " : "", index);
  out.root_ = false;
  return out;
}

std::unexpected<Error> Place::Fail(std::string_view what) const {
  return core::Fail(Code::kInvalidArgument, fmt::format("{}: {}", text_, what));
}

Result<json::value> ParseJson(std::string_view text, const Place& place) {
  json::error_code error;
  json::stream_parser parser;
  const std::size_t read = parser.write_some(text.data(), text.size(), error);
  if (!error) {
    const std::string_view rest = text.substr(read);
    if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos) {
      error = json::make_error_code(json::error::extra_data);
    } else {
      parser.finish(error);
    }
  }
  if (error) {
    const auto upto = text.substr(0, std::min(read, text.size()));
    const auto line = std::ranges::count(upto, '\n') + 1;
    return place.Fail(fmt::format("no JSON near line {}: {}", line, error.message()));
  }
  return parser.release();
}

Result<const json::object*> ObjectAt(const json::value& value, const Place& place) {
  if (!value.is_object()) return place.Fail("must be an object {...}");
  return &value.get_object();
}

Result<void> OnlyKnown(const json::object& object, const Place& place,
                       std::span<const std::string_view> known) {
  for (const json::key_value_pair& member : object) {
    const std::string_view key(member.key().data(), member.key().size());
    if (std::ranges::find(known, key) == known.end()) {
      return place.At(key).Fail(fmt::format("unknown; known are {}", fmt::join(known, ", ")));
    }
  }
  return {};
}

Result<std::optional<double>> NumberField(const json::object& object, std::string_view name,
                                          const Place& place) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) return place.At(name).Fail("must be a number");
  return value->to_number<double>();
}

Result<std::optional<std::int64_t>> WholeField(const json::object& object, std::string_view name,
                                               const Place& place) {
  ASSAY_ASSIGN(const std::optional<double> number, NumberField(object, name, place));
  if (!number) return std::nullopt;
  if (!(*number >= 0) || *number > 9e15 || *number != std::floor(*number)) {
    return place.At(name).Fail(fmt::format("{} is no whole number of 0 or more", *number));
  }
  return static_cast<std::int64_t>(*number);
}

Result<std::optional<bool>> BoolField(const json::object& object, std::string_view name,
                                      const Place& place) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) return place.At(name).Fail("must be true or false");
  return value->get_bool();
}

Result<std::optional<std::string>> TextField(const json::object& object, std::string_view name,
                                             const Place& place) {
  const json::value* value = object.if_contains({name.data(), name.size()});
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return place.At(name).Fail("must be a text");
  return std::string(value->get_string());
}

Result<std::optional<std::size_t>> ChoiceField(const json::object& object, std::string_view name,
                                               std::span<const std::string_view> names,
                                               const Place& place) {
  ASSAY_ASSIGN(const std::optional<std::string> text, TextField(object, name, place));
  if (!text) return std::nullopt;
  const auto at = std::ranges::find(names, *text);
  if (at == names.end()) {
    return place.At(name).Fail(
        fmt::format("'{}' must be one of {}", *text, fmt::join(names, ", ")));
  }
  return static_cast<std::size_t>(at - names.begin());
}

Result<NumberList> Numbers(const json::value& value, const Place& place) {
  if (!value.is_array()) return place.Fail("must be a list of numbers");
  NumberList out;
  const json::array& list = value.get_array();
  out.values.reserve(list.size());
  std::size_t bools = 0;
  std::size_t missing = 0;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json::value& one = list[i];
    if (one.is_bool()) {
      ++bools;
      out.values.push_back(one.get_bool() ? 1 : 0);
    } else if (one.is_number()) {
      out.values.push_back(one.to_number<double>());
      if (!std::isfinite(out.values.back())) return place.At(i).Fail("is beyond a double's range");
    } else if (one.is_null()) {
      ++missing;
      out.values.push_back(std::numeric_limits<double>::quiet_NaN());
    } else {
      return place.At(i).Fail("must be a number, true, false or null");
    }
  }
  out.all_bool = bools > 0 && bools + missing == list.size();
  return out;
}

}  // namespace assay::experiments::internal
