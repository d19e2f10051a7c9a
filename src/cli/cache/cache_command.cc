// assay cache stats|export|import|purge|warm
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/cache/disk_tier.h"
#include "assay/cache/upkeep.h"
#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/crypto/aead.h"
#include "assay/crypto/key_ring.h"

#include "cache/warm.h"
#include "command.h"
#include "commands/key_options.h"
#include "input.h"
#include "json_output.h"

namespace assay::cli {
namespace {

namespace json = boost::json;

constexpr std::int64_t kNanosecondsPerMs = 1'000'000;
constexpr double kNanosPerUsd = 1e9;

struct CacheCommandOptions {
  std::string folder;
  std::string file;
  std::string key_file;
  std::string passphrase_file;
  std::string tenant;
  std::string route;
  std::string model;
  std::string older_than;
  std::string key;
  std::string by;
  bool all = false;
  bool json = false;
  WarmOptions warm;
};

std::int64_t NowMs() {
  return core::Clock::Real().wall_ns() / kNanosecondsPerMs;
}

Result<std::unique_ptr<cache::DiskTier>> OpenTier(const CacheCommandOptions& options,
                                                  const Painter& paint, bool read_only,
                                                  bool create) {
  core::FileSystem& files = core::FileSystem::Real();
  if (!create) {
    ASSAY_ASSIGN(const std::vector<std::string> names, files.List(options.folder));
    const bool has_log =
        std::ranges::any_of(names, [](const auto& name) { return name.starts_with("segment-"); });
    if (!has_log) {
      return Fail(Code::kNotFound,
                  fmt::format("there is no cache in '{}'; name the folder of the setting "
                              "cache.disk.folder, or that of --cache-dir",
                              options.folder));
    }
  }
  cache::DiskOptions disk;
  disk.folder = options.folder;
  disk.read_only = read_only;
  disk.max_bytes = UINT64_MAX / 2;  // an offline visit does not evict; the server knows its bound
  disk.segment_bytes = cache::DiskOptions{}.segment_bytes;
  disk.background = false;
  disk.on_event = [paint](const cache::DiskEvent& event) {
    fmt::print(stderr, "{} {}\n", paint.Yellow("warning:"), event.message);
  };
  if (!options.key_file.empty()) {
    ASSAY_ASSIGN(const crypto::SecretString passphrase, ReadPassphrase(options.passphrase_file));
    ASSAY_ASSIGN(const crypto::KeyRing ring,
                 crypto::KeyRing::Load(options.key_file, passphrase.view()));
    ASSAY_ASSIGN(crypto::Sealer sealer, crypto::Sealer::Create(ring, cache::kSealPurpose));
    disk.sealer = std::make_shared<const crypto::Sealer>(std::move(sealer));
  }
  return cache::DiskTier::Open(files, std::move(disk));
}

Result<cache::Filter> FilterOf(const CacheCommandOptions& options) {
  cache::Filter filter;
  if (!options.tenant.empty()) filter.tenant = options.tenant;
  if (!options.route.empty()) filter.route = options.route;
  if (!options.model.empty()) filter.model = options.model;
  if (!options.older_than.empty()) {
    const std::int64_t now_ms = NowMs();
    ASSAY_ASSIGN(const std::int64_t moment_ms, ParseMoment(options.older_than, now_ms));
    // "30d" means so long ago, "2027-01-31" that day.
    const bool is_length =
        std::string_view("dhms").find(options.older_than.back()) != std::string_view::npos;
    filter.stored_before_ms = is_length ? 2 * now_ms - moment_ms : moment_ms;
  }
  return filter;
}

Result<cache::Key> ParseKey(std::string_view text) {
  cache::Key key;
  const auto half = [&](std::size_t begin, std::uint64_t& word) {
    const char* end = text.data() + begin + 16;
    return std::from_chars(text.data() + begin, end, word, 16).ptr == end;
  };
  if (text.size() == 32 && half(0, key.high) && half(16, key.low)) return key;
  return Fail(Code::kInvalidArgument,
              fmt::format("'{}' is no key of a cached answer: 32 hexadecimal digits", text));
}

std::string Megabytes(std::uint64_t size_bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(size_bytes) / 1e6);
}

// ---- stats ----

struct Group {
  std::uint64_t entries = 0;
  std::uint64_t body_bytes = 0;
  std::uint64_t tokens = 0;
  std::int64_t cost_nanousd = 0;
};

Result<std::map<std::string, Group>> GroupsOf(cache::DiskTier& tier, const std::string& by) {
  std::map<std::string, Group> groups;
  ASSAY_TRY(tier.ForEach(NowMs(), [&](const cache::EntryRef& entry) {
    const std::string_view name = by == "tenant"  ? entry->tenant()
                                  : by == "route" ? entry->route()
                                                  : entry->model();
    Group& group = groups[std::string(name)];
    ++group.entries;
    group.body_bytes += entry->body().size();
    group.tokens += entry->info().prompt_tokens + entry->info().completion_tokens;
    group.cost_nanousd += entry->info().cost_nanousd;
    return true;
  }));
  return groups;
}

void PrintStats(const CacheCommandOptions& options, const cache::DiskTier& tier,
                const std::map<std::string, Group>& groups) {
  const cache::TierStats stats = tier.Stats();
  const cache::DiskStats details = tier.Details();
  if (options.json) {
    json::object by;
    for (const auto& [name, group] : groups) {
      by[name] = {{"entries", group.entries},
                  {"body_bytes", group.body_bytes},
                  {"tokens", group.tokens},
                  {"cost_usd", static_cast<double>(group.cost_nanousd) / kNanosPerUsd}};
    }
    json::object out = {{"folder", options.folder},       {"entries", stats.entries},
                        {"size_bytes", stats.size_bytes}, {"file_bytes", details.file_bytes},
                        {"segments", details.segments},   {"damaged", details.damaged}};
    if (!options.by.empty()) out[options.by] = std::move(by);
    fmt::print("{}", PrettyJson(out));
    return;
  }
  fmt::print("{} entries, {} of {} in {} segments{}\n", stats.entries, Megabytes(stats.size_bytes),
             Megabytes(details.file_bytes), details.segments,
             details.damaged > 0 ? fmt::format(", {} damaged places", details.damaged) : "");
  for (const auto& [name, group] : groups) {
    fmt::print("  {:<24} {:>10} entries {:>12} {:>12} tokens  ${:.2f}\n",
               name.empty() ? "(none)" : name, group.entries, Megabytes(group.body_bytes),
               group.tokens, static_cast<double>(group.cost_nanousd) / kNanosPerUsd);
  }
}

Result<int> RunStats(const CacheCommandOptions& options, const Painter& paint) {
  ASSAY_ASSIGN(const auto tier, OpenTier(options, paint, true, false));
  std::map<std::string, Group> groups;
  if (!options.by.empty()) {
    ASSAY_ASSIGN(groups, GroupsOf(*tier, options.by));
  }
  PrintStats(options, *tier, groups);
  return kExitSuccess;
}

// ---- export, import, purge ----

void PrintTransfer(const CacheCommandOptions& options, std::string_view done,
                   const cache::TransferReport& report) {
  if (options.json) {
    fmt::print("{}", PrettyJson(json::object{{"entries", report.entries},
                                             {"size_bytes", report.size_bytes},
                                             {"skipped", report.skipped},
                                             {"damaged", report.damaged}}));
    return;
  }
  fmt::print("{} {} entries, {} ({} skipped{})\n", done, report.entries,
             Megabytes(report.size_bytes), report.skipped,
             report.damaged > 0 ? fmt::format(", {} damaged", report.damaged) : "");
}

Result<int> RunExport(const CacheCommandOptions& options, const Painter& paint) {
  ASSAY_ASSIGN(const cache::Filter filter, FilterOf(options));
  ASSAY_ASSIGN(const auto tier, OpenTier(options, paint, true, false));
  ProgressBar bar("exporting");
  const std::uint64_t total = tier->Stats().entries;
  ASSAY_ASSIGN(
      const cache::TransferReport report,
      cache::ExportEntries(*tier, filter, NowMs(), core::FileSystem::Real(), options.file,
                           [&](std::uint64_t done) { bar.Update("entries", done, total); }));
  PrintTransfer(options, "exported", report);
  return kExitSuccess;
}

Result<int> RunImport(const CacheCommandOptions& options, const Painter& paint) {
  ASSAY_TRY(core::FileSystem::Real().Stat(options.file));  // before a folder is made
  ASSAY_ASSIGN(const auto tier, OpenTier(options, paint, false, true));
  ProgressBar bar("importing");
  ASSAY_ASSIGN(
      const cache::TransferReport report,
      cache::ImportEntries(core::FileSystem::Real(), options.file, *tier, NowMs(),
                           [&](std::uint64_t done) { bar.Update("entries", done, done); }));
  PrintTransfer(options, "imported", report);
  return kExitSuccess;
}

Result<int> RunPurge(const CacheCommandOptions& options, const Painter& paint) {
  ASSAY_ASSIGN(const cache::Filter filter, FilterOf(options));
  const bool filtered =
      filter.tenant || filter.route || filter.model || !options.older_than.empty();
  const int ways = (filtered ? 1 : 0) + (options.all ? 1 : 0) + (options.key.empty() ? 0 : 1);
  if (ways != 1) {
    return Fail(Code::kInvalidArgument,
                "say what to purge: --all, --key, or any of --tenant, --route, --model and "
                "--older-than");
  }
  std::optional<cache::Key> key;
  if (!options.key.empty()) {
    ASSAY_ASSIGN(key, ParseKey(options.key));
  }
  ASSAY_ASSIGN(const auto tier, OpenTier(options, paint, false, false));
  std::uint64_t purged = 0;
  if (key) {
    ASSAY_ASSIGN(const bool erased, tier->Erase(*key));
    purged = erased ? 1 : 0;
  } else {
    ASSAY_ASSIGN(purged, tier->Purge(filter));
  }
  ASSAY_TRY(tier->Sync());
  if (options.json) {
    fmt::print("{}", PrettyJson(json::object{{"purged", purged}}));
  } else {
    fmt::print("purged {} entries\n", purged);
  }
  return kExitSuccess;
}

// ---- warm ----

Result<int> RunWarm(CacheCommandOptions options) {
  ASSAY_ASSIGN(const std::string text, ReadText(options.file));
  ASSAY_ASSIGN(const std::vector<WarmRequest> requests,
               ParseWarmFile(text, NameOfInput(options.file)));
  if (const char* token = std::getenv("ASSAY_API_KEY"); token != nullptr) {
    options.warm.token = token;
  }
  WarmReport report;
  {
    ProgressBar bar("warming");
    ASSAY_ASSIGN(report, Warm(requests, options.warm, [&](std::uint64_t done, std::uint64_t total) {
                   bar.Update("questions", done, total);
                 }));
  }
  if (options.json) {
    fmt::print("{}", PrettyJson(json::object{{"asked", report.asked},
                                             {"hits", report.hits},
                                             {"misses", report.misses},
                                             {"failed", report.failed}}));
  } else {
    fmt::print("asked {} questions: {} were in the cache, {} are now, {} failed\n", report.asked,
               report.hits, report.misses, report.failed);
  }
  if (report.failed == 0) return kExitSuccess;
  return Fail(Code::kUnavailable, fmt::format("{} of {} questions failed; the first: {}",
                                              report.failed, report.asked, report.first_failure));
}

// ---- the command line ----

using OptionsPtr = std::shared_ptr<CacheCommandOptions>;
using Runner = Result<int> (*)(const CacheCommandOptions&, const Painter&);

CLI::App* Add(CLI::App& cache, Invocation& invocation, const OptionsPtr& options, const char* name,
              const char* what, Runner run) {
  CLI::App* command = cache.add_subcommand(name, what);
  command->add_option("folder", options->folder, "Folder of the cache's disk tier")->required();
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([&invocation, options, run] {
    invocation.run = [&invocation, options, run] {
      return run(*options, Painter(invocation.color, STDERR_FILENO));
    };
  });
  return command;
}

void AddSealing(CLI::App& command, const OptionsPtr& options) {
  command.add_option("--key-file", options->key_file, "Key file of sealed entries");
  command.add_option("--passphrase-file", options->passphrase_file,
                     "File with the passphrase of the key file (default: $ASSAY_KEY_PASSPHRASE)");
}

void AddFilter(CLI::App& command, const OptionsPtr& options) {
  command.add_option("--tenant", options->tenant, "Only entries of this tenant");
  command.add_option("--route", options->route, "Only entries of this route");
  command.add_option("--model", options->model, "Only entries of this model");
  command.add_option(
      "--older-than", options->older_than,
      "Only entries stored so long ago (30d, 12h, 45m) or before a day (2027-01-31)");
}

void AddWarm(CLI::App& cache, Invocation& invocation, const OptionsPtr& options) {
  CLI::App* warm = cache.add_subcommand(
      "warm", "Ask a running gateway the questions of a file, so that their answers are ready");
  warm->add_option("file", options->file,
                   "JSON lines: the body of one request each, or batch lines with \"url\" and "
                   "\"body\"; - for standard input")
      ->required();
  warm->add_option("--gateway", options->warm.gateway, "URL of the gateway")->required();
  warm->add_option("--concurrency", options->warm.at_once, "Questions asked at once (default: 4)")
      ->check(CLI::Range(1, 256));
  warm->add_option("--timeout", options->warm.timeout_s, "Seconds to wait for one answer")
      ->check(CLI::Range(1, 86'400));
  warm->add_flag("--json", options->json, "Print one JSON object");
  warm->footer("The gateway's API key is read from $ASSAY_API_KEY.");
  warm->callback(
      [&invocation, options] { invocation.run = [options] { return RunWarm(*options); }; });
}

}  // namespace

void AddCacheCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<CacheCommandOptions>();
  CLI::App* cache = app.add_subcommand(
      "cache", "Look into a cache folder, move or purge its entries, warm a gateway's cache");
  cache->require_subcommand(1);
  CLI::App* stats = Add(*cache, invocation, options, "stats", "What the folder holds", &RunStats);
  stats->add_option("--by", options->by, "Also by tenant, route or model (reads every entry)")
      ->check(CLI::IsMember({"tenant", "route", "model"}));
  AddSealing(*stats, options);
  CLI::App* exporting = Add(*cache, invocation, options, "export",
                            "Write entries to one file; it is not sealed", &RunExport);
  exporting->add_option("file", options->file, "The file to write")->required();
  AddFilter(*exporting, options);
  AddSealing(*exporting, options);
  CLI::App* importing =
      Add(*cache, invocation, options, "import", "Store the entries of an export", &RunImport);
  importing->add_option("file", options->file, "The file to read")->required();
  AddSealing(*importing, options);
  CLI::App* purge = Add(*cache, invocation, options, "purge", "Remove entries", &RunPurge);
  AddFilter(*purge, options);
  purge->add_option("--key", options->key, "The entry under this key (32 hexadecimal digits)");
  purge->add_flag("--all", options->all, "Every entry");
  AddWarm(*cache, invocation, options);
  cache->footer(
      "Examples:\n"
      "  assay cache stats /var/lib/assay/cache --by route\n"
      "  assay cache purge /var/lib/assay/cache --tenant acme\n"
      "  assay cache warm questions.jsonl --gateway http://127.0.0.1:9000\n"
      "A folder that a running gateway uses is locked: ask the gateway itself then "
      "(GET /v1/cache/stats, DELETE /v1/cache).");
}

}  // namespace assay::cli
