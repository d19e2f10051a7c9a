#include "assay/scan/watcher.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace assay::scan {
namespace {

Service At(std::uint16_t port, ServiceKind kind = ServiceKind::kVllm,
           std::vector<std::string> models = {}, std::string version = "1") {
  Service service;
  service.address = *Address::Parse("10.0.0.7");
  service.port = port;
  service.kind = kind;
  service.version = std::move(version);
  for (std::string& model : models) service.models.push_back({.id = std::move(model)});
  return service;
}

// "up 80", "model-added 80 phi", ...
std::vector<std::string> Said(const std::vector<Change>& changes) {
  std::vector<std::string> said;
  for (const Change& change : changes) {
    said.push_back(fmt::format("{} {}{}{}", ChangeName(change.kind), change.service.port,
                               change.model.empty() ? "" : " ", change.model));
  }
  return said;
}

using Strings = std::vector<std::string>;

TEST(Watcher, SaysWhatCameAndWentAndNothingElse) {
  Watcher watcher;
  EXPECT_EQ(Said(watcher.Take(std::vector{At(81), At(80)})), (Strings{"up 80", "up 81"}));
  EXPECT_EQ(Said(watcher.Take(std::vector{At(80), At(81)})), Strings{});
  EXPECT_EQ(Said(watcher.Take(std::vector{At(82), At(80)})), (Strings{"down 81", "up 82"}));
  EXPECT_EQ(Said(watcher.Take({})), (Strings{"down 80", "down 82"}));
  EXPECT_EQ(Said(watcher.Take({})), Strings{});
  EXPECT_EQ(Said(watcher.Take(std::vector{At(80)})), Strings{"up 80"});
}

TEST(Watcher, SaysWhichModelsAreNewAndWhichAreGone) {
  Watcher watcher;
  (void)watcher.Take(std::vector{At(80, ServiceKind::kOllama, {"a", "b"})});
  const auto changes = watcher.Take(std::vector{At(80, ServiceKind::kOllama, {"b", "c"})});
  EXPECT_EQ(Said(changes), (Strings{"model-added 80 c", "model-removed 80 a"}));
  EXPECT_EQ(changes[0].service.models.size(), 2U) << "the service as it is now";
}

TEST(Watcher, AServiceThatStopsTellingIsOneChangeAndNoListOfModels) {
  Watcher watcher;
  (void)watcher.Take(std::vector{At(80, ServiceKind::kOllama, {"a", "b"})});
  const auto busy = watcher.Take(std::vector{At(80, ServiceKind::kUnknown, {}, "")});
  EXPECT_EQ(Said(busy), Strings{"changed 80"});
  EXPECT_EQ(busy[0].before, ServiceKind::kOllama);
  EXPECT_EQ(busy[0].service.kind, ServiceKind::kUnknown);
  EXPECT_EQ(Said(watcher.Take(std::vector{At(80, ServiceKind::kOllama, {"a", "b"})})),
            Strings{"changed 80"});
}

TEST(Watcher, AnotherVersionOrAKeyIsAChange) {
  Watcher watcher;
  (void)watcher.Take(std::vector{At(80)});
  EXPECT_EQ(Said(watcher.Take(std::vector{At(80, ServiceKind::kVllm, {}, "2")})),
            Strings{"changed 80"});
  Service locked = At(80, ServiceKind::kVllm, {}, "2");
  locked.needs_key = true;
  EXPECT_EQ(Said(watcher.Take(std::vector{locked})), Strings{"changed 80"});
  locked.connect_ns = 77;
  EXPECT_EQ(Said(watcher.Take(std::vector{locked})), Strings{}) << "times differ each time";
}

TEST(Watcher, WaitsForAsManyMissesInARowAsAsked) {
  Watcher watcher({.down_after = 3});
  const Endpoint endpoint{*Address::Parse("10.0.0.7"), 80};
  (void)watcher.Take(std::vector{At(80)});
  EXPECT_EQ(Said(watcher.Take({})), Strings{});
  EXPECT_EQ(Said(watcher.Take({})), Strings{});
  EXPECT_EQ(Said(watcher.Take(std::vector{At(80)})), Strings{}) << "it was never down";
  EXPECT_EQ(Said(watcher.Take({})), Strings{});
  EXPECT_EQ(Said(watcher.Take({})), Strings{});
  EXPECT_TRUE(watcher.IsUp(endpoint));
  EXPECT_EQ(Said(watcher.Take({})), Strings{"down 80"});
  EXPECT_FALSE(watcher.IsUp(endpoint));
  EXPECT_EQ(watcher.up(), 0U);
}

}  // namespace
}  // namespace assay::scan
