// The stack on which the parsers' trees grow.
#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "assay/core/hash.h"

#include "parse_internal.h"

namespace assay::config {
namespace {

constexpr std::size_t kFewMembers = 64;  // above, bits of 256 say too little

}  // namespace

std::string DuplicateKey::Message(std::string_view text) const {
  return fmt::format(
      "the key '{}' stands here a second time (first in line {}); remove one of them", key,
      LineCounter(text).At(first).line);
}

Value::List TreeStack::CloseList(std::size_t mark) {
  const Value::List list = arena_.List(items_.From(mark));
  items_.Shrink(mark);
  return list;
}

std::optional<DuplicateKey> TreeStack::CloseMap(std::size_t mark, Value::Map& map) {
  const auto duplicate =
      members_.size() - mark > kFewMembers ? MakeUniqueMany(mark) : MakeUniqueFew(mark);
  if (duplicate) return duplicate;
  map = CloseUniqueMap(mark);
  return std::nullopt;
}

Value::Map TreeStack::CloseUniqueMap(std::size_t mark) {
  const Value::Map map = arena_.Map(members_.From(mark));
  members_.Shrink(mark);
  return map;
}

bool TreeStack::Replace(std::size_t first, std::size_t second) {
  if (allow_duplicate_keys_) members_[first] = members_[second];
  return allow_duplicate_keys_;
}

std::optional<DuplicateKey> TreeStack::MakeUniqueFew(std::size_t mark) {
  SeenKeys seen;
  std::size_t kept = mark;
  for (std::size_t i = mark; i < members_.size(); ++i) {
    const Member& member = members_[i];
    if (seen.Add(member.key)) {
      std::size_t j = mark;
      while (j < kept && members_[j].key != member.key) ++j;
      if (j < kept) {
        if (!Replace(j, i))
          return DuplicateKey{member.key, members_[j].key_offset, member.key_offset};
        continue;
      }
    }
    if (kept != i) members_[kept] = member;
    ++kept;
  }
  members_.Shrink(kept);
  return std::nullopt;
}

std::optional<DuplicateKey> TreeStack::MakeUniqueMany(std::size_t mark) {
  const std::size_t size = std::bit_ceil(2 * (members_.size() - mark));
  slots_.assign(size, 0);
  std::size_t kept = mark;
  for (std::size_t i = mark; i < members_.size(); ++i) {
    const Member& member = members_[i];
    std::size_t slot = core::HashBytes64(member.key) & (size - 1);
    while (slots_[slot] != 0 && members_[mark + slots_[slot] - 1].key != member.key) {
      slot = (slot + 1) & (size - 1);
    }
    if (slots_[slot] != 0) {
      const std::size_t first = mark + slots_[slot] - 1;
      if (!Replace(first, i)) {
        return DuplicateKey{member.key, members_[first].key_offset, member.key_offset};
      }
      continue;
    }
    if (kept != i) members_[kept] = member;
    ++kept;
    slots_[slot] = static_cast<std::uint32_t>(kept - mark);
  }
  members_.Shrink(kept);
  return std::nullopt;
}

}  // namespace assay::config
