// The one table of all configuration keys, as a tree over a Settings object.
// Reader, environment, schema, reference and diff walk it; nothing else knows a key's name.
#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "assay/gateway/settings.h"

namespace assay::gateway::settings {

enum class KeyKind : std::uint8_t {
  kBool,
  kInteger,
  kNumber,
  kString,
  kDuration,  // milliseconds
  kSize,      // bytes
  kChoice,
  kStringList,
  kSecret,     // `name_env` and `name_file` in the file; also ASSAY_..._NAME itself
  kSection,    // a map of fixed keys
  kNamedMaps,  // a map of maps under names of the user's choice
};

// Where the value lives. A choice is an enum of one byte, seen as that byte.
using Slot =
    std::variant<std::monostate, bool*, std::int64_t*, double*, std::string*, std::uint8_t*,
                 std::vector<std::string>*, std::vector<ExpertSettings>*, SecretSource*>;

struct Key {
  std::string name;
  KeyKind kind = KeyKind::kSection;
  std::string_view doc;  // one or two sentences
  bool live = false;     // a reload puts a new value in force
  Slot slot;
  double minimum = 0;  // of integers, numbers, durations and sizes; inclusive
  double maximum = 0;
  std::span<const std::string_view> choices;
  std::vector<Key> keys;  // of a section
  // kNamedMaps: the keys of the element of that name, which is added where it is absent. Adding
  // makes the slots of other elements invalid.
  std::function<Key(const std::string& element)> element;
  std::function<std::vector<std::string>()> names;  // of the elements that are there

  [[nodiscard]] bool leaf() const {
    return kind != KeyKind::kSection && kind != KeyKind::kNamedMaps;
  }
};

// The whole table over `settings`, which must outlive it.
[[nodiscard]] Key RootKey(Settings& settings);

// Its large parts.
[[nodiscard]] Key UpstreamsKey(std::vector<UpstreamSettings>& upstreams);
[[nodiscard]] Key ExpertsKey(std::vector<ExpertSettings>& experts);
[[nodiscard]] Key RoutesKey(std::vector<RouteSettings>& routes);
[[nodiscard]] Key ExperimentsKey(std::vector<ExperimentSettings>& experiments);

// Maps under names of the user's choice, kept in `all`; `fields` gives the keys of one.
template <typename T>
[[nodiscard]] Key NamedMapsKey(std::string_view name, std::string_view doc, std::vector<T>& all,
                               Key (*fields)(T&)) {
  Key key;
  key.name = name;
  key.kind = KeyKind::kNamedMaps;
  key.doc = doc;
  key.element = [&all, fields](const std::string& element) {
    const auto found = std::ranges::find(all, element, &T::name);
    if (found != all.end()) return fields(*found);
    T fresh;
    fresh.name = element;
    all.push_back(std::move(fresh));
    return fields(all.back());
  };
  key.names = [&all] {
    std::vector<std::string> names;
    for (const T& one : all) names.push_back(one.name);
    return names;
  };
  return key;
}

// Builders, so that the table reads as a table.
enum class Reload : std::uint8_t { kRestart, kLive };
struct Range {
  double minimum;
  double maximum;
};
[[nodiscard]] Key Bool(std::string_view name, bool& slot, Reload reload, std::string_view doc);
[[nodiscard]] Key Integer(std::string_view name, std::int64_t& slot, Range range, Reload reload,
                          std::string_view doc);
[[nodiscard]] Key Number(std::string_view name, double& slot, Range range, Reload reload,
                         std::string_view doc);
[[nodiscard]] Key Duration(std::string_view name, std::int64_t& slot_ms, Range range_ms,
                           Reload reload, std::string_view doc);
[[nodiscard]] Key Size(std::string_view name, std::int64_t& slot_bytes, Range range_bytes,
                       Reload reload, std::string_view doc);
[[nodiscard]] Key String(std::string_view name, std::string& slot, Reload reload,
                         std::string_view doc);
[[nodiscard]] Key List(std::string_view name, std::vector<std::string>& slot, Reload reload,
                       std::string_view doc);
[[nodiscard]] Key Experts(std::string_view name, std::vector<ExpertSettings>& slot, Reload reload,
                          std::string_view doc);
[[nodiscard]] Key Secret(std::string_view name, SecretSource& slot, Reload reload,
                         std::string_view doc);
[[nodiscard]] Key Section(std::string_view name, std::string_view doc, std::vector<Key> keys);
template <typename Enum>
[[nodiscard]] Key Choice(std::string_view name, Enum& slot,
                         std::span<const std::string_view> choices, Reload reload,
                         std::string_view doc) {
  static_assert(sizeof(Enum) == 1);
  Key key;
  key.name = name;
  key.kind = KeyKind::kChoice;
  key.doc = doc;
  key.live = reload == Reload::kLive;
  key.slot = reinterpret_cast<std::uint8_t*>(&slot);  // a byte may be seen as unsigned char
  key.choices = choices;
  return key;
}

inline constexpr double kSecondMs = 1'000;
inline constexpr double kMinuteMs = 60'000;
inline constexpr double kHourMs = 3'600'000;
inline constexpr double kDayMs = 86'400'000;
inline constexpr double kMegabyte = 1e6;
inline constexpr double kTerabyte = 1e12;

}  // namespace assay::gateway::settings
