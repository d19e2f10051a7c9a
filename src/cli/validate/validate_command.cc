#include "validate/validate_command.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include "assay/core/file_system.h"
#include "assay/core/parallel.h"

#include "json_output.h"
#include "validate/sections.h"

namespace assay::cli {
namespace validate {

struct Section {
  std::string_view name;
  Result<void> (*run)(Session&);
  bool needs_model;
};
constexpr auto kSections = std::to_array<Section>({{"speed", RunSpeed, true},
                                                   {"accuracy", RunAccuracy, true},
                                                   {"security", RunSecurity, false},
                                                   {"solving", RunSolving, false},
                                                   {"memory", RunMemory, false},
                                                   {"scaling", RunScaling, false}});

Result<Session> Session::Begin(const Options& options) {
  Session out(options);
  std::string folder = (std::filesystem::temp_directory_path() / "assay-validate-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    return Fail(Code::kPermissionDenied,
                fmt::format("cannot make a folder such as {}; set TMPDIR to one that can be "
                            "written to",
                            folder));
  }
  out.folder_ = folder;
  out.progress_ = std::make_shared<ProgressBar>("validating");
  return out;
}

Session::Session(Session&& other) noexcept
    : options_(std::move(other.options_)),
      folder_(std::exchange(other.folder_, {})),
      findings_(std::move(other.findings_)),
      progress_(std::move(other.progress_)) {}

Session::~Session() {
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

void Session::Step(std::string_view what, std::uint64_t done, std::uint64_t total) {
  progress_->Update(what, done, total);
}

namespace {

constexpr std::uint64_t kMostPageBytes = 1 << 20;

bool Wanted(const Options& options, std::string_view section) {
  return options.only.empty() || std::ranges::find(options.only, section) != options.only.end();
}

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "a processor without a name";
}

std::string WhereAndWhen() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  return fmt::format("Assay {} on {} ({} threads), {:04}-{:02}-{:02}.", ASSAY_VERSION,
                     ProcessorName(), core::Parallelism(), utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday);
}

// The page with this table in the place of the one before.
Result<std::string> PageWith(const std::string& path, std::string_view table) {
  ASSAY_ASSIGN(const std::string page, core::FileSystem::Real().ReadFile(path, kMostPageBytes));
  return ReplaceTable(page, table, path);
}

// What would only come to light after minutes is refused at once.
Result<void> CheckOptions(const Options& options) {
  for (const std::string& name : options.only) {
    if (std::ranges::find(kSections, name, &Section::name) == kSections.end()) {
      std::vector<std::string_view> names;
      for (const Section& one : kSections) names.push_back(one.name);
      return Fail(Code::kInvalidArgument,
                  fmt::format("--only: there is no section '{}'; there are {}", name,
                              fmt::join(names, ", ")));
    }
  }
  for (const Section& one : kSections) {
    if (!one.needs_model || !Wanted(options, one.name) || !options.upstream.empty()) continue;
    return Fail(
        Code::kInvalidArgument,
        fmt::format("the section '{}' asks a model: name its server with --upstream URL, or "
                    "run scripts/validate.sh, which starts one; --only leaves sections out",
                    one.name));
  }
  if (!options.markdown.empty()) ASSAY_TRY(PageWith(options.markdown, ""));
  for (const auto& [option, folder] :
       {std::pair{"--examples", options.examples + "/handbook"}, {"--corpus", options.corpus}}) {
    if (!std::filesystem::is_directory(folder)) {
      return Fail(Code::kNotFound, fmt::format("there is no folder {}; start in the folder of the "
                                               "sources, or name another one with {}",
                                               folder, option));
    }
  }
  return {};
}

Result<int> Run(const Options& options, ColorMode color) {
  ASSAY_TRY(CheckOptions(options));
  ASSAY_ASSIGN(Session session, Session::Begin(options));
  for (const Section& section : kSections) {
    if (!Wanted(options, section.name)) continue;
    if (const auto done = section.run(session); !done) {
      Finding broken;
      broken.section = section.name;
      broken.name = "the section comes to its end";
      broken.promised = "no error";
      broken.measured = done.error().message;
      broken.verdict = Verdict::kFallsShort;
      session.Add(std::move(broken));
    }
  }
  if (!options.markdown.empty()) {
    ASSAY_ASSIGN(const std::string page,
                 PageWith(options.markdown, ToMarkdown(session.findings(), WhereAndWhen())));
    ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), options.markdown, page));
  }
  if (options.json) {
    boost::json::object out = ToJson(session.findings());
    out["where"] = WhereAndWhen();
    fmt::print("{}", PrettyJson(out));
  } else {
    fmt::print("{}\n\n{}", WhereAndWhen(),
               ToText(session.findings(), Painter(color, STDOUT_FILENO), OutputColumns()));
  }
  return Count(session.findings()).falls_short > 0 ? kExitFindings : kExitSuccess;
}

}  // namespace
}  // namespace validate

void AddValidateCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<validate::Options>();
  if (const char* data = std::getenv("ASSAY_DATA"); data != nullptr) options->data = data;
  CLI::App* command = app.add_subcommand(
      "validate",
      "Measure here what was claimed: speed, accuracy, security, solving, memory, scaling");
  command
      ->add_option("--upstream", options->upstream,
                   "Base URL of an OpenAI-compatible server, for the sections that ask a model")
      ->option_text("URL");
  command->add_option("--model", options->model, "The model's name there")->capture_default_str();
  command->add_option("--only", options->only, "Sections, with commas between them")
      ->delimiter(',')
      ->option_text("NAMES");
  command->add_option("--data", options->data, "Folder of the data sets (default: $ASSAY_DATA)")
      ->option_text("DIR");
  command->add_option("--examples", options->examples, "Folder with handbook/ and questions")
      ->capture_default_str();
  command->add_option("--corpus", options->corpus, "Folder of the fuzz corpora")
      ->capture_default_str();
  command->add_option("--folds", options->folds, "Weights that never saw an answer's source")
      ->capture_default_str();
  command->add_option("--twins", options->twins, "Folder of the Python twins of the memory section")
      ->capture_default_str();
  command->add_option("--python", options->python, "The interpreter that runs them, with NumPy")
      ->capture_default_str();
  command->add_option("--python-path", options->python_path, "Folder of the Python package")
      ->capture_default_str();
  command
      ->add_option("--markdown", options->markdown,
                   "Also put the table into this page, between its two markers")
      ->option_text("FILE");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Prints what the reports claimed, what Assay promises and what was measured here; exit code "
      "1 "
      "if a row falls\nshort (docs/validation.md). Starts gateways of its own on free ports of "
      "this "
      "machine.\nExamples:\n"
      "  scripts/validate.sh                       all of it, with a local model\n"
      "  assay validate --only security,solving,scaling\n"
      "  assay validate --upstream http://127.0.0.1:8000/v1 --model gemma-3-270m --json");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return validate::Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
