// Every line of the ten systems of Loghub against the header fields of its structured table.
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "assay/logs/log_format.h"

#include "formats/fields_internal.h"

namespace assay::logs {
namespace {

using Row = std::map<std::string, std::string>;

std::string ReadWhole(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

// RFC 4180.
std::vector<Row> ReadCsv(const std::string& path) {
  const std::string text = ReadWhole(path);
  std::vector<std::vector<std::string>> cells(1);
  std::string cell;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      if (quoted && i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        quoted = !quoted;
      }
    } else if (!quoted && (c == ',' || c == '\n')) {
      cells.back().push_back(std::exchange(cell, ""));
      if (c == '\n' && i + 1 < text.size()) cells.emplace_back();
    } else if (quoted || c != '\r') {
      cell += c;
    }
  }
  if (!cell.empty()) cells.back().push_back(cell);
  std::vector<Row> rows;
  for (std::size_t r = 1; r < cells.size(); ++r) {
    Row row;
    for (std::size_t c = 0; c < cells[r].size(); ++c) row[cells[0][c]] = cells[r][c];
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t") - begin + 1));
}

// Microseconds of a local time by the C library's calendar, the independent reference.
std::int64_t Us(const char* format, const std::string& text, std::int64_t micros = 0) {
  std::tm time{};
  EXPECT_NE(::strptime(text.c_str(), format, &time), nullptr) << text;
  return static_cast<std::int64_t>(::timegm(&time)) * 1'000'000 + micros;
}

std::int64_t Millis(const std::string& digits) {
  return std::stoll(digits) * 1000;
}

struct System {
  std::string name;
  LogFormat format;
  std::function<std::int64_t(const Row&)> time_us;
  std::string level;   // column, "" for none
  std::string source;  // column, "" for none
  std::string host;
};

std::string Padded(const std::string& digits) {  // the tables lost leading zeros
  return fmt::format("{:0>6}", digits);
}

// Lines of syslog have no year; the last day of 2005 is the moment that they are seen from.
const std::vector<System>& Systems() {
  static const std::vector<System> systems = {
      {"Apache", LogFormat::kApacheError,
       [](const Row& r) { return Us("%a %b %d %H:%M:%S %Y", r.at("Time")); }, "Level", "", ""},
      {"BGL", LogFormat::kBgl,
       [](const Row& r) {
         const std::string& time = r.at("Time");
         return std::stoll(r.at("Timestamp")) * 1'000'000 +
                std::stoll(time.substr(time.size() - 6));
       },
       "Level", "Component", "Node"},
      {"HDFS", LogFormat::kHdfs,
       [](const Row& r) { return Us("%y%m%d%H%M%S", Padded(r.at("Date")) + Padded(r.at("Time"))); },
       "Level", "Component", ""},
      {"Hadoop", LogFormat::kHadoop,
       [](const Row& r) {
         const std::string& time = r.at("Time");
         return Us("%Y-%m-%d%H:%M:%S", r.at("Date") + time.substr(0, 8), Millis(time.substr(9)));
       },
       "Level", "Component", ""},
      {"HealthApp", LogFormat::kHealthApp,
       [](const Row& r) {
         const std::string& time = r.at("Time");
         const std::size_t last = time.rfind(':');
         return Us("%Y%m%d-%H:%M:%S", time.substr(0, last), Millis(time.substr(last + 1)));
       },
       "", "Component", ""},
      {"Linux", LogFormat::kSyslog3164,
       [](const Row& r) {
         return Us("%Y%b%d %H:%M:%S", "2005" + r.at("Month") + r.at("Date") + " " + r.at("Time"));
       },
       "", "Component", "Level"},
      {"OpenSSH", LogFormat::kSyslog3164,
       [](const Row& r) {
         return Us("%Y%b%d %H:%M:%S", "2005" + r.at("Date") + r.at("Day") + " " + r.at("Time"));
       },
       "", "", "Component"},
      {"Spark", LogFormat::kSpark,
       [](const Row& r) { return Us("%y/%m/%d %H:%M:%S", r.at("Date") + " " + r.at("Time")); },
       "Level", "Component", ""},
      {"Windows", LogFormat::kWindowsCbs,
       [](const Row& r) { return Us("%Y-%m-%d %H:%M:%S", r.at("Date") + " " + r.at("Time")); },
       "Level", "Component", ""},
      {"Zookeeper", LogFormat::kZookeeper,
       [](const Row& r) {
         const std::string& time = r.at("Time");
         return Us("%Y-%m-%d%H:%M:%S", r.at("Date") + time.substr(0, 8), Millis(time.substr(9)));
       },
       "Level", "Component", "Node"},
  };
  return systems;
}

class Loghub : public ::testing::TestWithParam<std::size_t> {};

TEST_P(Loghub, EveryLineHasTheHeaderOfTheTable) {
  const char* data = std::getenv("ASSAY_DATA");
  if (data == nullptr) GTEST_SKIP() << "ASSAY_DATA is not set";
  const System& system = Systems()[GetParam()];
  const std::string base = fmt::format("{}/logs/{}/{}_2k.log", data, system.name, system.name);
  const std::string table = std::filesystem::exists(base + "_structured_corrected.csv")
                                ? base + "_structured_corrected.csv"
                                : base + "_structured.csv";
  const std::string log = ReadWhole(base);
  const std::vector<Row> rows = ReadCsv(table);
  ASSERT_EQ(rows.size(), 2000U);
  const LineParser parser =
      LineParser::Detect(log, {.reference_us = Us("%Y-%m-%d", "2005-12-31"), .latency_key = ""});
  ASSERT_EQ(std::vector(parser.formats().begin(), parser.formats().end()),
            std::vector{system.format});
  std::size_t at = 0;
  for (const Row& row : rows) {
    const std::size_t end = std::min(log.find('\n', at), log.size());
    std::string_view text = std::string_view(log).substr(at, end - at);
    if (text.ends_with('\r')) text.remove_suffix(1);
    at = end + 1;
    const LogLine line = parser.Parse(text);
    ASSERT_EQ(line.format, system.format) << text;
    EXPECT_EQ(line.time_us, system.time_us(row)) << text;
    if (!system.level.empty()) {
      EXPECT_EQ(line.level_text, row.at(system.level)) << text;
      EXPECT_NE(line.level, LogLevel::kUnknown) << text;
      EXPECT_EQ(line.level, ParseLevel(row.at(system.level))) << text;
    }
    if (system.name == "Zookeeper") {
      // The table cuts NODE:COMPONENT at the first colon; the class behind the last one is the
      // source.
      EXPECT_EQ(fmt::format("{}:{}", line.host, line.source),
                fmt::format("{}:{}", row.at("Node"), row.at("Component")))
          << text;
    } else {
      if (!system.source.empty()) {
        EXPECT_EQ(line.source, Trim(row.at(system.source))) << text;
      }
      if (!system.host.empty()) {
        EXPECT_EQ(line.host, row.at(system.host)) << text;
      }
    }
    EXPECT_EQ(Trim(line.content), Trim(row.at("Content"))) << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Systems, Loghub, ::testing::Range<std::size_t>(0, 10),
                         [](const auto& one) { return Systems()[one.param].name; });

}  // namespace
}  // namespace assay::logs
