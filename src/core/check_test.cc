#include "assay/core/check.h"

#include <string>

#include <gtest/gtest.h>

namespace assay::core {
namespace {

std::string last_report;  // written by Record, read after it in the same thread

void Record(const BugReport& report) {
  last_report = std::string(report.what);
}

TEST(Check, ASurvivableBugIsCountedReportedAndPassed) {
  const BugHandler before = SetBugHandler(&Record);
  const std::uint64_t count = BugCount();
  ASSAY_BUG("the sum is off by one");
  EXPECT_EQ(BugCount(), count + 1);
  EXPECT_EQ(last_report, "the sum is off by one");
  EXPECT_EQ(SetBugHandler(before), &Record);
}

TEST(CheckDeathTest, ABrokenInvariantStopsTheProcessAndSaysWhere) {
  ASSAY_CHECK(1 + 1 == 2);
  EXPECT_DEATH(ASSAY_CHECK(1 + 1 == 3), "check_test.cc:[0-9]+: not true: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace assay::core
