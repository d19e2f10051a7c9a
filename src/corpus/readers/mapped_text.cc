#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "readers/reader_internal.h"

namespace assay::corpus {
namespace {

constexpr std::uint32_t kEntityBytes = 40;  // the longest named entity has 33

bool IsSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

}  // namespace

std::string_view Trim(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

void MappedText::AppendAligned(std::string_view bytes, std::string_view raw, std::uint32_t& cursor,
                               std::uint32_t end) {
  const std::string_view window = raw.substr(0, end);
  const std::size_t whole = window.find(bytes, cursor);
  if (whole != std::string_view::npos) {
    AppendRun(bytes, static_cast<std::uint32_t>(whole));
    cursor = static_cast<std::uint32_t>(whole + bytes.size());
    return;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::string_view near = window.substr(0, std::min(end, cursor + kEntityBytes));
    const std::size_t at = near.find(bytes[i], cursor);
    if (at == std::string_view::npos) {
      AppendAt(bytes.substr(i, 1), std::min(cursor, end == 0 ? 0 : end - 1));
    } else {
      AppendAt(bytes.substr(i, 1), static_cast<std::uint32_t>(at));
      cursor = static_cast<std::uint32_t>(at) + 1;
    }
  }
}

Block MappedText::TakeBlock(text::BlockKind kind, text::Span source) {
  Block block;
  block.kind = kind;
  block.source = source;
  const std::string_view trimmed = Trim(text_);
  const auto begin = static_cast<std::size_t>(trimmed.data() - text_.data());
  block.text = trimmed;
  if (!trimmed.empty()) {
    const auto first = map_.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = first + static_cast<std::ptrdiff_t>(trimmed.size());
    bool identity = true;
    for (auto at = first; at != last && identity; ++at) {
      identity = *at == *first + static_cast<std::uint32_t>(at - first);
    }
    if (identity) {
      block.source = {*first, *first + static_cast<std::uint32_t>(trimmed.size())};
    } else {
      block.source_of.assign(first, last);
    }
  }
  Clear();
  return block;
}

void HeadingStack::Open(int level, std::string_view text) {
  while (!open_.empty() && open_.back().first >= level) open_.pop_back();
  open_.emplace_back(level, Trim(text));
  std::string path;
  for (const auto& [depth, name] : open_) {
    if (name.empty()) continue;
    if (!path.empty()) path += " > ";
    path += name;
  }
  if (document_.title.empty() && level == 1) document_.title = Trim(text);
  current_ = static_cast<std::uint32_t>(document_.headings.size());
  document_.headings.push_back(std::move(path));
}

std::vector<std::uint32_t> FindLines(std::string_view text) {
  std::vector<std::uint32_t> lines = {0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'))) {
      lines.push_back(static_cast<std::uint32_t>(i + 1));
    }
  }
  return lines;
}

}  // namespace assay::corpus
