#include "provider/http/answer_json.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <simdjson.h>

#include "assay/text/utf8.h"

namespace assay::embed::internal {
namespace {

namespace dom = simdjson::dom;

std::unexpected<Error> Unreadable(std::string_view why) {
  return Fail(Code::kUnavailable, fmt::format("the answer cannot be read: {}", why));
}

std::unexpected<Error> WrongDimension(std::size_t got, std::size_t wanted) {
  return Fail(Code::kFailedPrecondition,
              fmt::format("the answer has vectors of {} dimensions where {} were asked for; name "
                          "the model's dimension, or one that it can give",
                          got, wanted));
}

constexpr int kBad = -1;
constexpr int kPadding = -2;

int Base64Value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return c == '=' ? kPadding : kBad;
}

// Standard alphabet, padded or not (RFC 4648, 4).
std::optional<std::string> DecodeBase64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 3);
  std::uint32_t bits = 0;
  int have = 0;
  for (const char c : text) {
    const int value = Base64Value(c);
    if (value < 0) return std::nullopt;
    bits = bits << 6U | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      bytes += static_cast<char>(bits >> static_cast<unsigned>(have) & 0xFFU);
    }
  }
  if (have >= 6) return std::nullopt;  // a lone digit
  return bytes;
}

Result<void> CheckFinite(std::span<const float> row) {
  for (const float value : row) {
    if (!std::isfinite(value)) return Unreadable("a value is not a finite number");
  }
  return {};
}

Result<void> ReadArray(const dom::array& values, std::span<float> out) {
  // An array's own count saturates at 2^24, far above any dimension.
  if (values.size() != out.size()) return WrongDimension(values.size(), out.size());
  std::size_t i = 0;
  for (const dom::element value : values) {
    double number = 0;
    if (value.get(number) != simdjson::SUCCESS) return Unreadable("a value is not a number");
    out[i++] = static_cast<float>(number);
  }
  return CheckFinite(out);
}

Result<void> ReadBase64(std::string_view text, std::span<float> out) {
  const std::optional<std::string> bytes = DecodeBase64(text);
  if (!bytes || bytes->size() % sizeof(float) != 0) return Unreadable("bad base64");
  if (bytes->size() != out.size_bytes()) {
    return WrongDimension(bytes->size() / sizeof(float), out.size());
  }
  static_assert(std::endian::native == std::endian::little, "the API sends little-endian floats");
  std::memcpy(out.data(), bytes->data(), bytes->size());
  return CheckFinite(out);
}

Result<void> ReadVector(const dom::element& vector, std::span<float> out) {
  if (dom::array values; vector.get(values) == simdjson::SUCCESS) return ReadArray(values, out);
  if (std::string_view text; vector.get(text) == simdjson::SUCCESS) return ReadBase64(text, out);
  return Unreadable("an embedding is neither an array nor base64");
}

}  // namespace

Result<std::uint64_t> ReadOpenAiAnswer(std::string_view body, std::size_t dim,
                                       std::span<float> out) {
  dom::parser parser;
  dom::element root;
  dom::array data;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    return Unreadable("it is not JSON, or cut");
  }
  if (root["data"].get(data) != simdjson::SUCCESS) return Unreadable("it has no `data`");
  const std::size_t texts = out.size() / dim;
  std::vector<bool> seen(texts);
  std::size_t count = 0;
  for (const dom::element item : data) {
    std::uint64_t index = count;
    dom::element vector;
    // Some servers leave the index out: then the order counts.
    const auto error = item["index"].get(index);
    if (error != simdjson::SUCCESS && error != simdjson::NO_SUCH_FIELD) {
      return Unreadable("an index is not a number");
    }
    if (index >= texts || seen[index]) return Unreadable("an index is too large or comes twice");
    if (item["embedding"].get(vector) != simdjson::SUCCESS) {
      return Unreadable("an item has no `embedding`");
    }
    ASSAY_TRY(ReadVector(vector, out.subspan(index * dim, dim)));
    seen[index] = true;
    ++count;
  }
  if (count != texts) {
    return Unreadable(fmt::format("it has {} vectors for {} texts", count, texts));
  }
  std::uint64_t tokens = 0;
  if (root["usage"]["prompt_tokens"].get(tokens) != simdjson::SUCCESS) return 0;
  return tokens;
}

Result<std::uint64_t> ReadTitanAnswer(std::string_view body, std::span<float> out) {
  dom::parser parser;
  dom::element root;
  dom::element vector;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) {
    return Unreadable("it is not JSON, or cut");
  }
  if (root["embedding"].get(vector) != simdjson::SUCCESS) {
    return Unreadable("it has no `embedding`");
  }
  ASSAY_TRY(ReadVector(vector, out));
  std::uint64_t tokens = 0;
  if (root["inputTextTokenCount"].get(tokens) != simdjson::SUCCESS) return 0;
  return tokens;
}

std::string ReadErrorMessage(std::string_view body) {
  dom::parser parser;
  dom::element root;
  std::string_view text;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS) return {};
  if (root["error"]["message"].get(text) == simdjson::SUCCESS) return std::string(text);
  for (const std::string_view name : {"message", "Message", "error"}) {
    if (root[name].get(text) == simdjson::SUCCESS) return std::string(text);
  }
  return {};
}

std::string JsonString(std::string_view text) {
  const std::string whole = text::RepairUtf8(text);
  std::string json = "\"";
  json.reserve(whole.size() + 2);
  for (const char c : whole) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  json += '"';
  return json;
}

}  // namespace assay::embed::internal
