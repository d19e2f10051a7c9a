// payload/payload.h: an entry's bytes as a slower tier stores them: plain, compressed, sealed.
// Room: cache, private.  Threads: safe; const.
// Format: docs/formats/cache-log.md, "payload".
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "assay/cache/entry.h"
#include "assay/crypto/aead.h"

namespace assay::cache {

class PayloadCodec {
 public:
  PayloadCodec(std::size_t compress_from_bytes, std::shared_ptr<const crypto::Sealer> sealer)
      : compress_from_bytes_(compress_from_bytes), sealer_(std::move(sealer)) {}

  // Appends to `out`. Errors: those of the cipher.
  [[nodiscard]] Result<void> Append(const Entry& entry, std::string& out) const;

  // The entry, which must be the one of `key`. Errors: kDataLoss when the bytes are damaged or
  // those of another key; kFailedPrecondition when they are sealed and there is no sealer;
  // kNotFound when the sealer lacks their key.
  [[nodiscard]] Result<EntryRef> Read(const Key& key, std::string_view payload) const;

 private:
  std::size_t compress_from_bytes_;
  std::shared_ptr<const crypto::Sealer> sealer_;
};

// 32 bits that stand for a text in an index: equal texts, equal tags.
[[nodiscard]] inline std::uint32_t TagOf(std::string_view text) {
  return static_cast<std::uint32_t>(core::HashBytes64(text));
}

}  // namespace assay::cache
