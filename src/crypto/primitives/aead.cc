#include "assay/crypto/aead.h"

#include <utility>

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "assay/core/check.h"
#include "assay/crypto/secret.h"

#include "primitives/aead_internal.h"
#include "primitives/bytes_internal.h"

namespace assay::crypto {
namespace {

EVP_CIPHER* Aes256Gcm() {
  static EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  return cipher;  // lives for ever
}

EVP_CIPHER_CTX* MakeContext(std::string_view key, bool sealing) {
  EVP_CIPHER_CTX* const context = EVP_CIPHER_CTX_new();
  ASSAY_CHECK(context != nullptr);  // no memory for 200 bytes
  ASSAY_CHECK(
      EVP_CipherInit_ex2(context, Aes256Gcm(), Bytes(key), nullptr, sealing ? 1 : 0, nullptr) == 1);
  return context;
}

}  // namespace

GcmContexts::GcmContexts(std::string_view key) : key_(SecretBytes::Copy(key)) {}

CipherPool::Lease GcmContexts::TakeSealing() {
  return sealing_.Take([this] { return MakeContext(key_.view(), true); });
}
CipherPool::Lease GcmContexts::TakeOpening() {
  return opening_.Take([this] { return MakeContext(key_.view(), false); });
}

// Shapes: out [plain.size() + kAeadTagBytes].
void GcmContexts::SealWith(EVP_CIPHER_CTX* context, const char* nonce, std::string_view aad,
                           std::string_view plain, char* out) {
  auto* const to = reinterpret_cast<unsigned char*>(out);
  int written = 0;
  bool good = EVP_EncryptInit_ex2(context, nullptr, nullptr,
                                  reinterpret_cast<const unsigned char*>(nonce), nullptr) == 1;
  if (!aad.empty()) {
    good = good && EVP_EncryptUpdate(context, nullptr, &written, Bytes(aad),
                                     static_cast<int>(aad.size())) == 1;
  }
  if (!plain.empty()) {
    good = good && EVP_EncryptUpdate(context, to, &written, Bytes(plain),
                                     static_cast<int>(plain.size())) == 1;
  }
  good = good && EVP_EncryptFinal_ex(context, to + plain.size(), &written) == 1;
  OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG,
                                                           to + plain.size(), kAeadTagBytes),
                         OSSL_PARAM_construct_end()};
  good = good && EVP_CIPHER_CTX_get_params(context, params) == 1;
  // There is no input of the shapes above for which these calls fail.
  ASSAY_CHECK(good);
}

// Shapes: out [sealed.size() - kAeadTagBytes]. Returns whether it is genuine; `out` is wiped if
// not.
bool GcmContexts::OpenWith(EVP_CIPHER_CTX* context, const char* nonce, std::string_view aad,
                           std::string_view sealed, std::span<char> out) {
  const std::string_view body = sealed.substr(0, out.size());
  auto* const tag = const_cast<char*>(sealed.data() + out.size());  // read only
  int written = 0;
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, tag, kAeadTagBytes),
      OSSL_PARAM_construct_end()};
  bool good = EVP_DecryptInit_ex2(context, nullptr, nullptr,
                                  reinterpret_cast<const unsigned char*>(nonce), params) == 1;
  if (!aad.empty()) {
    good = good && EVP_DecryptUpdate(context, nullptr, &written, Bytes(aad),
                                     static_cast<int>(aad.size())) == 1;
  }
  if (!body.empty()) {
    good = good && EVP_DecryptUpdate(context, Bytes(out), &written, Bytes(body),
                                     static_cast<int>(body.size())) == 1;
  }
  unsigned char none = 0;
  good = good && EVP_DecryptFinal_ex(context, &none, &written) == 1;
  if (!good) Wipe(out);
  return good;
}

AeadKey::AeadKey(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AeadKey::AeadKey(AeadKey&&) noexcept = default;
AeadKey& AeadKey::operator=(AeadKey&&) noexcept = default;
AeadKey::~AeadKey() = default;

Result<AeadKey> AeadKey::Create(std::string_view key) {
  if (key.size() != kAeadKeyBytes) {
    return Fail(Code::kInvalidArgument, fmt::format("a key of AES-256-GCM has {} bytes, not {}",
                                                    kAeadKeyBytes, key.size()));
  }
  if (Aes256Gcm() == nullptr) {
    return Fail(Code::kInternal,
                "OpenSSL has no AES-256-GCM; check its configuration (openssl.cnf)");
  }
  return AeadKey(std::make_unique<Impl>(key));
}

Result<void> CheckAeadSizes(std::string_view aad, std::string_view message) {
  if (aad.size() > kMaxAeadMessageBytes || message.size() > kMaxAeadMessageBytes) {
    return Fail(Code::kOutOfRange,
                fmt::format("a message of {} bytes with {} of associated data; at most {} of each "
                            "can be sealed at once",
                            message.size(), aad.size(), kMaxAeadMessageBytes));
  }
  return {};
}

Result<void> AeadKey::Seal(const AeadNonce& nonce, std::string_view aad, std::string_view plain,
                           std::span<char> out) const {
  ASSAY_TRY(CheckAeadSizes(aad, plain));
  if (out.size() != plain.size() + kAeadTagBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("sealing {} bytes needs room for {}, not {}", plain.size(),
                            plain.size() + kAeadTagBytes, out.size()));
  }
  Impl::SealWith(impl_->TakeSealing().get(), nonce.data(), aad, plain, out.data());
  return {};
}

Result<void> AeadKey::Open(const AeadNonce& nonce, std::string_view aad, std::string_view sealed,
                           std::span<char> out) const {
  ASSAY_TRY(CheckAeadSizes(aad, sealed));
  if (sealed.size() != out.size() + kAeadTagBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} sealed bytes do not open into {}: the tag takes {}", sealed.size(),
                            out.size(), kAeadTagBytes));
  }
  if (!Impl::OpenWith(impl_->TakeOpening().get(), nonce.data(), aad, sealed, out)) {
    return Fail(Code::kDataLoss,
                "sealed bytes do not open: they, their associated data or the key are not the ones "
                "of sealing");
  }
  return {};
}

}  // namespace assay::crypto
