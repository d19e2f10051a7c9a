#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <pthread.h>

#include "assay/core/check.h"
#include "assay/core/parallel.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/hmac.h"
#include "assay/crypto/key_ring.h"

#include "primitives/aead_internal.h"
#include "primitives/bytes_internal.h"

namespace assay::crypto {
namespace {

constexpr std::uint32_t kSealedVersion = 1;
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kKeptSessions = 256;  // of other processes and of earlier runs
constexpr std::size_t kBatchGrain = 64;     // messages of 1 KiB: about 30 us
using Salt = std::array<char, kSaltBytes>;

// Where the parts of a header lie (docs/formats/sealed.md).
constexpr std::size_t kKeyIdAt = 4;
constexpr std::size_t kSaltAt = 8;
constexpr std::size_t kCounterAt = kSaltAt + kSaltBytes;
static_assert(kCounterAt + 8 == kSealedHeaderBytes);

// Counts the forks that led to this process: a child must not go on with its parent's counters.
std::atomic<std::uint64_t> g_forks{0};  // written by the only thread of a new process
void WatchForks() {
  static const int once =
      ::pthread_atfork(nullptr, nullptr, [] { g_forks.fetch_add(1, std::memory_order_relaxed); });
  ASSAY_CHECK(once == 0);
}

AeadNonce NonceOf(std::uint64_t counter) {
  AeadNonce nonce{};
  PutU64(nonce.data() + (kAeadNonceBytes - 8), counter);
  return nonce;
}

struct Header {
  std::uint32_t key_id = 0;
  Salt salt{};
  std::uint64_t counter = 0;
};

Result<Header> ParseHeader(std::string_view sealed) {
  if (sealed.size() < kSealedOverheadBytes) {
    return Fail(Code::kDataLoss, fmt::format("{} sealed bytes are too few; the least is {}",
                                             sealed.size(), kSealedOverheadBytes));
  }
  if (const std::uint32_t version = GetU32(sealed.data()); version != kSealedVersion) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("sealed bytes of version {}; this Assay reads version {}", version,
                            kSealedVersion));
  }
  Header header;
  header.key_id = GetU32(sealed.data() + kKeyIdAt);
  std::memcpy(header.salt.data(), sealed.data() + kSaltAt, kSaltBytes);
  header.counter = GetU64(sealed.data() + kCounterAt);
  return header;
}

// One derived key with its count of messages.
struct Session {
  Session(std::uint32_t id, const Salt& of, std::string_view key)
      : key_id(id), salt(of), aead(key) {}
  const std::uint32_t key_id;
  const Salt salt;
  GcmContexts aead;
  const std::uint64_t forks = g_forks.load(std::memory_order_relaxed);
  std::atomic<std::uint64_t> messages{0};  // taken numbers; a counter of its own, orders nothing
  std::atomic<std::uint64_t> bytes{0};     // as above
};

}  // namespace

class Sealer::Impl {
 public:
  struct RingKey {
    std::uint32_t id = 0;
    SecretBytes secret;  // of this purpose alone
  };

  Impl(std::vector<RingKey> keys, std::uint64_t max_messages)
      : keys_(std::move(keys)), max_messages_(max_messages) {
    WatchForks();
  }

  // A session with `count` unused numbers from `first` on. Errors: those of DeriveKey.
  Result<std::shared_ptr<Session>> Reserve(std::uint64_t count, std::uint64_t size_bytes,
                                           std::uint64_t& first) {
    while (true) {
      std::shared_ptr<Session> session;
      {
        const std::shared_lock lock(mutex_);
        session = current_;
      }
      if (session != nullptr && session->forks == g_forks.load(std::memory_order_relaxed) &&
          session->bytes.fetch_add(size_bytes, std::memory_order_relaxed) + size_bytes <=
              kMaxBytesPerKey) {
        first = session->messages.fetch_add(count, std::memory_order_relaxed);
        if (first + count <= max_messages_) return session;
      }
      ASSAY_TRY(Renew(session));
    }
  }

  // The session that sealed this. Errors: kNotFound.
  Result<std::shared_ptr<Session>> Find(const Header& header) {
    {
      const std::shared_lock lock(mutex_);
      if (current_ != nullptr && current_->salt == header.salt &&
          current_->key_id == header.key_id) {
        return current_;
      }
      const auto found = kept_.find({header.key_id, header.salt});
      if (found != kept_.end()) return found->second;
    }
    ASSAY_ASSIGN(std::shared_ptr<Session> session, Make(header.key_id, header.salt));
    Keep(session);
    return session;
  }

  [[nodiscard]] std::uint32_t newest_id() const { return keys_.back().id; }
  [[nodiscard]] std::uint64_t max_messages() const { return max_messages_; }

  static void SealOne(EVP_CIPHER_CTX* context, const Session& session, std::uint64_t counter,
                      const SealItem& item, std::string& out) {
    out.resize(item.bytes.size() + kSealedOverheadBytes);
    PutU32(out.data(), kSealedVersion);
    PutU32(out.data() + kKeyIdAt, session.key_id);
    std::memcpy(out.data() + kSaltAt, session.salt.data(), kSaltBytes);
    PutU64(out.data() + kCounterAt, counter);
    GcmContexts::SealWith(context, NonceOf(counter).data(), item.aad, item.bytes,
                          out.data() + kSealedHeaderBytes);
  }

  // Opens one message after another; those of one session share its context.
  class Opener {
   public:
    explicit Opener(Impl& impl) : impl_(impl) {}

    Result<void> Open(const SealItem& item, std::string& out) {
      ASSAY_ASSIGN(const Header header, ParseHeader(item.bytes));
      ASSAY_TRY(CheckAeadSizes(item.aad, item.bytes));
      if (session_ == nullptr || session_->salt != header.salt ||
          session_->key_id != header.key_id) {
        context_.reset();  // before the session that it belongs to
        ASSAY_ASSIGN(session_, impl_.Find(header));
        context_.emplace(session_->aead.TakeOpening());
      }
      out.resize(item.bytes.size() - kSealedOverheadBytes);
      if (!GcmContexts::OpenWith(context_->get(), NonceOf(header.counter).data(), item.aad,
                                 item.bytes.substr(kSealedHeaderBytes), out)) {
        return Fail(Code::kDataLoss,
                    "sealed bytes do not open: they were changed, or sealed for something else");
      }
      return {};
    }

   private:
    Impl& impl_;
    std::shared_ptr<Session> session_;
    std::optional<CipherPool::Lease> context_;
  };

 private:
  Result<std::shared_ptr<Session>> Make(std::uint32_t key_id, const Salt& salt) const {
    const auto key = std::ranges::find(keys_, key_id, &RingKey::id);
    if (key == keys_.end()) {
      return Fail(Code::kNotFound,
                  fmt::format("sealed with key {}, which the key file no longer holds", key_id));
    }
    ASSAY_ASSIGN(
        const SecretBytes derived,
        DeriveKey(key->secret.view(), {salt.data(), salt.size()}, "assay session", kAeadKeyBytes));
    ASSAY_TRY(AeadKey::Create(derived.view()));  // that OpenSSL has the cipher
    return std::make_shared<Session>(key_id, salt, derived.view());
  }

  // Puts a fresh session in the place of `spent`, unless another thread has done it.
  Result<void> Renew(const std::shared_ptr<Session>& spent) {
    Salt salt;
    RandomBytes(salt);
    ASSAY_ASSIGN(std::shared_ptr<Session> fresh, Make(newest_id(), salt));
    const std::unique_lock lock(mutex_);
    if (current_ != spent) return {};
    if (spent != nullptr) KeepLocked(spent);
    current_ = std::move(fresh);
    return {};
  }

  void Keep(const std::shared_ptr<Session>& session) {
    const std::unique_lock lock(mutex_);
    KeepLocked(session);
  }
  void KeepLocked(const std::shared_ptr<Session>& session) {
    // Salts are random, so whichever comes first is as good to leave as any other.
    if (kept_.size() >= kKeptSessions) kept_.erase(kept_.begin());
    kept_.insert_or_assign({session->key_id, session->salt}, session);
  }

  const std::vector<RingKey> keys_;  // as in the ring: the last one seals
  const std::uint64_t max_messages_;
  std::shared_mutex mutex_;
  std::shared_ptr<Session> current_;                                         // guarded by mutex_
  std::map<std::pair<std::uint32_t, Salt>, std::shared_ptr<Session>> kept_;  // guarded by mutex_
};

Sealer::Sealer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;
Sealer::~Sealer() = default;

Result<Sealer> Sealer::Create(const KeyRing& ring, std::string_view purpose) {
  return CreateForTest(ring, purpose, kMaxMessagesPerKey);
}

Result<Sealer> Sealer::CreateForTest(const KeyRing& ring, std::string_view purpose,
                                     std::uint64_t max_messages) {
  if (ring.keys().empty()) {
    return Fail(Code::kFailedPrecondition, "there is no key to seal with; make a key file first");
  }
  std::vector<Impl::RingKey> keys;
  for (const KeyRing::Key& key : ring.keys()) {
    ASSAY_ASSIGN(SecretBytes derived, ring.Derive(key.id, fmt::format("seal {}", purpose)));
    keys.push_back({key.id, std::move(derived)});
  }
  return Sealer(std::make_unique<Impl>(std::move(keys), max_messages));
}

Result<std::string> Sealer::Seal(std::string_view aad, std::string_view plain) const {
  ASSAY_TRY(CheckAeadSizes(aad, plain));
  std::uint64_t counter = 0;
  ASSAY_ASSIGN(const auto session, impl_->Reserve(1, plain.size(), counter));
  std::string sealed;
  Impl::SealOne(session->aead.TakeSealing().get(), *session, counter, {aad, plain}, sealed);
  return sealed;
}

Result<std::string> Sealer::Open(std::string_view aad, std::string_view sealed) const {
  std::string plain;
  ASSAY_TRY(Impl::Opener(*impl_).Open({aad, sealed}, plain));
  return plain;
}

namespace {
Result<void> CheckBatch(std::size_t items, std::size_t room) {
  if (items == room) return {};
  return Fail(Code::kInvalidArgument, fmt::format("{} items and room for {}", items, room));
}
}  // namespace

Result<void> Sealer::SealBatch(std::span<const SealItem> items, std::span<std::string> out) const {
  ASSAY_TRY(CheckBatch(items.size(), out.size()));
  for (const SealItem& item : items) ASSAY_TRY(CheckAeadSizes(item.aad, item.bytes));
  return core::ParallelTry(
      items.size(), kBatchGrain, [&](std::size_t begin, std::size_t end) -> Result<void> {
        std::uint64_t size_bytes = 0;
        for (std::size_t i = begin; i < end; ++i) size_bytes += items[i].bytes.size();
        std::uint64_t counter = 0;
        ASSAY_ASSIGN(const auto session, impl_->Reserve(end - begin, size_bytes, counter));
        const auto context = session->aead.TakeSealing();
        for (std::size_t i = begin; i < end; ++i) {
          Impl::SealOne(context.get(), *session, counter++, items[i], out[i]);
        }
        return {};
      });
}

Result<void> Sealer::OpenBatch(std::span<const SealItem> items, std::span<std::string> out) const {
  ASSAY_TRY(CheckBatch(items.size(), out.size()));
  const auto open = [&](std::size_t begin, std::size_t end) -> Result<void> {
    Impl::Opener opener(*impl_);
    for (std::size_t i = begin; i < end; ++i) ASSAY_TRY(opener.Open(items[i], out[i]));
    return {};
  };
  return core::ParallelTry(items.size(), kBatchGrain, open);
}

Result<std::uint32_t> Sealer::KeyIdOf(std::string_view sealed) {
  ASSAY_ASSIGN(const Header header, ParseHeader(sealed));
  return header.key_id;
}

std::uint32_t Sealer::newest_key_id() const {
  return impl_->newest_id();
}

}  // namespace assay::crypto
