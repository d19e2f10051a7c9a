#include "assay/crypto/grant.h"

#include <gtest/gtest.h>

#include "keys/time_text_internal.h"
#include "keys/token_internal.h"

namespace assay::crypto {
namespace {

TEST(ScopeSet, ReadsAndWritesNames) {
  EXPECT_EQ(ScopeSet::Parse("claims,inference")->ToText(), "inference,claims");
  EXPECT_EQ(ScopeSet::Parse("admin")->ToText(), "admin");
  for (const char* bad : {"", "inference,", "Inference", "root", "inference claims"}) {
    EXPECT_EQ(ScopeSet::Parse(bad).error().code, Code::kInvalidArgument) << bad;
  }
}

TEST(ScopeSet, AdminImpliesTheOthersAndNothingImpliesAdmin) {
  constexpr ScopeSet kAdmin = {Scope::kAdmin};
  constexpr ScopeSet kRest = {Scope::kInference, Scope::kClaims, Scope::kCache};
  for (const Scope scope : {Scope::kInference, Scope::kClaims, Scope::kCache}) {
    EXPECT_TRUE(kAdmin.Allows(scope));
    EXPECT_FALSE(kAdmin.Holds(scope));
  }
  EXPECT_FALSE(kRest.Allows(Scope::kAdmin));
  EXPECT_FALSE(ScopeSet{}.Allows(Scope::kInference));
}

TEST(Window, HoldsItsMomentAndMeetsTheNext) {
  struct Case {
    Period period;
    std::int64_t at_ms;
    std::string begin, end;
  };
  const Case cases[] = {
      {Period::kHour, 1'763'741'100'000, "2025-11-21T16:00:00Z", "2025-11-21T17:00:00Z"},
      {Period::kDay, 1'763'741'100'000, "2025-11-21T00:00:00Z", "2025-11-22T00:00:00Z"},
      {Period::kMonth, 1'763'741'100'000, "2025-11-01T00:00:00Z", "2025-12-01T00:00:00Z"},
      {Period::kMonth, 1'767'139'200'000, "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"},
      {Period::kMonth, 1'709'164'800'000, "2024-02-01T00:00:00Z", "2024-03-01T00:00:00Z"},
      {Period::kDay, -1, "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"},
  };
  for (const Case& one : cases) {
    const Window window = WindowAt(one.period, one.at_ms);
    EXPECT_EQ(UtcText(window.begin_ms), one.begin);
    EXPECT_EQ(UtcText(window.end_ms), one.end);
    EXPECT_EQ(WindowAt(one.period, window.begin_ms).begin_ms, window.begin_ms);
    EXPECT_EQ(WindowAt(one.period, window.end_ms - 1).begin_ms, window.begin_ms);
    EXPECT_EQ(WindowAt(one.period, window.end_ms).begin_ms, window.end_ms);
  }
  EXPECT_EQ(WindowAt(Period::kTotal, 5).begin_ms, 0);
}

TEST(Period, HasANameForEach) {
  for (const std::string_view name : kPeriodNames) EXPECT_EQ(PeriodName(*ParsePeriod(name)), name);
  EXPECT_EQ(ParsePeriod("week").error().code, Code::kInvalidArgument);
}

TEST(UsdText, WritesAsManyDecimalsAsNeeded) {
  EXPECT_EQ(UsdText(1'500'000'000), "1.5");
  EXPECT_EQ(UsdText(20'000'000'000), "20");
  EXPECT_EQ(UsdText(1), "0.000000001");
  EXPECT_EQ(UsdText(0), "0");
}

TEST(Token, HoldsItsIdentifier) {
  const KeyId id = NewKeyId();
  const SecretString token = NewToken(id);
  EXPECT_EQ(token.size(), kTokenBytes);
  EXPECT_EQ(IdOfToken(token.view()), id);
  EXPECT_EQ(ParseIdOrToken(token.view()), id);
  EXPECT_EQ(ParseIdOrToken(id.view()), id);
  EXPECT_NE(NewToken(id).view(), token.view());
}

TEST(Token, WithOneWrongCharacterIsNone) {
  const std::string token(NewToken(NewKeyId()).view());
  for (std::size_t at = 0; at < token.size(); ++at) {
    for (const char c : {'x', 'Q', '7', '_', ' ', '\0', '\xff'}) {
      if (c == token[at]) continue;
      std::string changed = token;
      changed[at] = c;
      EXPECT_FALSE(IdOfToken(changed)) << changed;
    }
    EXPECT_FALSE(IdOfToken(token.substr(0, at)));
  }
  EXPECT_FALSE(IdOfToken(token + "x"));
  EXPECT_FALSE(ParseIdOrToken("short"));
  EXPECT_FALSE(ParseIdOrToken("Ab3dE5f!"));
}

}  // namespace
}  // namespace assay::crypto
