#include "assay/cache/entry.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include <fmt/format.h>

#include "entry/allocation_internal.h"

namespace assay::cache {

Result<EntryRef> Entry::Make(const Key& key, const EntryInfo& info, const EntryText& text) {
  const std::array<std::string_view, kTexts> texts = {text.body,   text.tenant,       text.route,
                                                      text.model,  text.content_type, text.request,
                                                      text.verdict};
  std::size_t text_bytes = 0;
  for (const std::string_view one : texts) {
    if (one.size() > kMaxEntryBytes - text_bytes) {
      return Fail(
          Code::kOutOfRange,
          fmt::format("cache: an entry of more than {} bytes is not stored", kMaxEntryBytes));
    }
    text_bytes += one.size();
  }
  void* memory = AllocateLines(sizeof(Entry) + text_bytes);
  if (memory == nullptr) {
    return Fail(Code::kResourceExhausted,
                fmt::format("cache: no memory for an entry of {} bytes", text_bytes));
  }
  auto* entry = new (memory) Entry();
  entry->key_ = key;
  entry->stored_ms_ = info.stored_ms;
  entry->expires_ms_ = info.expires_ms;
  entry->prompt_tokens_ = info.prompt_tokens;
  entry->completion_tokens_ = info.completion_tokens;
  entry->cost_nanousd_ = info.cost_nanousd;
  entry->upstream_us_ = info.upstream_us;
  entry->footprint_bytes_ =
      static_cast<std::uint32_t>(FootprintOf(memory, sizeof(Entry) + text_bytes));
  char* to = reinterpret_cast<char*>(entry + 1);
  std::uint32_t end = 0;
  for (std::size_t i = 0; i < kTexts; ++i) {
    if (!texts[i].empty()) std::memcpy(to + end, texts[i].data(), texts[i].size());
    end += static_cast<std::uint32_t>(texts[i].size());
    (i == 0 ? entry->body_bytes_ : entry->ends_[i - 1]) = end;
  }
  return EntryRef::Adopt(entry);
}

void Entry::Destroy() const noexcept {
  auto* self = const_cast<Entry*>(this);
  const std::size_t freed_bytes = size_bytes();
  self->~Entry();
  FreeLines(self, freed_bytes);
}

std::int64_t ExpiryMs(std::int64_t now_ms, std::int64_t ttl_ms, double jitter, core::Rng& rng) {
  if (ttl_ms <= 0) return kNeverExpires;
  const double part = std::clamp(jitter, 0.0, 1.0) * rng.NextUnit();
  const auto less_ms = static_cast<std::int64_t>(static_cast<double>(ttl_ms) * part);
  const std::int64_t wait_ms = std::max<std::int64_t>(ttl_ms - less_ms, 1);
  if (now_ms > std::numeric_limits<std::int64_t>::max() - wait_ms) return kNeverExpires;
  return now_ms + wait_ms;
}

}  // namespace assay::cache
