#include "sse/reader.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

namespace assay::gateway {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// The first '\r' or '\n' of `text`, or its end.
std::size_t LineEnd(std::string_view text) {
  const void* newline = std::memchr(text.data(), '\n', text.size());
  const std::size_t bound =
      newline == nullptr
          ? text.size()
          : static_cast<std::size_t>(static_cast<const char*>(newline) - text.data());
  const void* cr = std::memchr(text.data(), '\r', bound);
  return cr == nullptr ? bound
                       : static_cast<std::size_t>(static_cast<const char*>(cr) - text.data());
}

}  // namespace

SseReader::After SseReader::Dispatch(std::size_t end, const Handler& handler) {
  in_event_ = false;
  bool go_on = true;
  if (has_data_)
    go_on = handler(SseEvent{type_.empty() ? std::string_view("message") : type_, data_, id_}, end);
  data_.clear();
  type_.clear();
  has_data_ = false;
  return go_on ? After::kGoOn : After::kStop;
}

SseReader::After SseReader::Line(std::string_view line, std::size_t end, const Handler& handler) {
  if (!started_) {
    started_ = true;
    if (line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  }
  if (line.empty()) return Dispatch(end, handler);
  if (line.front() == ':') return After::kGoOn;
  in_event_ = true;
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  std::string_view value = line.substr(std::min(colon + 1, line.size()));
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (value.size() + 1 > max_event_bytes_ - std::min(data_.size(), max_event_bytes_))
      return After::kTooLong;
    if (has_data_) data_.push_back('\n');
    data_.append(value);
    has_data_ = true;
  } else if (name == "event") {
    type_ = value;
  } else if (name == "id" && value.find('\0') == std::string_view::npos) {
    id_ = value;
  }
  return After::kGoOn;
}

Result<std::size_t> SseReader::Feed(std::string_view bytes, const Handler& handler) {
  const auto too_long = [&] {
    return Fail(Code::kOutOfRange,
                fmt::format("an event of the stream is longer than {} bytes", max_event_bytes_));
  };
  std::size_t place = 0;
  while (place < bytes.size()) {
    if (after_cr_) {
      after_cr_ = false;
      if (bytes[place] == '\n') {
        ++place;
        continue;
      }
    }
    const std::string_view rest = bytes.substr(place);
    const std::size_t length = LineEnd(rest);
    // The field's name and a space come on top of what an event may hold.
    constexpr std::size_t kNameBytes = 8;
    if (line_.size() + length > max_event_bytes_ + kNameBytes) return too_long();
    if (length == rest.size()) {
      line_.append(rest);
      break;
    }
    std::size_t end = place + length + 1;
    after_cr_ = rest[length] == '\r';
    if (after_cr_ && end < bytes.size() && bytes[end] == '\n') {
      after_cr_ = false;
      ++end;
    }
    std::string_view line = rest.substr(0, length);
    if (!line_.empty()) line = line_.append(line);
    const After after = Line(line, end, handler);
    line_.clear();
    place = end;
    if (after == After::kTooLong) return too_long();
    if (after == After::kStop) return place;
  }
  return bytes.size();
}

}  // namespace assay::gateway
