// The bytes of an entry: docs/formats/cache-entry.md.
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "assay/cache/entry.h"

namespace assay::cache {
namespace {

constexpr std::string_view kMagic = "AENT";
constexpr std::size_t kTexts = 7;
constexpr std::size_t kCrcAt = 8;       // where the checksum stands
constexpr std::size_t kCheckedAt = 12;  // and what it covers: all from here
constexpr std::size_t kKeyAt = 16;
constexpr std::size_t kInfoAt = 32;
constexpr std::size_t kLengthsAt = 80;
static_assert(kLengthsAt + (kTexts + 1) * sizeof(std::uint32_t) == kEntryHeaderBytes);
static_assert(sizeof(EntryInfo) == kLengthsAt - kInfoAt);

// Little-endian on every machine.
template <typename T>
T Swapped(T value) {
  if constexpr (std::endian::native == std::endian::big) {
    auto bytes = std::bit_cast<std::array<char, sizeof(T)>>(value);
    for (std::size_t i = 0; i < sizeof(T) / 2; ++i) std::swap(bytes[i], bytes[sizeof(T) - 1 - i]);
    return std::bit_cast<T>(bytes);
  }
  return value;
}

template <typename T>
void Store(char* to, T value) {
  value = Swapped(value);
  std::memcpy(to, &value, sizeof(value));
}

template <typename T>
T Load(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return Swapped(value);
}

std::unexpected<Error> Damaged(std::string_view why) {
  return Fail(Code::kDataLoss, fmt::format("cache entry: {}; it is not used", why));
}

std::array<std::string_view, kTexts> TextsOf(const Entry& entry) {
  return {entry.tenant(), entry.route(),   entry.model(),  entry.content_type(),
          entry.body(),   entry.request(), entry.verdict()};
}

}  // namespace

void AppendEntryBytes(const Entry& entry, std::string& out) {
  const std::array<std::string_view, kTexts> texts = TextsOf(entry);
  std::size_t text_bytes = 0;
  for (const std::string_view text : texts) text_bytes += text.size();
  const std::size_t begin = out.size();
  out.reserve(begin + kEntryHeaderBytes + text_bytes);
  out.resize(begin + kEntryHeaderBytes, '\0');
  char* head = out.data() + begin;
  std::memcpy(head, kMagic.data(), kMagic.size());
  Store(head + 4, kEntryFormatVersion);
  Store(head + kKeyAt, entry.key().high);
  Store(head + kKeyAt + 8, entry.key().low);
  const EntryInfo& info = entry.info();
  Store(head + kInfoAt, info.stored_ms);
  Store(head + kInfoAt + 8, info.expires_ms);
  Store(head + kInfoAt + 16, info.prompt_tokens);
  Store(head + kInfoAt + 24, info.completion_tokens);
  Store(head + kInfoAt + 32, info.cost_nanousd);
  Store(head + kInfoAt + 40, info.upstream_us);
  for (std::size_t i = 0; i < kTexts; ++i) {
    Store(head + kLengthsAt + i * 4, static_cast<std::uint32_t>(texts[i].size()));
  }
  for (const std::string_view text : texts) out.append(text);
  const std::string_view written(out);
  Store(out.data() + begin + kCrcAt, core::Crc32c(written.substr(begin + kCheckedAt)));
}

Result<EntryRef> EntryFromBytes(std::string_view bytes) {
  if (bytes.size() < kEntryHeaderBytes) return Damaged("it is cut off");
  if (!bytes.starts_with(kMagic)) return Damaged("it has no entry's magic");
  const auto version = Load<std::uint16_t>(bytes, 4);
  if (version != kEntryFormatVersion) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("cache entry: version {} is not the known {}; it was written by another "
                    "release of assay",
                    version, kEntryFormatVersion));
  }
  if (Load<std::uint32_t>(bytes, kCrcAt) != core::Crc32c(bytes.substr(kCheckedAt)) ||
      Load<std::uint16_t>(bytes, 6) != 0) {
    return Damaged("its checksum is wrong");
  }
  if (Load<std::uint32_t>(bytes, kCheckedAt) != 0 ||
      Load<std::uint32_t>(bytes, kEntryHeaderBytes - 4) != 0) {
    return Damaged("its reserved fields are not 0");
  }
  std::array<std::string_view, kTexts> texts;
  std::string_view rest = bytes.substr(kEntryHeaderBytes);
  for (std::size_t i = 0; i < kTexts; ++i) {
    const auto length = Load<std::uint32_t>(bytes, kLengthsAt + i * 4);
    if (length > rest.size()) return Damaged("its lengths do not fit");
    texts[i] = rest.substr(0, length);
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return Damaged("bytes follow its end");
  const Key key{Load<std::uint64_t>(bytes, kKeyAt), Load<std::uint64_t>(bytes, kKeyAt + 8)};
  EntryInfo info;
  info.stored_ms = Load<std::int64_t>(bytes, kInfoAt);
  info.expires_ms = Load<std::int64_t>(bytes, kInfoAt + 8);
  info.prompt_tokens = Load<std::uint64_t>(bytes, kInfoAt + 16);
  info.completion_tokens = Load<std::uint64_t>(bytes, kInfoAt + 24);
  info.cost_nanousd = Load<std::int64_t>(bytes, kInfoAt + 32);
  info.upstream_us = Load<std::int64_t>(bytes, kInfoAt + 40);
  return Entry::Make(key, info,
                     {texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6]});
}

}  // namespace assay::cache
