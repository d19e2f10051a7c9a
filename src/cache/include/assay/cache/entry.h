// assay/cache/entry.h: one cached answer, and its bytes.
// Room: cache (uses core).  Threads: an Entry never changes after Make; many threads may share one.
// Format: docs/formats/cache-entry.md.
#pragma once
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "assay/core/clock.h"
#include "assay/core/hash.h"
#include "assay/core/result.h"

namespace assay::cache {

// The hash of the normalised request with its tenant and route version.
using Key = core::Hash128;

inline constexpr std::int64_t kNeverExpires = INT64_MAX;             // an expires_ms
inline constexpr std::size_t kMaxEntryBytes = std::size_t{1} << 28;  // of all texts
inline constexpr std::uint16_t kEntryFormatVersion = 1;
inline constexpr std::size_t kEntryHeaderBytes = 112;  // of the bytes, before the texts

struct EntryInfo {
  std::int64_t stored_ms = 0;   // Unix milliseconds, when the answer came
  std::int64_t expires_ms = 0;  // Unix milliseconds; from then on it is not served
  std::uint64_t prompt_tokens = 0;
  std::uint64_t completion_tokens = 0;
  std::int64_t cost_nanousd = 0;  // what the upstream took for it, 1e-9 US dollars
  std::int64_t upstream_us = 0;   // how long the upstream took

  friend bool operator==(const EntryInfo&, const EntryInfo&) = default;
};

// The texts of an entry; views into it, or into the caller's memory for Make.
struct EntryText {
  std::string_view tenant = {};
  std::string_view route = {};
  std::string_view model = {};
  std::string_view content_type = {};
  std::string_view body = {};  // the finished JSON answer, also of a stream
  std::string_view request =
      {};  // the request to ask again; empty where the route does not refresh
  std::string_view verdict = {};  // what the claim check found, opaque here; empty where none ran

  friend bool operator==(const EntryText&, const EntryText&) = default;
};

class Entry;

// A place of one thread where the memory cache notes that an entry is in use: handing an entry out
// and giving it back is then a plain store. Set under the rules of memory/epochs_internal.h; any
// thread may clear it.
using Lease = std::atomic<const Entry*>;

// Shares an Entry, like std::shared_ptr: copying never copies the entry's bytes. It counts itself
// in the entry, or holds a lease of the memory cache that it came from; copies always count.
// Threads: distinct EntryRefs are independent; one EntryRef belongs to one thread at a time.
class EntryRef {
 public:
  EntryRef() noexcept = default;
  EntryRef(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): reads as a miss
  EntryRef(const EntryRef& other) noexcept;
  EntryRef(EntryRef&& other) noexcept
      : entry_(std::exchange(other.entry_, nullptr)),
        lease_(std::exchange(other.lease_, nullptr)) {}
  EntryRef& operator=(const EntryRef& other) noexcept {
    EntryRef copy(other);
    return *this = std::move(copy);
  }
  EntryRef& operator=(EntryRef&& other) noexcept {
    std::swap(entry_, other.entry_);
    std::swap(lease_, other.lease_);
    return *this;
  }
  ~EntryRef();

  [[nodiscard]] const Entry* get() const noexcept { return entry_; }
  const Entry& operator*() const noexcept { return *entry_; }
  const Entry* operator->() const noexcept { return entry_; }
  explicit operator bool() const noexcept { return entry_ != nullptr; }
  friend bool operator==(const EntryRef& ref, std::nullptr_t) noexcept { return !ref.entry_; }

  // Takes over one reference, given up by Release() or counted by Entry::Keep().
  [[nodiscard]] static EntryRef Adopt(const Entry* entry) noexcept { return {entry, nullptr}; }
  // Takes over a lease that names the entry.
  [[nodiscard]] static EntryRef Borrow(const Entry* entry, Lease& lease) noexcept {
    return {entry, &lease};
  }
  // Gives the reference up, counted, without dropping it.
  [[nodiscard]] const Entry* Release() noexcept;

 private:
  EntryRef(const Entry* entry, Lease* lease) noexcept : entry_(entry), lease_(lease) {}

  const Entry* entry_ = nullptr;
  Lease* lease_ = nullptr;  // null: counted
};

// An answer in one allocation: this head, then the texts.
class Entry {
 public:
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  // Copies the texts. Errors: kOutOfRange when they are above kMaxEntryBytes together,
  // kResourceExhausted when memory is out.
  [[nodiscard]] static Result<EntryRef> Make(const Key& key, const EntryInfo& info,
                                             const EntryText& text);

  [[nodiscard]] const Key& key() const noexcept { return key_; }
  [[nodiscard]] EntryInfo info() const noexcept {
    return {stored_ms_,         expires_ms_,   prompt_tokens_,
            completion_tokens_, cost_nanousd_, upstream_us_};
  }
  [[nodiscard]] std::string_view tenant() const noexcept { return TextAfterBody(0); }
  [[nodiscard]] std::string_view route() const noexcept { return TextAfterBody(1); }
  [[nodiscard]] std::string_view model() const noexcept { return TextAfterBody(2); }
  [[nodiscard]] std::string_view content_type() const noexcept { return TextAfterBody(3); }
  [[nodiscard]] std::string_view body() const noexcept { return {texts(), body_bytes_}; }
  [[nodiscard]] std::string_view request() const noexcept { return TextAfterBody(4); }
  [[nodiscard]] std::string_view verdict() const noexcept { return TextAfterBody(5); }
  [[nodiscard]] EntryText text() const noexcept {
    return {tenant(), route(), model(), content_type(), body(), request(), verdict()};
  }
  [[nodiscard]] bool ExpiredAt(std::int64_t now_ms) const noexcept { return now_ms >= expires_ms_; }
  // What the allocator set aside for it, its own overhead included.
  [[nodiscard]] std::size_t footprint_bytes() const noexcept { return footprint_bytes_; }
  // How often a memory cache handed it out: exact up to 64 by one thread, an estimate beyond.
  [[nodiscard]] std::uint32_t asks() const noexcept {
    return heat_.load(std::memory_order_relaxed) >> kHeatBits;
  }

  // Counts one reference, for EntryRef::Adopt. Requires: the entry is alive.
  void Keep() const noexcept { references_.fetch_add(1, std::memory_order_relaxed); }

  // ---- for the memory cache ----

  // Counts an ask. Beyond 64 only one in 16 is counted, as 16, so that the cache line of an entry
  // that all threads ask for is seldom written; `dice` says which. Two threads at once may count
  // one: no atomic step, for the same reason. What needs no counting is written to `spare`, a place
  // of the thread: whether an entry is hot is as good as random, and a branch on it would make the
  // processor throw away the next look-ups that it had begun.
  void CountAsk(std::uint32_t dice, std::atomic<std::uint32_t>& spare) const noexcept {
    const std::uint32_t heat = heat_.load(std::memory_order_relaxed);
    const std::uint32_t few = 0U - static_cast<std::uint32_t>(heat < 64U << kHeatBits);
    const std::uint32_t rarely = (dice & 15U) == 0 ? 16U << kHeatBits : 0U;
    const std::uint32_t asked = rarely ^ ((rarely ^ 1U << kHeatBits) & few);
    const std::uint32_t more = asked | static_cast<std::uint32_t>((~heat & kMaxHeat) != 0);
    const auto here = std::bit_cast<std::uintptr_t>(&heat_);
    const auto there = std::bit_cast<std::uintptr_t>(&spare);
    const std::uintptr_t counts = std::uintptr_t{0} - static_cast<std::uintptr_t>(more != 0);
    auto* const to = std::bit_cast<std::atomic<std::uint32_t>*>(there ^ ((there ^ here) & counts));
    to->store(heat + more, std::memory_order_relaxed);
  }
  // Asks since they were last set, at most kMaxHeat.
  [[nodiscard]] std::uint32_t heat() const noexcept {
    return heat_.load(std::memory_order_relaxed) & kMaxHeat;
  }
  void SetHeat(std::uint32_t heat) const noexcept {
    heat_.store((heat_.load(std::memory_order_relaxed) & ~kMaxHeat) | heat,
                std::memory_order_relaxed);
  }
  static constexpr std::uint32_t kMaxHeat = 3;

 private:
  friend class EntryRef;
  static constexpr unsigned kHeatBits = 2;
  static constexpr std::size_t kTexts = 7;

  Entry() = default;
  ~Entry() = default;
  [[nodiscard]] const char* texts() const noexcept {
    return reinterpret_cast<const char*>(this + 1);
  }
  [[nodiscard]] std::string_view TextAfterBody(std::size_t i) const noexcept {
    const std::uint32_t begin = i == 0 ? body_bytes_ : ends_[i - 1];
    return {texts() + begin, ends_[i] - begin};
  }
  [[nodiscard]] std::size_t size_bytes() const noexcept { return sizeof(Entry) + ends_.back(); }
  void Destroy() const noexcept;

  // An entry begins on a cache line. This one is for whoever wants to know more of the answer.
  std::int64_t stored_ms_ = 0;
  std::uint64_t prompt_tokens_ = 0;
  std::uint64_t completion_tokens_ = 0;
  std::int64_t cost_nanousd_ = 0;
  std::int64_t upstream_us_ = 0;
  std::array<std::uint32_t, kTexts - 1> ends_{};  // of each text but the body, from its begin
  // All that a look-up reads stands in the second cache line, with the begin of the body.
  mutable std::atomic<std::uint32_t> references_{1};  // partner: ~EntryRef
  mutable std::atomic<std::uint32_t> heat_{0};        // asks << kHeatBits | heat; guards nothing
  Key key_;
  std::int64_t expires_ms_ = 0;
  std::uint32_t body_bytes_ = 0;
  std::uint32_t footprint_bytes_ = 0;
};

inline EntryRef::EntryRef(const EntryRef& other) noexcept : entry_(other.entry_) {
  if (entry_ != nullptr) entry_->Keep();
}
inline EntryRef::~EntryRef() {
  if (lease_ != nullptr) {
    // Partner: Epochs::Leases; who drops the entry must see the reads of it done.
    lease_->store(nullptr, std::memory_order_release);
  } else if (entry_ != nullptr &&
             // Partner: itself in other threads; the last one must see their reads done.
             entry_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    entry_->Destroy();
  }
}
inline const Entry* EntryRef::Release() noexcept {
  if (lease_ != nullptr) {
    entry_->Keep();
    std::exchange(lease_, nullptr)->store(nullptr, std::memory_order_release);
  }
  return std::exchange(entry_, nullptr);
}

// The one form of an entry outside memory: disk, Redis, export. Appends to `out`; the same entry
// has the same bytes on every machine. Length: kEntryHeaderBytes plus that of the texts.
void AppendEntryBytes(const Entry& entry, std::string& out);

// Reads what AppendEntryBytes wrote; `bytes` must hold one entry and nothing else.
// Errors: kDataLoss when the bytes are cut off, damaged or no entry; kFailedPrecondition for a
// later version; those of Make.
[[nodiscard]] Result<EntryRef> EntryFromBytes(std::string_view bytes);

// When an answer that is stored now expires: ttl_ms from now, less a random part of it of at most
// `jitter` in [0, 1], so that answers stored together do not expire together. ttl_ms <= 0: never.
[[nodiscard]] std::int64_t ExpiryMs(std::int64_t now_ms, std::int64_t ttl_ms, double jitter,
                                    core::Rng& rng);

}  // namespace assay::cache
