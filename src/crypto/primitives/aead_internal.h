// aead_internal.h: the cipher with contexts taken by the caller, for batches.
// Room: crypto.
#pragma once
#include <span>
#include <string_view>

#include <openssl/evp.h>

#include "assay/crypto/aead.h"
#include "assay/crypto/secret.h"

#include "primitives/context_pool_internal.h"

namespace assay::crypto {

using CipherPool = ContextPool<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;

class GcmContexts {
 public:
  explicit GcmContexts(std::string_view key);

  [[nodiscard]] CipherPool::Lease TakeSealing();
  [[nodiscard]] CipherPool::Lease TakeOpening();
  static void SealWith(EVP_CIPHER_CTX* context, const char* nonce, std::string_view aad,
                       std::string_view plain, char* out);
  [[nodiscard]] static bool OpenWith(EVP_CIPHER_CTX* context, const char* nonce,
                                     std::string_view aad, std::string_view sealed,
                                     std::span<char> out);

 private:
  SecretBytes key_;  // for further contexts: OpenSSL 3.0 cannot copy those of GCM
  CipherPool sealing_;
  CipherPool opening_;
};

class AeadKey::Impl : public GcmContexts {
 public:
  using GcmContexts::GcmContexts;
};

// Errors: kOutOfRange past kMaxAeadMessageBytes.
[[nodiscard]] Result<void> CheckAeadSizes(std::string_view aad, std::string_view message);

}  // namespace assay::crypto
