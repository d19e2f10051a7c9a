#include "payload/payload.h"

#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <zstd.h>

namespace assay::cache {
namespace {

// One byte of flags, a version, then the bytes; compressed ones begin with their full length.
constexpr std::uint8_t kPayloadVersion = 1;
constexpr std::uint8_t kCompressed = 1;
constexpr std::uint8_t kSealed = 2;
constexpr std::size_t kHeadBytes = 8;
constexpr int kZstdLevel = 1;
constexpr std::size_t kMaxPlainBytes = kMaxEntryBytes + kEntryHeaderBytes;

struct ContextDeleter {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
};

std::unexpected<Error> Damaged(std::string_view why) {
  return Fail(Code::kDataLoss, fmt::format("stored cache entry: {}; it is not used", why));
}

// What the seal binds: the entry's key and its tenant, so that neither can be put in another's
// place. The tenant is kept as a hash beside the sealed bytes, where the opener finds it.
std::string Binding(const Key& key, const core::Hash128& tenant) {
  const std::array<std::uint64_t, 4> words = {key.high, key.low, tenant.high, tenant.low};
  std::string bytes = "assay cache entry 1";
  for (const std::uint64_t word : words) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      bytes.push_back(static_cast<char>(word >> shift & 0xFF));
    }
  }
  return bytes;
}

core::Hash128 TenantOf(std::string_view bytes) {
  core::Hash128 tenant;
  for (unsigned i = 0; i < 8; ++i) {
    tenant.high |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[i])) << (8 * i);
    tenant.low |= static_cast<std::uint64_t>(static_cast<std::uint8_t>(bytes[8 + i])) << (8 * i);
  }
  return tenant;
}

void AppendTenant(const core::Hash128& tenant, std::string& out) {
  for (const std::uint64_t word : {tenant.high, tenant.low}) {
    for (unsigned shift = 0; shift < 64; shift += 8) {
      out.push_back(static_cast<char>(word >> shift & 0xFF));
    }
  }
}

// Appends the compressed form when that is shorter; tells whether it did.
bool Compress(std::string_view plain, std::string& out) {
  static thread_local const std::unique_ptr<ZSTD_CCtx, ContextDeleter> context(ZSTD_createCCtx());
  if (context == nullptr) return false;
  const std::size_t begin = out.size();
  out.resize(begin + ZSTD_compressBound(plain.size()));
  const std::size_t wrote = ZSTD_compressCCtx(context.get(), out.data() + begin, out.size() - begin,
                                              plain.data(), plain.size(), kZstdLevel);
  const bool shorter = ZSTD_isError(wrote) == 0 && wrote < plain.size();
  out.resize(shorter ? begin + wrote : begin);
  return shorter;
}

Result<void> Decompress(std::string_view packed, std::size_t plain_bytes, std::string& out) {
  static thread_local const std::unique_ptr<ZSTD_DCtx, ContextDeleter> context(ZSTD_createDCtx());
  if (context == nullptr) return Fail(Code::kResourceExhausted, "no memory to decompress an entry");
  // A length that the frame itself does not confirm could make us set aside any amount of memory.
  if (plain_bytes > kMaxPlainBytes ||
      ZSTD_getFrameContentSize(packed.data(), packed.size()) != plain_bytes) {
    return Damaged("its compressed bytes have no valid length");
  }
  out.resize(plain_bytes);
  const std::size_t got =
      ZSTD_decompressDCtx(context.get(), out.data(), out.size(), packed.data(), packed.size());
  if (ZSTD_isError(got) != 0 || got != plain_bytes) return Damaged("it does not decompress");
  return {};
}

std::array<char, kHeadBytes> Head(std::uint8_t flags, std::size_t plain_bytes) {
  std::array<char, kHeadBytes> head{};
  head[0] = static_cast<char>(flags);
  head[1] = static_cast<char>(kPayloadVersion);
  for (unsigned i = 0; i < 4; ++i) head[4 + i] = static_cast<char>(plain_bytes >> (8 * i) & 0xFF);
  return head;
}

}  // namespace

Result<void> PayloadCodec::Append(const Entry& entry, std::string& out) const {
  const std::size_t begin = out.size();
  out.resize(begin + kHeadBytes);
  static thread_local std::string plain;
  std::uint8_t flags = 0;
  std::size_t plain_bytes = 0;
  const bool try_short = entry.body().size() >= compress_from_bytes_;
  if (!try_short && sealer_ == nullptr) {
    AppendEntryBytes(entry, out);
    plain_bytes = out.size() - begin - kHeadBytes;
  } else {
    plain.clear();
    AppendEntryBytes(entry, plain);
    plain_bytes = plain.size();
    static thread_local std::string packed;
    packed.clear();
    if (try_short && Compress(plain, packed)) flags |= kCompressed;
    const std::string& content = (flags & kCompressed) != 0 ? packed : plain;
    if (sealer_ == nullptr) {
      out.append(content);
    } else {
      const core::Hash128 tenant = core::HashBytes128(entry.tenant());
      ASSAY_ASSIGN(const std::string sealed, sealer_->Seal(Binding(entry.key(), tenant), content));
      AppendTenant(tenant, out);
      out.append(sealed);
      flags |= kSealed;
    }
    if (plain.capacity() > (std::size_t{1} << 20)) plain = std::string();
    if (packed.capacity() > (std::size_t{1} << 20)) packed = std::string();
  }
  const auto head = Head(flags, plain_bytes);
  std::memcpy(out.data() + begin, head.data(), head.size());
  return {};
}

Result<EntryRef> PayloadCodec::Read(const Key& key, std::string_view payload) const {
  if (payload.size() < kHeadBytes) return Damaged("it is cut off");
  const auto flags = static_cast<std::uint8_t>(payload[0]);
  if (static_cast<std::uint8_t>(payload[1]) != kPayloadVersion ||
      (flags & ~(kCompressed | kSealed)) != 0) {
    return Damaged("it is of no known form");
  }
  std::size_t plain_bytes = 0;
  for (unsigned i = 0; i < 4; ++i) {
    plain_bytes |= std::size_t{static_cast<std::uint8_t>(payload[4 + i])} << (8 * i);
  }
  std::string_view content = payload.substr(kHeadBytes);
  std::string opened;
  core::Hash128 tenant;
  if ((flags & kSealed) != 0) {
    if (sealer_ == nullptr) {
      return Fail(Code::kFailedPrecondition,
                  "a stored cache entry is sealed; name the key file that it was sealed with");
    }
    if (content.size() < sizeof(core::Hash128)) return Damaged("it is cut off");
    tenant = TenantOf(content);
    ASSAY_ASSIGN(opened, sealer_->Open(Binding(key, tenant), content.substr(sizeof(tenant))));
    content = opened;
  }
  std::string plain;
  if ((flags & kCompressed) != 0) {
    ASSAY_TRY(Decompress(content, plain_bytes, plain));
    content = plain;
  }
  if (content.size() != plain_bytes) return Damaged("its length is wrong");
  ASSAY_ASSIGN(EntryRef entry, EntryFromBytes(content));
  if (entry->key() != key) return Damaged("it is the entry of another key");
  if ((flags & kSealed) != 0 && core::HashBytes128(entry->tenant()) != tenant) {
    return Damaged("it is the entry of another tenant");
  }
  return entry;
}

}  // namespace assay::cache
