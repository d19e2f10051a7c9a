// assay consensus FILE
#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include "assay/consensus/consensus.h"
#include "assay/consensus/json.h"
#include "assay/consensus/pattern.h"
#include "assay/core/file_system.h"

#include "command.h"
#include "encoders.h"
#include "input.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string file;
  std::string method = "auto";
  std::string linkage = "average";
  consensus::MergeOptions merge;
  bool learn = false;
  bool no_encoder = false;
  bool patterns = false;
  std::string svg;
  bool json = false;
};

std::string Joined(const std::vector<std::uint32_t>& indices,
                   const std::vector<consensus::ExpertAnswer>& answers) {
  std::string out;
  for (const std::uint32_t i : indices) {
    if (!out.empty()) out += ", ";
    out += answers[i].expert;
  }
  return out;
}

void PrintDissent(const consensus::Outcome& outcome,
                  const std::vector<consensus::ExpertAnswer>& answers, const Painter& paint) {
  if (outcome.dissent.empty()) return;
  fmt::print("\n{}\n", paint.Bold("Dissent"));
  for (const consensus::Dissent& dissent : outcome.dissent) {
    fmt::print("  {}: {}\n    {}\n", paint.Yellow(Joined(dissent.answers, answers)),
               dissent.text.empty() ? "(no answer)" : dissent.text, paint.Dim(dissent.reason));
    if (!dissent.against.empty()) {
      fmt::print("    {}\n", paint.Dim("against: " + dissent.against));
    }
  }
}

void PrintOutcome(const consensus::Question& question, const consensus::Outcome& outcome,
                  const std::vector<consensus::ExpertAnswer>& answers, const Painter& paint) {
  if (!question.id.empty() || !question.text.empty()) {
    fmt::print("{}\n\n", paint.Bold(question.text.empty() ? question.id : question.text));
  }
  fmt::print("{}\n\n", outcome.answer);
  const std::string source = outcome.chosen == consensus::kNoAnswer
                                 ? fmt::format("{} claims of a quorum", outcome.claims.size())
                                 : fmt::format("the answer of {}", answers[outcome.chosen].expert);
  fmt::print("{}\n", paint.Green(fmt::format(
                         "{} of {} experts, by {}: confidence {:.2f}, mean agreement {:.2f}",
                         source, answers.size(), consensus::MethodName(outcome.method),
                         outcome.confidence, outcome.agreement_mean)));
  if (outcome.numeric) {
    fmt::print("number: {:g} ({})\n", outcome.numeric->value,
               Joined(outcome.numeric->answers, answers));
  }
  for (const consensus::ClaimSupport& claim : outcome.claims) {
    fmt::print("  {:3.0f}%  {}  {}\n", 100 * claim.weight, claim.text,
               paint.Dim("(" + Joined(claim.supporters, answers) + ")"));
  }
  PrintDissent(outcome, answers, paint);
}

Result<int> Run(Options& options, ColorMode color) {
  options.merge.method = *consensus::MethodOf(options.method);
  options.merge.linkage = *consensus::LinkageOf(options.linkage);
  ASSAY_ASSIGN(const std::string text, ReadText(options.file));
  auto questions = consensus::ParseQuestions(text, options.merge);
  if (!questions) {
    return Fail(questions.error().code,
                fmt::format("{}: {}", NameOfInput(options.file), questions.error().message));
  }
  std::unique_ptr<embed::Encoder> encoder;
  if (!options.no_encoder) {
    ASSAY_ASSIGN(encoder, LoadStaticEncoder());
  }
  const Painter paint(color, STDOUT_FILENO);
  consensus::ReliabilityLearner learner;
  for (std::size_t i = 0; i < questions->size(); ++i) {
    const consensus::Question& question = (*questions)[i];
    const auto answers = question.Views();
    ASSAY_ASSIGN(const auto merger, consensus::Merger::Create(question.options, encoder.get()));
    const auto outcome = merger.Merge(answers, options.learn ? &learner.current() : nullptr);
    if (!outcome) {
      return Fail(outcome.error().code,
                  fmt::format("{}: question {}: {}", NameOfInput(options.file), i + 1,
                              outcome.error().message));
    }
    if (options.learn) learner.Observe(consensus::Merger::VotesOf(answers, *outcome));
    if (options.json) {
      boost::json::object out = consensus::ToJson(*outcome, answers);
      if (!question.id.empty()) out["id"] = question.id;
      fmt::print("{}", questions->size() == 1 ? PrettyJson(out) : CompactJson(out));
    } else {
      if (i > 0) fmt::print("\n{}\n\n", paint.Dim("----"));
      PrintOutcome(question, *outcome, answers, paint);
    }
  }
  return kExitSuccess;
}

// {"time" | "time_s", "pattern", "value"?} a line. The events view `patterns`.
Result<std::vector<consensus::Event>> ParseEvents(std::string_view text,
                                                  std::deque<std::string>& patterns) {
  std::vector<consensus::Event> out;
  for (std::size_t line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view one = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (one.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    boost::system::error_code error;
    const boost::json::value value = boost::json::parse({one.data(), one.size()}, error);
    const boost::json::object* object = error ? nullptr : value.if_object();
    const auto number = [&](std::string_view field) -> const boost::json::value* {
      const boost::json::value* found = object == nullptr ? nullptr : object->if_contains(field);
      return found != nullptr && found->is_number() ? found : nullptr;
    };
    const boost::json::value* time =
        number("time_s") != nullptr ? number("time_s") : number("time");
    const boost::json::value* pattern =
        object == nullptr ? nullptr : object->if_contains("pattern");
    if (time == nullptr || pattern == nullptr || !pattern->is_string()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("line {}: needs a JSON object with \"time\" (a number, seconds) and "
                              "\"pattern\" (a string)",
                              line));
    }
    patterns.emplace_back(pattern->get_string().begin(), pattern->get_string().end());
    const boost::json::value* measure = number("value");
    out.push_back({time->to_number<double>(), patterns.back(),
                   measure == nullptr ? 0 : measure->to_number<double>()});
  }
  return out;
}

void PrintPatterns(const consensus::PatternReport& report, const Painter& paint) {
  const consensus::ValueStatistics& v = report.values;
  fmt::print("{} exchanges of {} patterns over {:g} s; {:.1f}% repeated, entropy {:.2f} bits\n\n",
             report.events, report.distinct, report.last_s - report.first_s, 100 * report.repeated,
             report.entropy_bits);
  fmt::print("{}\n", paint.Bold("   count   share   mean value  pattern"));
  for (const consensus::PatternCount& one : report.top) {
    fmt::print("{:>8}{:>7.1f}%{:>13.4g}  {}\n", one.count, 100 * one.share, one.value_mean,
               one.pattern);
  }
  fmt::print(
      "\nvalues    mean {:.4g}, median {:.4g}, deviation {:.4g}, 5% to 95% {:.4g} to {:.4g}, "
      "skewness "
      "{:.2f}\n",
      v.mean, v.median, v.deviation, v.low, v.high, v.skewness);
  fmt::print(
      "curve     length {:.3g}, straightness {:.3f}, hull {:.3f}, turning {:.2f}, slope {:.3f}\n",
      report.geometry.length, report.geometry.straightness, report.geometry.hull_area,
      report.geometry.turning, report.geometry.slope);
  for (const consensus::Period& period : report.periods) {
    fmt::print("period    {:g} s, strength {:.2f}\n", period.seconds, period.strength);
  }
  for (const consensus::ChangePoint& change : report.changes) {
    fmt::print("change    at {:g} s from {:.4g} to {:.4g}\n", change.time_s, change.before,
               change.after);
  }
  for (const consensus::Outlier& outlier : report.outliers) {
    fmt::print("outlier   at {:g} s: {:.4g}, score {:.1f}\n", outlier.time_s, outlier.value,
               outlier.score);
  }
}

Result<int> RunPatterns(const Options& options, ColorMode color) {
  ASSAY_ASSIGN(const std::string text, ReadText(options.file));
  std::deque<std::string> patterns;
  const auto events = ParseEvents(text, patterns);
  const auto named = [&](const Error& error) {
    return Fail(error.code, fmt::format("{}: {}", NameOfInput(options.file), error.message));
  };
  if (!events) return named(events.error());
  const auto report = consensus::AnalyzePatterns(*events);
  if (!report) return named(report.error());
  if (!options.svg.empty()) {
    ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), options.svg,
                                        consensus::PatternSvg(*events, *report)));
  }
  if (options.json) {
    fmt::print("{}", PrettyJson(consensus::ToJson(*report)));
  } else {
    PrintPatterns(*report, Painter(color, STDOUT_FILENO));
  }
  return kExitSuccess;
}

}  // namespace

void AddConsensusCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "consensus", "Merge the answers of several experts: what they agree on, and who dissents");
  command
      ->add_option("file", options->file,
                   "JSON lines: {\"question\"?, \"answers\": [{\"expert\", \"text\"}]} a line, or "
                   "{\"expert\", \"text\"} a line for one question; - for standard input")
      ->required()
      ->option_text("FILE");
  command->add_option("--method", options->method, "auto, majority, weighted, medoid or claims")
      ->check(CLI::IsMember({"auto", "majority", "weighted", "medoid", "claims"}))
      ->option_text("NAME");
  command->add_option("--quorum", options->merge.quorum, "Share of the weight that a claim needs")
      ->check(CLI::Range(0.01, 1.0));
  command
      ->add_option("--same", options->merge.same_threshold,
                   "Agreement from which two answers are one opinion")
      ->check(CLI::Range(0.01, 1.0));
  command->add_option("--linkage", options->linkage, "single, complete or average")
      ->check(CLI::IsMember({"single", "complete", "average"}))
      ->option_text("NAME");
  command
      ->add_option("--tolerance", options->merge.number_tolerance,
                   "Relative difference of numbers that count as consistent")
      ->check(CLI::Range(0.0, 0.99));
  command->add_flag("--learn", options->learn,
                    "Learn from question to question how reliable each expert is");
  command->add_flag("--no-encoder", options->no_encoder, "Compare word counts, without a model");
  CLI::Option* patterns =
      command->add_flag("--patterns", options->patterns,
                        "FILE is a history, {\"time\", \"pattern\", \"value\"?} a line: what "
                        "recurs, when, what stands out");
  command->add_option("--svg", options->svg, "With --patterns: also draw the history to this file")
      ->needs(patterns)
      ->option_text("FILE");
  command->add_flag("--json", options->json, "Print one JSON object a question");
  command->footer(
      "Examples:\n"
      "  assay consensus answers.jsonl\n"
      "  assay consensus answers.jsonl --method claims --quorum 0.6 --json\n"
      "  assay consensus --patterns history.jsonl --svg history.svg\n"
      "  printf '{\"expert\":\"a\",\"text\":\"#### 42\"}\\n{\"expert\":\"b\",\"text\":\"It is "
      "42.\"}\\n' | "
      "assay consensus -");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] {
      return options->patterns ? RunPatterns(*options, invocation.color)
                               : Run(*options, invocation.color);
    };
  });
}

}  // namespace assay::cli
