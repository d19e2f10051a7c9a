// TOML by toml++.
#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "parse_internal.h"

namespace assay::config {
namespace {

Location LocationOf(const toml::source_position& position) {
  return {std::max<std::uint32_t>(position.line, 1), std::max<std::uint32_t>(position.column, 1)};
}

template <typename Temporal>
Value MakeTemporal(const toml::value<Temporal>& node, Location location) {
  std::ostringstream text;
  text << node.get();
  return {std::move(text).str(), location};
}

class TreeBuilder {
 public:
  TreeBuilder(std::string_view file, const ParseOptions& options) : file_(file), budget_(options) {}

  Result<Value> Convert(const toml::node& node, std::size_t depth) {
    const Location location = LocationOf(node.source().begin);
    if (const auto problem = budget_.Take(depth); !problem.empty()) {
      return ParseError(file_, location, problem);
    }
    switch (node.type()) {
      case toml::node_type::table:
        return ConvertTable(*node.as_table(), depth, location);
      case toml::node_type::array: {
        Value::List list;
        for (const toml::node& item : *node.as_array()) {
          ASSAY_ASSIGN(Value value, Convert(item, depth + 1));
          list.push_back(std::move(value));
        }
        return Value(std::move(list), location);
      }
      case toml::node_type::string:
        return Value(std::string(node.as_string()->get()), location);
      case toml::node_type::integer:
        return Value(static_cast<std::int64_t>(node.as_integer()->get()), location);
      case toml::node_type::floating_point:
        return Value(node.as_floating_point()->get(), location);
      case toml::node_type::boolean:
        return Value(node.as_boolean()->get(), location);
      case toml::node_type::date:
        return MakeTemporal(*node.as_date(), location);
      case toml::node_type::time:
        return MakeTemporal(*node.as_time(), location);
      case toml::node_type::date_time:
        return MakeTemporal(*node.as_date_time(), location);
      case toml::node_type::none:
        break;
    }
    return ParseError(file_, location, "a value of an unknown kind");
  }

 private:
  Result<Value> ConvertTable(const toml::table& table, std::size_t depth, Location location) {
    Value::Map map;
    for (const auto& [key, item] : table) {
      ASSAY_ASSIGN(Value value, Convert(item, depth + 1));
      map.push_back({std::string(key.str()), LocationOf(key.source().begin), std::move(value)});
    }
    return Value(std::move(map), location);
  }

  std::string_view file_;
  Budget budget_;
};

}  // namespace

Result<Document> ParseToml(std::string_view text, std::string file, const ParseOptions& options) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    return ParseError(file, LocationOf(error.source().begin), error.description());
  }
  ASSAY_ASSIGN(Value root, TreeBuilder(file, options).Convert(parsed.table(), 0));
  return Document{std::move(file), std::move(root)};
}

}  // namespace assay::config
