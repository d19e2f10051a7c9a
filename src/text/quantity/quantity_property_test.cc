#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/text/quantity.h"

namespace assay::text {
namespace {

constexpr int kRounds = 3000;
constexpr std::uint32_t kSeed = 20261121;

std::string Grouped(std::int64_t n, std::string_view separator) {
  std::string digits = std::to_string(n);
  for (std::size_t i = digits.size(); i > 3;) digits.insert(i -= 3, separator);
  return digits;
}

std::string InWords(std::int64_t n) {
  static const std::vector<std::string> kSmall = {
      "zero",     "one",     "two",     "three",     "four",     "five",    "six",
      "seven",    "eight",   "nine",    "ten",       "eleven",   "twelve",  "thirteen",
      "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"};
  static const std::vector<std::string> kTens = {"",      "",      "twenty",  "thirty", "forty",
                                                 "fifty", "sixty", "seventy", "eighty", "ninety"};
  const auto at = [](const auto& table, std::int64_t i) {
    return table[static_cast<std::size_t>(i)];
  };
  if (n < 20) return at(kSmall, n);
  if (n < 100) return at(kTens, n / 10) + (n % 10 != 0 ? "-" + at(kSmall, n % 10) : "");
  const auto join = [](std::int64_t high, const char* scale, std::int64_t rest) {
    return InWords(high) + " " + scale +
           (rest == 0    ? ""
            : rest < 100 ? " and " + InWords(rest)
                         : " " + InWords(rest));
  };
  if (n < 1000) return join(n / 100, "hundred", n % 100);
  if (n < 1000000) return join(n / 1000, "thousand", n % 1000);
  return join(n / 1000000, "million", n % 1000000);
}

void ExpectOne(const std::string& text, double value, QuantityKind kind) {
  std::vector<Quantity> out;
  ExtractQuantities(text, out);
  ASSERT_EQ(out.size(), 1U) << text;
  EXPECT_DOUBLE_EQ(out[0].value, value) << text;
  EXPECT_EQ(out[0].kind, kind) << text;
}

// Numbers of every length alike.
std::int64_t RandomInteger(std::mt19937& rng) {
  std::int64_t n = 2 + static_cast<std::int64_t>(rng() % 97);
  for (std::uint32_t i = rng() % 4; i > 0; --i) n = n * 97 + static_cast<std::int64_t>(rng() % 97);
  return n;
}

TEST(QuantityProperty, AnIntegerHasOneValueInEveryNotation) {
  std::mt19937 rng(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t n = RandomInteger(rng);
    const auto value = static_cast<double>(n);
    ExpectOne(fmt::format("They own {} boats.", n), value, QuantityKind::kCount);
    ExpectOne(fmt::format("They own {} boats.", Grouped(n, ",")), value, QuantityKind::kCount);
    ExpectOne(fmt::format("They own {} boats.", Grouped(n, " ")), value, QuantityKind::kCount);
    ExpectOne(fmt::format("They own {} boats.", Grouped(n, "\u202F")), value, QuantityKind::kCount);
    ExpectOne(fmt::format("They own {} boats.", InWords(n)), value, QuantityKind::kCount);
    ExpectOne(fmt::format("It costs ${} now.", Grouped(n, ",")), value, QuantityKind::kMoney);
    ExpectOne(fmt::format("It costs {} euros now.", InWords(n)), value, QuantityKind::kMoney);
    ExpectOne(fmt::format("It is {} km.", n), value * 1000, QuantityKind::kMeasure);
  }
}

TEST(QuantityProperty, ADecimalHasOneValueWithAPointAndWithAComma) {
  std::mt19937 rng(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t whole = 1000 + static_cast<std::int64_t>(rng() % 9000000);
    const std::int64_t cents = static_cast<std::int64_t>(rng() % 100);
    const std::string plain = fmt::format("{}.{:02}", whole, cents);
    const double value = std::stod(plain);
    ExpectOne("It is " + plain + " units.", value, QuantityKind::kCount);
    ExpectOne(fmt::format("It is {}.{:02} units.", Grouped(whole, ","), cents), value,
              QuantityKind::kCount);
    ExpectOne(fmt::format("It is {},{:02} units.", Grouped(whole, "."), cents), value,
              QuantityKind::kCount);
  }
}

TEST(QuantityProperty, ADateIsTheSameInEveryNotation) {
  static const std::vector<std::string> kMonths = {"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
  std::mt19937 rng(kSeed);
  for (int i = 0; i < kRounds; ++i) {
    const int year = 1900 + static_cast<int>(rng() % 200);
    const int month = 1 + static_cast<int>(rng() % 12);
    const int day = 13 + static_cast<int>(rng() % 16);
    const std::string& name = kMonths[static_cast<std::size_t>(month - 1)];
    for (const std::string& text :
         {fmt::format("{}-{:02}-{:02}", year, month, day),
          fmt::format("{}/{:02}/{:02}", year, month, day),
          fmt::format("{:02}/{:02}/{}", month, day, year),
          fmt::format("{}/{}/{}", day, month, year), fmt::format("{}.{}.{}", day, month, year),
          fmt::format("{} {} {}", day, name, year), fmt::format("{}th of {} {}", day, name, year),
          fmt::format("{} {}, {}", name, day, year),
          fmt::format("{}. {}, {}", name.substr(0, 3), day, year),
          fmt::format("the {} {} {}", day, name.substr(0, 3), year)}) {
      std::vector<Quantity> out;
      ExtractQuantities(text, out);
      ASSERT_EQ(out.size(), 1U) << text;
      EXPECT_EQ(out[0].kind, QuantityKind::kDate) << text;
      EXPECT_EQ(out[0].date.year, year) << text;
      EXPECT_EQ(out[0].date.month, month) << text;
      EXPECT_EQ(out[0].date.day, day) << text;
    }
  }
}

TEST(QuantityProperty, AClockTimeIsTheSameWithTwelveAndTwentyFourHours) {
  for (int minute = 0; minute < 24 * 60; ++minute) {
    const int hour = minute / 60;
    const int half_hour = hour % 12 == 0 ? 12 : hour % 12;
    const char* half = hour < 12 ? "AM" : "PM";
    ExpectOne(fmt::format("at {:02}:{:02}", hour, minute % 60), minute * 60, QuantityKind::kTime);
    ExpectOne(fmt::format("at {}:{:02} {}", half_hour, minute % 60, half), minute * 60,
              QuantityKind::kTime);
  }
}

TEST(QuantityProperty, WhatDescribeSaysReadsBackAsEqual) {
  std::mt19937 rng(kSeed);
  static const std::vector<std::string> kForms = {
      "{} days", "{} weeks", "{} km", "{} kg", "${}", "{} miles", "{} GB", "{} years", "{} hours"};
  for (int i = 0; i < kRounds; ++i) {
    const std::int64_t n = 2 + static_cast<std::int64_t>(rng() % 100000);
    for (const std::string& form : kForms) {
      const std::string text = fmt::format(fmt::runtime(form), Grouped(n, ","));
      std::vector<Quantity> out;
      ExtractQuantities(text, out);
      ASSERT_EQ(out.size(), 1U) << text;
      const Quantity first = out[0];
      const std::string said = Describe(first);
      out.clear();
      ExtractQuantities(said, out);
      ASSERT_EQ(out.size(), 1U) << said;
      EXPECT_EQ(Compare(first, out[0]), Comparison::kEqual) << text << " | " << said;
    }
  }
}

}  // namespace
}  // namespace assay::text
