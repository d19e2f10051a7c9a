// Reads arbitrary lines as every format. What comes out lies inside the line, a time is one that a
// calendar has, and a log's own lines have a format that was found in it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "assay/logs/log_format.h"

namespace logs = assay::logs;

namespace {

void MustLieIn(std::string_view line, std::string_view part) {
  if (part.empty()) return;
  if (part.data() < line.data() || part.data() + part.size() > line.data() + line.size())
    std::abort();
}

void Check(const logs::LineParser& parser, std::string_view line) {
  const logs::LogLine out = parser.Parse(line);
  for (const std::string_view part : {out.level_text, out.source, out.host, out.content}) {
    MustLieIn(line, part);
  }
  if (out.latency_ns < -1) std::abort();
  if (out.format == logs::LogFormat::kPlain && out.content != line) std::abort();
  const auto formats = parser.formats();
  if (out.format != logs::LogFormat::kPlain &&
      std::ranges::find(formats, out.format) == formats.end()) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const logs::LineParserOptions options{1'718'452'800'000'000, size % 2 == 0 ? "took" : ""};
  const logs::LineParser detected = logs::LineParser::Detect(bytes, options);
  for (std::size_t begin = 0; begin < size;) {
    const std::size_t end = std::min(bytes.find('\n', begin), size);
    const std::string_view line = bytes.substr(begin, end - begin);
    Check(detected, line);
    for (std::size_t i = 0; i < logs::kLogFormats; ++i) {
      const std::array one = {static_cast<logs::LogFormat>(i)};
      Check(logs::LineParser(one, options), line);
    }
    begin = end + 1;
  }
  return 0;
}
