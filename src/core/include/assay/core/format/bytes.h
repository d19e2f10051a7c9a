// assay/core/format/bytes.h: values as the bytes they are stored as, and back.
// Room: core.  Threads: pure functions.
#pragma once
#include <cstddef>
#include <cstring>
#include <ranges>
#include <string_view>
#include <type_traits>

namespace assay::core {

// The value's own bytes, in the byte order of this machine, valid as long as it lives. A type with
// padding would carry unwritten bytes into a file; formats state theirs as members.
template <typename T>
  requires std::is_trivially_copyable_v<T> && (!std::ranges::view<T>)
[[nodiscard]] std::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

// The bytes of all elements, one behind the other; valid as long as they are.
template <std::ranges::contiguous_range Range>
  requires std::is_trivially_copyable_v<std::ranges::range_value_t<Range>>
[[nodiscard]] std::string_view BytesOfAll(const Range& values) {
  return {reinterpret_cast<const char*>(std::ranges::data(values)),
          std::ranges::size(values) * sizeof(std::ranges::range_value_t<Range>)};
}

// The value whose bytes begin at `offset`, aligned or not. Requires: they lie within `bytes`.
template <typename T>
  requires std::is_trivially_copyable_v<T>
[[nodiscard]] T LoadAt(std::string_view bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

}  // namespace assay::core
