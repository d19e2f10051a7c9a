#include "read.h"

#include <fmt/format.h>

namespace assay::gateway::settings {
namespace {

// A duration or size within its range; the reader knows no ranges for them.
void SetQuantity(config::Reader& reader, const Key& leaf, std::int64_t value) {
  const auto number = static_cast<double>(value);
  if (number < leaf.minimum || number > leaf.maximum) {
    const std::string text =
        leaf.kind == KeyKind::kSize ? FormatSize(value) : FormatDuration(value);
    reader.Problem(leaf.name, fmt::format("is {}, but must be {}", text, RangeText(leaf)));
    return;
  }
  **std::get_if<std::int64_t*>(&leaf.slot) = value;
}

void ReadList(config::Reader& reader, const config::Value& map, const Key& leaf) {
  if (!reader.Has(leaf.name)) return;
  const config::Value* value = map.Find(leaf.name);
  const std::string_view* single = value == nullptr ? nullptr : value->as_string();
  std::vector<std::string> texts =
      single != nullptr ? std::vector{std::string(*single)} : reader.StringList(leaf.name);
  if (const auto* list = std::get_if<std::vector<std::string>*>(&leaf.slot)) {
    **list = std::move(texts);
    return;
  }
  auto& experts = **std::get_if<std::vector<ExpertSettings>*>(&leaf.slot);
  experts.clear();
  for (const std::string& text : texts) experts.push_back(ParseExpert(text));
}

void ReadSecretSource(config::Reader& reader, const Key& leaf) {
  SecretSource& secret = **std::get_if<SecretSource*>(&leaf.slot);
  if (reader.Has(leaf.name)) {
    reader.Problem(
        leaf.name,
        fmt::format("secrets do not belong into this file; name a variable with '{0}_env' or "
                    "a file with '{0}_file'",
                    leaf.name));
  }
  const std::string env = leaf.name + "_env";
  const std::string file = leaf.name + "_file";
  // What names the one takes the place of the other, unless both stand side by side.
  if (reader.Has(env)) secret = {reader.String(env, {}), {}};
  if (reader.Has(file)) secret = {reader.Has(env) ? secret.env : "", reader.String(file, {})};
}

void ReadKeys(config::Reader& reader, const config::Value& map, Key& section, Path& path,
              const config::Document& document, Sources& sources) {
  const auto where = [&](const config::Value& value) {
    const config::Location location = document.LocationOf(value);
    return fmt::format("{}:{}:{}", document.file, location.line, location.column);
  };
  const auto note = [&](std::string_view name) {
    const config::Value* value = map.Find(name);
    if (value == nullptr || value->kind() == config::Kind::kNull) return;
    path.emplace_back(name);
    sources[path] = {Origin::kFile, where(*value)};
    path.pop_back();
  };
  for (Key& key : section.keys) {
    note(key.name);
    if (key.leaf()) {
      ReadLeaf(reader, map, key);
      if (key.kind == KeyKind::kSecret) {
        note(key.name + "_env");
        note(key.name + "_file");
      }
      continue;
    }
    path.push_back(key.name);
    const config::Value* value = map.Find(key.name);
    if (key.kind == KeyKind::kSection) {
      if (auto inner = reader.Map(key.name)) ReadKeys(*inner, *value, key, path, document, sources);
    } else {
      for (config::Reader& inner : reader.NamedMaps(key.name)) {
        Key element = key.element(inner.name());
        path.push_back(inner.name());
        const config::Value* inner_map = value->Find(inner.name());
        sources[path] = {Origin::kFile, where(*inner_map)};
        ReadKeys(inner, *inner_map, element, path, document, sources);
        path.pop_back();
      }
    }
    path.pop_back();
  }
}

}  // namespace

void ReadLeaf(config::Reader& reader, const config::Value& map, Key& leaf) {
  const auto integer = [&] { return *std::get_if<std::int64_t*>(&leaf.slot); };
  switch (leaf.kind) {
    case KeyKind::kBool: {
      bool& slot = **std::get_if<bool*>(&leaf.slot);
      slot = reader.Bool(leaf.name, slot);
      return;
    }
    case KeyKind::kInteger:
      *integer() = reader.Integer(leaf.name, *integer(), static_cast<std::int64_t>(leaf.minimum),
                                  static_cast<std::int64_t>(leaf.maximum));
      return;
    case KeyKind::kNumber: {
      double& slot = **std::get_if<double*>(&leaf.slot);
      slot = reader.Number(leaf.name, slot, leaf.minimum, leaf.maximum);
      return;
    }
    case KeyKind::kString: {
      std::string& slot = **std::get_if<std::string*>(&leaf.slot);
      slot = reader.String(leaf.name, slot);
      return;
    }
    case KeyKind::kDuration:
      SetQuantity(reader, leaf, reader.DurationMs(leaf.name, *integer()));
      return;
    case KeyKind::kSize:
      SetQuantity(reader, leaf, reader.SizeBytes(leaf.name, *integer()));
      return;
    case KeyKind::kChoice: {
      std::uint8_t& slot = **std::get_if<std::uint8_t*>(&leaf.slot);
      slot = static_cast<std::uint8_t>(reader.Choice(leaf.name, leaf.choices, slot));
      return;
    }
    case KeyKind::kStringList:
      ReadList(reader, map, leaf);
      return;
    case KeyKind::kSecret:
      ReadSecretSource(reader, leaf);
      return;
    case KeyKind::kSection:
    case KeyKind::kNamedMaps:
      return;
  }
}

Result<void> ReadDocument(const config::Document& document, Key& root, Sources& sources) {
  config::Reader reader(document);
  Path path;
  ReadKeys(reader, document.root, root, path, document, sources);
  return reader.Finish();
}

}  // namespace assay::gateway::settings
