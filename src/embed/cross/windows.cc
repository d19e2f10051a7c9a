#include "cross/windows.h"

#include <algorithm>

namespace assay::embed::internal {
namespace {

bool IsSpace(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

bool IsPunctuation(char c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
         (c >= '{' && c <= '~');
}

// Signs that change what a number says stay: "$5", "5%".
bool IsTrimmed(char c) {
  return IsPunctuation(c) && c != '$' && c != '%' && c != '#' && c != '+' && c != '-';
}

text::Span Trimmed(std::string_view text, std::size_t begin, std::size_t end) {
  std::size_t first = begin;
  std::size_t last = end;
  while (first < last && IsTrimmed(text[first])) ++first;
  while (last > first && IsTrimmed(text[last - 1])) --last;
  if (first == last) return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  return {static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(last)};
}

}  // namespace

ClaimPieces SplitClaim(const text::WordPiece& tokenizer, std::string_view claim) {
  ClaimPieces pieces;
  std::size_t at = 0;
  while (at < claim.size()) {
    while (at < claim.size() && IsSpace(claim[at])) ++at;
    const std::size_t begin = at;
    while (at < claim.size() && !IsSpace(claim[at])) ++at;
    if (begin == at) break;
    tokenizer.AppendPieces(claim.substr(begin, at - begin), text::WordPiece::kNoLimit, pieces.ids);
    if (pieces.ids.size() == pieces.word_of.size()) continue;  // nothing that can be read
    pieces.word_of.resize(pieces.ids.size(), static_cast<std::uint32_t>(pieces.words.size()));
    pieces.words.push_back(Trimmed(claim, begin, at));
  }
  return pieces;
}

std::vector<Cut> CutParts(std::size_t size, std::size_t most) {
  std::vector<Cut> parts;
  const std::size_t count = (size + most - 1) / most;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t end = size * (i + 1) / count;
    parts.push_back({begin, end - begin});
    begin = end;
  }
  return parts;
}

std::vector<Cut> CutWindows(std::size_t size, std::size_t room) {
  if (size <= room) return {{0, size}};
  const std::size_t step = std::max<std::size_t>(1, room - room / 4);
  std::vector<Cut> windows;
  for (std::size_t begin = 0; begin + room < size; begin += step) windows.push_back({begin, room});
  windows.push_back({size - room, room});
  return windows;
}

}  // namespace assay::embed::internal
