// JSON by simdjson's on-demand reader, which knows where each value begins.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <simdjson.h>

#include "parse_internal.h"

namespace assay::config {
namespace {

namespace od = simdjson::ondemand;

class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, std::string_view file, const ParseOptions& options)
      : text_(text), file_(file), budget_(options) {}

  // `value` is an od::document (the root) or an od::value.
  template <typename Node>
  Result<Value> Convert(Node& value, std::size_t depth) {
    const std::string_view token = TokenOf(value);
    const Location location = token.data() == nullptr ? Location{} : LocationOf(token.data());
    if (const auto problem = budget_.Take(depth); !problem.empty()) {
      return ParseError(file_, location, problem);
    }
    od::json_type type{};
    if (const auto error = value.type().get(type)) return Bad(error, location);
    switch (type) {
      case od::json_type::object:
        return ConvertObject(value, depth, location);
      case od::json_type::array:
        return ConvertArray(value, depth, location);
      case od::json_type::string: {
        std::string_view string;
        if (const auto error = value.get_string().get(string)) return Bad(error, location);
        return Value(std::string(string), location);
      }
      case od::json_type::number:
        return ConvertNumber(value, location);
      case od::json_type::boolean: {
        bool boolean = false;
        if (const auto error = value.get_bool().get(boolean)) return Bad(error, location);
        return Value(boolean, location);
      }
      case od::json_type::null:
        return ConvertNull(value.is_null(), location);
    }
    return Bad(simdjson::TAPE_ERROR, location);
  }

  std::unexpected<Error> Bad(simdjson::error_code error, Location location) const {
    return ParseError(file_, location, simdjson::error_message(error));
  }

  // Positions are asked for in rising order, so counting lines costs one pass over the text in all.
  Location LocationOf(const char* position) {
    const auto offset = std::min(static_cast<std::size_t>(position - text_.data()), text_.size());
    if (offset < counted_) {
      counted_ = 0;
      line_ = 1;
      line_start_ = 0;
    }
    for (; counted_ < offset; ++counted_) {
      if (text_[counted_] == '\n') {
        ++line_;
        line_start_ = counted_ + 1;
      }
    }
    return {line_, static_cast<std::uint32_t>(offset - line_start_ + 1)};
  }

 private:
  template <typename Node>
  Result<Value> ConvertObject(Node& value, std::size_t depth, Location location) {
    od::object object;
    if (const auto error = value.get_object().get(object)) return Bad(error, location);
    Value::Map map;
    for (auto field : object) {
      od::value item;
      if (const auto error = field.value().get(item)) return Bad(error, location);
      std::string_view key;
      if (const auto error = field.unescaped_key().get(key)) return Bad(error, location);
      std::string owned_key(key);
      ASSAY_ASSIGN(Value converted, Convert(item, depth + 1));
      const Location at = converted.location();
      const std::string problem = AddMember(map, {std::move(owned_key), at, std::move(converted)},
                                            budget_.options().allow_duplicate_keys);
      if (!problem.empty()) return ParseError(file_, at, problem);
    }
    return Value(std::move(map), location);
  }

  template <typename Node>
  Result<Value> ConvertArray(Node& value, std::size_t depth, Location location) {
    od::array array;
    if (const auto error = value.get_array().get(array)) return Bad(error, location);
    Value::List list;
    for (auto element : array) {
      od::value item;
      if (const auto error = element.get(item)) return Bad(error, location);
      ASSAY_ASSIGN(Value converted, Convert(item, depth + 1));
      list.push_back(std::move(converted));
    }
    return Value(std::move(list), location);
  }

  template <typename Node>
  Result<Value> ConvertNumber(Node& value, Location location) {
    od::number number;
    if (const auto error = value.get_number().get(number)) return Bad(error, location);
    if (number.is_int64()) return Value(std::int64_t{number.get_int64()}, location);
    if (number.is_uint64()) return Value(static_cast<double>(number.get_uint64()), location);
    return Value(number.get_double(), location);
  }

  // A document answers with a result, a value with a bare bool; both convert.
  Result<Value> ConvertNull(simdjson::simdjson_result<bool> is_null, Location location) {
    bool null = false;
    if (std::move(is_null).get(null) || !null) return Bad(simdjson::N_ATOM_ERROR, location);
    return Value(std::monostate{}, location);
  }

  static std::string_view TokenOf(od::value& value) { return value.raw_json_token(); }
  static std::string_view TokenOf(od::document& document) {
    std::string_view token;
    return document.raw_json_token().get(token) ? std::string_view() : token;
  }

  std::string_view text_;
  std::string_view file_;
  Budget budget_;
  std::size_t counted_ = 0;
  std::size_t line_start_ = 0;
  std::uint32_t line_ = 1;
};

}  // namespace

Result<Document> ParseJson(std::string_view text, std::string file, const ParseOptions& options) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // RFC 8259, 8.1: may be ignored
  const simdjson::padded_string padded(text);
  TreeBuilder builder(std::string_view(padded.data(), padded.size()), file, options);
  od::parser parser;
  od::document document;
  if (const auto error = parser.iterate(padded).get(document)) return builder.Bad(error, {});
  Result<Value> root = builder.Convert(document, 0);
  if (!root) return std::unexpected(std::move(root).error());
  // The on-demand reader checks only what it visits; the strict reader sees commas, colons and what
  // follows.
  simdjson::dom::parser strict;
  if (const auto error = strict.parse(padded).error()) {
    return builder.Bad(error, builder.LocationOf(padded.data() + padded.size()));
  }
  return Document{std::move(file), *std::move(root)};
}

}  // namespace assay::config
