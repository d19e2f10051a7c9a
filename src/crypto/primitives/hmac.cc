#include "assay/crypto/hmac.h"

#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "assay/core/check.h"
#include "assay/core/parallel.h"

#include "primitives/bytes_internal.h"
#include "primitives/context_pool_internal.h"

namespace assay::crypto {
namespace {

constexpr std::size_t kBatchGrain = 64;  // messages of 1 KiB: about 50 us
constexpr std::size_t kMaxDerivedBytes = 255 * kMacBytes;
constexpr char kDigest[] = "SHA256";

EVP_MAC* HmacAlgorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);  // lives for ever
  return algorithm;
}
EVP_KDF* HkdfAlgorithm() {
  static EVP_KDF* const algorithm = EVP_KDF_fetch(nullptr, "HKDF", nullptr);  // lives for ever
  return algorithm;
}

// OpenSSL takes parameters by non-const pointers and does not write to them.
OSSL_PARAM OctetParam(const char* name, std::string_view bytes) {
  static char empty = 0;  // a null pointer would mean "ask for the size"
  return OSSL_PARAM_construct_octet_string(
      name, bytes.empty() ? &empty : const_cast<char*>(bytes.data()), bytes.size());
}
OSSL_PARAM DigestParam(const char* name) {
  return OSSL_PARAM_construct_utf8_string(name, const_cast<char*>(kDigest), 0);
}

}  // namespace

class HmacKey::Impl {
 public:
  explicit Impl(EVP_MAC_CTX* keyed) : keyed_(keyed) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() { EVP_MAC_CTX_free(keyed_); }

  [[nodiscard]] auto Take() {
    return pool_.Take([this] {
      EVP_MAC_CTX* const context = EVP_MAC_CTX_dup(keyed_);
      ASSAY_CHECK(context != nullptr);  // no memory for 200 bytes
      return context;
    });
  }

  static void SignInto(EVP_MAC_CTX* context, std::string_view first, std::string_view second,
                       Mac& mac) {
    std::size_t size_bytes = 0;
    bool good = EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
                EVP_MAC_update(context, Bytes(first), first.size()) == 1;
    if (!second.empty()) {
      good = good && EVP_MAC_update(context, Bytes(second), second.size()) == 1;
    }
    good = good && EVP_MAC_final(context, Bytes(mac), &size_bytes, mac.size()) == 1;
    // A wrong MAC would let a forgery through; there is no input for which these calls fail.
    ASSAY_CHECK(good && size_bytes == kMacBytes);
  }

 private:
  EVP_MAC_CTX* keyed_;  // never used for a message, so that it can be copied at any time
  ContextPool<EVP_MAC_CTX, EVP_MAC_CTX_free> pool_;
};

HmacKey::HmacKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HmacKey::HmacKey(HmacKey&&) noexcept = default;
HmacKey& HmacKey::operator=(HmacKey&&) noexcept = default;
HmacKey::~HmacKey() = default;

Result<HmacKey> HmacKey::Create(std::string_view key) {
  EVP_MAC_CTX* const context =
      HmacAlgorithm() == nullptr ? nullptr : EVP_MAC_CTX_new(HmacAlgorithm());
  if (context == nullptr) {
    return Fail(Code::kInternal, "OpenSSL has no HMAC; check its configuration (openssl.cnf)");
  }
  auto impl = std::make_unique<Impl>(context);
  const OSSL_PARAM params[] = {DigestParam(OSSL_MAC_PARAM_DIGEST), OSSL_PARAM_construct_end()};
  static constexpr unsigned char kEmpty = 0;
  if (EVP_MAC_init(context, key.empty() ? &kEmpty : Bytes(key), key.size(), params) != 1) {
    return Fail(Code::kInternal, "OpenSSL refused a key for HMAC-SHA256");
  }
  return HmacKey(std::move(impl));
}

Mac HmacKey::Sign(std::string_view message) const {
  return Sign(message, {});
}

Mac HmacKey::Sign(std::string_view first, std::string_view second) const {
  Mac mac;
  const auto lease = impl_->Take();
  Impl::SignInto(lease.get(), first, second, mac);
  return mac;
}

bool HmacKey::Verify(std::string_view message, std::string_view mac) const {
  return ConstantTimeEqual(ViewOf(Sign(message)), mac);
}

Result<void> HmacKey::SignBatch(std::span<const std::string_view> messages,
                                std::span<Mac> macs) const {
  if (messages.size() != macs.size()) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} messages and room for {} MACs", messages.size(), macs.size()));
  }
  const auto sign = [&](std::size_t begin, std::size_t end) {
    const auto lease = impl_->Take();
    for (std::size_t i = begin; i < end; ++i) Impl::SignInto(lease.get(), messages[i], {}, macs[i]);
  };
  core::ParallelFor(messages.size(), kBatchGrain, sign);
  return {};
}

Result<SecretBytes> DeriveKey(std::string_view secret, std::string_view salt, std::string_view info,
                              std::size_t size_bytes) {
  if (size_bytes == 0 || size_bytes > kMaxDerivedBytes) {
    return Fail(Code::kOutOfRange, fmt::format("{} bytes of key were asked for; HKDF gives 1 to {}",
                                               size_bytes, kMaxDerivedBytes));
  }
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> context(
      HkdfAlgorithm() == nullptr ? nullptr : EVP_KDF_CTX_new(HkdfAlgorithm()), EVP_KDF_CTX_free);
  if (context == nullptr) {
    return Fail(Code::kInternal, "OpenSSL has no HKDF; check its configuration (openssl.cnf)");
  }
  // An absent salt is 32 zero bytes (RFC 5869, 2.2), which HMAC's padding makes of an empty one.
  const OSSL_PARAM params[] = {DigestParam(OSSL_KDF_PARAM_DIGEST),
                               OctetParam(OSSL_KDF_PARAM_KEY, secret),
                               OctetParam(OSSL_KDF_PARAM_SALT, salt),
                               OctetParam(OSSL_KDF_PARAM_INFO, info), OSSL_PARAM_construct_end()};
  SecretBytes derived(size_bytes);
  if (EVP_KDF_derive(context.get(), Bytes(derived.span()), size_bytes, params) != 1) {
    return Fail(Code::kInternal, "OpenSSL could not derive a key with HKDF-SHA256");
  }
  return derived;
}

}  // namespace assay::crypto
