#include "assay/crypto/key_ring.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "assay/crypto/hmac.h"

namespace assay::crypto {
namespace {

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;

// A hash of a key file's passphrase takes 100 ms; another process that has just made the file is
// waited for by reading it, not by sleeping.
Result<KeyRing> MakeOrJoin(const std::string& path, std::string_view passphrase,
                           core::Clock& clock) {
  const KeyRing ring = KeyRing::Generate(clock);
  ASSAY_ASSIGN(const SecretString text, ring.ToText(passphrase));
  const Result<void> written = WriteSecretFile(path, text.view(), IfExists::kFail);
  if (!written && written.error().code != Code::kAlreadyExists) {
    return std::unexpected(written.error());
  }
  return KeyRing::Load(path, passphrase);
}

}  // namespace

KeyRing KeyRing::Generate(core::Clock& clock) {
  KeyRing ring;
  ring.keys_.push_back(
      {1, clock.wall_ns() / kNanosecondsPerMs, SecretBytes::Random(kRingKeyBytes)});
  return ring;
}

Result<KeyRing> KeyRing::Load(const std::string& path, std::string_view passphrase) {
  ASSAY_ASSIGN(const SecretBytes text, ReadSecretFile(path, kMaxKeyFileBytes));
  return Parse(text.view(), path, passphrase);
}

Result<KeyRing> KeyRing::LoadOrCreate(const std::string& path, std::string_view passphrase,
                                      core::Clock& clock) {
  Result<KeyRing> loaded = Load(path, passphrase);
  if (loaded || loaded.error().code != Code::kNotFound) return loaded;
  return MakeOrJoin(path, passphrase, clock);
}

Result<void> KeyRing::Save(const std::string& path, std::string_view passphrase,
                           const Argon2Params& params) const {
  ASSAY_ASSIGN(const SecretString text, ToText(passphrase, params));
  return WriteSecretFile(path, text.view(), IfExists::kReplace);
}

Result<std::uint32_t> KeyRing::Rotate(core::Clock& clock) {
  if (keys_.size() >= kMaxRingKeys || newest_id() == UINT32_MAX) {
    return Fail(
        Code::kResourceExhausted,
        fmt::format("the key file holds {} keys already; remove old ones first", keys_.size()));
  }
  const std::uint32_t id = newest_id() + 1;
  keys_.push_back({id, clock.wall_ns() / kNanosecondsPerMs, SecretBytes::Random(kRingKeyBytes)});
  return id;
}

Result<void> KeyRing::Remove(std::uint32_t id) {
  const auto found = std::ranges::find(keys_, id, &Key::id);
  if (found == keys_.end()) {
    return Fail(Code::kNotFound, fmt::format("the key file holds no key {}", id));
  }
  if (id == newest_id()) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("key {} is the newest, which is in use; rotate first", id));
  }
  keys_.erase(found);
  return {};
}

Result<SecretBytes> KeyRing::Derive(std::uint32_t id, std::string_view purpose,
                                    std::string_view salt) const {
  const auto found = std::ranges::find(keys_, id, &Key::id);
  if (found == keys_.end()) {
    return Fail(Code::kNotFound, fmt::format("the key file holds no key {}", id));
  }
  return DeriveKey(found->secret.view(), salt, fmt::format("assay v1 {}", purpose), kRingKeyBytes);
}

}  // namespace assay::crypto
