#include <algorithm>

#include <fmt/format.h>

#include "assay/config/parse.h"
#include "assay/gateway/settings_load.h"

#include "read.h"

namespace assay::gateway {
namespace settings {
namespace {

// "assay.yaml:3:5: upstreams.local.url: message", by the nearest part of the path that stands in a
// file or a variable.
std::string Located(const Sources& sources, const Path& path, const std::string& message,
                    const std::string& file) {
  std::string where = file;
  for (Path part = path; !part.empty(); part.pop_back()) {
    if (const auto found = sources.find(part); found != sources.end()) {
      where = found->second.where;
      break;
    }
  }
  return where.empty() ? fmt::format("{}: {}", Dotted(path), message)
                       : fmt::format("{}: {}: {}", where, Dotted(path), message);
}

// A key of the file: quoted where YAML would read something else.
std::string KeyText(const std::string& key) {
  const bool plain = key.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  return plain ? key : Quoted(key);
}

std::vector<EffectiveValue> Effective(Settings& settings, const Sources& sources) {
  std::vector<EffectiveValue> values;
  Key root = RootKey(settings);
  ForEachLeaf(root, [&](Key& leaf, const Path& path) {
    for (LeafValue& one : ValuesOf(leaf, path)) {
      const auto found = sources.find(one.path);
      EffectiveValue value{std::move(one.path), std::move(one.value), Origin::kDefault, {}};
      if (found != sources.end()) {
        value.origin = found->second.origin;
        value.where = found->second.where;
      }
      values.push_back(std::move(value));
    }
  });
  return values;
}

}  // namespace
}  // namespace settings

Result<LoadedSettings> ReadSettings(const config::Document* document,
                                    const Environment& environment) {
  LoadedSettings loaded;
  settings::Sources sources;
  std::vector<std::string> problems;
  if (document != nullptr) {
    settings::Key root = settings::RootKey(loaded.settings);
    if (const auto read = settings::ReadDocument(*document, root, sources); !read) {
      problems.push_back(read.error().message);
    }
  }
  settings::ReadVariables(environment, loaded.settings, sources, problems, loaded.warnings);
  if (problems.empty()) {
    const bool wanted = loaded.settings.request_log.enabled &&
                        sources.contains(settings::Path{"request_log", "enabled"});
    const auto report = [&](const settings::Path& path, const std::string& message) {
      problems.push_back(settings::Located(sources, path, message,
                                           document == nullptr ? std::string() : document->file));
    };
    settings::FinishAndCheck(loaded.settings, report);
    if (wanted && !loaded.settings.request_log.enabled) {
      report({"request_log", "enabled"}, "needs 'request_log.file' or 'data_folder'");
    }
  }
  if (!problems.empty()) {
    return Fail(Code::kInvalidArgument, fmt::format("{}", fmt::join(problems, "\n")));
  }
  if (loaded.settings.upstreams.empty()) {
    loaded.warnings.emplace_back("upstreams: there is none, so no model answers");
  }
  loaded.values = settings::Effective(loaded.settings, sources);
  return loaded;
}

Result<LoadedSettings> LoadSettings(core::FileSystem& files, const std::string& path,
                                    const Environment& environment) {
  if (path.empty()) return ReadSettings(nullptr, environment);
  ASSAY_ASSIGN(const config::Document document, config::Load(files, path));
  return ReadSettings(&document, environment);
}

std::string SettingsYaml(const LoadedSettings& loaded) {
  std::string out;
  settings::Path open;  // the sections whose lines stand above
  for (const EffectiveValue& value : loaded.values) {
    std::size_t shared = 0;
    const std::size_t sections = value.path.size() - 1;
    while (shared < std::min(open.size(), sections) && open[shared] == value.path[shared]) ++shared;
    for (std::size_t i = shared; i < sections; ++i) {
      out += fmt::format("{:{}}{}:\n", "", 2 * i, settings::KeyText(value.path[i]));
    }
    open.assign(value.path.begin(), value.path.end() - 1);
    out += fmt::format("{:{}}{}: {}", "", 2 * sections, settings::KeyText(value.path.back()),
                       value.value);
    if (value.origin != Origin::kDefault) out += fmt::format("  # {}", value.where);
    out += '\n';
  }
  return out;
}

std::vector<SettingChange> DiffSettings(const Settings& before, const Settings& after) {
  struct State {
    std::string value;
    bool live;
  };
  const auto flatten = [](Settings settings) {
    std::map<settings::Path, State> states;
    settings::Key root = settings::RootKey(settings);
    settings::ForEachLeaf(root, [&](settings::Key& leaf, const settings::Path& path) {
      std::string text;
      for (const settings::LeafValue& one : settings::ValuesOf(leaf, path)) {
        if (!text.empty()) text += ' ';
        text += one.value;
      }
      states[path] = {std::move(text), leaf.live};
    });
    return states;
  };
  const auto old_states = flatten(before);
  const auto new_states = flatten(after);
  std::vector<SettingChange> changes;
  for (const auto& [path, state] : new_states) {
    const auto old = old_states.find(path);
    if (old == old_states.end()) {
      changes.push_back({settings::Dotted(path), {}, state.value, state.live});
    } else if (old->second.value != state.value) {
      changes.push_back({settings::Dotted(path), old->second.value, state.value, state.live});
    }
  }
  for (const auto& [path, state] : old_states) {
    if (!new_states.contains(path)) {
      changes.push_back({settings::Dotted(path), state.value, {}, state.live});
    }
  }
  return changes;
}

}  // namespace assay::gateway
