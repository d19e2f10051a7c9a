// assay vector log|diff|rollback
#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "commands/key_options.h"
#include "json_output.h"
#include "vector/store_commands.h"

namespace assay::cli {
namespace {

constexpr std::size_t kShownIds = 20;  // of each kind, where a person reads

struct Options {
  StoreArguments store;
  std::size_t last = 0;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

boost::json::value JsonOf(const vector::CommitInfo& commit) {
  boost::json::object out = {{"version", commit.version}, {"time", commit.time_ms},
                             {"puts", commit.puts},       {"deltas", commit.deltas},
                             {"erases", commit.erases},   {"bytes", commit.size_bytes}};
  if (commit.restored != 0) out["restored"] = commit.restored;
  return out;
}

Result<int> RunLog(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForReading(options.store));
  ASSAY_ASSIGN(std::vector<vector::CommitInfo> commits, store->Log());
  if (options.last != 0 && commits.size() > options.last) {
    commits.erase(commits.begin(), commits.end() - static_cast<std::ptrdiff_t>(options.last));
  }
  const vector::StoreStats stats = store->Stats();
  if (options.store.json) {
    boost::json::array list;
    for (const vector::CommitInfo& commit : commits) list.push_back(JsonOf(commit));
    fmt::print("{}", PrettyJson({{"encoder", store->encoder()},
                                 {"dim", store->dim()},
                                 {"version", stats.version},
                                 {"oldest_version", stats.oldest_version},
                                 {"vectors", stats.rows},
                                 {"disk_bytes", stats.disk_bytes},
                                 {"commits", std::move(list)}}));
    return kExitSuccess;
  }
  for (const vector::CommitInfo& commit : commits) {
    fmt::print("version {:>6}  {}  {} put ({} as differences), {} erased, {} bytes{}\n",
               commit.version, ShortTime(commit.time_ms), commit.puts, commit.deltas, commit.erases,
               commit.size_bytes,
               commit.restored == 0 ? "" : fmt::format(", back to version {}", commit.restored));
  }
  fmt::print("{} vectors of {} dimensions{}, {} bytes; versions {} to {} can be gone back to\n",
             stats.rows, store->dim(),
             store->encoder().empty() ? "" : fmt::format(" by '{}'", store->encoder()),
             stats.disk_bytes, stats.oldest_version, stats.version);
  return kExitSuccess;
}

boost::json::array ArrayOf(std::span<const std::uint64_t> ids) {
  return boost::json::array(ids.begin(), ids.end());
}

void PrintIds(std::string_view what, std::span<const std::uint64_t> ids) {
  std::string line = fmt::format("{:<8} {}", what, ids.size());
  for (std::size_t i = 0; i < std::min(ids.size(), kShownIds); ++i) {
    line += fmt::format("{} {}", i == 0 ? ":" : ",", ids[i]);
  }
  fmt::print("{}{}\n", line, ids.size() > kShownIds ? ", ... (--json lists all)" : "");
}

Result<int> RunDiff(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForReading(options.store));
  ASSAY_ASSIGN(const vector::VersionDiff diff, store->Diff(options.from, options.to));
  if (options.store.json) {
    fmt::print("{}", PrettyJson({{"from", options.from},
                                 {"to", options.to},
                                 {"added", ArrayOf(diff.added)},
                                 {"removed", ArrayOf(diff.removed)},
                                 {"changed", ArrayOf(diff.changed)}}));
    return kExitSuccess;
  }
  PrintIds("added", diff.added);
  PrintIds("removed", diff.removed);
  PrintIds("changed", diff.changed);
  return kExitSuccess;
}

Result<int> RunRollback(const Options& options) {
  ASSAY_ASSIGN(const auto store, OpenForWriting(options.store, 0, ""));
  ASSAY_ASSIGN(const std::uint64_t version, store->Rollback(options.to));
  if (options.store.json) {
    fmt::print("{}", PrettyJson({{"version", version}, {"restored", options.to}}));
  } else {
    fmt::print("version {} equals version {}\n", version, options.to);
  }
  return kExitSuccess;
}

}  // namespace

void AddVectorHistoryCommands(CLI::App& group, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  const auto add = [&](const char* name, const char* what, Result<int> (*run)(const Options&)) {
    return AddStoreCommand(group, invocation, options, name, what, run);
  };
  CLI::App* log = add("log", "List the versions, oldest first", RunLog);
  log->add_option("--last", options->last, "Only the last N")->option_text("N");
  log->footer("Examples:\n  assay vector log my-vectors/\n  assay vector log my-vectors/ --last 5");
  CLI::App* diff = add("diff", "Which vectors differ between two versions", RunDiff);
  diff->add_option("from", options->from, "The older version")->required();
  diff->add_option("to", options->to, "The newer version")->required();
  diff->footer("Example:\n  assay vector diff my-vectors/ 3 7");
  CLI::App* back =
      add("rollback", "Make a new version that equals an old one; the history stays", RunRollback);
  back->add_option("version", options->to, "The version to go back to")->required();
  back->footer("Example:\n  assay vector rollback my-vectors/ 3");
}

}  // namespace assay::cli
