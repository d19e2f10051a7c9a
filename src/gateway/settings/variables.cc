// ASSAY_... variables.
#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include <fmt/format.h>

#include "read.h"

namespace assay::gateway::settings {
namespace {

constexpr std::string_view kPrefix = "ASSAY_";
// Variables of the program and its tests that are no keys.
constexpr std::array<std::string_view, 8> kOthers = {
    "ASSAY_CONFIG", "ASSAY_KEY_PASSPHRASE", "ASSAY_STATE",   "ASSAY_DATA",
    "ASSAY_MODELS", "ASSAY_SIMD",           "ASSAY_PROGRAM", "ASSAY_SOURCE_DIR"};

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

template <typename T>
std::optional<T> ParseNumber(std::string_view text) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The value that the text would be in a file; text that does not fit the kind stays a string, which
// the reader then refuses with its own words.
config::Value ToValue(KeyKind kind, std::string_view text, config::Arena& arena) {
  const std::string_view trimmed = Trim(text);
  switch (kind) {
    case KeyKind::kBool: {
      const std::string word = Lower(trimmed);
      if (word == "true" || word == "on" || word == "yes" || word == "1")
        return config::Value(true);
      if (word == "false" || word == "off" || word == "no" || word == "0")
        return config::Value(false);
      break;
    }
    case KeyKind::kInteger:
      if (const auto number = ParseNumber<std::int64_t>(trimmed)) return config::Value(*number);
      break;
    case KeyKind::kNumber:
      if (const auto number = ParseNumber<double>(trimmed)) return config::Value(*number);
      break;
    case KeyKind::kDuration:
    case KeyKind::kSize:
    case KeyKind::kChoice:
      return config::Value(trimmed);
    case KeyKind::kStringList: {
      std::vector<config::Value> list;
      for (std::string_view rest = text; !rest.empty();) {
        const std::size_t comma = rest.find(',');
        const std::string_view item = Trim(rest.substr(0, comma));
        if (!item.empty()) list.emplace_back(item);
        rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      }
      return config::Value(arena.List(list));
    }
    case KeyKind::kString:
    case KeyKind::kSecret:
    case KeyKind::kSection:
    case KeyKind::kNamedMaps:
      break;
  }
  return config::Value(text);
}

// Reads one leaf from a document that holds nothing else.
Result<void> SetLeaf(Key& leaf, const std::string& variable, const std::string& text) {
  const auto arena = std::make_shared<config::Arena>();
  const config::Member member{leaf.name, ToValue(leaf.kind, text, *arena)};
  const config::Document document{
      variable, config::Value(arena->Map(std::span(&member, 1))), {}, arena};
  config::Reader reader(document);
  ReadLeaf(reader, document.root, leaf);
  return reader.Finish();
}

class Variables {
 public:
  Variables(Settings& settings, Sources& sources, std::vector<std::string>& problems)
      : root_(RootKey(settings)), sources_(sources), problems_(problems) {}

  // False when no key has that variable.
  bool Set(const std::string& variable, const std::string& text) {
    bool found = false;
    ForEachLeaf(root_, [&](Key& leaf, const Path& path) {
      if (!found) found = Try(leaf, path, variable, text);
    });
    if (found) return true;
    for (Key& key : root_.keys) {
      if (key.kind == KeyKind::kNamedMaps && AddElement(key, variable)) return Set(variable, text);
    }
    return false;
  }

  // The nearest variable of a key that exists, where the variable's section exists; and nothing
  // when it does not even begin with a section's name.
  std::optional<std::string> Nearest(const std::string& variable) {
    const bool in_section = std::ranges::any_of(root_.keys, [&](const Key& key) {
      return variable.starts_with(VariableName({key.name}) + "_");
    });
    if (!in_section) return std::nullopt;
    std::vector<std::string> names;
    ForEachLeaf(root_, [&](Key&, const Path& path) { names.push_back(VariableName(path)); });
    const std::vector<std::string_view> views(names.begin(), names.end());
    return std::string(config::DidYouMean(variable, views));
  }

 private:
  void Note(const Path& path, const std::string& variable) {
    sources_[path] = {Origin::kEnvironment, variable};
  }

  bool Try(Key& leaf, const Path& path, const std::string& variable, const std::string& text) {
    const std::string name = VariableName(path);
    if (leaf.kind == KeyKind::kSecret) return TrySecret(leaf, path, name, variable, text);
    if (name != variable) return false;
    const bool may_be_empty = leaf.kind == KeyKind::kString || leaf.kind == KeyKind::kStringList;
    if (Trim(text).empty() && !may_be_empty) return true;  // as if it were not set
    if (const auto set = SetLeaf(leaf, variable, text); !set) {
      problems_.push_back(set.error().message);
    } else {
      Note(path, variable);
    }
    return true;
  }

  bool TrySecret(const Key& leaf, const Path& path, const std::string& name,
                 const std::string& variable, const std::string& text) {
    SecretSource& secret = **std::get_if<SecretSource*>(&leaf.slot);
    Path full = path;
    if (variable == name) {  // the secret itself
      if (text.empty()) return true;
      secret = {variable, {}};
      full.back() += "_env";
    } else if (variable == name + "_ENV") {
      secret = {text, {}};
      full.back() += "_env";
    } else if (variable == name + "_FILE") {
      secret = {{}, text};
      full.back() += "_file";
    } else {
      return false;
    }
    Note(full, variable);
    return true;
  }

  // Adds the element that the variable names, when some key of an element ends the variable.
  static bool AddElement(Key& section, const std::string& variable) {
    const std::string prefix = VariableName({section.name}) + "_";
    if (!variable.starts_with(prefix)) return false;
    Settings scratch;
    Key root = RootKey(scratch);
    Key element = std::ranges::find(root.keys, section.name, &Key::name)->element("x");
    std::size_t longest = 0;
    ForEachLeaf(element, [&](Key& leaf, const Path& path) {
      const std::string ending = VariableName(path).substr(kPrefix.size() - 1);  // "_RATE_..."
      const bool secret = leaf.kind == KeyKind::kSecret;
      for (const std::string& one :
           secret ? std::vector{ending, ending + "_ENV", ending + "_FILE"} : std::vector{ending}) {
        if (variable.ends_with(one) && variable.size() > prefix.size() + one.size()) {
          longest = std::max(longest, one.size());
        }
      }
    });
    if (longest == 0) return false;
    const std::string name =
        Lower(variable.substr(prefix.size(), variable.size() - prefix.size() - longest));
    const auto names = section.names();
    if (std::ranges::find(names, name) != names.end()) return false;
    (void)section.element(name);
    return true;
  }

  Key root_;
  Sources& sources_;
  std::vector<std::string>& problems_;
};

// Variables that hold secrets under a name of the user's choice.
bool HoldsSecret(Settings& settings, std::string_view variable) {
  bool holds = false;
  Key root = RootKey(settings);
  ForEachLeaf(root, [&](Key& leaf, const Path&) {
    if (const auto* secret = std::get_if<SecretSource*>(&leaf.slot)) {
      holds = holds || (*secret)->env == variable;
    }
  });
  return holds;
}

}  // namespace

void ReadVariables(const Environment& environment, Settings& settings, Sources& sources,
                   std::vector<std::string>& problems, std::vector<std::string>& warnings) {
  Variables variables(settings, sources, problems);
  std::vector<std::string> unknown;
  for (auto at = environment.lower_bound(kPrefix);
       at != environment.end() && at->first.starts_with(kPrefix); ++at) {
    if (std::ranges::find(kOthers, at->first) != kOthers.end()) continue;
    if (!variables.Set(at->first, at->second)) unknown.push_back(at->first);
  }
  for (const std::string& variable : unknown) {
    if (HoldsSecret(settings, variable)) continue;
    const auto nearest = variables.Nearest(variable);
    if (!nearest) {
      warnings.push_back(fmt::format("{}: no key has this variable; it is ignored", variable));
    } else if (nearest->empty()) {
      problems.push_back(fmt::format("{}: no key has this variable", variable));
    } else {
      problems.push_back(
          fmt::format("{}: no key has this variable; did you mean {}?", variable, *nearest));
    }
  }
}

}  // namespace assay::gateway::settings
