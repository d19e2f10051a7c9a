#include <cmath>

#include "assay/core/format/bytes.h"

#include "experiments/log_records_internal.h"

namespace assay::gateway {
namespace {

constexpr std::size_t kMaxNameBytes = 255;

void Append(std::string& out, std::string_view text) {
  out += static_cast<char>(static_cast<unsigned char>(std::min(text.size(), kMaxNameBytes)));
  out += text.substr(0, kMaxNameBytes);
}

template <typename T>
void AppendValue(std::string& out, T value) {
  out += core::BytesOf(value);
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
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  // All was there, and nothing more.
  [[nodiscard]] bool whole() const { return !short_ && bytes_.empty(); }
  [[nodiscard]] bool lacking() const { return short_; }

 private:
  std::string_view bytes_;
  bool short_ = false;
};

struct Encoder {
  std::string out;

  void operator()(const LogArm& arm) {
    out += 'A';
    Append(out, arm.name);
    AppendValue(out, arm.version);
  }
  void operator()(const LogMetric& metric) {
    out += 'N';
    Append(out, metric.name);
  }
  void operator()(const LogExposures& exposures) {
    out += 'E';
    for (const LogExposures::One& one : exposures.all) {
      AppendValue(out, one.unit);
      AppendValue(out, one.request);
      AppendValue(out, one.arm);
    }
  }
  void operator()(const LogOutcome& outcome) {
    out += 'O';
    AppendValue(out, outcome.key.high);
    AppendValue(out, outcome.key.low);
    AppendValue(out, outcome.at_ms);
    AppendValue(out, outcome.value);
    AppendValue(out, outcome.arm);
    AppendValue(out, outcome.metric);
  }
  void operator()(const LogMeasures& measures) {
    out += 'M';
    AppendValue(out, measures.arm);
    for (const experiments::OutcomeSum& sum : measures.sums) {
      AppendValue(out, sum.state().n);
      AppendValue(out, sum.state().missing);
      AppendValue(out, sum.state().mean);
      AppendValue(out, sum.state().squares);
    }
  }
  void operator()(const LogState& state) {
    out += 'S';
    AppendValue(out, static_cast<std::uint8_t>(state.stopped ? 1 : 0));
    AppendValue(out, state.at_ms);
  }
};

Result<LogRecord> Damaged() {
  return Fail(Code::kDataLoss, "a record of the experiment's log is damaged");
}

Result<LogRecord> DecodeExposures(Taker& taker) {
  LogExposures exposures;
  while (!taker.empty() && !taker.lacking()) {
    LogExposures::One one;
    one.unit = taker.Value<std::uint64_t>();
    one.request = taker.Value<std::uint64_t>();
    one.arm = taker.Value<std::uint16_t>();
    exposures.all.push_back(one);
  }
  if (!taker.whole()) return Damaged();
  return exposures;
}

Result<LogRecord> DecodeOutcome(Taker& taker) {
  LogOutcome outcome;
  outcome.key.high = taker.Value<std::uint64_t>();
  outcome.key.low = taker.Value<std::uint64_t>();
  outcome.at_ms = taker.Value<std::int64_t>();
  outcome.value = taker.Value<double>();
  outcome.arm = taker.Value<std::uint16_t>();
  outcome.metric = taker.Value<std::uint16_t>();
  if (!taker.whole() || !std::isfinite(outcome.value)) return Damaged();
  return outcome;
}

Result<LogRecord> DecodeMeasures(Taker& taker) {
  LogMeasures measures;
  measures.arm = taker.Value<std::uint16_t>();
  for (experiments::OutcomeSum& sum : measures.sums) {
    experiments::OutcomeSum::State state;
    state.n = taker.Value<std::int64_t>();
    state.missing = taker.Value<std::int64_t>();
    state.mean = taker.Value<double>();
    state.squares = taker.Value<double>();
    const auto made = experiments::OutcomeSum::FromState(state);
    if (!made) return Damaged();
    sum = *made;
  }
  if (!taker.whole()) return Damaged();
  return measures;
}

}  // namespace

std::string EncodeLogRecord(const LogRecord& record) {
  Encoder encoder;
  std::visit(encoder, record);
  return std::move(encoder.out);
}

Result<LogRecord> DecodeLogRecord(std::string_view bytes) {
  if (bytes.empty()) return Damaged();
  Taker taker(bytes.substr(1));
  switch (bytes[0]) {
    case 'A': {
      LogArm arm;
      arm.name = taker.Name();
      arm.version = taker.Value<std::uint64_t>();
      if (!taker.whole()) return Damaged();
      return arm;
    }
    case 'N': {
      LogMetric metric;
      metric.name = taker.Name();
      if (!taker.whole()) return Damaged();
      return metric;
    }
    case 'E':
      return DecodeExposures(taker);
    case 'O':
      return DecodeOutcome(taker);
    case 'M':
      return DecodeMeasures(taker);
    case 'S': {
      LogState state;
      const auto stopped = taker.Value<std::uint8_t>();
      state.at_ms = taker.Value<std::int64_t>();
      if (!taker.whole() || stopped > 1) return Damaged();
      state.stopped = stopped == 1;
      return state;
    }
    default:
      return Damaged();
  }
}

}  // namespace assay::gateway
