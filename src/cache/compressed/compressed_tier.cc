#include "assay/cache/compressed_tier.h"

#include <atomic>
#include <vector>

#include <fmt/format.h>
#include <zdict.h>
#include <zstd.h>

#include "assay/cache/memory_cache.h"

namespace assay::cache {
namespace {

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  void operator()(ZSTD_CDict* dictionary) const { ZSTD_freeCDict(dictionary); }
  void operator()(ZSTD_DDict* dictionary) const { ZSTD_freeDDict(dictionary); }
};
template <typename T>
using Owned = std::unique_ptr<T, FreeContext>;

// The greatest length of an entry's bytes, so that a damaged frame asks for no more memory.
constexpr std::uint64_t kMostBytes = kMaxEntryBytes + kEntryHeaderBytes;

std::unexpected<Error> NoMemory() {
  return Fail(Code::kResourceExhausted, "compressed cache: no memory for zstd");
}

}  // namespace

struct CompressedTier::Impl {
  std::unique_ptr<MemoryCache> memory;
  int level = 0;
  Owned<ZSTD_CDict> compression;         // null: no dictionary
  Owned<ZSTD_DDict> decompression;       // null: no dictionary
  std::atomic<std::uint64_t> errors{0};  // partner: itself; a count only

  [[nodiscard]] Result<std::string> Compress(std::string_view bytes) const {
    static thread_local const Owned<ZSTD_CCtx> context(ZSTD_createCCtx());
    if (context == nullptr) return NoMemory();
    std::string out(ZSTD_compressBound(bytes.size()), '\0');
    const std::size_t size =
        compression != nullptr
            ? ZSTD_compress_usingCDict(context.get(), out.data(), out.size(), bytes.data(),
                                       bytes.size(), compression.get())
            : ZSTD_compressCCtx(context.get(), out.data(), out.size(), bytes.data(), bytes.size(),
                                level);
    if (ZSTD_isError(size) != 0U) {
      return Fail(Code::kInternal,
                  fmt::format("compressed cache: zstd: {}", ZSTD_getErrorName(size)));
    }
    out.resize(size);
    return out;
  }

  [[nodiscard]] Result<EntryRef> Read(const Entry& packed) const {
    static thread_local const Owned<ZSTD_DCtx> context(ZSTD_createDCtx());
    if (context == nullptr) return NoMemory();
    const std::string_view frame = packed.body();
    const std::uint64_t length = ZSTD_getFrameContentSize(frame.data(), frame.size());
    if (length > kMostBytes) return Fail(Code::kDataLoss, "compressed cache: no zstd frame");
    std::string bytes(static_cast<std::size_t>(length), '\0');
    const std::size_t size =
        decompression != nullptr
            ? ZSTD_decompress_usingDDict(context.get(), bytes.data(), bytes.size(), frame.data(),
                                         frame.size(), decompression.get())
            : ZSTD_decompressDCtx(context.get(), bytes.data(), bytes.size(), frame.data(),
                                  frame.size());
    if (ZSTD_isError(size) != 0U || size != bytes.size()) {
      return Fail(Code::kDataLoss, "compressed cache: the zstd frame is damaged");
    }
    return EntryFromBytes(bytes);
  }

  // Drops an entry that cannot be read.
  [[nodiscard]] std::unexpected<Error> Drop(const Entry& packed, Error error) {
    errors.fetch_add(1, std::memory_order_relaxed);
    memory->Erase(packed.key());
    return std::unexpected(std::move(error));
  }
};

Result<std::unique_ptr<CompressedTier>> CompressedTier::Create(
    const CompressedTierOptions& options) {
  if (options.level < 1 || options.level > 19) {
    return Fail(Code::kInvalidArgument,
                fmt::format("compressed cache: level {} is not in 1 to 19", options.level));
  }
  auto impl = std::make_unique<Impl>();
  ASSAY_ASSIGN(impl->memory, MemoryCache::Create({.capacity_bytes = options.capacity_bytes}));
  impl->level = options.level;
  if (!options.dictionary.empty()) {
    const std::string& bytes = options.dictionary;
    if (ZDICT_getDictID(bytes.data(), bytes.size()) == 0) {
      return Fail(Code::kInvalidArgument, "compressed cache: the dictionary is not one of zstd");
    }
    impl->compression.reset(ZSTD_createCDict(bytes.data(), bytes.size(), options.level));
    impl->decompression.reset(ZSTD_createDDict(bytes.data(), bytes.size()));
    if (impl->compression == nullptr || impl->decompression == nullptr) {
      return Fail(Code::kInvalidArgument, "compressed cache: zstd does not take the dictionary");
    }
  }
  return std::unique_ptr<CompressedTier>(new CompressedTier(std::move(impl)));
}

CompressedTier::CompressedTier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CompressedTier::~CompressedTier() = default;

Result<std::string> CompressedTier::TrainDictionary(std::span<const EntryRef> samples,
                                                    std::size_t size_bytes) {
  std::string all;
  std::vector<std::size_t> sizes;
  for (const EntryRef& sample : samples) {
    const std::size_t before = all.size();
    AppendEntryBytes(*sample, all);
    sizes.push_back(all.size() - before);
  }
  std::string dictionary(size_bytes, '\0');
  const std::size_t size = ZDICT_trainFromBuffer(dictionary.data(), dictionary.size(), all.data(),
                                                 sizes.data(), static_cast<unsigned>(sizes.size()));
  if (ZDICT_isError(size) != 0U) {
    return Fail(Code::kInvalidArgument,
                fmt::format("compressed cache: no dictionary can be learned from {} answers: {}",
                            samples.size(), ZDICT_getErrorName(size)));
  }
  dictionary.resize(size);
  return dictionary;
}

Result<EntryRef> CompressedTier::Get(const Key& key, std::int64_t now_ms) {
  const EntryRef packed = impl_->memory->Get(key, now_ms);
  if (!packed) return nullptr;
  Result<EntryRef> entry = impl_->Read(*packed);
  if (!entry) return impl_->Drop(*packed, std::move(entry).error());
  return entry;
}

Result<void> CompressedTier::Put(const EntryRef& entry, std::int64_t now_ms) {
  std::string bytes;
  AppendEntryBytes(*entry, bytes);
  ASSAY_ASSIGN(const std::string frame, impl_->Compress(bytes));
  // The fields that a purge looks at stay readable.
  ASSAY_ASSIGN(EntryRef packed, Entry::Make(entry->key(), entry->info(),
                                            {.tenant = entry->tenant(),
                                             .route = entry->route(),
                                             .model = entry->model(),
                                             .body = frame}));
  impl_->memory->Put(std::move(packed), now_ms);
  return {};
}

Result<bool> CompressedTier::Erase(const Key& key) {
  return impl_->memory->Erase(key);
}

Result<std::uint64_t> CompressedTier::Purge(const Filter& filter) {
  return impl_->memory->Purge(filter);
}

Result<void> CompressedTier::ForEach(std::int64_t now_ms, const Visitor& visit) {
  Result<void> outcome;
  impl_->memory->ForEach(now_ms, [&](const EntryRef& packed) {
    Result<EntryRef> entry = impl_->Read(*packed);
    if (!entry) {
      outcome = impl_->Drop(*packed, std::move(entry).error());
      return false;
    }
    return visit(*entry);
  });
  return outcome;
}

TierStats CompressedTier::Stats() const {
  TierStats stats = impl_->memory->Stats();
  stats.errors = impl_->errors.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace assay::cache
