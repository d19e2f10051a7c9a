#include "walk.h"

#include <array>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace assay::gateway::settings {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// The names that config::Reader understands, largest first.
constexpr std::array<Unit, 4> kSizeUnits = {
    {{"TB", 1'000'000'000'000}, {"GB", 1'000'000'000}, {"MB", 1'000'000}, {"kB", 1'000}}};
constexpr std::array<Unit, 5> kDurationUnits = {
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}}};

template <std::size_t N>
std::string WithUnit(std::int64_t value, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (value >= unit.factor && value % unit.factor == 0) {
      return fmt::format("{} {}", value / unit.factor, unit.name);
    }
  }
  return {};
}

void Walk(Key& key, Path& path, const std::function<void(Key&, const Path&)>& visit) {
  if (key.leaf()) {
    visit(key, path);
    return;
  }
  if (key.kind == KeyKind::kNamedMaps) {
    for (const std::string& name : key.names()) {
      Key element = key.element(name);
      path.push_back(name);
      Walk(element, path, visit);
      path.pop_back();
    }
    return;
  }
  for (Key& child : key.keys) {
    path.push_back(child.name);
    Walk(child, path, visit);
    path.pop_back();
  }
}

std::string ListText(const std::vector<std::string>& items) {
  std::string out = "[";
  for (const std::string& item : items) {
    if (out.size() > 1) out += ", ";
    out += Quoted(item);
  }
  return out + "]";
}

std::string ValueText(const Key& leaf) {
  switch (leaf.kind) {
    case KeyKind::kBool:
      return **std::get_if<bool*>(&leaf.slot) ? "true" : "false";
    case KeyKind::kInteger:
      return fmt::format("{}", **std::get_if<std::int64_t*>(&leaf.slot));
    case KeyKind::kNumber:
      return fmt::format("{}", **std::get_if<double*>(&leaf.slot));
    case KeyKind::kString:
      return Quoted(**std::get_if<std::string*>(&leaf.slot));
    case KeyKind::kDuration:
      return FormatDuration(**std::get_if<std::int64_t*>(&leaf.slot));
    case KeyKind::kSize:
      return FormatSize(**std::get_if<std::int64_t*>(&leaf.slot));
    case KeyKind::kChoice: {
      const std::string_view name = leaf.choices[**std::get_if<std::uint8_t*>(&leaf.slot)];
      const bool plain = name[0] >= 'a' && name != "off";  // "off" and "1.2" have meanings in YAML
      return plain ? std::string(name) : Quoted(name);
    }
    case KeyKind::kStringList: {
      if (const auto* list = std::get_if<std::vector<std::string>*>(&leaf.slot)) {
        return ListText(**list);
      }
      std::vector<std::string> texts;
      for (const ExpertSettings& expert : **std::get_if<std::vector<ExpertSettings>*>(&leaf.slot)) {
        texts.push_back(ExpertText(expert));
      }
      return ListText(texts);
    }
    case KeyKind::kSecret:
    case KeyKind::kSection:
    case KeyKind::kNamedMaps:
      break;
  }
  return {};
}

}  // namespace

std::string Dotted(const Path& path) {
  return fmt::format("{}", fmt::join(path, "."));
}

std::string VariableName(const Path& path) {
  std::string out = "ASSAY";
  for (const std::string& part : path) {
    out += '_';
    for (const char c : part) {
      const bool lower = c >= 'a' && c <= 'z';
      const bool kept = (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      out += lower ? static_cast<char>(c - 'a' + 'A') : kept ? c : '_';
    }
  }
  return out;
}

void ForEachLeaf(Key& key, const std::function<void(Key&, const Path&)>& visit) {
  Path path;
  Walk(key, path, visit);
}

std::vector<LeafValue> ValuesOf(const Key& leaf, const Path& path) {
  if (leaf.kind != KeyKind::kSecret) return {{path, ValueText(leaf)}};
  const SecretSource& secret = **std::get_if<SecretSource*>(&leaf.slot);
  std::vector<LeafValue> values;
  const auto add = [&](std::string_view ending, const std::string& value) {
    Path full = path;
    full.back() += ending;
    values.push_back({std::move(full), Quoted(value)});
  };
  if (!secret.env.empty() || secret.file.empty()) add("_env", secret.env);
  if (!secret.file.empty()) add("_file", secret.file);
  return values;
}

std::string FormatSize(std::int64_t bytes) {
  const std::string text = WithUnit(bytes, kSizeUnits);
  return text.empty() ? fmt::format("{}", bytes) : text;
}

std::string FormatDuration(std::int64_t ms) {
  return ms == 0 ? "0 s" : WithUnit(ms, kDurationUnits);
}

std::string RangeText(const Key& key) {
  const auto text = [&](double value) {
    if (key.kind == KeyKind::kSize) return FormatSize(std::llround(value));
    if (key.kind == KeyKind::kDuration) return FormatDuration(std::llround(value));
    if (key.kind == KeyKind::kInteger) return fmt::format("{}", std::llround(value));
    return fmt::format("{}", value);
  };
  return fmt::format("from {} to {}", text(key.minimum), text(key.maximum));
}

std::string Quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string_view(text.data(), text.size()));
}

std::string ExpertText(const ExpertSettings& expert) {
  if (!expert.name.empty()) return expert.name;
  return expert.model.empty() ? expert.upstream
                              : fmt::format("{}/{}", expert.upstream, expert.model);
}

ExpertSettings ParseExpert(std::string_view text) {
  const std::size_t slash = text.find('/');
  ExpertSettings expert;
  expert.upstream = text.substr(0, slash);
  if (slash != std::string_view::npos) expert.model = text.substr(slash + 1);
  return expert;
}

}  // namespace assay::gateway::settings
