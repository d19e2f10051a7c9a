// The bytes in which what was mined is kept: docs/formats/log-templates.md.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/result.h"
#include "assay/logs/template_miner.h"

namespace assay::logs::templates {

inline constexpr std::uint32_t kStateVersion = 1;  // also of the hashes and of the values' looks

// The whole file.
[[nodiscard]] std::string SealState(const MinerOptions& options, std::string_view learned);
// What SealState() was given. Errors: those of TemplateMiner::Restore.
[[nodiscard]] Result<std::string_view> OpenState(std::string_view bytes, std::string_view name,
                                                 const MinerOptions& options);

// Numbers are little-endian, texts have their length in front.
class StateWriter {
 public:
  explicit StateWriter(std::string& out) : out_(out) {}
  void U8(std::uint8_t value) { out_ += static_cast<char>(value); }
  void U32(std::uint64_t value) { Number(value, 4); }  // Requires: value < 2^32
  void U64(std::uint64_t value) { Number(value, 8); }
  void Text(std::string_view text) {
    U32(text.size());
    out_ += text;
  }

 private:
  void Number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) U8(static_cast<std::uint8_t>(value >> (8 * i)));
  }
  std::string& out_;
};

// Past the end everything is 0 and ok() is false.
class StateReader {
 public:
  explicit StateReader(std::string_view bytes) : bytes_(bytes) {}
  [[nodiscard]] std::uint8_t U8() { return static_cast<std::uint8_t>(Number(1)); }
  [[nodiscard]] std::uint32_t U32() { return static_cast<std::uint32_t>(Number(4)); }
  [[nodiscard]] std::uint64_t U64() { return Number(8); }
  [[nodiscard]] std::string_view Text() {
    const std::uint32_t size = U32();
    if (size > bytes_.size()) ok_ = false;
    const std::string_view text = bytes_.substr(0, ok_ ? size : 0);
    bytes_.remove_prefix(text.size());
    return text;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

 private:
  std::uint64_t Number(std::size_t bytes) {
    if (bytes_.size() < bytes) ok_ = false;
    if (!ok_) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = bytes; i-- > 0;) {
      value = value << 8 | static_cast<unsigned char>(bytes_[i]);
    }
    bytes_.remove_prefix(bytes);
    return value;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

}  // namespace assay::logs::templates
