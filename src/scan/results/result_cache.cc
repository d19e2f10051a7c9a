#include "assay/scan/result_cache.h"

#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "results/findings_json_internal.h"

namespace assay::scan {
namespace {

constexpr std::string_view kName = "assay-scan-results ";  // every version begins so
constexpr std::string_view kVersion = "1 ";
constexpr std::size_t kHexBytes = 32;
constexpr std::size_t kHeadBytes = kName.size() + kVersion.size() + kHexBytes + 1;

std::string HeadOf(std::string_view lines) {
  return fmt::format("{}{}{}\n", kName, kVersion, ToHex(core::HashBytes128(lines)));
}

// The first line of `rest`, without its end, which is taken off.
std::string_view TakeLine(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

}  // namespace

core::Hash128 ResultKey(const TargetSet& targets, const ScanOptions& scan,
                        const std::optional<IdentifyOptions>& identify) {
  std::string text;
  for (const AddressRange& range : targets.ranges()) {
    text += fmt::format("{}-{},", range.first.Text(), range.last.Text());
  }
  for (const std::uint16_t port : targets.ports()) text += fmt::format(" {}", port);
  text += fmt::format("; {} ms, {} retries", scan.timeout_ms, scan.retries);
  if (identify) text += fmt::format("; {} ms", identify->timeout_ms);
  return core::HashBytes128(text);
}

ResultCache::ResultCache(core::FileSystem& files, std::string path, core::Clock& clock)
    : files_(files), path_(std::move(path)), clock_(clock) {}

Result<std::string> ResultCache::ReadLines() const {
  Result<std::string> read = files_.ReadFile(path_, kMaxResultFileBytes + kHeadBytes);
  if (!read && read.error().code == Code::kNotFound) return std::string();
  if (!read && read.error().code != Code::kOutOfRange) return read;
  // Nothing of a file that is too large was read; it may be anything.
  const bool whole = read.has_value();
  std::string bytes;
  if (whole) bytes = *std::move(read);
  if (whole && bytes.empty()) return bytes;
  if (!bytes.starts_with(kName)) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("{}: this is no file of results of scans; name another one", path_));
  }
  const std::string head = bytes.substr(0, kHeadBytes);
  bytes.erase(0, kHeadBytes);
  if (head != HeadOf(bytes)) {
    return Fail(Code::kDataLoss,
                fmt::format("{}: the results are damaged, or of another version", path_));
  }
  return bytes;
}

Result<std::optional<ResultCache::Found>> ResultCache::Find(const core::Hash128& key,
                                                            std::int64_t max_age_ms) const {
  ASSAY_ASSIGN(const std::string lines, ReadLines());
  const std::string wanted = ToHex(key) + ' ';
  for (std::string_view rest = lines; !rest.empty();) {
    std::string_view line = TakeLine(rest);
    if (!line.starts_with(wanted)) continue;
    line.remove_prefix(wanted.size());
    auto findings = internal::ReadFindings(line);
    if (!findings) {
      return Fail(Code::kDataLoss, fmt::format("{}: the results cannot be read", path_));
    }
    const std::int64_t age_ms = clock_.wall_ns() / 1'000'000 - findings->begun_ms;
    if (age_ms < 0 || age_ms > max_age_ms) return std::nullopt;
    return Found{*std::move(findings), age_ms};
  }
  return std::nullopt;
}

Result<void> ResultCache::Store(const core::Hash128& key, const Findings& findings) const {
  const std::string wanted = ToHex(key) + ' ';
  std::string lines = wanted + internal::WriteFindings(findings) + '\n';
  if (lines.size() > kMaxResultFileBytes) {
    return Fail(Code::kOutOfRange, fmt::format("{}: the result has {} bytes, more than are kept",
                                               path_, lines.size()));
  }
  Result<std::string> before = ReadLines();
  if (!before && before.error().code != Code::kDataLoss) return std::unexpected(before.error());
  std::size_t count = 1;
  for (std::string_view rest = before ? std::string_view(*before) : std::string_view();
       !rest.empty() && count < kMaxCachedResults;) {
    const std::string_view line = TakeLine(rest);
    if (line.starts_with(wanted)) continue;
    if (lines.size() + line.size() + 1 > kMaxResultFileBytes) break;
    lines.append(line).push_back('\n');
    ++count;
  }
  if (const std::size_t slash = path_.rfind('/'); slash != std::string::npos && slash > 0) {
    ASSAY_TRY(files_.MakeDirectories(path_.substr(0, slash)));
  }
  return core::WriteFileAtomically(files_, path_, HeadOf(lines) + lines);
}

}  // namespace assay::scan
