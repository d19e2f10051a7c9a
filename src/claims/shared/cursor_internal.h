// Numbers and strings one behind the other, written into room of the right size and read back.
#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace assay::claims::internal {

// Counts what a WireWriter would write.
class WireCounter {
 public:
  template <typename T>
  void Number(T) {
    bytes_ += sizeof(T);
  }
  void Raw(std::string_view text) { bytes_ += text.size(); }
  void String(std::string_view text) { bytes_ += sizeof(std::uint32_t) + text.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::size_t bytes_ = 0;
};

class WireWriter {
 public:
  // Requires: room for all that is written.
  explicit WireWriter(std::span<char> out) : at_(out.data()) {}

  template <typename T>
  void Number(T value) {
    std::memcpy(at_, &value, sizeof(value));
    at_ += sizeof(value);
  }
  void Raw(std::string_view text) { at_ += text.copy(at_, text.size()); }
  void String(std::string_view text) {
    Number(static_cast<std::uint32_t>(text.size()));
    Raw(text);
  }

 private:
  char* at_;
};

// After the first value that is not there, all further ones are zero and ok() is false.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  [[nodiscard]] T Number() {
    T value{};
    if (rest_.size() < sizeof(value)) {
      Fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(value));
    rest_.remove_prefix(sizeof(value));
    return value;
  }
  [[nodiscard]] std::string_view Raw(std::size_t bytes) {
    if (rest_.size() < bytes) {
      Fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return text;
  }
  [[nodiscard]] std::string_view String() { return Raw(Number<std::uint32_t>()); }
  // A number of things that take at least `bytes_each`; 0 where there cannot be so many.
  [[nodiscard]] std::uint32_t Count(std::size_t bytes_each) {
    const auto count = Number<std::uint32_t>();
    if (count > rest_.size() / bytes_each) {
      Fail();
      return 0;
    }
    return count;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace assay::claims::internal
