// assay/crypto/secret.h: bytes that must not leak: made, compared and wiped.
// Room: crypto (uses core).  Threads: pure functions; a SecretBytes belongs to one thread at a
// time. Parts: RAND_priv_bytes, CRYPTO_memcmp and OPENSSL_cleanse of OpenSSL 3.
#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "assay/core/result.h"

namespace assay::crypto {

// Overwrites with zeros; the compiler cannot leave it out.
void Wipe(std::span<char> bytes) noexcept;

// Whether two byte strings are equal, in a time that depends on their lengths alone.
[[nodiscard]] bool ConstantTimeEqual(std::string_view a, std::string_view b) noexcept;

// Fills with bytes that nobody can foresee. Stops the process if the system has none to give.
void RandomBytes(std::span<char> bytes);

// `size_bytes` uniform characters of 0-9A-Za-z: 5.95 bits each. For identifiers; for secrets use
// SecretBytes::RandomText, which wipes.
[[nodiscard]] std::string RandomText(std::size_t size_bytes);

// A fixed number of bytes on the heap that are wiped when they are no longer needed. Moves, never
// copies by itself, so it is known how many copies of a secret there are.
class SecretBytes {
 public:
  SecretBytes() = default;
  explicit SecretBytes(std::size_t size_bytes);  // zeros
  [[nodiscard]] static SecretBytes Copy(std::string_view bytes);
  [[nodiscard]] static SecretBytes Random(std::size_t size_bytes);      // uniform bytes
  [[nodiscard]] static SecretBytes RandomText(std::size_t size_bytes);  // uniform 0-9A-Za-z
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  ~SecretBytes();

  [[nodiscard]] std::span<char> span() { return {data_.get(), size_}; }
  [[nodiscard]] std::string_view view() const { return {data_.get(), size_}; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  void Clear() noexcept;  // wipes now; empty afterwards

 private:
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
};

// Text and bytes are both std::string_view in Assay; the name says what is meant.
using SecretString = SecretBytes;

// The content of a file that only its owner may read (mode 0600 or less, owned by this user or by
// root). Errors: kNotFound; kFailedPrecondition for a file that others may read, saying how to mend
// it; kOutOfRange over `limit_bytes`; kInvalidArgument for what is no regular file; kUnavailable.
[[nodiscard]] Result<SecretBytes> ReadSecretFile(const std::string& path, std::size_t limit_bytes);

// Replaces the file in one step, durably, with mode 0600; nobody else can read it at any moment.
enum class IfExists : bool { kFail, kReplace };  // kFail: kAlreadyExists
[[nodiscard]] Result<void> WriteSecretFile(const std::string& path, std::string_view bytes,
                                           IfExists if_exists);

}  // namespace assay::crypto
