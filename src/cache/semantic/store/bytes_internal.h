// Fields one behind the other, written and read back with bounds.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "assay/core/format/bytes.h"

namespace assay::cache::internal {

class FieldWriter {
 public:
  explicit FieldWriter(std::string& out) : out_(out) {}

  template <typename T>
  void Put(const T& value) {
    out_.append(core::BytesOf(value));
  }
  void PutBytes(std::string_view bytes) {
    Put(static_cast<std::uint32_t>(bytes.size()));
    out_.append(bytes);
  }

 private:
  std::string& out_;
};

// After the first field that is not there, ok() is false and every further field is empty.
class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  void Get(T& value) {
    if (!Holds(sizeof(T))) return;
    value = core::LoadAt<T>(bytes_, 0);
    bytes_.remove_prefix(sizeof(T));
  }
  [[nodiscard]] bool GetFlag() {
    std::uint8_t value = 0;
    Get(value);
    ok_ = ok_ && value <= 1;
    return value == 1;
  }
  void GetBytes(std::string_view& value) {
    std::uint32_t size = 0;
    Get(size);
    if (!Holds(size)) return;
    value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  void GetBytes(std::string& value) {
    std::string_view view;
    GetBytes(view);
    value = view;
  }
  // Whether so many bytes are left; else nothing more is read.
  [[nodiscard]] bool Holds(std::size_t size) {
    ok_ = ok_ && bytes_.size() >= size;
    return ok_;
  }
  void Fail() { ok_ = false; }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && bytes_.empty(); }

 private:
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace assay::cache::internal
