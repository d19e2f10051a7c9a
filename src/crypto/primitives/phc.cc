// The PHC string format of Argon2id, and the small parsers that key files share with it.
#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <sodium.h>

#include "primitives/bytes_internal.h"
#include "primitives/password_internal.h"

namespace assay::crypto {
namespace {

constexpr int kVariant = sodium_base64_VARIANT_ORIGINAL_NO_PADDING;
constexpr std::size_t kMaxPhcBytes = 4096;

std::unexpected<Error> Malformed(std::string_view what) {
  return Fail(Code::kInvalidArgument,
              fmt::format("the password hash has {}; its form is "
                          "$argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>",
                          what));
}

Result<std::uint32_t> ParseParameter(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("the cost of Argon2id lacks '{}'; its form is m=<KiB>,t=<passes>,"
                            "p=<lanes>",
                            prefix));
  }
  ASSAY_ASSIGN(const std::uint64_t value, ParseNumber(text.substr(prefix.size()), prefix));
  if (value > UINT32_MAX) {
    return Fail(Code::kOutOfRange, fmt::format("the cost of Argon2id has {}{}", prefix, value));
  }
  return static_cast<std::uint32_t>(value);
}

}  // namespace

std::string_view CutAt(std::string_view& text, char separator) {
  const std::size_t place = text.find(separator);
  const std::string_view part = text.substr(0, place);
  text.remove_prefix(place == std::string_view::npos ? text.size() : place + 1);
  return part;
}

Result<std::uint64_t> ParseNumber(std::string_view text, std::string_view what) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || error != std::errc() || stopped != end ||
      (text.size() > 1 && text.front() == '0')) {
    return Fail(Code::kInvalidArgument, fmt::format("'{}' is followed by no decimal number", what));
  }
  return value;
}

std::string Base64(std::string_view bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), Bytes(bytes), bytes.size(), kVariant);
  text.pop_back();  // the terminating zero
  return text;
}

Result<SecretBytes> FromBase64(std::string_view text) {
  // libsodium 1.0.18 reads bytes over 127 as the letters that they are without their highest bit.
  const bool ascii = std::ranges::all_of(text, [](char c) { return (c & 0x80) == 0; });
  SecretBytes room(text.size() / 4 * 3 + 3);
  std::size_t size_bytes = 0;
  const char* end = nullptr;
  if (!ascii ||
      sodium_base642bin(Bytes(room.span()), room.size(), text.data(), text.size(), nullptr,
                        &size_bytes, &end, kVariant) != 0 ||
      end != text.data() + text.size()) {
    return Fail(Code::kInvalidArgument, "base64 without padding was expected");
  }
  return SecretBytes::Copy(room.view().substr(0, size_bytes));
}

Result<Argon2Params> ParseCost(std::string_view text) {
  Argon2Params params;
  ASSAY_ASSIGN(params.memory_kib, ParseParameter(CutAt(text, ','), "m="));
  ASSAY_ASSIGN(params.passes, ParseParameter(CutAt(text, ','), "t="));
  ASSAY_ASSIGN(params.lanes, ParseParameter(text, "p="));
  ASSAY_TRY(CheckParams(params));
  return params;
}

std::string FormatCost(const Argon2Params& params) {
  return fmt::format("m={},t={},p={}", params.memory_kib, params.passes, params.lanes);
}

Result<PasswordHash> ParsePasswordHash(std::string_view phc) {
  if (phc.size() > kMaxPhcBytes) return Malformed("too many characters");
  if (!phc.starts_with("$argon2id$")) return Malformed("another algorithm than Argon2id");
  phc.remove_prefix(std::string_view("$argon2id$").size());
  if (CutAt(phc, '$') != "v=19") return Malformed("another version than 19");
  PasswordHash parsed;
  ASSAY_ASSIGN(parsed.params, ParseCost(CutAt(phc, '$')));
  const auto salt = FromBase64(CutAt(phc, '$'));
  if (!salt) return Malformed("a salt that is not base64 without padding");
  const auto hash = FromBase64(phc);
  if (!hash) return Malformed("a hash that is not base64 without padding");
  if (salt->size() < kMinSaltBytes || salt->size() > kMaxSaltBytes) {
    return Malformed("a salt too short or too long");
  }
  parsed.salt = salt->view();
  parsed.hash = hash->view();
  parsed.params.hash_bytes = static_cast<std::uint32_t>(hash->size());
  ASSAY_TRY(CheckParams(parsed.params));
  return parsed;
}

std::string FormatPasswordHash(const PasswordHash& hash) {
  return fmt::format("$argon2id$v=19${}${}${}", FormatCost(hash.params), Base64(hash.salt),
                     Base64(hash.hash));
}

}  // namespace assay::crypto
