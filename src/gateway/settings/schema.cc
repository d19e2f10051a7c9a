// JSON Schema (draft 2020-12) and the reference of all keys, both from the table.
#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/gateway/settings_load.h"

#include "walk.h"

namespace assay::gateway {
namespace settings {
namespace {

namespace json = boost::json;

// As config::Reader reads them.
constexpr std::string_view kDurationPattern =
    "^[0-9]+(\\.[0-9]+)? "
    "*(us|ms|s|sec|second|seconds|m|min|minute|minutes|h|hour|hours|d|day|days)$";
constexpr std::string_view kSizePattern =
    "^[0-9]+(\\.[0-9]+)? *(B|bytes|kB|KB|MB|GB|TB|KiB|MiB|GiB)?$";

json::value DefaultOf(const Key& leaf) {
  switch (leaf.kind) {
    case KeyKind::kBool:
      return **std::get_if<bool*>(&leaf.slot);
    case KeyKind::kInteger:
      return **std::get_if<std::int64_t*>(&leaf.slot);
    case KeyKind::kNumber:
      return **std::get_if<double*>(&leaf.slot);
    case KeyKind::kString:
      return json::value_from(**std::get_if<std::string*>(&leaf.slot));
    case KeyKind::kDuration:
      return json::value_from(FormatDuration(**std::get_if<std::int64_t*>(&leaf.slot)));
    case KeyKind::kSize:
      return json::value_from(FormatSize(**std::get_if<std::int64_t*>(&leaf.slot)));
    case KeyKind::kChoice:
      return json::value_from(leaf.choices[**std::get_if<std::uint8_t*>(&leaf.slot)]);
    case KeyKind::kStringList:
      if (const auto* list = std::get_if<std::vector<std::string>*>(&leaf.slot)) {
        return json::value_from(**list);
      }
      return json::array();
    default:
      return nullptr;
  }
}

json::object LeafSchema(const Key& leaf) {
  json::object schema;
  schema["description"] = leaf.doc;
  switch (leaf.kind) {
    case KeyKind::kBool:
      schema["type"] = "boolean";
      break;
    case KeyKind::kInteger:
      schema["type"] = "integer";
      schema["minimum"] = static_cast<std::int64_t>(leaf.minimum);
      schema["maximum"] = static_cast<std::int64_t>(leaf.maximum);
      break;
    case KeyKind::kNumber:
      schema["type"] = "number";
      schema["minimum"] = leaf.minimum;
      schema["maximum"] = leaf.maximum;
      break;
    case KeyKind::kDuration:
      schema["type"] = "string";
      schema["pattern"] = kDurationPattern;
      break;
    case KeyKind::kSize:
      schema["type"] = json::array{"string", "integer"};
      schema["pattern"] = kSizePattern;
      schema["minimum"] = 0;
      break;
    case KeyKind::kChoice:
      schema["enum"] =
          json::value_from(std::vector<std::string_view>(leaf.choices.begin(), leaf.choices.end()));
      break;
    case KeyKind::kStringList:
      schema["type"] = json::array{"string", "array"};
      schema["items"] = json::object{{"type", "string"}};
      break;
    default:
      schema["type"] = "string";
      break;
  }
  schema["default"] = DefaultOf(leaf);
  return schema;
}

json::object SectionSchema(Key& section) {
  json::object properties;
  for (Key& key : section.keys) {
    if (key.kind == KeyKind::kSecret) {
      properties[key.name + "_env"] = json::object{
          {"type", "string"},
          {"description", fmt::format("Name of the variable that holds the secret. {}", key.doc)}};
      properties[key.name + "_file"] = json::object{
          {"type", "string"},
          {"description", fmt::format("File with mode 0600 that holds the secret. {}", key.doc)}};
    } else if (key.leaf()) {
      properties[key.name] = LeafSchema(key);
    } else if (key.kind == KeyKind::kSection) {
      properties[key.name] = SectionSchema(key);
    } else {
      Key element = key.element("NAME");
      properties[key.name] = json::object{{"type", "object"},
                                          {"description", key.doc},
                                          {"additionalProperties", SectionSchema(element)}};
    }
  }
  json::object schema{{"type", "object"}};
  if (!section.doc.empty()) schema["description"] = section.doc;
  schema["additionalProperties"] = false;
  schema["properties"] = std::move(properties);
  return schema;
}

std::string_view KindText(KeyKind kind) {
  switch (kind) {
    case KeyKind::kBool:
      return "true or false";
    case KeyKind::kInteger:
      return "integer";
    case KeyKind::kNumber:
      return "number";
    case KeyKind::kString:
      return "text";
    case KeyKind::kDuration:
      return "duration";
    case KeyKind::kSize:
      return "size";
    case KeyKind::kStringList:
      return "list of texts";
    case KeyKind::kSecret:
      return "secret";
    default:
      return "";
  }
}

std::string TypeText(const Key& leaf) {
  if (leaf.kind == KeyKind::kChoice) return fmt::format("`{}`", fmt::join(leaf.choices, "`, `"));
  const bool ranged = leaf.minimum != 0 || leaf.maximum != 0;
  return ranged ? fmt::format("{}, {}", KindText(leaf.kind), RangeText(leaf))
                : std::string(KindText(leaf.kind));
}

void AppendRow(std::string& out, const Key& leaf, const Path& path) {
  const bool secret = leaf.kind == KeyKind::kSecret;
  const std::string key =
      secret ? fmt::format("`{0}_env`, `{0}_file`", leaf.name) : fmt::format("`{}`", leaf.name);
  const std::string value = secret ? std::string() : ValuesOf(leaf, path)[0].value;
  const bool empty = value.empty() || value == "\"\"" || value == "[]";
  out += fmt::format("| {} | {} | {} | `{}` | {} | {} |\n", key, TypeText(leaf),
                     empty ? std::string() : fmt::format("`{}`", value), VariableName(path),
                     leaf.live ? "yes" : "no", leaf.doc);
}

// The section's own keys as one table, then a table for each section inside it.
void AppendSection(std::string& out, Key& section, Path& path) {
  const bool has_leaves = std::ranges::any_of(section.keys, &Key::leaf);
  if (!section.doc.empty()) {
    out += fmt::format("### `{}`\n\n{}\n\n", Dotted(path), section.doc);
  } else if (has_leaves) {
    out += "### At the top\n\n";
  }
  if (has_leaves) {
    out += "| key | value | default | variable | live | meaning |\n|---|---|---|---|---|---|\n";
    for (const Key& key : section.keys) {
      if (!key.leaf()) continue;
      path.push_back(key.name);
      AppendRow(out, key, path);
      path.pop_back();
    }
    out += '\n';
  }
  for (Key& key : section.keys) {
    if (key.leaf()) continue;
    path.push_back(key.name);
    if (key.kind == KeyKind::kSection) {
      AppendSection(out, key, path);
    } else {
      out += fmt::format("### `{}`\n\n{}\n\n", Dotted(path), key.doc);
      Key element = key.element("NAME");
      path.emplace_back("NAME");
      AppendSection(out, element, path);
      path.pop_back();
    }
    path.pop_back();
  }
}

}  // namespace
}  // namespace settings

std::string SettingsSchema() {
  Settings defaults;
  settings::Key root = settings::RootKey(defaults);
  settings::json::object schema{
      {"$schema", "https://json-schema.org/draft/2020-12/schema"},
      {"title", "assay.yaml"},
  };
  for (auto& member : settings::SectionSchema(root)) schema[member.key()] = member.value();
  return settings::json::serialize(schema);
}

std::string SettingsReference() {
  Settings defaults;
  settings::Key root = settings::RootKey(defaults);
  std::string out;
  settings::Path path;
  settings::AppendSection(out, root, path);
  return out;
}

}  // namespace assay::gateway
