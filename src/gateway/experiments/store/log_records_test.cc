#include <gtest/gtest.h>

#include "experiments/store/log_records_internal.h"

namespace assay::gateway {
namespace {

template <typename Record>
Record Again(const Record& record) {
  const auto decoded = DecodeLogRecord(EncodeLogRecord(record));
  EXPECT_TRUE(decoded) << (decoded ? "" : decoded.error().message);
  if (!decoded || !std::holds_alternative<Record>(*decoded)) return {};
  return *std::get_if<Record>(&*decoded);
}

TEST(ExperimentLog, EveryRecordComesBackAsItWas) {
  const LogArm arm{"warm", 0x1234567890abcdef};
  EXPECT_EQ(Again(arm), arm);
  const LogMetric metric{"solved"};
  EXPECT_EQ(Again(metric), metric);
  LogExposures exposures;
  exposures.all = {{1, 2, 3}, {4, 0, 5}};
  EXPECT_EQ(Again(exposures), exposures);
  const LogOutcome outcome{{1, 2}, 3, -4.5, 6, 7};
  EXPECT_EQ(Again(outcome), outcome);
  const LogState state{true, 1'700'000'000'000};
  EXPECT_EQ(Again(state), state);
  const LogOrigin origin{{3, 4}};
  EXPECT_EQ(Again(origin), origin);
  LogMeasures measures;
  measures.arm = 2;
  for (const double value : {1.0, 2.5, 4.0}) measures.sums[1].Add(value);
  const LogMeasures back = Again(measures);
  EXPECT_EQ(back.arm, 2);
  EXPECT_EQ(back.sums[1].state().n, 3);
  EXPECT_EQ(back.sums[1].state().mean, 2.5);
  EXPECT_EQ(back.sums[0].state().n, 0);
}

TEST(ExperimentLog, CutAndForeignBytesAreDamage) {
  LogExposures exposures;
  exposures.all = {{1, 2, 3}};
  LogMeasures measures;
  measures.sums[0].Add(1);
  for (const LogRecord& record :
       {LogRecord(LogArm{"a", 1}), LogRecord(exposures), LogRecord(LogOutcome{{1, 2}, 3, 4, 5, 6}),
        LogRecord(measures), LogRecord(LogState{}), LogRecord(LogOrigin{{1, 2}})}) {
    const std::string whole = EncodeLogRecord(record);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const bool of_exposures = whole[0] == 'E' && size == 1;  // none is whole too
      EXPECT_EQ(DecodeLogRecord(whole.substr(0, size)).has_value(), of_exposures) << size;
    }
    EXPECT_FALSE(DecodeLogRecord(whole + "x"));
  }
  EXPECT_FALSE(DecodeLogRecord("Zebra"));
  LogOutcome no_number{{1, 2}, 3, 0, 5, 6};
  no_number.value = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(DecodeLogRecord(EncodeLogRecord(no_number)));
}

}  // namespace
}  // namespace assay::gateway
