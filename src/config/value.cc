#include "assay/config/value.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace assay::config {
namespace {

constexpr std::array<std::string_view, 7> kKindNames = {
    "null", "a boolean", "an integer", "a number", "a string", "a list", "a map"};

// The first block holds the tree of a small file; each further one is as large as all before it.
constexpr std::size_t kFirstBlockBytes = 4096;
constexpr std::size_t kLargestBlockBytes = 4U << 20;

}  // namespace

std::string_view NameOf(Kind kind) {
  return kKindNames[static_cast<std::size_t>(kind)];
}

const Value* Value::Find(std::string_view key) const {
  const Map* map = as_map();
  if (map == nullptr) return nullptr;
  const Member* found = std::ranges::find(*map, key, &Member::key);
  return found == map->end() ? nullptr : &found->value;
}

char* Arena::Take(std::size_t size, std::size_t alignment) {
  const auto misfit = reinterpret_cast<std::uintptr_t>(next_) & (alignment - 1);
  const std::size_t padding = misfit == 0 ? 0 : alignment - misfit;
  if (next_ == nullptr || static_cast<std::size_t>(end_ - next_) < padding + size) {
    const std::size_t doubled =
        std::min(kFirstBlockBytes << std::min<std::size_t>(blocks_.size(), 20), kLargestBlockBytes);
    const std::size_t bytes = std::max(doubled, size);
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(bytes));
    next_ = blocks_.back().get();
    end_ = next_ + bytes;
    return next_;
  }
  next_ += padding;
  return next_;
}

char* Arena::Reserve(std::size_t size) {
  return Take(size, 1);
}

std::string_view Arena::Keep(const char* begin, std::size_t size) {
  next_ += size;
  return {begin, size};
}

std::string_view Arena::Text(std::string_view text) {
  if (text.empty()) return {};
  char* const begin = Take(text.size(), 1);
  std::memcpy(begin, text.data(), text.size());
  return Keep(begin, text.size());
}

Value::List Arena::List(std::span<const Value> items) {
  if (items.empty()) return {};
  char* const begin = Take(items.size_bytes(), alignof(Value));
  std::memcpy(begin, items.data(), items.size_bytes());
  next_ = begin + items.size_bytes();
  return {reinterpret_cast<const Value*>(begin), items.size()};
}

Value::Map Arena::Map(std::span<const Member> items) {
  if (items.empty()) return {};
  char* const begin = Take(items.size_bytes(), alignof(Member));
  std::memcpy(begin, items.data(), items.size_bytes());
  next_ = begin + items.size_bytes();
  return {reinterpret_cast<const Member*>(begin), items.size()};
}

std::string_view Arena::Adopt(std::string text) {
  texts_.push_back(std::make_unique<std::string>(std::move(text)));
  return *texts_.back();
}

Location Document::LocationOf(std::uint32_t offset) const {
  return LineCounter(text).At(offset);
}

Location LineCounter::At(std::uint32_t offset) {
  if (offset == kNowhere) return {0, 0};
  const std::size_t end = std::min<std::size_t>(offset, text_.size());
  if (end < counted_) *this = LineCounter(text_);
  for (; counted_ < end; ++counted_) {
    const char c = text_[counted_];
    const bool last = counted_ + 1 == text_.size();
    if (c == '\n' || (c == '\r' && (last || text_[counted_ + 1] != '\n'))) {
      ++at_.line;
      at_.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) {
      ++at_.column;
    }
  }
  return at_;
}

}  // namespace assay::config
