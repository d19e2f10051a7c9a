// assay check ANSWER --against DOCS
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/extractor.h"
#include "assay/claims/verifier.h"
#include "assay/config/parse.h"
#include "assay/core/file_system.h"
#include "assay/core/parallel.h"

#include "command.h"
#include "documents_option.h"
#include "encoders.h"
#include "input.h"
#include "json_output.h"
#include "report/check_report.h"

namespace assay::cli {
namespace {

enum class FailOn : std::uint8_t { kNothing, kContradicted, kUnverified };

struct Options {
  std::string answer;
  std::string claims_file;
  std::string question;
  std::string docs;
  std::string index_folder;
  std::string html;
  std::string checker;
  std::uint32_t passages = claims::VerifierOptions{}.passages;
  FailOn fail_on = FailOn::kNothing;
  bool no_checker = false;
  bool follow = false;
  bool json = false;
};

// What stays loaded while answers are checked.
struct Checker {
  std::unique_ptr<embed::Encoder> encoder;
  std::unique_ptr<embed::CrossEncoder> model;  // null: facts and similarity alone
  std::unique_ptr<claims::Entailment> entailment;
  OpenedDocuments documents;
  std::optional<claims::Verifier> verifier;
};

Result<Checker> OpenChecker(const Options& options) {
  Checker checker;
  ASSAY_ASSIGN(checker.encoder, LoadStaticEncoder());
  ASSAY_ASSIGN(checker.documents,
               OpenDocuments(options.docs, options.index_folder, checker.encoder.get()));
  const corpus::Index& index = *checker.documents.index;
  if (!index.encoder_name().empty() && index.encoder_name() != checker.encoder->name()) {
    return Fail(
        Code::kFailedPrecondition,
        fmt::format("{}: the index was made with the encoder '{}', but '{}' is installed; run "
                    "`assay index --rebuild` on the documents",
                    options.docs, index.encoder_name(), checker.encoder->name()));
  }
  if (!options.no_checker) {
    constexpr std::size_t kMostThreads = 8;  // more only wait for one another at this size
    ASSAY_ASSIGN(
        checker.model,
        LoadChecker(options.checker, {.runtime_folders = {},
                                      .threads = std::min(core::Parallelism(), kMostThreads)}));
  }
  if (checker.model) {
    ASSAY_ASSIGN(checker.entailment, claims::MakeEntailment(*checker.model));
  }
  claims::VerifierOptions verifier;
  verifier.passages = options.passages;
  const embed::Encoder* retrieval = index.encoder_name().empty() ? nullptr : checker.encoder.get();
  ASSAY_ASSIGN(checker.verifier,
               claims::Verifier::Create(checker.documents.index, checker.encoder.get(), retrieval,
                                        verifier, checker.entailment.get()));
  return checker;
}

bool Fails(FailOn fail_on, const claims::VerdictSummary& summary) {
  if (fail_on == FailOn::kNothing) return false;
  return summary.contradicted > 0 || (fail_on == FailOn::kUnverified && summary.unverified > 0);
}

int ExitCode(const Options& options, const claims::VerdictSummary& summary) {
  return Fails(options.fail_on, summary) ? kExitFindings : kExitSuccess;
}

// {"claim": "..."} a line; blank lines are skipped.
Result<std::vector<claims::Claim>> ReadClaims(const std::string& path) {
  ASSAY_ASSIGN(const std::string text, ReadText(path));
  std::vector<claims::Claim> claims;
  std::size_t begin = 0;
  for (std::size_t line = 1; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view record = std::string_view(text).substr(begin, end - begin);
    begin = end + 1;
    if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const std::string where = fmt::format("{}: line {}", NameOfInput(path), line);
    const auto document = config::Parse(record, where, config::Syntax::kJson);
    if (!document) return std::unexpected(document.error());
    const config::Value* claim = document->root.Find("claim");
    if (claim == nullptr || claim->as_string() == nullptr) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: needs a JSON object with the text field \"claim\"", where));
    }
    const auto size = static_cast<std::uint32_t>(claim->as_string()->size());
    claims.push_back(
        {{0, size}, std::string(*claim->as_string()), static_cast<std::uint32_t>(claims.size())});
  }
  return claims;
}

Result<void> Judge(claims::Verifier& verifier, std::vector<claims::Claim> claims,
                   CheckReport& report) {
  std::vector<std::string_view> texts;
  texts.reserve(claims.size());
  for (const claims::Claim& claim : claims) texts.push_back(claim.text);
  ASSAY_ASSIGN(auto judgements, verifier.VerifyBatch(texts));
  report.summary = claims::Summarize(judgements);
  for (std::size_t i = 0; i < claims.size(); ++i) {
    report.claims.push_back({std::move(claims[i]), std::move(judgements[i])});
  }
  return {};
}

claims::Extractor ExtractorFor(const Options& options) {
  claims::ExtractorOptions extractor;
  extractor.question = options.question;
  return claims::Extractor(std::move(extractor));
}

Result<CheckReport> CheckWhole(const Options& options, Checker& checker) {
  CheckReport report;
  report.documents = options.docs;
  if (checker.model) report.checker = checker.model->name();
  report.files = checker.documents.index->file_count();
  report.passages = checker.documents.index->passage_count();
  std::vector<claims::Claim> claims;
  if (!options.claims_file.empty()) {
    report.answer_name = NameOfInput(options.claims_file);
    ASSAY_ASSIGN(claims, ReadClaims(options.claims_file));
  } else {
    report.answer_name = NameOfInput(options.answer);
    ASSAY_ASSIGN(report.answer, ReadText(options.answer));
  }
  const auto start = std::chrono::steady_clock::now();
  if (options.claims_file.empty()) {
    report.sentences = ExtractorFor(options).Extract(report.answer);
    for (const claims::ExtractedSentence& sentence : report.sentences) {
      claims.insert(claims.end(), sentence.claims.begin(), sentence.claims.end());
    }
  }
  ASSAY_TRY(Judge(*checker.verifier, std::move(claims), report));
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return report;
}

Result<int> RunWhole(const Options& options, const Painter& paint) {
  ASSAY_ASSIGN(Checker checker, OpenChecker(options));
  ASSAY_ASSIGN(const CheckReport report, CheckWhole(options, checker));
  if (!options.html.empty()) {
    ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), options.html,
                                        ReportToHtml(report, *checker.documents.index)));
  }
  fmt::print("{}", options.json ? PrettyJson(ReportToJson(report)) : ReportToText(report, paint));
  return ExitCode(options, report.summary);
}

// Judges standard input while it is being written: each claim as soon as its sentence is finished.
Result<int> RunFollow(const Options& options, const Painter& paint) {
  ASSAY_ASSIGN(Checker checker, OpenChecker(options));
  const claims::Extractor extractor = ExtractorFor(options);
  claims::ExtractorStream stream(extractor);
  claims::VerdictSummary summary;
  claims::Extraction finished;
  const auto judge = [&]() -> Result<void> {
    for (const claims::ExtractedSentence& sentence : finished) {
      for (const claims::Claim& claim : sentence.claims) {
        ASSAY_ASSIGN(auto judgement, checker.verifier->Verify(claim.text));
        summary.Add(judgement.verdict);
        const CheckedClaim checked{claim, std::move(judgement)};
        fmt::print("{}",
                   options.json ? CompactJson(ClaimToJson(checked)) : ClaimToText(checked, paint));
        std::fflush(stdout);
      }
    }
    finished.clear();
    return {};
  };
  ASSAY_TRY(FollowStandardInput([&](std::string_view piece) -> Result<void> {
    stream.Feed(piece, finished);
    return judge();
  }));
  stream.Finish(finished);
  ASSAY_TRY(judge());
  fmt::print("{}", options.json ? CompactJson({{"summary", SummaryToJson(summary)}})
                                : "\n" + SummaryToText(summary, paint) + "\n");
  return ExitCode(options, summary);
}

Result<int> Run(const Options& options, ColorMode color) {
  const Painter paint(color, 1);
  if (options.answer.empty() == options.claims_file.empty()) {
    return Fail(Code::kInvalidArgument,
                "name either an ANSWER (or - for standard input) or --claims FILE");
  }
  if (!options.question.empty() && !options.claims_file.empty()) {
    return Fail(Code::kInvalidArgument, "--question goes with an ANSWER, not with --claims");
  }
  if (!options.follow) return RunWhole(options, paint);
  if (options.answer != "-" || !options.html.empty()) {
    return Fail(Code::kInvalidArgument,
                "--follow reads standard input: use `assay check - --follow`, without --html");
  }
  return RunFollow(options, paint);
}

}  // namespace

void AddCheckCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "check",
      "Check every claim of an answer against documents: supported, contradicted or unverified");
  command->add_option("answer", options->answer,
                      "The answer (Markdown or text), or - for standard input");
  command->add_option("--against", options->docs, "Folder or file of documents, or an index")
      ->required();
  command->add_option("--claims", options->claims_file,
                      "Judge given claims instead: a file of {\"claim\": \"...\"} lines, or -");
  command->add_option("--question", options->question,
                      "What was asked: completes an answer such as \"Within 24 hours.\"");
  command->add_option("--index", options->index_folder,
                      "Folder for the index (default: DOCS/.assay)");
  command->add_option("--passages", options->passages, "Passages that are looked at for each claim")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  auto* const checker = command->add_option(
      "--checker", options->checker,
      "Folder of a cross-encoder (checker.yaml, vocab.txt, model.xml or model.onnx) that judges "
      "what "
      "facts leave open; default: checker* among the installed models, if there is one");
  command->add_flag("--no-checker", options->no_checker, "Judge by facts and similarity alone")
      ->excludes(checker);
  command->add_flag("--follow", options->follow,
                    "Judge each sentence while standard input is still being written");
  command->add_flag("--json", options->json,
                    "Print JSON: one object; with --follow one line a claim");
  command->add_option("--html", options->html,
                      "Also write a page where a click on a claim shows its evidence");
  const std::map<std::string, FailOn> levels = {{"contradicted", FailOn::kContradicted},
                                                {"unverified", FailOn::kUnverified}};
  command
      ->add_option("--fail-on", options->fail_on,
                   "Exit with 1 if a claim is contradicted, or (unverified) not supported")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case).description(""))
      ->option_text("LEVEL");
  command->footer(
      "Examples:\n"
      "  assay check answer.md --against docs/\n"
      "  assay check answer.md --against docs/ --html report.html --fail-on contradicted\n"
      "  echo 'Within 24 hours.' | assay check - --question 'When must loss be reported?' "
      "--against docs/\n"
      "  assay check --claims claims.jsonl --against docs/ --json\n"
      "  assay check answer.md --against docs/ --checker ~/models/my-checker\n"
      "  some-model | assay check - --against docs/ --follow");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
