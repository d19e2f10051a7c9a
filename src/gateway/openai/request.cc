#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "request_internal.h"

namespace assay::gateway {
namespace {

namespace ondemand = simdjson::ondemand;

// Who asks, how the answer travels and how it is billed do not change what is answered.
// One of each length, at the place of its length.
constexpr std::array<std::string_view, 18> kKeptFromKey = [] {
  std::array<std::string_view, 18> by_length{};
  for (const std::string_view name :
       {"metadata", "prompt_cache_key", "safety_identifier", "service_tier", "store", "stream",
        "stream_options", "user"}) {
    by_length[name.size()] = name;
  }
  return by_length;
}();
constexpr std::size_t kKeptScratchBytes = 1 << 20;  // a larger buffer goes back to the allocator
constexpr double kLargestExactInteger = 9007199254740992.0;  // 2^53

ApiError BadRequest(std::string code, std::string param, std::string message) {
  return ApiError{.status = 400,
                  .type = "invalid_request_error",
                  .code = std::move(code),
                  .param = std::move(param),
                  .message = std::move(message)};
}

std::string_view Trimmed(std::string_view token) {
  while (!token.empty() && static_cast<unsigned char>(token.back()) <= ' ') token.remove_suffix(1);
  return token;
}

bool IsDigit(char c) {
  return c >= '0' && c <= '9';
}

std::size_t CountDigits(std::string_view text) {
  std::size_t count = 0;
  while (count < text.size() && IsDigit(text[count])) ++count;
  return count;
}

// RFC 8259, section 6.
bool IsJsonNumber(std::string_view token) {
  if (token.starts_with('-')) token.remove_prefix(1);
  const std::size_t whole = CountDigits(token);
  if (whole == 0 || (whole > 1 && token.front() == '0')) return false;
  token.remove_prefix(whole);
  if (token.starts_with('.')) {
    const std::size_t fraction = CountDigits(token.substr(1));
    if (fraction == 0) return false;
    token.remove_prefix(fraction + 1);
  }
  if (token.starts_with('e') || token.starts_with('E')) {
    token.remove_prefix(1);
    if (token.starts_with('+') || token.starts_with('-')) token.remove_prefix(1);
    const std::size_t exponent = CountDigits(token);
    if (exponent == 0) return false;
    token.remove_prefix(exponent);
  }
  return token.empty();
}

std::optional<double> ToDouble(std::string_view token) {
  double value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  if (error != std::errc() || end != token.data() + token.size()) return std::nullopt;
  return value;
}

// Equal numbers come out alike: 1, 1.0 and 10e-1 as 1. A number that no double holds stays as sent.
void AppendNumber(std::string_view token, std::string& out) {
  const std::string_view digits = token.substr(token.starts_with('-') ? 1 : 0);
  const bool small_integer = digits.size() <= 18 && CountDigits(digits) == digits.size();
  if (small_integer) {
    out.append(token == "-0" ? std::string_view("0") : token);
    return;
  }
  const std::optional<double> value = ToDouble(token);
  if (!value || (CountDigits(digits) == digits.size())) {  // or an integer that a double may round
    out.append(token);
  } else if (std::abs(*value) < kLargestExactInteger && std::trunc(*value) == *value) {
    fmt::format_to(std::back_inserter(out), "{}", static_cast<std::int64_t>(*value));
  } else {
    fmt::format_to(std::back_inserter(out), "{}", *value);
  }
}

void AppendString(std::string_view text, std::string& out) {
  out += '"';
  std::size_t begin = 0;  // of what is not yet appended
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20) continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    }
  }
  out.append(text, begin);
  out += '"';
}

// The first eight bytes behind the quote, as a number that sorts as they do.
std::uint64_t PrefixOf(std::string_view quoted_name) {
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, quoted_name.data() + 1, std::min<std::size_t>(8, quoted_name.size() - 1));
  if constexpr (std::endian::native == std::endian::little) prefix = __builtin_bswap64(prefix);
  return prefix;
}

}  // namespace

bool IsKeptFromKey(std::string_view member) {
  return !member.empty() && member.size() < kKeptFromKey.size() &&
         member == kKeptFromKey[member.size()];
}

class RequestReader::Impl {
 public:
  std::optional<ApiError> Read(Endpoint endpoint, std::string_view body, std::size_t max_depth,
                               RequestFacts& facts);
  core::Hash128 Key(std::string_view tenant, std::uint64_t route_version);
  [[nodiscard]] std::string_view canonical() const {
    return std::string_view(out_).substr(0, canonical_bytes_);
  }

 private:
  struct Member {
    std::size_t begin;
    std::size_t name_end;
    std::size_t end;
    std::uint64_t prefix;  // the name's first bytes, which decide most comparisons
  };
  using Status = simdjson::error_code;

  Status EmitValue(ondemand::value value, std::size_t depth);
  // Writes the members sorted by name. `emit(name, value, keep)` writes a value; a member that it
  // does not keep is taken out again.
  template <typename EmitMember>
  Status EmitMembers(ondemand::object object, EmitMember emit);
  Status EmitObject(ondemand::object object, std::size_t depth);
  Status EmitArray(ondemand::array array, std::size_t depth);
  Status EmitString(ondemand::value value);
  Status EmitName(ondemand::field& field, std::string_view& name);
  Status EmitTopLevel(ondemand::object object);
  Status NoteMember(std::string_view name, ondemand::value value, std::size_t begin);
  Status NoteModel(ondemand::value value);
  Status NoteUser(ondemand::value value);
  Status SkipChecked(ondemand::value value);
  void SortMembers(std::size_t first, std::size_t begin);
  std::optional<ApiError> Explain(Status status) const;
  std::optional<ApiError> CheckRequired(Endpoint endpoint) const;

  ondemand::parser parser_;
  std::string_view body_;
  std::size_t max_depth_ = 0;
  RequestFacts* facts_ = nullptr;
  std::optional<ApiError> problem_;  // a field of the wrong kind
  std::string out_;
  std::string sorted_;
  std::vector<Member> members_;  // a stack: the innermost object's are last
  std::size_t canonical_bytes_ = 0;
  Endpoint endpoint_ = Endpoint::kChat;
  bool has_messages_ = false;
  bool has_prompt_ = false;
  bool has_input_ = false;
  bool has_stream_ = false;
};

simdjson::error_code RequestReader::Impl::EmitString(ondemand::value value) {
  const std::string_view token = Trimmed(value.raw_json_token());
  if (token.size() >= 2 && token.back() == '"' &&
      std::memchr(token.data(), '\\', token.size()) == nullptr) {
    out_.append(token);
    return simdjson::SUCCESS;
  }
  std::string_view text;
  if (const Status status = value.get_string().get(text); status != simdjson::SUCCESS) {
    return status;
  }
  AppendString(text, out_);
  return simdjson::SUCCESS;
}

// `name` lives as long as the document, with its escapes resolved.
simdjson::error_code RequestReader::Impl::EmitName(ondemand::field& field, std::string_view& name) {
  const char* const raw = field.key().raw();  // behind the quote; its end was found by the parser
  std::size_t bytes = 0;
  while (raw[bytes] != '"' && raw[bytes] != '\\') ++bytes;
  if (raw[bytes] == '"') {
    name = std::string_view(raw, bytes);
    out_.append(raw - 1, bytes + 2);
    return simdjson::SUCCESS;
  }
  if (const Status status = field.unescaped_key().get(name); status != simdjson::SUCCESS) {
    return status;
  }
  AppendString(name, out_);
  return simdjson::SUCCESS;
}

simdjson::error_code RequestReader::Impl::EmitArray(ondemand::array array, std::size_t depth) {
  out_ += '[';
  for (auto item : array) {
    ondemand::value value;
    if (const Status status = item.get(value); status != simdjson::SUCCESS) return status;
    if (const Status status = EmitValue(value, depth + 1); status != simdjson::SUCCESS) {
      return status;
    }
    out_ += ',';
  }
  out_ += ']';
  return simdjson::SUCCESS;
}

template <typename EmitMember>
simdjson::error_code RequestReader::Impl::EmitMembers(ondemand::object object, EmitMember emit) {
  const std::size_t first = members_.size();
  out_ += '{';
  const std::size_t begin = out_.size();
  for (auto field : object) {
    ondemand::field pair;
    if (const Status status = std::move(field).get(pair); status != simdjson::SUCCESS)
      return status;
    const std::size_t member = out_.size();
    std::string_view name;
    if (const Status status = EmitName(pair, name); status != simdjson::SUCCESS) return status;
    const std::size_t name_end = out_.size();
    out_ += ':';
    ondemand::value value = pair.value();
    bool keep = true;
    if (const Status status = emit(name, value, keep); status != simdjson::SUCCESS) return status;
    if (problem_) return simdjson::SUCCESS;
    if (!keep) {
      out_.resize(member);
      continue;
    }
    out_ += ',';
    members_.push_back({member, name_end, out_.size(),
                        PrefixOf(std::string_view(out_).substr(member, name_end - member))});
  }
  SortMembers(first, begin);
  out_ += '}';
  return simdjson::SUCCESS;
}

simdjson::error_code RequestReader::Impl::EmitObject(ondemand::object object, std::size_t depth) {
  return EmitMembers(object, [this, depth](std::string_view, ondemand::value value, bool&) {
    return EmitValue(value, depth + 1);
  });
}

void RequestReader::Impl::SortMembers(std::size_t first, std::size_t begin) {
  const auto name = [this](const Member& member) {
    return std::string_view(out_).substr(member.begin, member.name_end - member.begin);
  };
  // The place decides between equal names: std::stable_sort would allocate.
  const auto before = [&name](const Member& a, const Member& b) {
    if (a.prefix != b.prefix) return a.prefix < b.prefix;
    const int order = name(a).compare(name(b));
    return order != 0 ? order < 0 : a.begin < b.begin;
  };
  const auto from = members_.begin() + static_cast<std::ptrdiff_t>(first);
  if (!std::is_sorted(from, members_.end(), before)) {
    std::sort(from, members_.end(), before);
    sorted_.clear();
    for (auto member = from; member != members_.end(); ++member) {
      sorted_.append(out_, member->begin, member->end - member->begin);
    }
    out_.replace(begin, sorted_.size(), sorted_);
  }
  members_.resize(first);
}

simdjson::error_code RequestReader::Impl::EmitValue(ondemand::value value, std::size_t depth) {
  if (depth > max_depth_) return simdjson::DEPTH_ERROR;
  ondemand::json_type type{};
  if (const Status status = value.type().get(type); status != simdjson::SUCCESS) return status;
  switch (type) {
    case ondemand::json_type::object: {
      ondemand::object object;
      const Status status = value.get_object().get(object);
      return status == simdjson::SUCCESS ? EmitObject(object, depth) : status;
    }
    case ondemand::json_type::array: {
      ondemand::array array;
      const Status status = value.get_array().get(array);
      return status == simdjson::SUCCESS ? EmitArray(array, depth) : status;
    }
    case ondemand::json_type::string:
      return EmitString(value);
    case ondemand::json_type::number: {
      const std::string_view token = Trimmed(value.raw_json_token());
      if (!IsJsonNumber(token)) return simdjson::NUMBER_ERROR;
      AppendNumber(token, out_);
      return simdjson::SUCCESS;
    }
    case ondemand::json_type::boolean: {
      bool truth = false;
      if (const Status status = value.get_bool().get(truth); status != simdjson::SUCCESS) {
        return status;
      }
      out_.append(truth ? "true" : "false");
      return simdjson::SUCCESS;
    }
    case ondemand::json_type::null: {
      if (Trimmed(value.raw_json_token()) != "null") return simdjson::N_ATOM_ERROR;
      out_.append("null");
      return simdjson::SUCCESS;
    }
  }
  return simdjson::TAPE_ERROR;
}

simdjson::error_code RequestReader::Impl::NoteModel(ondemand::value value) {
  const std::string_view token = Trimmed(value.raw_json_token());
  std::string_view model;
  if (facts_->model_bytes != 0) {
    problem_ = BadRequest("duplicate_field", "model", "The request names its model twice.");
  } else if (value.get_string().get(model) != simdjson::SUCCESS || model.empty()) {
    problem_ = BadRequest("invalid_type", "model", "'model' must be a string that is not empty.");
  } else {
    facts_->model.assign(model);
    facts_->model_offset = static_cast<std::size_t>(token.data() - body_.data());
    facts_->model_bytes = token.size();
    AppendString(model, out_);
  }
  return simdjson::SUCCESS;
}

// It is no part of the key, so nothing is kept of what is emitted.
simdjson::error_code RequestReader::Impl::NoteUser(ondemand::value value) {
  ondemand::json_type type{};
  if (const Status status = value.type().get(type); status != simdjson::SUCCESS) return status;
  if (type != ondemand::json_type::string) return EmitValue(value, 2);
  std::string_view user;
  if (const Status status = value.get_string().get(user); status != simdjson::SUCCESS) {
    return status;
  }
  facts_->user.assign(user);
  return simdjson::SUCCESS;
}

// What was emitted for the member begins at `begin` of out_, so that facts are read from the
// canonical form: on-demand values can be read once only.
simdjson::error_code RequestReader::Impl::NoteMember(std::string_view name, ondemand::value value,
                                                     std::size_t begin) {
  if (name == "model") return NoteModel(value);
  if (name == "user") return NoteUser(value);
  if (const Status status = EmitValue(value, 2); status != simdjson::SUCCESS) return status;
  const std::string_view text = std::string_view(out_).substr(begin);
  if (name == "messages") {
    has_messages_ = text.starts_with('[');
  } else if (name == "prompt") {
    has_prompt_ = text != "null";
  } else if (name == "input") {
    has_input_ = text != "null";
  } else if (name == "stream") {
    if (has_stream_) {
      problem_ = BadRequest("duplicate_field", "stream", "The request says 'stream' twice.");
    } else if (text != "true" && text != "false" && text != "null") {
      problem_ = BadRequest("invalid_type", "stream", "'stream' must be true or false.");
    }
    has_stream_ = true;
    facts_->stream = text == "true";
  } else if (name == "stream_options") {
    facts_->stream_usage = text.find("\"include_usage\":true,") != std::string_view::npos;
  } else {
    NoteNumber(name, text, *facts_);
  }
  return simdjson::SUCCESS;
}

simdjson::error_code RequestReader::Impl::EmitTopLevel(ondemand::object object) {
  return EmitMembers(object, [this](std::string_view name, ondemand::value value, bool& keep) {
    keep = !IsKeptFromKey(name);
    return NoteMember(name, value, out_.size());
  });
}

std::optional<ApiError> RequestReader::Impl::Explain(Status status) const {
  if (status == simdjson::DEPTH_ERROR) {
    return BadRequest("json_too_deep", "",
                      fmt::format("The JSON body nests deeper than {} levels.", max_depth_));
  }
  return BadRequest("invalid_json", "",
                    fmt::format("The body is not valid JSON: {}", simdjson::error_message(status)));
}

std::optional<ApiError> RequestReader::Impl::CheckRequired(Endpoint endpoint) const {
  if (facts_->model_bytes == 0) {
    return BadRequest("missing_required_parameter", "model", "The request must name a 'model'.");
  }
  if (endpoint == Endpoint::kChat && !has_messages_) {
    return BadRequest("missing_required_parameter", "messages",
                      "The request must have 'messages', an array.");
  }
  if (endpoint == Endpoint::kCompletions && !has_prompt_) {
    return BadRequest("missing_required_parameter", "prompt", "The request must have a 'prompt'.");
  }
  if (endpoint == Endpoint::kEmbeddings && !has_input_) {
    return BadRequest("missing_required_parameter", "input", "The request must have an 'input'.");
  }
  return std::nullopt;
}

std::optional<ApiError> RequestReader::Impl::Read(Endpoint endpoint, std::string_view body,
                                                  std::size_t max_depth, RequestFacts& facts) {
  if (out_.capacity() > kKeptScratchBytes) std::string().swap(out_);
  if (sorted_.capacity() > kKeptScratchBytes) std::string().swap(sorted_);
  out_.clear();
  members_.clear();
  canonical_bytes_ = 0;
  ResetFacts(facts);
  body_ = body;
  endpoint_ = endpoint;
  max_depth_ = max_depth;
  facts_ = &facts;
  problem_.reset();
  has_messages_ = has_prompt_ = has_input_ = has_stream_ = false;
  ondemand::document document;
  ondemand::object object;
  Status status = parser_
                      .iterate(simdjson::padded_string_view(
                          body.data(), body.size(), body.size() + simdjson::SIMDJSON_PADDING))
                      .get(document);
  if (status == simdjson::SUCCESS) status = document.get_object().get(object);
  if (status == simdjson::INCORRECT_TYPE) {
    return BadRequest("invalid_json", "", "The body must be a JSON object.");
  }
  if (status == simdjson::SUCCESS) status = EmitTopLevel(object);
  if (status != simdjson::SUCCESS) return Explain(status);
  if (problem_) return std::move(problem_);
  if (document.current_location().error() == simdjson::SUCCESS)
    return Explain(simdjson::TRAILING_CONTENT);
  canonical_bytes_ = out_.size();
  return CheckRequired(endpoint);
}

core::Hash128 RequestReader::Impl::Key(std::string_view tenant, std::uint64_t route_version) {
  // A canonical form holds no NUL and a tenant no control character, so the parts stay apart.
  out_.resize(canonical_bytes_);
  out_ += '\0';
  out_ += static_cast<char>('a' + static_cast<int>(endpoint_));
  out_.append(tenant);
  out_ += '\0';
  constexpr std::string_view kHex = "0123456789abcdef";
  for (int shift = 60; shift >= 0; shift -= 4) out_ += kHex[(route_version >> shift) & 15];
  return core::HashBytes128(out_, kRequestKeyVersion);
}

RequestReader::RequestReader() : impl_(std::make_unique<Impl>()) {}
RequestReader::~RequestReader() = default;

std::optional<ApiError> RequestReader::Read(Endpoint endpoint, std::string_view body,
                                            std::size_t max_depth, RequestFacts& facts) {
  return impl_->Read(endpoint, body, max_depth, facts);
}

core::Hash128 RequestReader::Key(std::string_view tenant, std::uint64_t route_version) {
  return impl_->Key(tenant, route_version);
}

std::string_view RequestReader::CanonicalForTest() const {
  return impl_->canonical();
}

}  // namespace assay::gateway
