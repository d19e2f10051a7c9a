// The text form of a key ring: docs/formats/key-file.md.
#include <cstring>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "assay/crypto/aead.h"
#include "assay/crypto/hmac.h"
#include "assay/crypto/key_ring.h"

#include "primitives/password_internal.h"

namespace assay::crypto {
namespace {

constexpr std::string_view kFirstLine = "assay-keys 1";
constexpr std::string_view kMacPurpose = "assay key file";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kSealedKeyBytes = kAeadNonceBytes + kRingKeyBytes + kAeadTagBytes;
// Tighter than for logins: reading a file must not take minutes.
constexpr std::uint32_t kMaxFileMemoryKib = 1U << 20;
constexpr std::uint32_t kMaxFilePasses = 100;

Result<AeadKey> PassphraseKey(std::string_view passphrase, std::string_view salt,
                              const Argon2Params& params) {
  ASSAY_ASSIGN(
      const SecretBytes key,
      Argon2id({.password = passphrase, .salt = salt, .secret = {}, .associated = {}}, params));
  return AeadKey::Create(key.view());
}

// What a key's seal covers besides the key: everything of its line and the line of the cost.
std::string AadOf(std::string_view kdf_line, std::string_view key_head) {
  return fmt::format("{}\n{}", kdf_line, key_head);
}

std::string HeadOf(const KeyRing::Key& key) {
  return fmt::format("key {} {} ", key.id, key.created_ms);
}

Result<SecretBytes> MacOf(const SecretBytes& newest, std::string_view text) {
  ASSAY_ASSIGN(const SecretBytes derived, DeriveKey(newest.view(), {}, kMacPurpose, kRingKeyBytes));
  ASSAY_ASSIGN(const HmacKey key, HmacKey::Create(derived.view()));
  return SecretBytes::Copy(ViewOf(key.Sign(text)));
}

}  // namespace

class KeyFileReader {
 public:
  KeyFileReader(std::string_view text, std::string_view name, std::string_view passphrase)
      : whole_(text), rest_(text), name_(name), passphrase_(passphrase) {}

  Result<KeyRing> Read() {
    if (NextLine() != kFirstLine) {
      return Damaged("is not 'assay-keys 1'; this is no key file, or one of a later version");
    }
    std::string_view line = NextLine();
    if (line.starts_with("kdf ")) {
      ASSAY_TRY(ReadKdf(line));
      line = NextLine();
    }
    while (line.starts_with("key ")) {
      ASSAY_TRY(ReadKey(line));
      line = NextLine();
    }
    if (ring_.keys_.empty()) return Damaged("holds no key");
    ASSAY_TRY(CheckMac(line));
    return std::move(ring_);
  }

 private:
  // Without its line feed; empty at the end and for a line that does not end.
  std::string_view NextLine() {
    ++line_;
    const std::size_t end = rest_.find('\n');
    line_begin_ = whole_.size() - rest_.size();
    if (end == std::string_view::npos) return {};
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }

  [[nodiscard]] std::unexpected<Error> Damaged(std::string_view what) const {
    return Fail(Code::kDataLoss, fmt::format("{}:{}: the line {}", name_, line_, what));
  }

  Result<void> ReadKdf(std::string_view line) {
    kdf_line_ = line;
    line.remove_prefix(std::string_view("kdf ").size());
    if (CutAt(line, ' ') != "argon2id") return Damaged("names another function than argon2id");
    const auto params = ParseCost(CutAt(line, ' '));
    if (!params) return Damaged(fmt::format("is damaged: {}", params.error().message));
    if (params->memory_kib > kMaxFileMemoryKib || params->passes > kMaxFilePasses) {
      return Damaged(
          fmt::format("asks for more than {} KiB or {} passes", kMaxFileMemoryKib, kMaxFilePasses));
    }
    const auto salt = FromBase64(line);
    if (!salt || salt->size() != kSaltBytes) return Damaged("has a salt that is not 16 bytes");
    if (passphrase_.empty()) {
      return Fail(Code::kFailedPrecondition,
                  fmt::format("'{}' is sealed under a passphrase, and none was given", name_));
    }
    ASSAY_ASSIGN(opener_, PassphraseKey(passphrase_, salt->view(), *params));
    return {};
  }

  Result<void> ReadKey(std::string_view line) {
    const std::string_view whole = line;
    line.remove_prefix(std::string_view("key ").size());
    KeyRing::Key key;
    const auto id = ParseNumber(CutAt(line, ' '), "key");
    const auto created_ms = ParseNumber(CutAt(line, ' '), "created");
    if (!id || *id <= ring_.newest_id() || *id > UINT32_MAX) {
      return Damaged("has an identifier that is no number above the one before");
    }
    if (!created_ms || *created_ms > INT64_MAX) return Damaged("has no time of creation");
    if (ring_.keys_.size() >= kMaxRingKeys) return Damaged("is one key too many");
    key.id = static_cast<std::uint32_t>(*id);
    key.created_ms = static_cast<std::int64_t>(*created_ms);
    auto secret = FromBase64(line);
    if (!secret || secret->size() != (opener_ ? kSealedKeyBytes : kRingKeyBytes)) {
      return Damaged("has a key of a wrong size or spelling");
    }
    key.secret = std::move(*secret);
    if (opener_) ASSAY_TRY(Unseal(key, whole.substr(0, whole.size() - line.size())));
    ring_.keys_.push_back(std::move(key));
    return {};
  }

  Result<void> Unseal(KeyRing::Key& key, std::string_view head) const {
    AeadNonce nonce{};
    std::memcpy(nonce.data(), key.secret.view().data(), nonce.size());
    SecretBytes plain(kRingKeyBytes);
    if (!opener_->Open(nonce, AadOf(kdf_line_, head), key.secret.view().substr(nonce.size()),
                       plain.span())) {
      return Fail(
          Code::kUnauthenticated,
          fmt::format("the passphrase of '{}' is wrong, or line {} is damaged", name_, line_));
    }
    key.secret = std::move(plain);
    return {};
  }

  Result<void> CheckMac(std::string_view line) {
    const std::string_view covered = whole_.substr(0, line_begin_);
    if (!line.starts_with("mac ")) return Damaged("is neither a key nor the final 'mac'");
    const auto mac = FromBase64(line.substr(4));
    if (!mac) return Damaged("has a MAC that is not base64 without padding");
    if (!rest_.empty()) return Damaged("is followed by more");
    ASSAY_ASSIGN(const SecretBytes expected, MacOf(ring_.keys_.back().secret, covered));
    if (!ConstantTimeEqual(expected.view(), mac->view())) {
      return Damaged("does not fit what is before it: the file was changed; restore it");
    }
    return {};
  }

  std::string_view whole_;
  std::string_view rest_;
  std::string_view name_;
  std::string_view passphrase_;
  std::string_view kdf_line_;
  std::size_t line_ = 0;
  std::size_t line_begin_ = 0;
  std::optional<AeadKey> opener_;
  KeyRing ring_;
};

Result<KeyRing> KeyRing::Parse(std::string_view text, std::string_view name,
                               std::string_view passphrase) {
  if (text.size() > kMaxKeyFileBytes) {
    return Fail(Code::kOutOfRange,
                fmt::format("'{}' has {} bytes, more than a key file has", name, text.size()));
  }
  return KeyFileReader(text, name, passphrase).Read();
}

Result<SecretString> KeyRing::ToText(std::string_view passphrase,
                                     const Argon2Params& params) const {
  if (keys_.empty()) return Fail(Code::kFailedPrecondition, "a key file needs a key");
  // The largest file fits, so that no copy of the keys is left behind by a growing buffer.
  SecretBytes room(kMaxKeyFileBytes);
  std::size_t used = 0;
  const auto add = [&](std::string_view part) {
    std::memcpy(room.span().data() + used, part.data(), part.size());
    used += part.size();
  };
  add(fmt::format("{}\n", kFirstLine));
  std::optional<AeadKey> sealer;
  std::string kdf_line;
  if (!passphrase.empty()) {
    const SecretBytes salt = SecretBytes::Random(kSaltBytes);
    kdf_line = fmt::format("kdf argon2id {} {}", FormatCost(params), Base64(salt.view()));
    ASSAY_ASSIGN(sealer, PassphraseKey(passphrase, salt.view(), params));
    add(kdf_line + "\n");
  }
  for (const Key& key : keys_) {
    const std::string head = HeadOf(key);
    add(head);
    if (sealer) {
      // A fresh salt makes a fresh key each time, so random nonces of at most 64 keys never meet.
      SecretBytes sealed = SecretBytes::Random(kSealedKeyBytes);
      AeadNonce nonce{};
      std::memcpy(nonce.data(), sealed.view().data(), nonce.size());
      ASSAY_TRY(sealer->Seal(nonce, AadOf(kdf_line, head), key.secret.view(),
                             sealed.span().subspan(nonce.size())));
      add(Base64(sealed.view()));
    } else {
      std::string text = Base64(key.secret.view());
      add(text);
      Wipe(text);
    }
    add("\n");
  }
  ASSAY_ASSIGN(const SecretBytes mac, MacOf(keys_.back().secret, room.view().substr(0, used)));
  add(fmt::format("mac {}\n", Base64(mac.view())));
  return SecretBytes::Copy(room.view().substr(0, used));
}

}  // namespace assay::crypto
