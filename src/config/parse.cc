#include "assay/config/parse.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "parse_internal.h"

namespace assay::config {
namespace {

constexpr std::uint64_t kMaxFileBytes = 16ULL << 20;  // a configuration, not a data file
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

Result<Document> ParseInto(std::unique_ptr<Arena> arena, std::string_view text, std::string file,
                           Syntax syntax, const ParseOptions& options) {
  if (text.size() >= kNowhere) {
    return Fail(Code::kInvalidArgument, fmt::format("{}: the text is larger than 4 GiB", file));
  }
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (text.empty()) text = "";  // the parsers take no null pointer, which an empty view may hold
  const Source source{text, file, options, *arena};
  Result<Value> root = Fail(Code::kInternal, "unknown configuration syntax");
  switch (syntax) {
    case Syntax::kYaml:
      root = ParseYaml(source);
      break;
    case Syntax::kToml:
      root = ParseToml(source);
      break;
    case Syntax::kJson:
      root = ParseJson(source);
      break;
  }
  if (!root) return std::unexpected(std::move(root).error());
  return Document{std::move(file), *root, text, std::move(arena)};
}

}  // namespace

std::unexpected<Error> ParseError(std::string_view file, Location location,
                                  std::string_view message) {
  return Fail(Code::kInvalidArgument,
              fmt::format("{}:{}:{}: {}", file, location.line, location.column, message));
}

Result<Document> ParseBorrowed(std::string_view text, std::string file, Syntax syntax,
                               const ParseOptions& options) {
  return ParseInto(std::make_unique<Arena>(), text, std::move(file), syntax, options);
}

Result<Document> Parse(std::string_view text, std::string file, Syntax syntax,
                       const ParseOptions& options) {
  auto arena = std::make_unique<Arena>();
  const std::string_view kept = arena->Text(text);
  return ParseInto(std::move(arena), kept, std::move(file), syntax, options);
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
  ASSAY_ASSIGN(std::string text, files.ReadFile(path, kMaxFileBytes));
  auto arena = std::make_unique<Arena>();
  const std::string_view kept = arena->Adopt(std::move(text));
  return ParseInto(std::move(arena), kept, path, syntax, options);
}

}  // namespace assay::config
