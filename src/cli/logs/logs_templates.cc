// assay logs templates
#include <algorithm>
#include <cstdio>
#include <memory>
#include <unordered_map>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/core/clock.h"
#include "assay/core/file_system.h"
#include "assay/core/parallel.h"
#include "assay/logs/log_format.h"
#include "assay/logs/log_reader.h"
#include "assay/logs/template_miner.h"
#include "assay/text/utf8.h"

#include "input.h"
#include "json_output.h"
#include "logs/log_options.h"
#include "logs/logs_commands.h"

namespace assay::cli {
namespace {

constexpr std::uint64_t kMaxStateBytes = 4ULL << 30;
constexpr std::size_t kParseGrain = 1'000;  // lines, about 100 us
constexpr std::size_t kIdsAtOnce = 65'536;
constexpr std::size_t kFlushBytes = 1 << 20;

struct Options {
  std::vector<std::string> files;
  logs::MinerOptions miner;
  std::string state;
  bool rotated = false;
  bool plain = false;
  bool counts = false;
  bool json = false;
  std::size_t top = 0;
};

Error SpoolError() {
  return {Code::kResourceExhausted,
          "cannot keep the lines' templates in a temporary file; make room in $TMPDIR or /tmp"};
}

// The lines' ids in a file without a name, for a line's template is known only after the last line.
class IdSpool {
 public:
  [[nodiscard]] Result<void> Add(std::span<const std::uint64_t> ids) {
    if (file_ == nullptr) file_.reset(std::tmpfile());
    if (file_ == nullptr) return std::unexpected(SpoolError());
    const std::size_t written =
        std::fwrite(ids.data(), sizeof(std::uint64_t), ids.size(), file_.get());
    if (written != ids.size()) return std::unexpected(SpoolError());
    return {};
  }
  // Calls take(id) for each, in their order.
  template <class Take>
  [[nodiscard]] Result<void> ForEach(Take&& take) {
    if (file_ == nullptr) return {};
    if (std::fseek(file_.get(), 0, SEEK_SET) != 0) return std::unexpected(SpoolError());
    std::vector<std::uint64_t> ids(kIdsAtOnce);
    for (;;) {
      const std::size_t count =
          std::fread(ids.data(), sizeof(std::uint64_t), ids.size(), file_.get());
      for (std::size_t i = 0; i < count; ++i) take(ids[i]);
      if (count < ids.size()) break;
    }
    if (std::ferror(file_.get()) != 0) return std::unexpected(SpoolError());
    return {};
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

struct MinedFile {
  std::string path;
  std::uint64_t lines = 0;
};

// What one run of the command knows.
struct Session {
  const Options& options;
  logs::TemplateMiner miner;
  IdSpool spool;
  std::vector<MinedFile> files;
  std::unordered_map<std::uint64_t, std::string> forgotten;  // texts by id
};

Result<logs::TemplateMiner> OpenMiner(const Options& options) {
  if (options.state.empty()) return logs::TemplateMiner::Create(options.miner);
  auto bytes = core::FileSystem::Real().ReadFile(options.state, kMaxStateBytes);
  if (!bytes && bytes.error().code == Code::kNotFound) {
    return logs::TemplateMiner::Create(options.miner);
  }
  if (!bytes) return std::unexpected(std::move(bytes).error());
  return logs::TemplateMiner::Restore(*bytes, options.state, options.miner);
}

Result<void> MineBlock(Session& session, const logs::LineParser* parser, std::string_view lines,
                       std::vector<text::Span>& spans) {
  logs::SplitLines(lines, spans);
  std::vector<std::string_view> contents(spans.size());
  core::ParallelFor(spans.size(), kParseGrain, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const std::string_view line = spans[i].of(lines);
      contents[i] = parser == nullptr ? line : parser->Parse(line).content;
    }
  });
  std::vector<std::uint64_t> ids(contents.size());
  session.miner.AddLines(contents, ids);
  session.files.back().lines += ids.size();
  for (logs::MinedTemplate& one : session.miner.TakeForgotten()) {
    session.forgotten.insert_or_assign(one.id, std::move(one.text));
  }
  const bool each_line = session.options.json && !session.options.counts;
  return each_line ? session.spool.Add(ids) : Result<void>{};
}

Result<void> MineAll(Session& session, logs::LogReader& reader) {
  ProgressBar progress("mining");
  logs::LogBlock block;
  std::vector<text::Span> spans;
  std::optional<logs::LineParser> parser;
  std::size_t file = ~std::size_t{0};
  while (reader.Next(block)) {
    if (block.file != file) {
      file = block.file;
      session.files.push_back({.path = reader.paths()[file], .lines = 0});
      parser = logs::LineParser::Detect(block.lines);
    }
    ASSAY_TRY(MineBlock(session, session.options.plain ? nullptr : &*parser, block.lines, spans));
    progress.Update(fmt::format("{} MB", reader.bytes() >> 20), 0, 0);
  }
  return {};
}

std::string JsonText(std::string_view text) {
  return boost::json::serialize(boost::json::string(text::RepairUtf8(text)));
}

// One object for each line: {"line": 1, "id": 3, "template": "..."}.
Result<void> PrintLines(Session& session) {
  std::unordered_map<std::uint64_t, std::string> tails;  // `"id": ..., "template": ...}` by id
  std::string out;
  std::size_t file = 0;
  std::uint64_t line = 0;
  const bool several = session.files.size() > 1;
  std::string head = "{";
  const auto begin_file = [&] {
    if (several) head = fmt::format("{{\"file\": {}, ", JsonText(session.files[file].path));
  };
  if (!session.files.empty()) begin_file();
  ASSAY_TRY(session.spool.ForEach([&](std::uint64_t id) {
    while (line == session.files[file].lines) {
      ++file;
      line = 0;
      begin_file();
    }
    const auto [tail, added] = tails.try_emplace(id);
    if (added) {
      const auto found = session.miner.Find(id);
      tail->second = fmt::format("\"id\": {}, \"template\": {}}}\n", found ? found->id : id,
                                 JsonText(found ? found->text : session.forgotten[id]));
    }
    fmt::format_to(std::back_inserter(out), "{}\"line\": {}, {}", head, ++line, tail->second);
    if (out.size() >= kFlushBytes) {
      std::fwrite(out.data(), 1, out.size(), stdout);
      out.clear();
    }
  }));
  std::fwrite(out.data(), 1, out.size(), stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return Fail(Code::kResourceExhausted, "cannot write all lines to standard output");
  }
  return {};
}

std::vector<logs::MinedTemplate> MostFrequent(const Session& session) {
  std::vector<logs::MinedTemplate> templates = session.miner.Templates();
  std::ranges::stable_sort(templates, std::ranges::greater{}, &logs::MinedTemplate::lines);
  if (session.options.top != 0 && templates.size() > session.options.top) {
    templates.resize(session.options.top);
  }
  return templates;
}

void PrintCounts(const Session& session) {
  boost::json::array rows;
  for (const logs::MinedTemplate& one : MostFrequent(session)) {
    rows.push_back(
        {{"id", one.id}, {"lines", one.lines}, {"template", text::RepairUtf8(one.text)}});
  }
  fmt::print("{}", PrettyJson({{"lines", session.miner.lines()},
                               {"template_count", session.miner.template_count()},
                               {"forgotten", session.forgotten.size()},
                               {"templates", std::move(rows)}}));
}

// Without what could steer a terminal.
std::string Printable(std::string_view text) {
  std::string out = text::RepairUtf8(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  return out;
}

void PrintTable(const Session& session, double seconds, const Painter& paint) {
  const auto all = static_cast<double>(std::max<std::uint64_t>(1, session.miner.lines()));
  fmt::print("{:>10}  {:>6}  {:>6}  template\n", "lines", "share", "id");
  for (const logs::MinedTemplate& one : MostFrequent(session)) {
    fmt::print("{:>10}  {:>5.1f}%  {:>6}  {}\n", one.lines,
               100 * static_cast<double>(one.lines) / all, one.id, Printable(one.text));
  }
  fmt::print("{}\n",
             paint.Dim(fmt::format("{} lines, {} templates, {:.2f} s", session.miner.lines(),
                                   session.miner.template_count(), seconds)));
}

Result<std::vector<std::string>> Paths(const Options& options) {
  if (!options.rotated) return options.files;
  std::vector<std::string> paths;
  for (const std::string& file : options.files) {
    ASSAY_ASSIGN(const auto set, logs::RotatedSet(core::FileSystem::Real(), file));
    paths.insert(paths.end(), set.begin(), set.end());
  }
  return paths;
}

Result<int> Run(const Options& options, ColorMode color) {
  constexpr double kNsPerSecond = 1e9;
  const std::int64_t begin_ns = core::Clock::Real().monotonic_ns();
  ASSAY_ASSIGN(logs::TemplateMiner miner, OpenMiner(options));
  ASSAY_ASSIGN(std::vector<std::string> paths, Paths(options));
  logs::LogReader reader(std::move(paths));
  Session session{
      .options = options, .miner = std::move(miner), .spool = {}, .files = {}, .forgotten = {}};
  ASSAY_TRY(MineAll(session, reader));
  if (!options.state.empty()) {
    ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), options.state,
                                        session.miner.Serialize()));
  }
  const double seconds =
      static_cast<double>(core::Clock::Real().monotonic_ns() - begin_ns) / kNsPerSecond;
  if (!options.json) {
    PrintTable(session, seconds, Painter(color, STDOUT_FILENO));
  } else if (options.counts) {
    PrintCounts(session);
  } else {
    ASSAY_TRY(PrintLines(session));
  }
  return ReportLogProblems(reader, color);
}

void AddOptions(CLI::App& command, Options& options) {
  command.add_option("files", options.files, "Logs, plain, gzip or zstd; - is standard input")
      ->required()
      ->option_text("FILE...");
  command.add_flag("--rotated", options.rotated,
                   "Also read what log rotation made of each FILE, oldest first");
  command.add_flag("--plain", options.plain, "Lines have no time, level or source to be cut off");
  command
      .add_option("--mask", options.miner.masks,
                  "Expression whose matches are values, besides numbers, addresses, paths, ...")
      ->option_text("REGEX...");
  command
      .add_option("--similarity", options.miner.similarity,
                  "Least share of equal words of lines of one group")
      ->check(CLI::Range(0.01, 1.0))
      ->capture_default_str();
  command
      .add_option("--max-templates", options.miner.max_templates,
                  "Templates to remember; the oldest are forgotten")
      ->check(CLI::Range(16, 1'000'000))
      ->capture_default_str();
  command
      .add_option("--state", options.state,
                  "File that keeps what was learned for the next run; it is made if absent")
      ->option_text("FILE");
  command.add_option("--top", options.top, "Print only the most frequent so many (0: all)");
  auto* const json = command.add_flag("--json", options.json,
                                      "Print one object for each line: {line, id, template}");
  command
      .add_flag("--counts", options.counts,
                "With --json: print one object with each template and its lines")
      ->needs(json);
}

}  // namespace

void AddLogsTemplatesCommand(CLI::App& logs, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = logs.add_subcommand(
      "templates", "The templates that lines were written with, and how many lines have each");
  AddOptions(*command, *options);
  command->footer(
      "A template's id is the same in every run with the same --state. Of several FILEs each has "
      "its own line numbers, and \"file\" names it.\n"
      "Examples:\n"
      "  assay logs templates /var/log/syslog --rotated --top 20\n"
      "  assay logs templates app.log.gz --json > lines.jsonl\n"
      "  journalctl -o short | assay logs templates - --state learned.templates\n"
      "  assay logs templates app.log --mask 'tenant-[a-z]+' --json --counts");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
