// Sealing, signing and hashing against OpenSSL, libsodium and libargon2 called directly, and the
// check of an API key. Both sides are first shown to give the same bytes, and both leave their
// results in memory of their own. Time is per message, hash or check.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <argon2.h>
#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include "assay/core/parallel.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/hmac.h"
#include "assay/crypto/key_store.h"
#include "assay/crypto/password.h"

namespace {

namespace crypto = assay::crypto;

constexpr std::size_t kMessages = 1000;
constexpr std::size_t kMany = 10'000;
constexpr std::size_t kMessageBytes = 1024;
constexpr std::size_t kHashes = 20;
constexpr std::size_t kApiKeys = 200;
constexpr std::string_view kAad = "sixteen bytes ok";

void Need(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "crypto_bench: %s\n", what);
  std::exit(1);
}

const unsigned char* In(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* Out(std::string& bytes, std::size_t at = 0) {
  return reinterpret_cast<unsigned char*>(bytes.data() + at);
}

struct Data {
  std::vector<std::string> texts;
  std::vector<std::string_view> messages;
  std::vector<crypto::SealItem> items;
  std::string key = std::string(crypto::SecretBytes::Random(32).view());
  crypto::KeyRing ring = crypto::KeyRing::Generate();
  std::vector<std::string> sealed = std::vector<std::string>(kMessages);
  Data() {
    for (std::size_t i = 0; i < kMessages; ++i) texts.push_back(crypto::RandomText(kMessageBytes));
    messages.assign(texts.begin(), texts.end());
    for (const std::string& text : texts) items.push_back({kAad, text});
  }
};
Data& TheData() {
  static Data data;
  return data;
}

void Count(benchmark::State& state, std::size_t items) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

// ---- AES-256-GCM ----

// What a careful caller of OpenSSL does: cipher fetched once, context and key kept.
class RawGcm {
 public:
  RawGcm(std::string_view key, bool seal) {
    EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
    EVP_CipherInit_ex2(context_, cipher, In(key), nullptr, seal ? 1 : 0, nullptr);
    EVP_CIPHER_free(cipher);
  }
  RawGcm(const RawGcm&) = delete;
  RawGcm& operator=(const RawGcm&) = delete;
  ~RawGcm() { EVP_CIPHER_CTX_free(context_); }

  bool Seal(const unsigned char* nonce, std::string_view plain, unsigned char* out) {
    int size = 0;
    return EVP_EncryptInit_ex2(context_, nullptr, nullptr, nonce, nullptr) == 1 &&
           EVP_EncryptUpdate(context_, nullptr, &size, In(kAad), static_cast<int>(kAad.size())) &&
           EVP_EncryptUpdate(context_, out, &size, In(plain), static_cast<int>(plain.size())) &&
           EVP_EncryptFinal_ex(context_, out + plain.size(), &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, 16, out + plain.size()) == 1;
  }
  bool Open(const unsigned char* nonce, std::string_view sealed, unsigned char* out) {
    int size = 0;
    const auto body = static_cast<int>(sealed.size() - 16);
    auto* const tag = const_cast<char*>(sealed.data() + body);
    return EVP_DecryptInit_ex2(context_, nullptr, nullptr, nonce, nullptr) == 1 &&
           EVP_DecryptUpdate(context_, nullptr, &size, In(kAad), static_cast<int>(kAad.size())) &&
           EVP_DecryptUpdate(context_, out, &size, In(sealed), body) == 1 &&
           EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1 &&
           EVP_DecryptFinal_ex(context_, out, &size) == 1;
  }

 private:
  EVP_CIPHER_CTX* context_ = EVP_CIPHER_CTX_new();
};

void NonceOf(std::uint64_t counter, unsigned char* nonce) {
  std::memset(nonce, 0, 12);
  std::memcpy(nonce + 4, &counter, sizeof(counter));
}

void SealBatch(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const auto sealer = crypto::Sealer::Create(TheData().ring, "bench");
  Need(sealer->SealBatch(TheData().items, TheData().sealed).has_value(), "sealing failed");
  for (auto _ : state) {
    Need(sealer->SealBatch(TheData().items, TheData().sealed).has_value(), "sealing failed");
  }
  Need(*sealer->Open(kAad, TheData().sealed[7]) == TheData().texts[7], "it does not open");
  Count(state, kMessages);
}
void OpenBatch(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const auto sealer = crypto::Sealer::Create(TheData().ring, "bench");
  std::vector<std::string> sealed(kMessages);
  std::vector<std::string> opened(kMessages);
  Need(sealer->SealBatch(TheData().items, sealed).has_value(), "sealing failed");
  std::vector<crypto::SealItem> items;
  for (const std::string& one : sealed) items.push_back({kAad, one});
  Need(sealer->OpenBatch(items, opened).has_value(), "opening failed");  // first touch of `opened`
  for (auto _ : state) Need(sealer->OpenBatch(items, opened).has_value(), "opening failed");
  Need(opened == TheData().texts, "other texts came out");
  Count(state, kMessages);
}
// Two threads have to be woken, about 0.1 ms: a batch that is worth it.
std::vector<crypto::SealItem> ManyItems() {
  std::vector<crypto::SealItem> items;
  for (std::size_t i = 0; i < kMany; ++i) items.push_back(TheData().items[i % kMessages]);
  return items;
}
void SealMany(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const auto sealer = crypto::Sealer::Create(TheData().ring, "bench");
  const std::vector<crypto::SealItem> items = ManyItems();
  std::vector<std::string> sealed(kMany);
  Need(sealer->SealBatch(items, sealed).has_value(), "sealing failed");  // first touch of `sealed`
  for (auto _ : state) Need(sealer->SealBatch(items, sealed).has_value(), "sealing failed");
  Count(state, kMany);
}
void SealSingle(benchmark::State& state) {
  const auto sealer = crypto::Sealer::Create(TheData().ring, "bench");
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      benchmark::DoNotOptimize(sealer->Seal(kAad, TheData().messages[i]));
    }
  }
  Count(state, kMessages);
}
void SealRaw(benchmark::State& state) {
  RawGcm gcm(TheData().key, true);
  const auto ours = crypto::AeadKey::Create(TheData().key);
  std::vector<std::string> out(kMessages,
                               std::string(kMessageBytes + crypto::kSealedOverheadBytes, '\0'));
  unsigned char nonce[12];
  std::uint64_t counter = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      NonceOf(counter++, nonce);
      Need(gcm.Seal(nonce, TheData().messages[i], Out(out[i], crypto::kSealedHeaderBytes)), "raw");
    }
  }
  crypto::AeadNonce same{};
  std::memcpy(same.data(), nonce, sizeof(nonce));
  std::string check(kMessageBytes + 16, '\0');
  Need(ours->Seal(same, kAad, TheData().messages.back(), check).has_value() &&
           out.back().ends_with(check),
       "OpenSSL called directly seals otherwise");
  Count(state, kMessages);
}
void OpenRaw(benchmark::State& state) {
  RawGcm sealer(TheData().key, true);
  RawGcm opener(TheData().key, false);
  std::vector<std::string> sealed(kMessages, std::string(kMessageBytes + 16, '\0'));
  std::vector<std::string> opened(kMessages, std::string(kMessageBytes, '\0'));
  unsigned char nonce[12];
  for (std::size_t i = 0; i < kMessages; ++i) {
    NonceOf(i, nonce);
    Need(sealer.Seal(nonce, TheData().messages[i], Out(sealed[i])), "raw");
  }
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      NonceOf(i, nonce);
      Need(opener.Open(nonce, sealed[i], Out(opened[i])), "raw");
    }
  }
  Need(opened == TheData().texts, "other texts came out");
  Count(state, kMessages);
}
// What one writes first: a new context for each message.
void SealNaive(benchmark::State& state) {
  std::vector<std::string> out(kMessages, std::string(kMessageBytes + 16, '\0'));
  unsigned char nonce[12];
  std::uint64_t counter = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      NonceOf(counter++, nonce);
      RawGcm gcm(TheData().key, true);
      Need(gcm.Seal(nonce, TheData().messages[i], Out(out[i])), "naive");
    }
  }
  Count(state, kMessages);
}

// ---- HMAC-SHA256 ----

void SignBatch(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const auto key = crypto::HmacKey::Create(TheData().key);
  std::vector<crypto::Mac> macs(kMessages);
  for (auto _ : state) Need(key->SignBatch(TheData().messages, macs).has_value(), "signing failed");
  unsigned char expected[32];
  unsigned size = 0;
  HMAC(EVP_sha256(), TheData().key.data(), 32, In(TheData().texts[9]), kMessageBytes, expected,
       &size);
  Need(std::memcmp(expected, macs[9].data(), sizeof(expected)) == 0, "another MAC");
  Count(state, kMessages);
}
void SignMany(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const auto key = crypto::HmacKey::Create(TheData().key);
  std::vector<std::string_view> messages;
  for (const crypto::SealItem& item : ManyItems()) messages.push_back(item.bytes);
  std::vector<crypto::Mac> macs(kMany);
  for (auto _ : state) Need(key->SignBatch(messages, macs).has_value(), "signing failed");
  Count(state, kMany);
}
void SignSingle(benchmark::State& state) {
  const auto key = crypto::HmacKey::Create(TheData().key);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      benchmark::DoNotOptimize(key->Sign(TheData().messages[i]));
    }
  }
  Count(state, kMessages);
}
void SignRaw(benchmark::State& state) {
  EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  EVP_MAC_CTX* const context = EVP_MAC_CTX_new(mac);
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  Need(EVP_MAC_init(context, In(TheData().key), 32, params) == 1, "raw");
  std::vector<crypto::Mac> macs(kMessages);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      std::size_t size = 0;
      Need(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
               EVP_MAC_update(context, In(TheData().messages[i]), kMessageBytes) == 1 &&
               EVP_MAC_final(context, reinterpret_cast<unsigned char*>(macs[i].data()), &size,
                             32) == 1,
           "raw");
    }
  }
  EVP_MAC_CTX_free(context);
  EVP_MAC_free(mac);
  Count(state, kMessages);
}
void SignOneShot(benchmark::State& state) {
  std::vector<crypto::Mac> macs(kMessages);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kMessages; ++i) {
      unsigned size = 0;
      HMAC(EVP_sha256(), TheData().key.data(), 32, In(TheData().messages[i]), kMessageBytes,
           reinterpret_cast<unsigned char*>(macs[i].data()), &size);
    }
  }
  Count(state, kMessages);
}

// ---- Argon2id, 19 MiB, 2 passes, 1 lane ----

void HashBatch(benchmark::State& state, std::size_t threads) {
  const assay::core::ThreadLimit limit(threads);
  const std::vector<crypto::Argon2Input> inputs(
      kHashes, {.password = "password", .salt = kAad, .secret = {}, .associated = {}});
  for (auto _ : state) {
    const auto hashes = crypto::Argon2idBatch(inputs, crypto::kLoginParams);
    Need(hashes.has_value(), "hashing failed");
  }
  Count(state, kHashes);
}
template <crypto::Argon2Library kLibrary>
void HashDirect(benchmark::State& state) {
  unsigned char hash[32];
  for (auto _ : state) {
    for (std::size_t i = 0; i < kHashes; ++i) {
      const bool good = kLibrary == crypto::Argon2Library::kSodium
                            ? crypto_pwhash(hash, 32, "password", 8, In(kAad), 2, 19 << 20,
                                            crypto_pwhash_ALG_ARGON2ID13) == 0
                            : argon2id_hash_raw(2, 19 << 10, 1, "password", 8, kAad.data(),
                                                kAad.size(), hash, 32) == ARGON2_OK;
      Need(good, "hashing failed");
    }
  }
  const auto ours =
      crypto::Argon2id({.password = "password", .salt = kAad, .secret = {}, .associated = {}}, {});
  Need(std::memcmp(ours->view().data(), hash, 32) == 0, "another hash");
  Count(state, kHashes);
}

// ---- API keys ----

struct Store {
  std::string directory;
  std::unique_ptr<crypto::KeyStore> store;
  std::vector<std::string> tokens;
  Store() {
    directory = std::filesystem::temp_directory_path() / "assay-crypto-bench-XXXXXX";
    Need(::mkdtemp(directory.data()) != nullptr, "no temporary folder");
    crypto::KeyStoreOptions options;
    options.directory = directory;
    auto opened = crypto::KeyStore::Open(std::move(options));
    Need(opened.has_value(), "the store does not open");
    store = std::move(*opened);
    crypto::KeySpec spec;
    spec.name = "bench";
    spec.budget = {crypto::Period::kMonth, {.requests = std::uint64_t{1} << 60}};
    for (std::size_t i = 0; i < kApiKeys; ++i) {
      const auto made = store->Create(spec, "bench");
      Need(made.has_value(), "a key could not be made");
      tokens.emplace_back(made->token.view());
    }
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    store.reset();
    std::filesystem::remove_all(directory);
  }
};
Store& TheStore() {
  static Store store;
  return store;
}

void Authenticate(benchmark::State& state) {
  Store& with = TheStore();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 31;
  for (auto _ : state) {
    const auto grant = with.store->Authenticate(with.tokens[i++ % kApiKeys]);
    if (!grant) state.SkipWithError("a valid key was refused");
  }
  Count(state, 1);
}
// Who asks, may it, and what it cost: all that a request needs.
void AdmitAndCharge(benchmark::State& state) {
  Store& with = TheStore();
  std::size_t i = static_cast<std::size_t>(state.thread_index()) * 31;
  for (auto _ : state) {
    const auto grant = with.store->Authenticate(with.tokens[i++ % kApiKeys]);
    if (!grant || !with.store->Admit(*grant, crypto::Scope::kInference)) {
      state.SkipWithError("a valid key was refused");
      break;
    }
    with.store->Charge(*grant, 100, 5);
  }
  Count(state, 1);
}

BENCHMARK_CAPTURE(SealBatch, one, 1)->Name("seal/assay_batch")->UseRealTime();
BENCHMARK_CAPTURE(SealBatch, two, 2)->Name("seal/assay_batch_two_threads")->UseRealTime();
BENCHMARK_CAPTURE(SealMany, one, 1)->Name("seal/assay_10000")->UseRealTime();
BENCHMARK_CAPTURE(SealMany, two, 2)->Name("seal/assay_10000_two_threads")->UseRealTime();
BENCHMARK(SealSingle)->Name("seal/assay_single")->UseRealTime();
BENCHMARK(SealRaw)->Name("seal/openssl_kept")->UseRealTime();
BENCHMARK(SealNaive)->Name("seal/openssl_naive")->UseRealTime();
BENCHMARK_CAPTURE(OpenBatch, one, 1)->Name("open/assay_batch")->UseRealTime();
BENCHMARK(OpenRaw)->Name("open/openssl_kept")->UseRealTime();
BENCHMARK_CAPTURE(SignBatch, one, 1)->Name("hmac/assay_batch")->UseRealTime();
BENCHMARK_CAPTURE(SignBatch, two, 2)->Name("hmac/assay_batch_two_threads")->UseRealTime();
BENCHMARK_CAPTURE(SignMany, one, 1)->Name("hmac/assay_10000")->UseRealTime();
BENCHMARK_CAPTURE(SignMany, two, 2)->Name("hmac/assay_10000_two_threads")->UseRealTime();
BENCHMARK(SignSingle)->Name("hmac/assay_single")->UseRealTime();
BENCHMARK(SignRaw)->Name("hmac/openssl_kept")->UseRealTime();
BENCHMARK(SignOneShot)->Name("hmac/openssl_one_shot")->UseRealTime();
BENCHMARK_CAPTURE(HashBatch, one, 1)->Name("argon2/assay_batch")->UseRealTime();
BENCHMARK_CAPTURE(HashBatch, two, 2)->Name("argon2/assay_batch_two_threads")->UseRealTime();
BENCHMARK(HashDirect<crypto::Argon2Library::kSodium>)->Name("argon2/libsodium")->UseRealTime();
BENCHMARK(HashDirect<crypto::Argon2Library::kArgon2>)->Name("argon2/libargon2")->UseRealTime();
BENCHMARK(Authenticate)->Name("keys/authenticate");
BENCHMARK(AdmitAndCharge)->Name("keys/whole_request")->Threads(1);
BENCHMARK(AdmitAndCharge)->Name("keys/whole_request")->Threads(2);

}  // namespace

BENCHMARK_MAIN();
