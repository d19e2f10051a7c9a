// Which formats a log has, and its lines read by them.
#include <algorithm>
#include <bit>
#include <utility>

#include "formats/fields_internal.h"

namespace assay::logs {
namespace {

// In the order of LogFormat, without kPlain.
constexpr std::array<internal::FormatReader, kLogFormats - 1> kReaders = {
    internal::ReadJson,      internal::ReadSyslog5424,  internal::ReadSyslog3164,
    internal::ReadSyslogIso, internal::ReadApacheError, internal::ReadNginxError,
    internal::ReadAccess,    internal::ReadBgl,         internal::ReadHdfs,
    internal::ReadSpark,     internal::ReadZookeeper,   internal::ReadHadoop,
    internal::ReadAndroid,   internal::ReadHealthApp,   internal::ReadWindowsCbs,
    internal::ReadLogfmt,    internal::ReadTimestamped};

constexpr std::size_t kSampleLines = 1000;
constexpr std::size_t kSampleShare = 100;  // one line in so many makes a format

constexpr std::array<LogFormat, kLogFormats - 1> kAllFormats = [] {
  std::array<LogFormat, kLogFormats - 1> all{};
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<LogFormat>(i);
  return all;
}();

// Whether a line of the format may begin with this byte, so that most readers need not be asked.
bool MayBegin(LogFormat format, char c) {
  const bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
  switch (format) {
    case LogFormat::kJson:
      return c == '{';
    case LogFormat::kSyslog5424:
      return c == '<';
    case LogFormat::kSyslog3164:
      return c == '<' || letter;
    case LogFormat::kSyslogIso:
      return c == '<' || internal::IsDigit(c);
    case LogFormat::kApacheError:
      return c == '[';
    case LogFormat::kTimestamped:
      return c == '[' || internal::IsDigit(c);
    case LogFormat::kAccess:
    case LogFormat::kBgl:
    case LogFormat::kLogfmt:
      return c != '{';
    case LogFormat::kPlain:
      return false;
    default:  // the others begin with a date
      return internal::IsDigit(c);
  }
}

}  // namespace

LineParser::LineParser(std::span<const LogFormat> formats, LineParserOptions options)
    : formats_(formats.begin(), formats.end()), options_(std::move(options)) {
  std::erase(formats_, LogFormat::kPlain);
  const std::int64_t seconds = options_.reference_us / internal::kUsPerSecond;
  const internal::LastDate last =
      internal::LastDateOf(static_cast<std::int32_t>(seconds / internal::kSecondsPerDay));
  last_date_ = {last.year, last.month, last.day};
  for (const LogFormat format : formats_) {
    for (std::size_t byte = 0; byte < by_first_byte_.size(); ++byte) {
      if (MayBegin(format, static_cast<char>(byte))) {
        by_first_byte_[byte] |= 1U << static_cast<unsigned>(format);
      }
    }
  }
}

LineParser LineParser::Detect(std::string_view sample, const LineParserOptions& options) {
  const LineParser every(kAllFormats, options);
  std::array<std::size_t, kLogFormats> found{};
  std::size_t lines = 0;
  while (!sample.empty() && lines < kSampleLines) {
    const std::size_t end = std::min(sample.find('\n'), sample.size());
    std::string_view line = sample.substr(0, end);
    sample.remove_prefix(std::min(end + 1, sample.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    ++lines;
    ++found[static_cast<std::size_t>(every.Parse(line).format)];
  }
  const std::size_t least = std::max<std::size_t>({1, lines / kSampleShare, lines > 2 ? 2U : 1U});
  std::vector<LogFormat> kept;
  for (const LogFormat format : kAllFormats) {
    if (found[static_cast<std::size_t>(format)] >= least) kept.push_back(format);
  }
  return LineParser(kept, options);
}

LogLine LineParser::Parse(std::string_view line) const {
  const internal::FormatContext context{{last_date_.year, last_date_.month, last_date_.day},
                                        options_.latency_key};
  LogLine out;
  const unsigned char first = line.empty() ? '\0' : static_cast<unsigned char>(line[0]);
  std::uint32_t may_be = by_first_byte_[first];
  for (; may_be != 0; may_be &= may_be - 1) {
    const auto format = static_cast<std::size_t>(std::countr_zero(may_be));
    if (kReaders[format](line, context, out)) {
      out.format = static_cast<LogFormat>(format);
      break;
    }
    out = LogLine{};
  }
  if (may_be == 0) out.content = line;
  if (!options_.latency_key.empty() && out.latency_ns < 0) {
    out.latency_ns = internal::FindLatency(line, options_.latency_key);
  }
  return out;
}

}  // namespace assay::logs
