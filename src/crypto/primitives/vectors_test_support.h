// vectors_test_support.h: the published test vectors of $ASSAY_DATA/crypto.
#pragma once
#include <cstdlib>
#include <string>
#include <string_view>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "assay/core/file_system.h"

namespace assay::crypto::testing {

// Bytes of hexadecimal digits; spaces between them are skipped.
inline std::string FromHex(std::string_view hex) {
  std::string digits;
  for (const char c : hex) {
    if (c != ' ') digits += c;
  }
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digits.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

inline std::string ToHex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return hex;
}

// The content of $ASSAY_DATA/crypto/<name>; empty without the data sets.
inline std::string DataFile(const std::string& name) {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): tests do not change the environment
  const char* const data = std::getenv("ASSAY_DATA");
  if (data == nullptr) return {};
  constexpr std::uint64_t kLimitBytes = 16 << 20;
  auto text = core::FileSystem::Real().ReadFile(std::string(data) + "/crypto/" + name, kLimitBytes);
  EXPECT_TRUE(text) << name;
  return text ? *text : std::string();
}

// Calls body(group, test) for every vector of a Wycheproof file; returns how many there were.
template <typename Body>
std::size_t ForEachVector(const std::string& file, Body&& body) {
  const boost::json::value root = boost::json::parse(file);
  std::size_t count = 0;
  for (const auto& group : root.at("testGroups").as_array()) {
    for (const auto& test : group.at("tests").as_array()) {
      body(group, test);
      ++count;
    }
  }
  EXPECT_EQ(static_cast<std::int64_t>(count), root.at("numberOfTests").as_int64());
  return count;
}

inline std::string Bytes(const boost::json::value& test, const char* name) {
  return FromHex(std::string_view(test.at(name).as_string()));
}
inline bool IsValid(const boost::json::value& test) {
  return test.at("result").as_string() == "valid";
}

}  // namespace assay::crypto::testing

#define ASSAY_NEED_DATA(name, variable)                                \
  const std::string variable = assay::crypto::testing::DataFile(name); \
  if ((variable).empty()) GTEST_SKIP() << "needs the data sets: set ASSAY_DATA"
