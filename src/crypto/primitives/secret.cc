#include "assay/crypto/secret.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "assay/core/check.h"

#include "primitives/bytes_internal.h"

namespace assay::crypto {
namespace {

constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// Characters without bias: bytes from the largest multiple of 62 on are thrown away.
void FillWithText(std::span<char> out) {
  constexpr unsigned kBound = 256 / kAlphabet.size() * kAlphabet.size();
  std::array<char, 64> random{};
  std::size_t done = 0;
  while (done < out.size()) {
    RandomBytes(random);
    for (const char byte : random) {
      const unsigned value = static_cast<unsigned char>(byte);
      if (value < kBound && done < out.size()) out[done++] = kAlphabet[value % kAlphabet.size()];
    }
  }
  Wipe(random);
}

}  // namespace

void Wipe(std::span<char> bytes) noexcept {
  if (!bytes.empty()) OPENSSL_cleanse(bytes.data(), bytes.size());
}

bool ConstantTimeEqual(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

void RandomBytes(std::span<char> bytes) {
  constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;
  while (!bytes.empty()) {
    const std::size_t part = std::min(bytes.size(), kMostAtOnce);
    ASSAY_CHECK(RAND_priv_bytes(Bytes(bytes), static_cast<int>(part)) == 1);
    bytes = bytes.subspan(part);
  }
}

std::string RandomText(std::size_t size_bytes) {
  std::string text(size_bytes, '\0');
  FillWithText(text);
  return text;
}

SecretBytes::SecretBytes(std::size_t size_bytes)
    : data_(size_bytes > 0 ? std::make_unique<char[]>(size_bytes) : nullptr), size_(size_bytes) {}

SecretBytes SecretBytes::Copy(std::string_view bytes) {
  SecretBytes secret(bytes.size());
  if (!bytes.empty()) std::memcpy(secret.data_.get(), bytes.data(), bytes.size());
  return secret;
}

SecretBytes SecretBytes::Random(std::size_t size_bytes) {
  SecretBytes secret(size_bytes);
  RandomBytes(secret.span());
  return secret;
}

SecretBytes SecretBytes::RandomText(std::size_t size_bytes) {
  SecretBytes secret(size_bytes);
  FillWithText(secret.span());
  return secret;
}

SecretBytes::SecretBytes(SecretBytes&& other) noexcept
    : data_(std::move(other.data_)), size_(std::exchange(other.size_, 0)) {}

SecretBytes& SecretBytes::operator=(SecretBytes&& other) noexcept {
  if (this != &other) {
    Clear();
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

SecretBytes::~SecretBytes() {
  Clear();
}

void SecretBytes::Clear() noexcept {
  Wipe(span());
  data_.reset();
  size_ = 0;
}

}  // namespace assay::crypto
