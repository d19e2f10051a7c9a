#include <cmath>

#include "experiments/store/byte_taker_internal.h"
#include "experiments/store/log_records_internal.h"

namespace assay::gateway {
namespace {

struct Encoder {
  std::string out;

  void operator()(const LogArm& arm) {
    out += 'A';
    AppendName(out, arm.name);
    AppendValue(out, arm.version);
  }
  void operator()(const LogMetric& metric) {
    out += 'N';
    AppendName(out, metric.name);
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
    for (const experiments::OutcomeSum& sum : measures.sums) AppendSum(out, sum);
  }
  void operator()(const LogState& state) {
    out += 'S';
    AppendValue(out, static_cast<std::uint8_t>(state.stopped ? 1 : 0));
    AppendValue(out, state.at_ms);
  }
  void operator()(const LogOrigin& origin) {
    out += 'I';
    AppendValue(out, origin.id.high);
    AppendValue(out, origin.id.low);
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
  for (experiments::OutcomeSum& sum : measures.sums) sum = taker.Sum();
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
    case 'I': {
      LogOrigin origin;
      origin.id.high = taker.Value<std::uint64_t>();
      origin.id.low = taker.Value<std::uint64_t>();
      if (!taker.whole()) return Damaged();
      return origin;
    }
    default:
      return Damaged();
  }
}

}  // namespace assay::gateway
