#include "assay/crypto/password.h"

#include <cerrno>
#include <optional>
#include <utility>

#include <argon2.h>
#include <fmt/format.h>
#include <sodium.h>

#include "assay/core/parallel.h"

#include "primitives/bytes_internal.h"
#include "primitives/password_internal.h"

namespace assay::crypto {
namespace {

constexpr std::size_t kSaltBytes = crypto_pwhash_SALTBYTES;  // also what RFC 9106, 4 advises
constexpr std::size_t kMaxPasswordBytes = 64 * 1024;         // beyond it is no password
static_assert(kSaltBytes == 16);

bool SodiumReady() {
  static const bool ready = sodium_init() >= 0;
  return ready;
}

// libsodium has one lane, salts of 16 bytes, hashes of 16 bytes or more, and neither secret nor
// associated data.
bool SodiumCan(const Argon2Input& input, const Argon2Params& params) {
  return params.lanes == 1 && input.salt.size() == kSaltBytes && input.secret.empty() &&
         input.associated.empty() && params.hash_bytes >= crypto_pwhash_BYTES_MIN && SodiumReady();
}

std::unexpected<Error> NoMemory(const Argon2Params& params) {
  return Fail(
      Code::kResourceExhausted,
      fmt::format("there is no memory for Argon2id, which needs {} KiB", params.memory_kib));
}

Result<SecretBytes> BySodium(const Argon2Input& input, const Argon2Params& params) {
  SecretBytes hash(params.hash_bytes);
  if (crypto_pwhash(Bytes(hash.span()), hash.size(), input.password.data(), input.password.size(),
                    Bytes(input.salt), params.passes, std::size_t{params.memory_kib} * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return NoMemory(params);
  }
  return hash;
}

// libargon2 takes inputs by non-const pointers and does not change them without its clear flags.
std::uint8_t* Mutable(std::string_view bytes) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data()));
}

Result<SecretBytes> ByArgon2(const Argon2Input& input, const Argon2Params& params) {
  SecretBytes hash(params.hash_bytes);
  argon2_context context = {};
  context.out = Bytes(hash.span());
  context.outlen = params.hash_bytes;
  context.pwd = Mutable(input.password);
  context.pwdlen = static_cast<std::uint32_t>(input.password.size());
  context.salt = Mutable(input.salt);
  context.saltlen = static_cast<std::uint32_t>(input.salt.size());
  context.secret = Mutable(input.secret);
  context.secretlen = static_cast<std::uint32_t>(input.secret.size());
  context.ad = Mutable(input.associated);
  context.adlen = static_cast<std::uint32_t>(input.associated.size());
  context.t_cost = params.passes;
  context.m_cost = params.memory_kib;
  context.lanes = params.lanes;
  context.threads = 1;  // of its own; batches use all cores
  context.version = ARGON2_VERSION_13;
  context.flags = ARGON2_DEFAULT_FLAGS;
  const int code = argon2id_ctx(&context);
  if (code == ARGON2_MEMORY_ALLOCATION_ERROR) return NoMemory(params);
  if (code != ARGON2_OK) {
    return Fail(Code::kInternal, fmt::format("libargon2 failed: {}", argon2_error_message(code)));
  }
  return hash;
}

Result<void> CheckInput(const Argon2Input& input) {
  if (input.salt.size() < kMinSaltBytes || input.salt.size() > kMaxSaltBytes) {
    return Fail(Code::kOutOfRange, fmt::format("a salt of {} bytes; Argon2id takes {} to {}",
                                               input.salt.size(), kMinSaltBytes, kMaxSaltBytes));
  }
  for (const std::string_view part : {input.password, input.secret, input.associated}) {
    if (part.size() > kMaxPasswordBytes) {
      return Fail(Code::kOutOfRange, fmt::format("a password of {} bytes; at most {} are taken",
                                                 part.size(), kMaxPasswordBytes));
    }
  }
  return {};
}

}  // namespace

Result<void> CheckParams(const Argon2Params& params) {
  const auto check = [](std::string_view name, std::uint64_t value, std::uint64_t least,
                        std::uint64_t most) -> Result<void> {
    if (value >= least && value <= most) return {};
    return Fail(Code::kOutOfRange,
                fmt::format("Argon2id's {} is {}; it can be {} to {}", name, value, least, most));
  };
  ASSAY_TRY(check("number of lanes", params.lanes, 1, kMaxLanes));
  ASSAY_TRY(
      check("memory in KiB", params.memory_kib, std::uint64_t{8} * params.lanes, kMaxMemoryKib));
  ASSAY_TRY(check("number of passes", params.passes, 1, kMaxPasses));
  return check("size of hash in bytes", params.hash_bytes, kMinHashBytes, kMaxHashBytes);
}

Result<SecretBytes> Argon2id(const Argon2Input& input, const Argon2Params& params,
                             Argon2Library library) {
  ASSAY_TRY(CheckParams(params));
  ASSAY_TRY(CheckInput(input));
  const bool sodium_can = SodiumCan(input, params);
  if (library == Argon2Library::kSodium && !sodium_can) {
    return Fail(Code::kInvalidArgument,
                "libsodium's Argon2id has one lane, salts of 16 bytes, hashes of 16 bytes or more, "
                "and neither secret nor associated data");
  }
  const bool sodium = sodium_can && library != Argon2Library::kArgon2;
  return sodium ? BySodium(input, params) : ByArgon2(input, params);
}

Result<std::vector<SecretBytes>> Argon2idBatch(std::span<const Argon2Input> inputs,
                                               const Argon2Params& params) {
  std::vector<SecretBytes> hashes(inputs.size());
  ASSAY_TRY(core::ParallelTry(inputs.size(), 1, [&](std::size_t i, std::size_t) -> Result<void> {
    ASSAY_ASSIGN(hashes[i], Argon2id(inputs[i], params));
    return {};
  }));
  return hashes;
}

Result<std::string> HashPassword(std::string_view password, const Argon2Params& params) {
  ASSAY_ASSIGN(std::vector<std::string> hashes, HashPasswords({&password, 1}, params));
  return std::move(hashes.front());
}

Result<std::vector<std::string>> HashPasswords(std::span<const std::string_view> passwords,
                                               const Argon2Params& params) {
  std::vector<std::string> salts(passwords.size(), std::string(kSaltBytes, '\0'));
  std::vector<Argon2Input> inputs(passwords.size());
  for (std::size_t i = 0; i < passwords.size(); ++i) {
    RandomBytes(salts[i]);
    inputs[i] = {.password = passwords[i], .salt = salts[i], .secret = {}, .associated = {}};
  }
  ASSAY_ASSIGN(const std::vector<SecretBytes> hashes, Argon2idBatch(inputs, params));
  std::vector<std::string> texts;
  texts.reserve(passwords.size());
  for (std::size_t i = 0; i < passwords.size(); ++i) {
    texts.push_back(FormatPasswordHash({params, salts[i], std::string(hashes[i].view())}));
  }
  return texts;
}

Result<bool> VerifyPassword(std::string_view password, std::string_view phc) {
  ASSAY_ASSIGN(const PasswordHash stored, ParsePasswordHash(phc));
  const Argon2Input input = {
      .password = password, .salt = stored.salt, .secret = {}, .associated = {}};
  ASSAY_ASSIGN(const SecretBytes hash, Argon2id(input, stored.params));
  return ConstantTimeEqual(hash.view(), stored.hash);
}

}  // namespace assay::crypto
