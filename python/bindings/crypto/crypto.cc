// crypto.cc: assay.crypto.
#include "assay/core/hash.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/hmac.h"
#include "assay/crypto/key_ring.h"
#include "assay/crypto/password.h"
#include "assay/crypto/secret.h"

#include "support.h"

// It has a member that looks as if it could be copied, but cannot.
template <>
struct nanobind::detail::is_copy_constructible<assay::crypto::KeyRing> : std::false_type {};

namespace assay::python {
namespace {

using crypto::Argon2Params;
using crypto::HmacKey;
using crypto::KeyRing;
using crypto::Sealer;

std::vector<std::string_view> ViewsOf(const std::vector<nb::bytes>& items) {
  std::vector<std::string_view> views;
  views.reserve(items.size());
  for (const nb::bytes& item : items) views.push_back(ViewOf(item));
  return views;
}

Argon2Params ParamsOf(std::uint32_t memory_kib, std::uint32_t passes, std::uint32_t lanes,
                      std::uint32_t hash_bytes) {
  return {.memory_kib = memory_kib, .passes = passes, .lanes = lanes, .hash_bytes = hash_bytes};
}

// n macs of 32 bytes as uint8 [n, 32].
Output<std::uint8_t> SignBatch(const HmacKey& key, const std::vector<nb::bytes>& messages) {
  const std::vector<std::string_view> views = ViewsOf(messages);
  std::vector<crypto::Mac> macs(views.size());
  Take(Unlocked([&] { return key.SignBatch(views, macs); }));
  std::vector<std::uint8_t> out;
  out.reserve(macs.size() * crypto::kMacBytes);
  for (const crypto::Mac& mac : macs) out.insert(out.end(), mac.begin(), mac.end());
  return ArrayOf(std::move(out), {macs.size(), crypto::kMacBytes});
}

void BindHashes(nb::module_& module) {
  module.def(
      "hash128",
      [](const nb::bytes& data) { return core::ToHex(core::HashBytes128(ViewOf(data))); },
      nb::arg("data"), "XXH3 with 128 bits, 32 hexadecimal digits. Not against an adversary.");
  module.def(
      "crc32c",
      [](const nb::bytes& data, std::uint32_t before) {
        return core::Crc32c(ViewOf(data), before);
      },
      nb::arg("data"), nb::arg("before") = 0,
      "CRC-32C, going on from the checksum of the bytes in front.");
  module.def(
      "constant_time_equal",
      [](const nb::bytes& a, const nb::bytes& b) {
        return crypto::ConstantTimeEqual(ViewOf(a), ViewOf(b));
      },
      nb::arg("a"), nb::arg("b"), "In a time that depends on the lengths alone.");
  module.def(
      "random_bytes",
      [](std::size_t size) {
        const crypto::SecretBytes made = crypto::SecretBytes::Random(size);
        return BytesOf(made.view());
      },
      nb::arg("size"), "Bytes that nobody can foresee.");
  nb::class_<HmacKey>(module, "HmacKey", "A key of HMAC-SHA256; may be used by many threads.")
      .def(nb::new_([](const nb::bytes& key) {
             return std::make_unique<HmacKey>(Take(HmacKey::Create(ViewOf(key))));
           }),
           nb::arg("key"), "Any length; 32 random bytes are what to use.")
      .def(
          "sign",
          [](const HmacKey& key, const nb::bytes& message) {
            return BytesOf(crypto::ViewOf(key.Sign(ViewOf(message))));
          },
          nb::arg("message"), "32 bytes. About 0.25 us + 0.6 ns a byte.")
      .def(
          "verify",
          [](const HmacKey& key, const nb::bytes& message, const nb::bytes& mac) {
            return key.Verify(ViewOf(message), ViewOf(mac));
          },
          nb::arg("message"), nb::arg("mac"), "In constant time; False for any other length.")
      .def("sign_batch", SignBatch, nb::arg("messages"),
           "uint8 [n, 32] of a list of bytes, on all cores, without the GIL.");
  module.def(
      "derive_key",
      [](const nb::bytes& secret, const nb::bytes& salt, const nb::bytes& info, std::size_t size) {
        return BytesOf(
            Take(crypto::DeriveKey(ViewOf(secret), ViewOf(salt), ViewOf(info), size)).view());
      },
      nb::arg("secret"), nb::arg("salt"), nb::arg("info"), nb::arg("size"),
      "HKDF-SHA256 (RFC 5869). Raises OutOfRange unless 1 <= size <= 8160.");
}

void BindPasswords(nb::module_& module) {
  const auto memory = nb::arg("memory_kib") = crypto::kLoginParams.memory_kib;
  const auto passes = nb::arg("passes") = crypto::kLoginParams.passes;
  const auto lanes = nb::arg("lanes") = crypto::kLoginParams.lanes;
  module.def(
      "argon2id",
      [](const nb::bytes& password, const nb::bytes& salt, std::uint32_t kib, std::uint32_t rounds,
         std::uint32_t parallel, std::uint32_t size, const nb::bytes& secret,
         const nb::bytes& associated) {
        const crypto::Argon2Input input{.password = ViewOf(password),
                                        .salt = ViewOf(salt),
                                        .secret = ViewOf(secret),
                                        .associated = ViewOf(associated)};
        const Argon2Params params = ParamsOf(kib, rounds, parallel, size);
        return BytesOf(Take(Unlocked([&] { return crypto::Argon2id(input, params); })).view());
      },
      nb::arg("password"), nb::arg("salt"), memory, passes, lanes, nb::arg("hash_bytes") = 32,
      nb::arg("secret") = nb::bytes("", 0), nb::arg("associated") = nb::bytes("", 0),
      "The raw hash (RFC 9106). Raises OutOfRange for parameters or a salt past their bounds.\n"
      "Without the GIL.");
  module.def(
      "hash_password",
      [](std::string_view password, std::uint32_t kib, std::uint32_t rounds,
         std::uint32_t parallel) {
        const Argon2Params params = ParamsOf(kib, rounds, parallel, 32);
        return Take(Unlocked([&] { return crypto::HashPassword(password, params); }));
      },
      nb::arg("password"), memory, passes, lanes,
      "$argon2id$v=19$m=...$salt$hash with a random salt. About 16 ms.");
  module.def(
      "verify_password",
      [](std::string_view password, std::string_view phc) {
        return Take(Unlocked([&] { return crypto::VerifyPassword(password, phc); }));
      },
      nb::arg("password"), nb::arg("phc"),
      "Whether it is the password. Raises InvalidArgument for a text that is no such hash.");
}

void BindSealing(nb::module_& module) {
  nb::class_<KeyRing>(module, "KeyRing", "The secret keys of an installation.")
      .def_static(
          "generate", [] { return KeyRing::Generate(); }, "A ring with one new key.")
      .def_static(
          "load",
          [](const std::string& path, std::string_view passphrase) {
            return Take(Unlocked([&] { return KeyRing::Load(path, passphrase); }));
          },
          nb::arg("path"), nb::arg("passphrase") = "",
          "Raises FailedPrecondition for a file that others may read, Unauthenticated for a wrong\n"
          "passphrase, DataLoss naming the line.")
      .def(
          "save",
          [](const KeyRing& ring, const std::string& path, std::string_view passphrase) {
            Take(ring.Save(path, passphrase));  // with the GIL, or another thread could rotate
          },
          nb::arg("path"), nb::arg("passphrase") = "", "Replaces the file in one step, mode 0600.")
      .def(
          "rotate", [](KeyRing& ring) { return Take(ring.Rotate()); },
          "Adds a key, which is the newest from now on; returns its number.")
      .def(
          "remove", [](KeyRing& ring, std::uint32_t id) { Take(ring.Remove(id)); }, nb::arg("id"))
      .def_prop_ro("newest_id", &KeyRing::newest_id)
      .def("__len__", [](const KeyRing& ring) { return ring.keys().size(); });
  nb::class_<Sealer>(module, "Sealer", "AES-256-GCM for one purpose; may be used by many threads.")
      .def(nb::new_([](const KeyRing& ring, std::string_view purpose) {
             return std::make_unique<Sealer>(Take(Sealer::Create(ring, purpose)));
           }),
           nb::arg("ring"), nb::arg("purpose"),
           "Seals with the newest key of a ring, opens what any of them sealed.")
      .def(
          "seal",
          [](const Sealer& sealer, const nb::bytes& plain, const nb::bytes& aad) {
            return BytesOf(Take(sealer.Seal(ViewOf(aad), ViewOf(plain))));
          },
          nb::arg("plain"), nb::arg("aad") = nb::bytes("", 0),
          "48 bytes longer than `plain`; `aad` must be shown again to open it.")
      .def(
          "open",
          [](const Sealer& sealer, const nb::bytes& sealed, const nb::bytes& aad) {
            return BytesOf(Take(sealer.Open(ViewOf(aad), ViewOf(sealed))));
          },
          nb::arg("sealed"), nb::arg("aad") = nb::bytes("", 0),
          "Raises DataLoss when it was changed, cut, or sealed for another purpose or aad;\n"
          "NotFound when the ring no longer holds its key.");
}

}  // namespace

void BindCrypto(nb::module_& module) {
  BindHashes(module);
  BindPasswords(module);
  BindSealing(module);
}

}  // namespace assay::python
