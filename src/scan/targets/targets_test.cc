#include "assay/scan/targets.h"

#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace assay::scan {
namespace {

TargetSet Targets(std::vector<std::string> hosts, std::vector<std::string> exclude = {},
                  std::vector<std::uint16_t> ports = {80}) {
  auto set = TargetSet::Create(
      {.hosts = std::move(hosts), .exclude = std::move(exclude), .ports = std::move(ports)});
  EXPECT_TRUE(set) << set.error().message;
  return set ? *std::move(set) : TargetSet();
}

std::vector<std::string> AddressesOf(const TargetSet& set) {
  std::vector<std::string> all;
  for (std::uint64_t i = 0; i < set.size(); ++i) all.push_back(set.address(i).Text());
  return all;
}

Error ErrorOf(std::vector<std::string> hosts) {
  const auto set = TargetSet::Create({.hosts = std::move(hosts), .ports = {80}});
  EXPECT_FALSE(set);
  return set ? Error{} : set.error();
}

TEST(ScanAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"127.0.0.1", "10.20.30.40", "::1", "fe80::1:2", "2001:db8::7"}) {
    const auto address = Address::Parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->Text(), text);
  }
  EXPECT_EQ(EndpointText(*Address::Parse("10.0.0.7"), 80), "10.0.0.7:80");
  EXPECT_EQ(EndpointText(*Address::Parse("::1"), 80), "[::1]:80");
  for (const char* text : {"", "256.1.1.1", "1.2.3", "::g", "localhost", "10.0.0.1 "}) {
    EXPECT_FALSE(Address::Parse(text)) << text;
  }
}

TEST(ScanAddress, KnowsWhatIsPrivate) {
  for (const char* text :
       {"10.255.0.1", "127.9.9.9", "172.16.0.1", "172.31.255.255", "192.168.0.1", "169.254.1.1",
        "100.64.0.1", "100.127.255.255", "::1", "fd00::1", "fe80::9"}) {
    EXPECT_TRUE(Address::Parse(text)->is_private()) << text;
  }
  for (const char* text :
       {"9.255.255.255", "11.0.0.0", "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.169.0.0",
        "100.63.255.255", "100.128.0.0", "8.8.8.8", "::2", "2001:db8::1", "fec0::1"}) {
    EXPECT_FALSE(Address::Parse(text)->is_private()) << text;
  }
  EXPECT_FALSE(IsPrivate({*Address::Parse("10.255.255.255"), *Address::Parse("127.0.0.1")}))
      << "both ends are private, what lies between is not";
}

TEST(ScanTargets, TakesNetworksRangesAndSingleAddresses) {
  EXPECT_EQ(AddressesOf(Targets({"10.0.0.8/30"})),
            (std::vector<std::string>{"10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11"}));
  EXPECT_EQ(AddressesOf(Targets({"10.0.0.254-10.0.1.1"})),
            (std::vector<std::string>{"10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"}));
  EXPECT_EQ(AddressesOf(Targets({"10.0.0.1-3", "10.0.0.2-4"})),
            (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"}));
  EXPECT_EQ(AddressesOf(Targets({"fe80::ffff-fe80::1:1"})),
            (std::vector<std::string>{"fe80::ffff", "fe80::1:0", "fe80::1:1"}));
  EXPECT_EQ(AddressesOf(Targets({"fd00::/127"})), (std::vector<std::string>{"fd00::", "fd00::1"}));
}

TEST(ScanTargets, LeavesOutWhatIsExcluded) {
  EXPECT_EQ(AddressesOf(Targets({"10.0.0.0/29"}, {"10.0.0.0", "10.0.0.3-5", "10.0.0.7"})),
            (std::vector<std::string>{"10.0.0.1", "10.0.0.2", "10.0.0.6"}));
  EXPECT_EQ(Targets({"10.0.0.0/29"}, {"10.0.0.0/8"}).size(), 0U);
}

TEST(ScanTargets, PutsNeighboursOnDifferentHostsAndMissesNone) {
  const TargetSet set = Targets({"10.0.0.1-3", "127.0.0.1"}, {}, {80, 8000, 443});
  ASSERT_EQ(set.size(), 12U);
  std::set<std::string> seen;
  for (std::uint64_t i = 0; i < set.size(); ++i) {
    seen.insert(EndpointText(set.address(i), set.port(i)));
    const Address before = set.address((i + set.size() - 1) % set.size());
    EXPECT_NE(set.address(i), before);
  }
  EXPECT_EQ(seen.size(), 12U);
}

TEST(ScanTargets, AsksBeforeItTouchesPublicAddresses) {
  const Error refused = ErrorOf({"10.0.0.1", "8.8.8.8"});
  EXPECT_EQ(refused.code, Code::kPermissionDenied);
  EXPECT_NE(refused.message.find("8.8.8.8"), std::string::npos);
  const auto allowed =
      TargetSet::Create({.hosts = {"8.8.8.8"}, .ports = {80}, .allow_public = true});
  ASSERT_TRUE(allowed);
  EXPECT_EQ(allowed->size(), 1U);
}

TEST(ScanTargets, NamesWhatIsWrong) {
  for (const char* host : {"10.0.0.1/33", "10.0.0.1/24", "10.0.0.9-1", "10.0.0.1-::1", "1.2.3", "",
                           "10.0.0.0/", "fe80::/129", "10.0.0.1-300"}) {
    const Error error = ErrorOf({host});
    EXPECT_EQ(error.code, Code::kInvalidArgument) << host;
    EXPECT_NE(error.message.find("'" + std::string(host) + "'"), std::string::npos)
        << error.message;
  }
  EXPECT_NE(ErrorOf({"10.0.0.1/24"}).message.find("10.0.0.0/24"), std::string::npos);
  EXPECT_EQ(ErrorOf({"10.0.0.0/7"}).code, Code::kPermissionDenied);
  EXPECT_EQ(ErrorOf({"10.0.0.0/8", "172.16.0.0/12"}).code, Code::kOutOfRange);
  EXPECT_EQ(ErrorOf({"fd00::/8"}).code, Code::kOutOfRange);
}

TEST(ScanPorts, ReadsListsAndRanges) {
  EXPECT_EQ(*ParsePorts("8000-8002,80,8001"), (std::vector<std::uint16_t>{80, 8000, 8001, 8002}));
  EXPECT_EQ(ParsePorts("1-65535")->size(), 65'535U);
  for (const char* text : {"", "0", "65536", "9-8", "80,", "a", "-5", "80 "}) {
    EXPECT_EQ(ParsePorts(text).error().code, Code::kInvalidArgument) << text;
  }
}

}  // namespace
}  // namespace assay::scan
