// Names and numbers as an experiment's log and its state in Redis have them.
// Threads: plain values.
#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "assay/core/format/bytes.h"
#include "assay/experiments/live.h"

namespace assay::gateway {

inline constexpr std::size_t kMaxNameBytes = 255;

inline void AppendName(std::string& out, std::string_view text) {
  out += static_cast<char>(static_cast<unsigned char>(std::min(text.size(), kMaxNameBytes)));
  out += text.substr(0, kMaxNameBytes);
}

template <typename T>
void AppendValue(std::string& out, T value) {
  out += core::BytesOf(value);
}

inline void AppendSum(std::string& out, const experiments::OutcomeSum& sum) {
  AppendValue(out, sum.state().n);
  AppendValue(out, sum.state().missing);
  AppendValue(out, sum.state().mean);
  AppendValue(out, sum.state().squares);
}

// Takes values off the front; what is missing reads as 0 and is remembered.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
  T Value() {
    if (bytes_.size() < sizeof(T)) {
      short_ = true;
      return T{};
    }
    const T value = core::LoadAt<T>(bytes_, 0);
    bytes_.remove_prefix(sizeof(T));
    return value;
  }
  std::string Name() {
    const std::size_t size = Value<std::uint8_t>();
    if (bytes_.size() < size) short_ = true;
    std::string name(bytes_.substr(0, size));
    bytes_.remove_prefix(std::min(size, bytes_.size()));
    return name;
  }
  // One that is no sum of outcomes reads as an empty one, and is remembered as missing is.
  experiments::OutcomeSum Sum() {
    experiments::OutcomeSum::State state;
    state.n = Value<std::int64_t>();
    state.missing = Value<std::int64_t>();
    state.mean = Value<double>();
    state.squares = Value<double>();
    const auto made = experiments::OutcomeSum::FromState(state);
    if (!made) short_ = true;
    return made.value_or(experiments::OutcomeSum());
  }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  // All was there, and nothing more.
  [[nodiscard]] bool whole() const { return !short_ && bytes_.empty(); }
  [[nodiscard]] bool lacking() const { return short_; }

 private:
  std::string_view bytes_;
  bool short_ = false;
};

}  // namespace assay::gateway
