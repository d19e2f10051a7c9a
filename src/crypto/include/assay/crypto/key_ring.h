// assay/crypto/key_ring.h: the secret keys of an installation, in a file that only its owner reads.
// Room: crypto (uses core).  Threads: const methods may be called from any thread.
// Format: docs/formats/key-file.md.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/clock.h"
#include "assay/core/result.h"
#include "assay/crypto/password.h"
#include "assay/crypto/secret.h"

namespace assay::crypto {

inline constexpr std::size_t kRingKeyBytes = 32;
inline constexpr std::size_t kMaxRingKeys = 64;
inline constexpr std::size_t kMaxKeyFileBytes = 64 * 1024;

// A few keys with identifiers. The newest one makes, all of them check and open: add a key, let
// everything be sealed anew, then remove the old one.
class KeyRing {
 public:
  struct Key {
    std::uint32_t id = 0;  // 1 or more, never used again in this ring
    std::int64_t created_ms = 0;
    SecretBytes secret;  // kRingKeyBytes random bytes
  };

  KeyRing() = default;
  // With one new key, 1.
  [[nodiscard]] static KeyRing Generate(core::Clock& clock = core::Clock::Real());

  // Reads a key file. Errors: kNotFound; kFailedPrecondition when the file is open to group or
  // others, or belongs to somebody else, or needs a passphrase and got none (and says so);
  // kUnauthenticated for a wrong passphrase; kDataLoss naming the line for damage.
  [[nodiscard]] static Result<KeyRing> Load(const std::string& path,
                                            std::string_view passphrase = {});
  // Loads it, or makes one with one key where there is no file. Of two processes that do so at the
  // same time one makes the file and both use it.
  [[nodiscard]] static Result<KeyRing> LoadOrCreate(const std::string& path,
                                                    std::string_view passphrase = {},
                                                    core::Clock& clock = core::Clock::Real());
  // The same from the text of a key file; `name` stands in errors.
  [[nodiscard]] static Result<KeyRing> Parse(std::string_view text, std::string_view name,
                                             std::string_view passphrase = {});

  // Replaces the file in one step, with mode 0600. With a passphrase the keys are sealed under it.
  [[nodiscard]] Result<void> Save(const std::string& path, std::string_view passphrase = {},
                                  const Argon2Params& params = kKeyFileParams) const;
  [[nodiscard]] Result<SecretString> ToText(std::string_view passphrase = {},
                                            const Argon2Params& params = kKeyFileParams) const;

  // Adds a key, which is the newest from now on; returns its identifier.
  // Errors: kResourceExhausted at kMaxRingKeys.
  [[nodiscard]] Result<std::uint32_t> Rotate(core::Clock& clock = core::Clock::Real());
  // What it sealed can no longer be opened. Errors: kNotFound; kFailedPrecondition for the newest.
  [[nodiscard]] Result<void> Remove(std::uint32_t id);

  // A key for one purpose ("api keys", "audit", ...): HKDF-SHA256, so that no two uses share one.
  // Errors: kNotFound for an identifier that the ring does not hold.
  [[nodiscard]] Result<SecretBytes> Derive(std::uint32_t id, std::string_view purpose,
                                           std::string_view salt = {}) const;

  [[nodiscard]] const std::vector<Key>& keys() const { return keys_; }  // oldest first
  [[nodiscard]] std::uint32_t newest_id() const { return keys_.empty() ? 0 : keys_.back().id; }

 private:
  friend class KeyFileReader;
  std::vector<Key> keys_;
};

}  // namespace assay::crypto
