// YAML by libfyaml's event stream: the tree is built on an explicit stack, so depth is bounded by
// us.
#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <libfyaml.h>

#include "assay/text/utf8.h"

#include "parse_internal.h"
#include "yaml/core_schema.h"
#include "yaml/quick.h"

namespace assay::config {
namespace yaml {
namespace {

struct Releaser {
  void operator()(fy_parser* parser) const { fy_parser_destroy(parser); }
  void operator()(fy_diag* diag) const { fy_diag_destroy(diag); }
};

std::uint32_t OffsetOf(fy_event* event) {
  const fy_mark* mark = fy_event_start_mark(event);
  return mark == nullptr ? 0 : static_cast<std::uint32_t>(mark->input_pos);
}

std::string_view TextOf(fy_token* token) {
  std::size_t length = 0;
  const char* text = token == nullptr ? nullptr : fy_token_get_text(token, &length);
  return text == nullptr ? std::string_view() : std::string_view(text, length);
}

// Tags may force a kind; plain scalars follow the core schema.
Value MakeScalar(std::string_view text, bool plain, std::string_view tag, std::uint32_t offset) {
  if (tag.ends_with(":str") || tag == "!" || (!plain && tag.empty())) return Value(text, offset);
  if (text.empty() && !plain) return Value(text, offset);
  const Value value = MakePlain(text, offset);
  if (value.kind() == Kind::kNull && !plain) return Value(text, offset);
  if (value.as_integer() && tag.ends_with(":float")) {
    return Value(static_cast<double>(*value.as_integer()), offset);
  }
  return value;
}

// A value and what it counts against the budget, where an alias repeats it.
struct Anchored {
  Value value;
  std::string_view text;  // of a scalar as written, for use as a key
  std::size_t values = 1;
  std::size_t depth = 0;
};

class TreeBuilder {
 public:
  explicit TreeBuilder(const Source& source)
      : source_(source),
        budget_(source.options),
        stack_(source.arena, source.options.allow_duplicate_keys) {}

  Result<void> Handle(fy_event* event) {
    const std::uint32_t offset = OffsetOf(event);
    switch (event->type) {
      case FYET_DOCUMENT_START:
        if (documents_++ > 0) {
          return source_.Refuse(offset,
                                "a second document begins here; a configuration is one document");
        }
        return {};
      case FYET_SCALAR: {
        const fy_scalar_style style = fy_token_scalar_style(event->scalar.value);
        ASSAY_ASSIGN(const std::string_view text, ReadText(event->scalar.value, style, offset));
        const Value value = MakeScalar(text, style == FYSS_PLAIN, TextOf(event->scalar.tag),
                                       ScalarOffset(style, text, offset));
        return Add({value, text}, TextOf(event->scalar.anchor));
      }
      case FYET_SEQUENCE_START:
        return Open(false, offset, TextOf(event->sequence_start.anchor));
      case FYET_MAPPING_START:
        return Open(true, offset, TextOf(event->mapping_start.anchor));
      case FYET_SEQUENCE_END:
      case FYET_MAPPING_END:
        return Close();
      case FYET_ALIAS:
        return AddAlias(TextOf(event->alias.anchor), offset);
      default:
        return {};
    }
  }

  [[nodiscard]] Value root() const { return root_; }

 private:
  // A list or map that is open.
  struct Level {
    bool is_map = false;
    std::uint32_t offset = 0;
    std::size_t mark = 0;
    std::string anchor;
    std::optional<Member> key;  // waits for its value
    std::size_t values = 1;
    std::size_t depth = 0;
  };

  // The scalar's text in the arena. libfyaml 0.7.12 loses count where two quotes of a single-quoted
  // text stand side by side: those that end in their line are read here.
  Result<std::string_view> ReadText(fy_token* token, fy_scalar_style style, std::uint32_t offset) {
    if (style == FYSS_SINGLE_QUOTED) {
      const std::string_view written = InSingleQuotes(source_.text.substr(offset));
      if (written.find("''''") != std::string_view::npos) {
        if (written.find_first_of("\r\n") == std::string_view::npos) return Unquote(written);
        return source_.Refuse(offset - 1,
                              "a text in single quotes over several lines cannot hold two quotes "
                              "side by side; write it in double quotes");
      }
    }
    std::string_view text = TextOf(token);
    // Behind a folded text, which cannot hold one, libfyaml counts zero bytes that it did not
    // write.
    while (style == FYSS_FOLDED && text.ends_with('\0')) text.remove_suffix(1);
    return source_.arena.Text(text);
  }

  // Up to the quote that ends it, which stands alone.
  static std::string_view InSingleQuotes(std::string_view text) {
    std::size_t end = text.find('\'');
    while (end != std::string_view::npos && end + 1 < text.size() && text[end + 1] == '\'')
      end = text.find('\'', end + 2);
    return text.substr(0, end);
  }

  [[nodiscard]] std::string_view Unquote(std::string_view written) const {
    std::string text;
    for (std::size_t i = 0; i < written.size(); ++i) {
      text += written[i];
      if (written[i] == '\'') ++i;
    }
    return source_.arena.Text(text);
  }

  // libfyaml names the byte behind the first quote, and none for a value that is left out: that one
  // stands where its key or its list does.
  [[nodiscard]] std::uint32_t ScalarOffset(fy_scalar_style style, std::string_view text,
                                           std::uint32_t offset) const {
    if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) return offset - 1;
    if (!text.empty() || style != FYSS_PLAIN || open_.empty()) return offset;
    return open_.back().key ? open_.back().key->key_offset : open_.back().offset;
  }

  Result<void> Open(bool is_map, std::uint32_t offset, std::string_view anchor) {
    if (!open_.empty() && open_.back().is_map && !open_.back().key) {
      return source_.Refuse(offset, "a key must be a scalar, not a list or a map");
    }
    if (const auto problem = budget_.Take(open_.size() + 1, 0); !problem.empty()) {
      return source_.Refuse(offset, problem);
    }
    const std::size_t mark = is_map ? stack_.MarkMap() : stack_.MarkList();
    open_.push_back({is_map, offset, mark, std::string(anchor), std::nullopt});
    return {};
  }

  Result<void> Close() {
    const Level level = std::move(open_.back());
    open_.pop_back();
    Anchored done;
    done.values = level.values;
    done.depth = level.depth + 1;
    if (!level.is_map) {
      done.value = Value(stack_.CloseList(level.mark), level.offset);
    } else {
      Value::Map map;
      if (const auto twice = stack_.CloseMap(level.mark, map)) {
        return source_.Refuse(twice->second, twice->Message(source_.text));
      }
      done.value = Value(map, level.offset);
    }
    return Add(done, level.anchor);
  }

  Result<void> AddAlias(std::string_view name, std::uint32_t offset) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      return source_.Refuse(offset,
                            fmt::format("the alias *{} has no anchor &{} before it", name, name));
    }
    const Anchored& anchored = found->second;
    const std::size_t depth = open_.size() + anchored.depth;
    if (const auto problem = budget_.Take(depth, anchored.values); !problem.empty()) {
      return source_.Refuse(offset, problem);
    }
    return Add(anchored, {});
  }

  Result<void> Add(const Anchored& added, std::string_view anchor) {
    const Value& value = added.value;
    if (const auto problem = budget_.Take(open_.size()); !problem.empty()) {
      return source_.Refuse(value.offset(), problem);
    }
    if (!anchor.empty()) anchors_.insert_or_assign(std::string(anchor), added);
    if (open_.empty()) {
      root_ = value;
      return {};
    }
    Level& parent = open_.back();
    if (parent.is_map && !parent.key) {
      if (value.kind() == Kind::kList || value.kind() == Kind::kMap) {
        return source_.Refuse(value.offset(), "a key must be a scalar, not a list or a map");
      }
      parent.key = Member{added.text, Value(), value.offset()};
      return {};
    }
    parent.values += added.values;
    parent.depth = std::max(parent.depth, added.depth);
    if (!parent.is_map) {
      stack_.AddItem() = value;
      return {};
    }
    parent.key->value = value;
    stack_.AddMember() = *parent.key;
    parent.key.reset();
    return {};
  }

  const Source& source_;
  Budget budget_;
  TreeStack stack_;
  std::vector<Level> open_;
  std::map<std::string, Anchored, std::less<>> anchors_;
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
  const auto forbidden = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7F;
  };
  // Without a way out in the middle of a block, compilers make it a few vector instructions.
  constexpr std::size_t kBlock = 256;
  std::size_t i = 0;
  for (; i + kBlock <= end; i += kBlock) {
    unsigned found = 0;
    for (std::size_t j = 0; j < kBlock; ++j) found |= static_cast<unsigned>(forbidden(text[i + j]));
    if (found != 0) break;
  }
  for (; i < end; ++i) {
    if (forbidden(text[i])) return i;
  }
  return fault ? fault->offset : std::string_view::npos;
}

}  // namespace

Result<Value> ParseByLibfyaml(const Source& source) {
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
  if (parser == nullptr ||
      fy_parser_set_string(parser.get(), source.text.data(), source.text.size()) != 0) {
    return Fail(Code::kResourceExhausted, "libfyaml could not create a parser");
  }

  TreeBuilder builder(source);
  while (fy_event* event = fy_parser_parse(parser.get())) {
    const Result<void> handled = builder.Handle(event);
    const bool last = event->type == FYET_STREAM_END;
    fy_parser_event_free(parser.get(), event);
    if (!handled) return std::unexpected(handled.error());
    if (last) return builder.root();
  }
  return FirstDiagnostic(diag.get(), source.file);
}

}  // namespace yaml

Result<Value> ParseYaml(const Source& source) {
  if (const std::size_t at = yaml::FindForbiddenByte(source.text); at != std::string_view::npos) {
    const auto line = LineCounter(source.text).At(static_cast<std::uint32_t>(at)).line;
    return ParseError(
        source.file, {line, 1},
        fmt::format("byte {} is a control character or no UTF-8; save the file as UTF-8", at));
  }
  if (const auto value = yaml::ParseQuickly(source)) return *value;
  return yaml::ParseByLibfyaml(source);
}

}  // namespace assay::config
