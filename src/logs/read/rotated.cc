// Which files log rotation made of one.
#include <algorithm>
#include <cctype>
#include <charconv>
#include <tuple>

#include <fmt/format.h>

#include "assay/logs/log_reader.h"

namespace assay::logs {
namespace {

struct Rotated {
  bool dated = false;
  std::uint64_t number = 0;  // of PATH.N
  std::string date;          // of PATH-DATE
  std::string name;
};

// "app.log" and "app.log.3.gz": what stands behind the first, without the compression.
std::string_view MarkOf(std::string_view base, std::string_view name) {
  if (!name.starts_with(base) || name.size() < base.size() + 2) return {};
  std::string_view mark = name.substr(base.size());
  for (const std::string_view end : {".gz", ".zst"}) {
    if (mark.ends_with(end)) {
      mark.remove_suffix(end.size());
      break;
    }
  }
  const bool joined = mark.starts_with('.') || mark.starts_with('-');
  return joined ? mark : std::string_view();
}

bool ReadMark(std::string_view mark, Rotated& out) {
  constexpr std::size_t kShortestDate = 8;   // 20260131
  constexpr std::size_t kLongestNumber = 6;  // of a rotation
  if (mark.size() < 2) return false;
  const char join = mark[0];
  mark.remove_prefix(1);
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (!digit(mark[0])) return false;
  if (join == '.' && mark.size() <= kLongestNumber && std::ranges::all_of(mark, digit)) {
    return std::from_chars(mark.data(), mark.data() + mark.size(), out.number).ec == std::errc();
  }
  if (mark.size() < kShortestDate) return false;
  for (const char c : mark) {
    if (digit(c)) out.date += c;
    if (!digit(c) && c != '-' && c != '_' && c != ':' && c != 'T') return false;
  }
  out.dated = true;
  return out.date.size() >= kShortestDate;
}

}  // namespace

Result<std::vector<std::string>> RotatedSet(core::FileSystem& files, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string base = slash == std::string::npos ? path : path.substr(slash + 1);
  const std::string prefix = slash == std::string::npos ? "" : folder;
  ASSAY_ASSIGN(const std::vector<std::string> names, files.List(folder));
  std::vector<Rotated> found;
  bool current = false;
  for (const std::string& name : names) {
    current = current || name == base;
    Rotated one;
    const std::string_view mark = MarkOf(base, name);
    if (mark.empty() || !ReadMark(mark, one)) continue;
    one.name = name;
    found.push_back(std::move(one));
  }
  if (found.empty() && !current) {
    return Fail(Code::kNotFound,
                fmt::format("there is neither '{}' nor a rotated file of that name", path));
  }
  // Where both ways are mixed, the numbered ones are taken for the newer.
  std::ranges::sort(found, [](const Rotated& a, const Rotated& b) {
    if (a.dated != b.dated) return a.dated;
    if (a.number != b.number) return a.number > b.number;
    return std::tie(a.date, a.name) < std::tie(b.date, b.name);
  });
  std::vector<std::string> paths;
  for (const Rotated& one : found) paths.push_back(prefix + one.name);
  if (current) paths.push_back(path);
  return paths;
}

}  // namespace assay::logs
