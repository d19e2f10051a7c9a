// YAML by libfyaml's event stream: the tree is built on an explicit stack, so depth is bounded by
// us.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <libfyaml.h>

#include "assay/text/utf8.h"

#include "parse_internal.h"

namespace assay::config {
namespace {

struct Releaser {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
  void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};

Location LocationOf(fy_event* event) {
  const fy_mark* mark = fy_event_start_mark(event);
  if (mark == nullptr) return {};
  return {static_cast<std::uint32_t>(mark->line + 1), static_cast<std::uint32_t>(mark->column + 1)};
}

std::string TextOf(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string() : std::string(text, length);
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) {
    if (text == word) return true;
  }
  return false;
}

std::optional<std::int64_t> ParseInteger(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x")) base = 16;
  if (text.starts_with("0o")) base = 8;
  std::string_view digits = base == 10 ? text : text.substr(2);
  if (digits.starts_with('+') && base == 10) digits.remove_prefix(1);
  if (base != 10 && digits.starts_with('-')) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.empty())
    return std::nullopt;
  return value;
}

std::optional<double> ParseFloat(std::string_view text) {
  if (IsOneOf(text, {".nan", ".NaN", ".NAN"})) return std::numeric_limits<double>::quiet_NaN();
  std::string_view digits = text;
  const bool negative = digits.starts_with('-');
  if (negative || digits.starts_with('+')) digits.remove_prefix(1);
  double value = 0;
  if (IsOneOf(digits, {".inf", ".Inf", ".INF"})) {
    value = std::numeric_limits<double>::infinity();
  } else {
    if (digits.empty() || digits.find_first_not_of("0123456789.eE+-") != std::string_view::npos ||
        digits.find_first_of("0123456789") == std::string_view::npos ||
        (digits[0] != '.' && (digits[0] < '0' || digits[0] > '9'))) {
      return std::nullopt;
    }
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (end != digits.data() + digits.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) value = std::numeric_limits<double>::infinity();
  }
  return negative ? -value : value;
}

// The core schema of YAML 1.2 (10.3.2) for plain scalars; tags may force a kind.
Value MakeScalar(std::string text, bool plain, std::string_view tag, Location location) {
  if (tag.ends_with(":str") || tag == "!" || (!plain && tag.empty())) {
    return {std::move(text), location};
  }
  if (plain || !tag.empty()) {
    if (IsOneOf(text, {"", "~", "null", "Null", "NULL"}) && plain)
      return {std::monostate{}, location};
    if (IsOneOf(text, {"true", "True", "TRUE"})) return {true, location};
    if (IsOneOf(text, {"false", "False", "FALSE"})) return {false, location};
    if (const auto integer = ParseInteger(text)) {
      if (tag.ends_with(":float")) return {static_cast<double>(*integer), location};
      return {*integer, location};
    }
    if (const auto number = ParseFloat(text)) return {*number, location};
  }
  return {std::move(text), location};
}

std::size_t CountValues(const Value& value) {
  std::size_t count = 1;
  if (const auto* list = value.as_list()) {
    for (const Value& item : *list) count += CountValues(item);
  }
  if (const auto* map = value.as_map()) {
    for (const Member& member : *map) count += CountValues(member.value);
  }
  return count;
}

std::size_t DepthOf(const Value& value) {
  std::size_t depth = 0;
  if (const auto* list = value.as_list()) {
    for (const Value& item : *list) depth = std::max(depth, DepthOf(item));
    ++depth;
  }
  if (const auto* map = value.as_map()) {
    for (const Member& member : *map) depth = std::max(depth, DepthOf(member.value));
    ++depth;
  }
  return depth;
}

class TreeBuilder {
 public:
  TreeBuilder(std::string_view file, const ParseOptions& options) : file_(file), budget_(options) {}

  Result<void> Handle(fy_event* event) {
    const Location location = LocationOf(event);
    switch (event->type) {
      case FYET_DOCUMENT_START:
        if (documents_++ > 0) {
          return ParseError(file_, location,
                            "a second document begins here; a configuration is one document");
        }
        return {};
      case FYET_SCALAR: {
        const bool plain = fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN;
        return Add(
            MakeScalar(TextOf(event->scalar.value), plain, TextOf(event->scalar.tag), location),
            TextOf(event->scalar.value), TextOf(event->scalar.anchor));
      }
      case FYET_SEQUENCE_START:
        return Open(Value(Value::List{}, location), TextOf(event->sequence_start.anchor));
      case FYET_MAPPING_START:
        return Open(Value(Value::Map{}, location), TextOf(event->mapping_start.anchor));
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        return Close();
      case FYET_ALIAS:
        return Alias(TextOf(event->alias.anchor), location);
      default:
        return {};
    }
  }

  Value TakeRoot() { return std::move(root_); }

 private:
  struct Level {
    Value value;
    std::string anchor;
    std::optional<std::pair<std::string, Location>> key;  // of a map, when its value comes next
  };

  Result<void> Open(Value value, std::string anchor) {
    if (!open_.empty() && open_.back().value.kind() == Kind::kMap && !open_.back().key) {
      return ParseError(file_, value.location(), "a key must be a scalar, not a list or a map");
    }
    if (const auto problem = budget_.Take(open_.size() + 1); !problem.empty()) {
      return ParseError(file_, value.location(), problem);
    }
    open_.push_back({std::move(value), std::move(anchor), std::nullopt});
    return {};
  }

  Result<void> Close() {
    Level level = std::move(open_.back());
    open_.pop_back();
    return Add(std::move(level.value), {}, level.anchor);
  }

  Result<void> Alias(const std::string& name, Location location) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      return ParseError(file_, location,
                        fmt::format("the alias *{} has no anchor &{} before it", name, name));
    }
    const std::size_t depth = open_.size() + DepthOf(found->second);
    if (const auto problem = budget_.Take(depth, CountValues(found->second)); !problem.empty()) {
      return ParseError(file_, location, problem);
    }
    const std::string* text = found->second.as_string();
    return Add(found->second, text == nullptr ? std::string() : *text, {});
  }

  // `text` is the scalar as written, for use as a key.
  Result<void> Add(Value value, std::string text, const std::string& anchor) {
    if (const auto problem = budget_.Take(open_.size()); !problem.empty()) {
      return ParseError(file_, value.location(), problem);
    }
    if (!anchor.empty()) anchors_.insert_or_assign(anchor, value);
    if (open_.empty()) {
      root_ = std::move(value);
      return {};
    }
    Level& parent = open_.back();
    if (auto* list = parent.value.as_list()) {
      list->push_back(std::move(value));
      return {};
    }
    if (!parent.key) {
      if (value.kind() == Kind::kList || value.kind() == Kind::kMap) {
        return ParseError(file_, value.location(), "a key must be a scalar, not a list or a map");
      }
      parent.key.emplace(std::move(text), value.location());
      return {};
    }
    const Location at = parent.key->second;
    const std::string problem =
        AddMember(*parent.value.as_map(), {std::move(parent.key->first), at, std::move(value)},
                  budget_.options().allow_duplicate_keys);
    parent.key.reset();
    if (!problem.empty()) return ParseError(file_, at, problem);
    return {};
  }

  std::string_view file_;
  Budget budget_;
  std::vector<Level> open_;
  std::map<std::string, Value> anchors_;
  Value root_;
  int documents_ = 0;
};

std::unexpected<Error> FirstDiagnostic(fy_diag* diag, std::string_view file) {
  void* previous = nullptr;
  const fy_diag_error* error = fy_diag_errors_iterate(diag, &previous);
  if (error == nullptr) return ParseError(file, {}, "this is not YAML");
  return ParseError(file,
                    {static_cast<std::uint32_t>(std::max(error->line, 1)),
                     static_cast<std::uint32_t>(std::max(error->column, 1))},
                    error->msg == nullptr ? "this is not YAML" : error->msg);
}

// YAML 1.2, 5.1: UTF-8 without control characters. libfyaml 0.7.12 never returns from a directive
// that holds others, so they must not reach it. Gives the offset of the first one, or npos.
std::size_t FindForbiddenByte(std::string_view text) {
  const auto fault = text::FindUtf8Error(text);
  const std::size_t end = fault ? fault->offset : text.size();
  for (std::size_t i = 0; i < end; ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F) return i;
  }
  return fault ? fault->offset : std::string_view::npos;
}

}  // namespace

Result<Document> ParseYaml(std::string_view text, std::string file, const ParseOptions& options) {
  if (const std::size_t at = FindForbiddenByte(text); at != std::string_view::npos) {
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
    return ParseError(
        file, {static_cast<std::uint32_t>(line + 1), 1},
        fmt::format("byte {} is a control character or no UTF-8; save the file as UTF-8", at));
  }
  fy_diag_cfg diag_options;
  fy_diag_cfg_default(&diag_options);
  diag_options.fp = nullptr;
  diag_options.output_fn = [](fy_diag*, void*, const char*, std::size_t) {};
  const std::unique_ptr<fy_diag, Releaser> diag(fy_diag_create(&diag_options));
  if (diag == nullptr)
    return Fail(Code::kResourceExhausted, "libfyaml could not allocate its diagnostics");
  fy_diag_set_collect_errors(diag.get(), true);

  fy_parse_cfg parse_options{};
  parse_options.flags =
      static_cast<fy_parse_cfg_flags>(FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_DEFAULT_VERSION_1_2);
  parse_options.diag = diag.get();
  const std::unique_ptr<fy_parser, Releaser> parser(fy_parser_create(&parse_options));
  // libfyaml takes no null pointer, which an empty view may hold.
  const char* const bytes = text.empty() ? "" : text.data();
  if (parser == nullptr || fy_parser_set_string(parser.get(), bytes, text.size()) != 0) {
    return Fail(Code::kResourceExhausted, "libfyaml could not create a parser");
  }

  TreeBuilder builder(file, options);
  while (fy_event* event = fy_parser_parse(parser.get())) {
    const Result<void> handled = builder.Handle(event);
    const bool last = event->type == FYET_STREAM_END;
    fy_parser_event_free(parser.get(), event);
    if (!handled) return std::unexpected(handled.error());
    if (last) return Document{std::move(file), builder.TakeRoot()};
  }
  return FirstDiagnostic(diag.get(), file);
}

}  // namespace assay::config
