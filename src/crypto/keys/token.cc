#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "assay/core/hash.h"

#include "keys/token_internal.h"

namespace assay::crypto {
namespace {

constexpr std::string_view kDigits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t kIdAt = kTokenPrefix.size();
constexpr std::size_t kIdBytes = sizeof(KeyId::text);
constexpr std::size_t kSecretAt = kIdAt + kIdBytes + 1;
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kChecksumAt = kSecretAt + kSecretBytes;
constexpr std::size_t kChecksumBytes = 6;  // 62^6 > 2^32
static_assert(kChecksumAt + kChecksumBytes == kTokenBytes);

constexpr bool IsDigit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

std::array<char, kChecksumBytes> ChecksumOf(std::string_view body) {
  std::array<char, kChecksumBytes> text{};
  std::uint32_t value = core::Crc32c(body);
  for (char& c : text) {
    c = kDigits[value % kDigits.size()];
    value /= static_cast<std::uint32_t>(kDigits.size());
  }
  return text;
}

KeyId IdFrom(std::string_view text) {
  KeyId id;
  std::memcpy(id.text.data(), text.data(), kIdBytes);
  return id;
}

}  // namespace

KeyId NewKeyId() {
  return IdFrom(RandomText(kIdBytes));
}

SecretString NewToken(const KeyId& id) {
  SecretString token = SecretBytes::RandomText(kTokenBytes);  // the secret's part stays
  char* const at = token.span().data();
  std::memcpy(at, kTokenPrefix.data(), kTokenPrefix.size());
  std::memcpy(at + kIdAt, id.text.data(), kIdBytes);
  at[kSecretAt - 1] = '_';
  const auto checksum = ChecksumOf(token.view().substr(0, kChecksumAt));
  std::memcpy(at + kChecksumAt, checksum.data(), kChecksumBytes);
  return token;
}

std::optional<KeyId> IdOfToken(std::string_view token) {
  if (token.size() != kTokenBytes || !token.starts_with(kTokenPrefix) ||
      token[kSecretAt - 1] != '_') {
    return std::nullopt;
  }
  const auto checksum = ChecksumOf(token.substr(0, kChecksumAt));
  if (token.substr(kChecksumAt) != std::string_view(checksum.data(), checksum.size()) ||
      !std::ranges::all_of(token.substr(kIdAt, kIdBytes), IsDigit)) {
    return std::nullopt;
  }
  return IdFrom(token.substr(kIdAt));
}

std::optional<KeyId> ParseIdOrToken(std::string_view text) {
  if (text.size() == kIdBytes && std::ranges::all_of(text, IsDigit)) return IdFrom(text);
  return IdOfToken(text);
}

}  // namespace assay::crypto
