#include "assay/telemetry/trace.h"

#include <gtest/gtest.h>

namespace assay::telemetry {
namespace {

constexpr std::string_view kTrace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(TraceContext, ReadsTheExamplesOfTheRecommendation) {
  const auto context = TraceContext::Parse(kTrace);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->TraceIdHex(), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(context->SpanIdHex(), "b7ad6b7169203331");
  EXPECT_TRUE(context->sampled);
  EXPECT_EQ(context->Traceparent(), kTrace);
  const auto unsampled =
      TraceContext::Parse("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  ASSERT_TRUE(unsampled);
  EXPECT_FALSE(unsampled->sampled);
  EXPECT_EQ(unsampled->Traceparent(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
}

// The cases of the W3C's own test harness (trace-context/test, "test_traceparent_*").
TEST(TraceContext, RefusesWhatTheRecommendationRefuses) {
  for (const char* text :
       {"",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // capitals
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",   // trace of zeros
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",   // parent of zeros
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // version ff
        "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",    // short version
        "000-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",  // long version
        ".0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",   // illegal characters
        "00-0af7651916cd43dd8448eb211c8031.c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333z-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-.0",
        "00-0af7651916cd43dd8448eb211c80319-b7ad6b7169203331-01",    // short trace
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b716920333-01",    // short parent
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",    // short flags
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",  // version 00 ends here
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what",
        "00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.what"}) {
    EXPECT_FALSE(TraceContext::Parse(text)) << text;
  }
}

TEST(TraceContext, ReadsALaterVersionByItsKnownPart) {
  EXPECT_TRUE(TraceContext::Parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"));
  const auto later =
      TraceContext::Parse("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-what-next");
  ASSERT_TRUE(later);
  EXPECT_EQ(later->Traceparent(), kTrace) << "it is sent on as version 00";
  EXPECT_TRUE(TraceContext::Parse(" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\t"));
  EXPECT_TRUE(
      TraceContext::Parse("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff")->sampled);
}

TEST(TraceContext, AChildKeepsTheTraceAndHasItsOwnSpan) {
  core::SeededRng rng(1);
  const TraceContext root = TraceContext::NewRoot(rng);
  const TraceContext child = root.Child(rng);
  EXPECT_EQ(child.trace_id, root.trace_id);
  EXPECT_NE(child.span_id, root.span_id);
  EXPECT_NE(TraceContext::NewRoot(rng).trace_id, root.trace_id);
  const auto again = TraceContext::Parse(child.Traceparent());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->span_id, child.span_id);
}

std::string Join(std::initializer_list<std::string_view> headers) {
  return JoinTracestate(std::span<const std::string_view>(headers.begin(), headers.size()));
}

TEST(Tracestate, IsJoinedInOrder) {
  EXPECT_EQ(Join({"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}),
            "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  EXPECT_EQ(Join({"a=1 , b=2", "", ",", "t@s=3"}), "a=1,b=2,t@s=3");
  EXPECT_EQ(Join({}), "");
}

TEST(Tracestate, IsDroppedWholeWhenItIsNotValid) {
  for (const char* text :
       {"a", "A=1", "a=1,a=2", "=1", "a=", "a=b=c", "@s=1", "t@=1", "a b=1", "1a=1"}) {
    EXPECT_EQ(Join({"x=1", text}), "") << text;
  }
  std::string many;
  for (int i = 0; i < 33; ++i) many += "k" + std::to_string(i) + "=1,";
  EXPECT_EQ(Join({many}), "");
  EXPECT_EQ(Join({"t" + std::string(256, 'a') + "=1"}), "");
}

TEST(Tracestate, LosesWholeMembersFromTheEndWhenItIsTooLong) {
  std::string long_state;
  for (int i = 0; i < 5; ++i)
    long_state += "k" + std::to_string(i) + "=" + std::string(120, 'v') + ",";
  const std::string joined = Join({long_state});
  EXPECT_LE(joined.size(), 512U);
  EXPECT_TRUE(joined.ends_with('v'));
  EXPECT_NE(joined.find("k3="), std::string::npos);
  EXPECT_EQ(joined.find("k4="), std::string::npos);
}

TEST(SpanList, KeepsTheFirstAndCountsTheRest) {
  SpanList spans;
  for (std::size_t i = 0; i < SpanList::kMaxSpans + 3; ++i) {
    spans.Add({"stage", static_cast<std::int64_t>(i), static_cast<std::int64_t>(i) + 1, {}});
  }
  EXPECT_EQ(spans.spans().size(), SpanList::kMaxSpans);
  EXPECT_EQ(spans.spans()[3].start_ns, 3);
  EXPECT_EQ(spans.dropped(), 3U);
}

}  // namespace
}  // namespace assay::telemetry
