#include "assay/core/result.h"

#include <set>

#include <gtest/gtest.h>

namespace assay::core {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(Code::kInvalidArgument, "value is odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  ASSAY_ASSIGN(const int half, Half(value));
  ASSAY_TRY(Half(half));
  return half / 2;
}

TEST(Result, MacrosPassValuesOnAndReturnTheFirstError) {
  EXPECT_EQ(Quarter(8).value(), 2);
  ASSERT_FALSE(Quarter(6).has_value());
  EXPECT_EQ(Quarter(6).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Quarter(7).error().message, "value is odd");
}

TEST(Result, EveryCodeHasItsOwnNameAndAnErrorStatus) {
  std::set<std::string_view> names;
  for (const CodeInfo& info : kCodeTable) {
    names.insert(info.name);
    EXPECT_GE(info.http_status, 400) << info.name;
    EXPECT_GE(info.exit_code, 2) << info.name;  // 0 is success, 1 is --fail-on
  }
  EXPECT_EQ(names.size(), kCodeTable.size());
}

}  // namespace
}  // namespace assay::core
