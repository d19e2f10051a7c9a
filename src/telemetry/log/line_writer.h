// One line of JSON, written piece by piece into a buffer that is kept.
// Threads: one thread at a time.
#pragma once
#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include "json_text.h"

namespace assay::telemetry::internal {

class LineWriter {
 public:
  void Clear() {
    if (buffer_.size() > kKeptBytes) std::string().swap(buffer_);
    used_ = 0;
  }
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), used_}; }

  // As it is.
  void Plain(std::string_view text) { Put(Room(text.size()), text); }
  // As it is, in quotes.
  void Quoted(std::string_view text) {
    char* at = Room(text.size() + 2);
    *at++ = '"';
    at = Put(at, text);
    *at = '"';
    used_ += 2;
  }
  // `,"name":`
  void Name(std::string_view name) {
    char* at = Room(name.size() + 4);
    *at++ = ',';
    *at++ = '"';
    at = Put(at, name);
    *at++ = '"';
    *at = ':';
    used_ += 4;
  }
  // As AppendJsonString.
  void String(std::string_view text, std::size_t limit) {
    if (text.size() <= limit && IsPlainText(text)) return Quoted(text);
    escaped_.clear();
    AppendJsonString(escaped_, text, limit);
    Plain(escaped_);
    if (escaped_.size() > kKeptBytes) std::string().swap(escaped_);
  }
  template <typename T>
  void Number(T value) {
    constexpr std::size_t kMostBytes = 32;
    char* const at = Room(kMostBytes);
    used_ += static_cast<std::size_t>(std::to_chars(at, at + kMostBytes, value).ptr - at);
  }

 private:
  static constexpr std::size_t kKeptBytes = 64 << 10;
  static constexpr std::size_t kFirstBytes = 1 << 10;

  // Where the next bytes go, with room for so many.
  char* Room(std::size_t bytes) {
    if (buffer_.size() - used_ < bytes) {
      buffer_.resize(std::max({kFirstBytes, 2 * buffer_.size(), used_ + bytes}));
    }
    return buffer_.data() + used_;
  }
  char* Put(char* at, std::string_view text) {
    std::copy_n(text.data(), text.size(), at);
    used_ += text.size();
    return at + text.size();
  }

  std::string buffer_;  // bytes behind used_ are free
  std::size_t used_ = 0;
  std::string escaped_;
};

}  // namespace assay::telemetry::internal
