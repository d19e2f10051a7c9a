// redis/value.h: what the tier stores under a key. Format: docs/formats/cache-log.md.
// Room: cache, private.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/cache/tier.h"

#include "payload/payload.h"

namespace assay::cache::redis {

inline constexpr std::size_t kValueHeadBytes = 32;  // in front of the payload

[[nodiscard]] std::string KeyName(std::string_view prefix, const Key& key);
// Errors: those of the codec.
[[nodiscard]] Result<std::string> ValueOf(const Entry& entry, const PayloadCodec& codec);
// Errors: kDataLoss; those of PayloadCodec::Read.
[[nodiscard]] Result<EntryRef> EntryOf(const Key& key, std::string_view value,
                                       const PayloadCodec& codec);
// By the head alone; false for a value that has none.
[[nodiscard]] bool HeadMatches(std::string_view head, const Filter& filter);
// The key in a name of KeyName; false for another name.
[[nodiscard]] bool KeyOfName(std::string_view prefix, std::string_view name, Key& key);
// A pattern that matches exactly the names that begin with the prefix.
[[nodiscard]] std::string PatternOf(std::string_view prefix);

}  // namespace assay::cache::redis
