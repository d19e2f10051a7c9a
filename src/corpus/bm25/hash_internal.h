// The hash of the term table. It is on disk: another hash is another kIndexFormatVersion.
#pragma once
#define XXH_INLINE_ALL
#include <cstdint>
#include <string_view>

#include <xxhash.h>

namespace assay::corpus {

inline std::uint64_t HashTerm(std::string_view term) {
  return XXH3_64bits(term.data(), term.size());
}

}  // namespace assay::corpus
