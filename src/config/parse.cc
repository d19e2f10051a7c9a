#include "assay/config/parse.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "parse_internal.h"

namespace assay::config {
namespace {

constexpr std::uint64_t kMaxFileBytes = 16ULL << 20;  // a configuration, not a data file

constexpr std::array<std::string_view, 7> kKindNames = {
    "null", "a boolean", "an integer", "a number", "a string", "a list", "a map"};

}  // namespace

std::string_view NameOf(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

const Value* Value::Find(std::string_view key) const {
  const Map* map = as_map();
  if (map == nullptr) return nullptr;
  const auto found = std::ranges::find(*map, key, &Member::key);
  return found == map->end() ? nullptr : &found->value;
}

std::unexpected<Error> ParseError(std::string_view file, Location location,
                                  std::string_view message) {
  return Fail(Code::kInvalidArgument,
              fmt::format("{}:{}:{}: {}", file, location.line, location.column, message));
}

std::string_view Budget::Take(std::size_t depth, std::size_t values) {
  values_ += values;
  if (depth > options_.max_depth) return "lists and maps are nested too deep";
  if (values_ > options_.max_values) return "the document holds too many values";
  return {};
}

std::string AddMember(Value::Map& map, Member member, bool allow_duplicate_keys) {
  const auto found = std::ranges::find(map, member.key, &Member::key);
  if (found == map.end()) {
    map.push_back(std::move(member));
    return {};
  }
  if (!allow_duplicate_keys) {
    return fmt::format(
        "the key '{}' stands here a second time (first in line {}); remove one of them", member.key,
        found->key_location.line);
  }
  *found = std::move(member);
  return {};
}

Result<Document> Parse(std::string_view text, std::string file, Syntax syntax,
                       const ParseOptions& options) {
  switch (syntax) {
    case Syntax::kYaml:
      return ParseYaml(text, std::move(file), options);
    case Syntax::kToml:
      return ParseToml(text, std::move(file), options);
    case Syntax::kJson:
      return ParseJson(text, std::move(file), options);
  }
  return Fail(Code::kInternal, "unknown configuration syntax");
}

Result<Document> Load(core::FileSystem& files, const std::string& path,
                      const ParseOptions& options) {
  Syntax syntax{};
  if (path.ends_with(".yaml") || path.ends_with(".yml")) {
    syntax = Syntax::kYaml;
  } else if (path.ends_with(".toml")) {
    syntax = Syntax::kToml;
  } else if (path.ends_with(".json")) {
    syntax = Syntax::kJson;
  } else {
    return Fail(Code::kInvalidArgument,
                fmt::format("{}: a configuration file ends in .yaml, .yml, .toml or .json", path));
  }
  ASSAY_ASSIGN(const std::string text, files.ReadFile(path, kMaxFileBytes));
  return Parse(text, path, syntax, options);
}

}  // namespace assay::config
