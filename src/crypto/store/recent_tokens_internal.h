// recent_tokens_internal.h: tokens that were right a moment ago, so that they need not be hashed
// again for every request.
// Room: crypto.  Threads: one object a thread.
//
// A token is remembered for what it is, a preimage of a stored hash; whether its key is still valid
// is decided anew each time. It is in memory anyway while a connection that sends it is open, and
// is wiped when it is replaced and when the thread ends.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "assay/crypto/hmac.h"

#include "keys/token_internal.h"

namespace assay::crypto {

class RecentTokens {
 public:
  [[nodiscard]] static RecentTokens& OfThisThread();
  ~RecentTokens();

  // Whether Note was called with these and nothing has taken the place since. `store` tells stores
  // of one process apart.
  [[nodiscard]] bool Holds(std::uint64_t store, const Mac& hash, std::string_view token) const;
  // `token` has kTokenBytes.
  void Note(std::uint64_t store, const Mac& hash, std::string_view token);

 private:
  struct Entry {
    std::uint64_t store = 0;  // 0: empty
    Mac hash{};
    std::array<char, kTokenBytes> token{};
  };
  [[nodiscard]] static std::size_t PlaceOf(const Mac& hash) {
    return static_cast<unsigned char>(hash[0]) % kEntries;
  }

  static constexpr std::size_t kEntries = 32;  // 3 KiB
  std::array<Entry, kEntries> entries_{};
};

}  // namespace assay::crypto
