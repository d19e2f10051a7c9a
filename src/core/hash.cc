#include "assay/core/hash.h"

#include <new>

#include <fmt/format.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace assay::core {
namespace {

XXH3_state_t* StateOf(std::array<std::byte, 576>& bytes) {
  return std::launder(reinterpret_cast<XXH3_state_t*>(bytes.data()));
}
const XXH3_state_t* StateOf(const std::array<std::byte, 576>& bytes) {
  return std::launder(reinterpret_cast<const XXH3_state_t*>(bytes.data()));
}

}  // namespace

std::uint64_t HashBytes64(std::string_view bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 HashBytes128(std::string_view bytes, std::uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {.high = hash.high64, .low = hash.low64};
}

std::string ToHex(const Hash128& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

Hasher::Hasher(std::uint64_t seed) {
  static_assert(sizeof(XXH3_state_t) <= kStateBytes && alignof(XXH3_state_t) <= 64);
  auto* state = ::new (state_.data()) XXH3_state_t;
  XXH3_INITSTATE(state);
  // The 64-bit and the 128-bit reset and update are one function in XXH3; only the digests differ.
  XXH3_128bits_reset_withSeed(state, seed);
}

void Hasher::Add(std::string_view bytes) {
  XXH3_128bits_update(StateOf(state_), bytes.data(), bytes.size());
}

std::uint64_t Hasher::Digest64() const {
  return XXH3_64bits_digest(StateOf(state_));
}

Hash128 Hasher::Digest128() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(StateOf(state_));
  return {.high = hash.high64, .low = hash.low64};
}

}  // namespace assay::core
