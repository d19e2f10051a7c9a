#include "assay/config/reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace assay::config {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 16> kDurationUnits = {{{"ms", 1},
                                                  {"s", 1e3},
                                                  {"sec", 1e3},
                                                  {"second", 1e3},
                                                  {"seconds", 1e3},
                                                  {"m", 6e4},
                                                  {"min", 6e4},
                                                  {"minute", 6e4},
                                                  {"minutes", 6e4},
                                                  {"h", 3.6e6},
                                                  {"hour", 3.6e6},
                                                  {"hours", 3.6e6},
                                                  {"d", 8.64e7},
                                                  {"day", 8.64e7},
                                                  {"days", 8.64e7},
                                                  {"us", 1e-3}}};

constexpr std::array<Unit, 11> kSizeUnits = {{{"", 1},
                                              {"B", 1},
                                              {"bytes", 1},
                                              {"kB", 1e3},
                                              {"KB", 1e3},
                                              {"MB", 1e6},
                                              {"GB", 1e9},
                                              {"KiB", 1024.0},
                                              {"MiB", 1048576.0},
                                              {"GiB", 1073741824.0},
                                              {"TB", 1e12}}};

// "12.5 MB" -> 12.5 and the factor of "MB"; nothing when either part is not understood.
std::optional<double> ParseQuantity(std::string_view text, std::span<const Unit> units) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number < 0) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  const auto found = std::ranges::find(units, unit, &Unit::name);
  if (found == units.end()) return std::nullopt;
  const double value = number * found->factor;
  if (!(value < 9e18)) return std::nullopt;
  return value;
}

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Optimal string alignment distance over bytes; only short keys come here.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool equal = Lower(a[i - 1]) == Lower(b[j - 1]);
      current[j] =
          std::min({previous[j] + 1, current[j - 1] + 1, previous[j - 1] + (equal ? 0U : 1U)});
      if (i > 1 && j > 1 && Lower(a[i - 1]) == Lower(b[j - 2]) &&
          Lower(a[i - 2]) == Lower(b[j - 1])) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

std::string_view DidYouMean(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  std::size_t best_distance = 2 + word.size() / 4;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = Distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

struct Reader::Shared {
  struct Node {
    const Value* map;
    std::string path;
    std::set<std::string, std::less<>> known;
    bool open = false;  // any key is fine (NamedMaps)
  };
  const Document* document = nullptr;
  std::vector<Node> nodes;
  std::vector<std::pair<std::uint32_t, std::string>> problems;  // with their offsets
};

Reader::Reader(const Document& document)
    : Reader(std::make_shared<Shared>(), document.root, {}, {}) {
  shared_->document = &document;
}

Reader::Reader(std::shared_ptr<Shared> shared, const Value& value, std::string path,
               std::string name)
    : shared_(std::move(shared)),
      node_(shared_->nodes.size()),
      value_(&value),
      path_(std::move(path)),
      name_(std::move(name)) {
  shared_->nodes.push_back({value_, path_, {}, false});
  if (value.kind() != Kind::kMap && value.kind() != Kind::kNull) {
    shared_->problems.emplace_back(
        value.offset(), fmt::format("{}must be a map, but is {}", path_.empty() ? "" : path_ + ": ",
                                    NameOf(value.kind())));
  }
}

std::string Reader::PathOf(std::string_view key) const {
  if (key.empty()) return path_;
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void Reader::Problem(std::string_view key, std::string_view message) {
  const Value* value = key.empty() ? value_ : value_->Find(key);
  const std::string path = PathOf(key);
  shared_->problems.emplace_back(value == nullptr ? value_->offset() : value->offset(),
                                 fmt::format("{}{}{}", path, path.empty() ? "" : ": ", message));
}

void Reader::WrongKind(std::string_view key, const Value& value, std::string_view wanted) {
  Problem(key, fmt::format("must be {}, but is {}", wanted, NameOf(value.kind())));
}

const Value* Reader::Get(std::string_view key, bool required) {
  shared_->nodes[node_].known.emplace(key);
  const Value* value = value_->Find(key);
  if (value != nullptr && value->kind() == Kind::kNull) value = nullptr;
  if (value == nullptr && required) Problem(key, "is missing; it has no default");
  return value;
}

bool Reader::Has(std::string_view key) {
  return Get(key, false) != nullptr;
}

std::string Reader::String(std::string_view key, std::string_view fallback) {
  const Value* value = Get(key, false);
  if (value == nullptr) return std::string(fallback);
  if (const std::string_view* text = value->as_string()) return std::string(*text);
  WrongKind(key, *value, "a string");
  return std::string(fallback);
}

std::string Reader::RequiredString(std::string_view key) {
  return Get(key, true) == nullptr ? std::string() : String(key, {});
}

bool Reader::Bool(std::string_view key, bool fallback) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback;
  if (const bool* boolean = value->as_bool()) return *boolean;
  WrongKind(key, *value, "true or false");
  return fallback;
}

std::int64_t Reader::Integer(std::string_view key, std::int64_t fallback, std::int64_t minimum,
                             std::int64_t maximum) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback;
  const std::int64_t* integer = value->as_integer();
  if (integer == nullptr) {
    WrongKind(key, *value, "an integer");
    return fallback;
  }
  if (*integer < minimum || *integer > maximum) {
    Problem(key, fmt::format("is {}, but must be from {} to {}", *integer, minimum, maximum));
    return fallback;
  }
  return *integer;
}

double Reader::Number(std::string_view key, double fallback, double minimum, double maximum) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback;
  double number = 0;
  if (const std::int64_t* integer = value->as_integer()) {
    number = static_cast<double>(*integer);
  } else if (const double* real = value->as_float()) {
    number = *real;
  } else {
    WrongKind(key, *value, "a number");
    return fallback;
  }
  if (!(number >= minimum && number <= maximum)) {
    Problem(key, fmt::format("is {}, but must be from {} to {}", number, minimum, maximum));
    return fallback;
  }
  return number;
}

std::int64_t Reader::DurationMs(std::string_view key, std::int64_t fallback_ms) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback_ms;
  if (const std::string_view* text = value->as_string()) {
    if (const auto ms = ParseQuantity(*text, kDurationUnits)) return std::llround(*ms);
  }
  Problem(key,
          "must be a duration with its unit, such as \"250 ms\", \"30 s\", \"5 min\" or \"2 h\"");
  return fallback_ms;
}

std::int64_t Reader::SizeBytes(std::string_view key, std::int64_t fallback_bytes) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback_bytes;
  if (const std::int64_t* integer = value->as_integer(); integer != nullptr && *integer >= 0) {
    return *integer;
  }
  if (const std::string_view* text = value->as_string()) {
    if (const auto bytes = ParseQuantity(*text, kSizeUnits)) return std::llround(*bytes);
  }
  Problem(key, "must be a size, such as \"512 MB\", \"64 MiB\" or a number of bytes");
  return fallback_bytes;
}

std::size_t Reader::Choice(std::string_view key, std::span<const std::string_view> names,
                           std::size_t fallback) {
  const Value* value = Get(key, false);
  if (value == nullptr) return fallback;
  const std::string_view* text = value->as_string();
  if (text == nullptr) {
    WrongKind(key, *value, fmt::format("one of {}", fmt::join(names, ", ")));
    return fallback;
  }
  const auto found = std::ranges::find(names, *text);
  if (found != names.end()) return static_cast<std::size_t>(found - names.begin());
  const std::string_view near = DidYouMean(*text, names);
  Problem(key, near.empty()
                   ? fmt::format("is '{}', but must be one of {}", *text, fmt::join(names, ", "))
                   : fmt::format("is '{}'; did you mean '{}'?", *text, near));
  return fallback;
}

std::vector<std::string> Reader::StringList(std::string_view key) {
  std::vector<std::string> strings;
  const Value* value = Get(key, false);
  if (value == nullptr) return strings;
  const Value::List* list = value->as_list();
  if (list == nullptr) {
    WrongKind(key, *value, "a list of strings");
    return strings;
  }
  for (const Value& item : *list) {
    if (const std::string_view* text = item.as_string()) {
      strings.emplace_back(*text);
    } else {
      shared_->problems.emplace_back(
          item.offset(), fmt::format("{}: every entry must be a string, but one is {}", PathOf(key),
                                     NameOf(item.kind())));
    }
  }
  return strings;
}

std::optional<Reader> Reader::Map(std::string_view key) {
  const Value* value = Get(key, false);
  if (value == nullptr) return std::nullopt;
  return Reader(shared_, *value, PathOf(key), std::string(key));
}

std::vector<Reader> Reader::MapList(std::string_view key) {
  std::vector<Reader> readers;
  const Value* value = Get(key, false);
  if (value == nullptr) return readers;
  const Value::List* list = value->as_list();
  if (list == nullptr) {
    WrongKind(key, *value, "a list of maps");
    return readers;
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    readers.push_back(Reader(shared_, (*list)[i], fmt::format("{}[{}]", PathOf(key), i), {}));
  }
  return readers;
}

std::vector<Reader> Reader::NamedMaps(std::string_view key) {
  std::vector<Reader> readers;
  const std::optional<Reader> section = Map(key);
  if (!section || section->value_->as_map() == nullptr) return readers;
  shared_->nodes[section->node_].open = true;
  for (const Member& member : *section->value_->as_map()) {
    readers.push_back(
        Reader(shared_, member.value, section->PathOf(member.key), std::string(member.key)));
  }
  return readers;
}

Result<void> Reader::Finish() const {
  auto problems = shared_->problems;
  for (const Shared::Node& node : shared_->nodes) {
    const Value::Map* map = node.map->as_map();
    if (map == nullptr || node.open) continue;
    const std::vector<std::string_view> known(node.known.begin(), node.known.end());
    for (const Member& member : *map) {
      if (node.known.contains(member.key)) continue;
      const std::string_view near = DidYouMean(member.key, known);
      const std::string path =
          node.path.empty() ? std::string(member.key) : fmt::format("{}.{}", node.path, member.key);
      problems.emplace_back(
          member.key_offset,
          near.empty()
              ? fmt::format("{}: unknown key; known here: {}", path, fmt::join(known, ", "))
              : fmt::format("{}: unknown key; did you mean '{}'?", path, near));
    }
  }
  if (problems.empty()) return {};
  std::ranges::stable_sort(problems, {}, [](const auto& problem) {
    return problem.first + 1;  // what stands in no file comes first
  });
  std::string message;
  const std::string& file = shared_->document->file;
  LineCounter lines(shared_->document->text);
  for (const auto& [offset, text] : problems) {
    if (!message.empty()) message += '\n';
    const Location location = lines.At(offset);
    message += location.line == 0
                   ? fmt::format("{}: {}", file, text)
                   : fmt::format("{}:{}:{}: {}", file, location.line, location.column, text);
  }
  return Fail(Code::kInvalidArgument, std::move(message));
}

}  // namespace assay::config
