// assay tune FILE
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "assay/consensus/final_answer.h"
#include "assay/core/file_system.h"
#include "assay/tuner/circle.h"
#include "assay/tuner/routing.h"

#include "command.h"
#include "json_output.h"

namespace assay::cli {
namespace {

constexpr std::uint64_t kMaxFileBytes = 1ULL << 30;

struct Options {
  bool circle = false;
  double latency = std::numeric_limits<double>::infinity();  // ms, mean
  std::vector<std::string> latencies;
  std::string route = "tuned";
  std::vector<std::string> documents;
  std::string file;
  std::vector<std::string> prices;
  std::string class_field;
  double quality = -1;  // below 0: that of the best single model
  double prior = 20;
  double confidence = 0.95;
  std::string write;
  std::string prefix;
  tuner::SearchOptions search{.restarts = 4};
  bool json = false;
};

// "model=2.5"; the model's name may hold '=' itself.
Result<void> AddNumber(std::string_view option, std::string_view text, std::string_view unit,
                       std::map<std::string, double, std::less<>>& numbers) {
  const std::size_t cut = text.rfind('=');
  double price = -1;
  if (cut != std::string_view::npos) {
    const char* end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + cut + 1, end, price);
    if (parsed.ec != std::errc() || parsed.ptr != end) price = -1;
  }
  if (!(price >= 0) || std::isinf(price)) {
    return Fail(Code::kInvalidArgument,
                fmt::format("{} {}: must read MODEL={}", option, text, unit));
  }
  numbers[std::string(text.substr(0, cut))] = price;
  return {};
}

struct Compared {
  std::string name;
  tuner::PolicyValue value;
};

struct Report {
  std::uint64_t n_tune = 0;
  double least_quality = 0;
  std::size_t best_single = 0;         // index of the model
  tuner::TableValue promised;          // of the policy, on the half that tuned it
  std::optional<double> optimal_cost;  // by enumeration, on the same
  tuner::PolicyValue policy;           // on the half held back
  std::vector<Compared> singles;
  double mixed_cost =
      0;  // of choosing at random between two single models, at the policy's quality
};

// The cheapest mixture of two single models with that quality; NaN where none has it.
double CostOfMixing(const std::vector<Compared>& singles, double quality) {
  double best = NAN;
  for (const Compared& a : singles) {
    for (const Compared& b : singles) {
      const double low = a.value.quality.value;
      const double high = b.value.quality.value;
      if (quality < low || quality > high) continue;
      const double part = high > low ? (quality - low) / (high - low) : 0;
      const double cost = a.value.cost.value + part * (b.value.cost.value - a.value.cost.value);
      if (std::isnan(best) || cost < best) best = cost;
    }
  }
  return best;
}

Result<Report> Tune(const Options& options, const tuner::Outcomes& outcomes,
                    tuner::Policy& policy) {
  const tuner::SplitOutcomes parts = tuner::Split(outcomes);
  if (parts.tune.rows.empty() || parts.held_back.rows.empty()) {
    return Fail(Code::kInvalidArgument,
                options.file + ": there are too few questions to hold half of them back");
  }
  const tuner::ClassTable table = tuner::Tabulate(parts.tune, options.prior);
  Report out;
  out.n_tune = parts.tune.rows.size();
  double best_quality = -1;
  for (std::uint32_t m = 0; m < outcomes.models.size(); ++m) {
    const tuner::Policy single(outcomes.classes.size(), m);
    const double quality = tuner::ValueOf(table, single).quality;
    if (quality > best_quality) {
      best_quality = quality;
      out.best_single = m;
    }
    out.singles.push_back(
        {outcomes.models[m], tuner::Evaluate(parts.held_back, single, table, options.confidence)});
  }
  out.least_quality = options.quality >= 0 ? options.quality : best_quality;
  ASSAY_ASSIGN(policy, tuner::TunePolicy(table, out.least_quality, options.search));
  out.promised = tuner::ValueOf(table, policy);
  if (const auto exact = tuner::EnumeratePolicies(table, out.least_quality)) {
    out.optimal_cost = tuner::ValueOf(table, *exact).cost;
  }
  out.policy = tuner::Evaluate(parts.held_back, policy, table, options.confidence);
  out.mixed_cost = CostOfMixing(out.singles, out.policy.quality.value);
  return out;
}

boost::json::object ToJson(const tuner::PolicyValue& value) {
  const auto estimate = [](const tuner::Estimate& e) -> boost::json::value {
    if (std::isnan(e.value)) return nullptr;
    return boost::json::object{{"value", e.value}, {"interval", {e.interval.low, e.interval.high}}};
  };
  boost::json::object out = {{"n", value.n},
                             {"effective_n", value.effective_n},
                             {"quality", estimate(value.quality)},
                             {"cost", estimate(value.cost)}};
  if (value.ips) out["quality_ips"] = estimate(*value.ips);
  if (value.snips) out["quality_snips"] = estimate(*value.snips);
  return out;
}

boost::json::object ToJson(const tuner::Outcomes& outcomes, const tuner::Policy& policy,
                           const Report& report) {
  boost::json::object by_class;
  for (std::size_t c = 0; c < policy.size(); ++c)
    by_class[outcomes.classes[c]] = outcomes.models[policy[c]];
  boost::json::object singles;
  for (const Compared& one : report.singles) singles[one.name] = ToJson(one.value);
  boost::json::object out;
  out["least_quality"] = report.least_quality;
  out["best_single"] = outcomes.models[report.best_single];
  out["tuned_on"] = {
      {"n", report.n_tune}, {"quality", report.promised.quality}, {"cost", report.promised.cost}};
  if (report.optimal_cost) out["tuned_on"].as_object()["optimal_cost"] = *report.optimal_cost;
  out["held_back"] = ToJson(report.policy);
  out["single_models"] = std::move(singles);
  out["mixing_cost"] = std::isnan(report.mixed_cost) ? boost::json::value(nullptr)
                                                     : boost::json::value(report.mixed_cost);
  out["policy"] = std::move(by_class);
  return out;
}

void Print(const tuner::Outcomes& outcomes, const tuner::Policy& policy, const Report& report) {
  const auto row = [](std::string_view name, const tuner::PolicyValue& value) {
    fmt::print(
        "{:<28}{:>9.4f}{:>20}{:>16.3g}\n", name, value.quality.value,
        fmt::format("{:.4f} to {:.4f}", value.quality.interval.low, value.quality.interval.high),
        value.cost.value);
  };
  fmt::print(
      "tuned on {} questions for a quality of {:.4f}, held back {}\n\n{:<28}{:>9}{:>20}{:>16}\n",
      report.n_tune, report.least_quality, report.policy.n, "", "quality", "interval",
      "USD a question");
  row("this policy", report.policy);
  for (const Compared& one : report.singles) row(one.name, one.value);
  if (!std::isnan(report.mixed_cost)) {
    fmt::print("{:<28}{:>9.4f}{:>20}{:>16.3g}\n", "two models at random",
               report.policy.quality.value, "", report.mixed_cost);
  }
  const double single = report.singles[report.best_single].value.cost.value;
  if (single > 0) {
    fmt::print("\n{:.1f} % of the cost of '{}'\n", 100 * report.policy.cost.value / single,
               outcomes.models[report.best_single]);
  }
  for (std::size_t m = 0; m < outcomes.models.size(); ++m) {
    const auto classes = std::ranges::count(policy, static_cast<std::uint32_t>(m));
    fmt::print("{}: {} of {} classes\n", outcomes.models[m], classes, policy.size());
  }
}

Result<void> CheckModels(std::string_view option, const Options& options,
                         const tuner::Outcomes& outcomes,
                         const std::map<std::string, double, std::less<>>& numbers) {
  for (const auto& [model, number] : numbers) {
    if (std::ranges::find(outcomes.models, model) == outcomes.models.end()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("{}: no model '{}' in {}; there are {}", option, model, options.file,
                              fmt::join(outcomes.models, ", ")));
    }
  }
  return {};
}

struct ReadTable {
  tuner::ReadOptions how;
  tuner::Outcomes outcomes;
};

Result<ReadTable> Read(const Options& options) {
  ReadTable out;
  out.how.class_field = options.class_field;
  for (const std::string& text : options.prices) {
    ASSAY_TRY(
        AddNumber("--price", text, "USD, for a million tokens", out.how.usd_per_million_tokens));
  }
  for (const std::string& text : options.latencies) {
    ASSAY_TRY(AddNumber("--latency-of", text, "MS", out.how.latency_ms));
  }
  if (options.circle) {
    out.how.final_of = [](std::string_view text) { return consensus::ExtractFinal(text).text; };
  }
  ASSAY_ASSIGN(const std::string text,
               core::FileSystem::Real().ReadFile(options.file, kMaxFileBytes));
  ASSAY_ASSIGN(out.outcomes, tuner::ReadOutcomes(text, options.file, out.how));
  ASSAY_TRY(CheckModels("--price", options, out.outcomes, out.how.usd_per_million_tokens));
  ASSAY_TRY(CheckModels("--latency-of", options, out.outcomes, out.how.latency_ms));
  return out;
}

struct NamedCircle {
  std::string name;
  tuner::CircleValue value;
};

boost::json::object ToJson(const tuner::CircleValue& value) {
  const auto estimate = [](const tuner::Estimate& e) -> boost::json::object {
    return {{"value", e.value}, {"interval", {e.interval.low, e.interval.high}}};
  };
  return {{"n", value.n},
          {"quality", estimate(value.quality)},
          {"cost", estimate(value.cost)},
          {"latency_ms", estimate(value.latency_ms)},
          {"asked", value.asked}};
}

void PrintCircle(const std::vector<NamedCircle>& rows) {
  fmt::print("{:<44}{:>9}{:>20}{:>16}{:>12}{:>8}\n", "held back", "quality", "interval",
             "USD a question", "latency ms", "asked");
  for (const auto& [name, value] : rows) {
    fmt::print(
        "{:<44}{:>9.4f}{:>20}{:>16.3g}{:>12.4g}{:>8.2f}\n", name, value.quality.value,
        fmt::format("{:.4f} to {:.4f}", value.quality.interval.low, value.quality.interval.high),
        value.cost.value, value.latency_ms.value, value.asked);
  }
}

// Whom to ask for one answer, in place of whom to ask for which class.
Result<int> RunCircle(const Options& options) {
  ASSAY_ASSIGN(const ReadTable table, Read(options));
  const tuner::Outcomes& outcomes = table.outcomes;
  const tuner::SplitOutcomes parts = tuner::Split(outcomes);
  if (parts.tune.rows.empty() || parts.held_back.rows.empty()) {
    return Fail(Code::kInvalidArgument,
                options.file + ": there are too few questions to hold half of them back");
  }
  tuner::CircleBounds bounds{.least_quality = options.quality, .most_latency_ms = options.latency};
  std::vector<NamedCircle> rows;
  double best_single = 0;
  for (std::uint32_t m = 0; m < outcomes.models.size(); ++m) {
    const tuner::CirclePlan single{tuner::CirclePolicy::kSingle, {m}};
    best_single = std::max(
        best_single, tuner::EvaluateCircle(parts.tune, single, options.confidence).quality.value);
    rows.push_back(
        {outcomes.models[m], tuner::EvaluateCircle(parts.held_back, single, options.confidence)});
  }
  if (options.quality < 0) bounds.least_quality = best_single;
  ASSAY_ASSIGN(const tuner::TunedCircle tuned,
               tuner::TuneCircle(parts.tune, bounds, options.search));
  std::vector<std::string> models;
  for (const std::uint32_t m : tuned.plan.models) models.push_back(outcomes.models[m]);
  const tuner::CircleValue promised =
      tuner::EvaluateCircle(parts.tune, tuned.plan, options.confidence);
  const tuner::CircleValue proof =
      tuner::EvaluateCircle(parts.held_back, tuned.plan, options.confidence);
  const bool checked = tuned.plan.policy == tuner::CirclePolicy::kChecked;
  if (!options.write.empty()) {
    if (checked && options.documents.empty()) {
      return Fail(Code::kInvalidArgument,
                  "this plan checks answers: name what the route shall check them against, with "
                  "--documents FOLDER");
    }
    ASSAY_TRY(core::WriteFileAtomically(
        core::FileSystem::Real(), options.write,
        tuner::CircleLines(outcomes, tuned.plan, options.route, options.documents)));
  }
  if (options.json) {
    boost::json::object singles;
    for (const auto& [name, value] : rows) singles[name] = ToJson(value);
    boost::json::object out{{"least_quality", bounds.least_quality},
                            {"policy", tuner::PolicyName(tuned.plan.policy)},
                            {"models", boost::json::value_from(models)},
                            {"plans_tried_all", tuned.enumerated},
                            {"engine_found_best", tuned.engine_found_best},
                            {"tuned_on", ToJson(promised)},
                            {"held_back", ToJson(proof)},
                            {"single_models", std::move(singles)}};
    if (checked) out["min_supported"] = tuned.plan.min_supported;
    fmt::print("{}", PrettyJson(out));
    return kExitSuccess;
  }
  fmt::print("tuned on {} questions for a quality of {:.4f}: {} of {}{}\n\n", promised.n,
             bounds.least_quality, tuner::PolicyName(tuned.plan.policy), fmt::join(models, ", "),
             checked ? fmt::format(", until {:g} % of the claims are supported",
                                   100 * tuned.plan.min_supported)
                     : std::string());
  rows.insert(rows.begin(), {"this plan", proof});
  PrintCircle(rows);
  return kExitSuccess;
}

Result<int> Run(const Options& options) {
  if (options.circle) return RunCircle(options);
  ASSAY_ASSIGN(const ReadTable table, Read(options));
  const tuner::Outcomes& outcomes = table.outcomes;
  tuner::Policy policy;
  ASSAY_ASSIGN(const Report report, Tune(options, outcomes, policy));
  if (!options.write.empty()) {
    ASSAY_TRY(core::WriteFileAtomically(core::FileSystem::Real(), options.write,
                                        tuner::ConfigLines(outcomes, policy, options.prefix)));
  }
  if (options.json) {
    fmt::print("{}", PrettyJson(ToJson(outcomes, policy, report)));
  } else {
    Print(outcomes, policy, report);
  }
  return kExitSuccess;
}

}  // namespace

void AddTuneCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "tune", "Find the cheapest model for each class of question that keeps the quality.");
  command->add_option("file", options->file, "JSON lines of outcomes: a table or a log")
      ->required();
  command
      ->add_option("--price", options->prices,
                   "MODEL=USD for a million tokens; once for each model")
      ->option_text("MODEL=USD");
  command
      ->add_option("--quality", options->quality,
                   "Mean quality to keep; otherwise that of the best single model")
      ->check(CLI::Range(0.0, 1.0));
  command->add_option("--class-field", options->class_field, "Field that holds a question's class");
  const std::map<std::string, tuner::Engine> engines = {
      {"annealing", tuner::Engine::kAnnealing},
      {"genetic", tuner::Engine::kGenetic},
      {"differential", tuner::Engine::kDifferential}};
  command
      ->add_option("--engine", options->search.engine,
                   "annealing, genetic or differential (the default)")
      ->transform(CLI::CheckedTransformer(engines, CLI::ignore_case).description(""));
  command->add_option("--evaluations", options->search.evaluations, "Policies tried")
      ->check(CLI::Range(1000, 100000000))
      ->capture_default_str();
  command
      ->add_option("--restarts", options->search.restarts, "Independent searches that share them")
      ->check(CLI::Range(1, 15))
      ->capture_default_str();
  command->add_option("--seed", options->search.seed, "Of the search")->capture_default_str();
  command
      ->add_option("--prior", options->prior,
                   "Questions' worth of belief that a class is like all others together")
      ->check(CLI::Range(0.0, 1e6))
      ->capture_default_str();
  command->add_option("--write", options->write, "File for the routes, to be put into assay.yaml");
  command->add_option("--prefix", options->prefix, "In front of the class in a route's name");
  CLI::Option* circle = command->add_flag(
      "--experts", options->circle,
      "Instead: whom to ask for one answer, in which order and until when (one, a cascade, a "
      "fanout)");
  command->add_option("--latency", options->latency, "With --experts: milliseconds, mean, at most")
      ->check(CLI::PositiveNumber)
      ->needs(circle);
  command
      ->add_option("--latency-of", options->latencies,
                   "MODEL=MS of answers that do not say theirs; once for each model")
      ->needs(circle)
      ->option_text("MODEL=MS");
  command->add_option("--route", options->route, "With --experts: the route's name in --write")
      ->needs(circle);
  command
      ->add_option("--documents", options->documents,
                   "With --experts: what the route of --write checks answers against")
      ->needs(circle)
      ->option_text("FOLDER");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->footer(
      "Half of the questions tune, the other half shows what came of it "
      "(docs/tuner.md).\nExamples:\n"
      "  assay tune outcomes.jsonl --price small=0.24 --price large=24.7 --write routes.yaml\n"
      "  assay tune log.jsonl --quality 0.8 --json\n"
      "  assay tune answers.jsonl --experts --price small=1 --price large=9 --latency 2000");
  command->callback(
      [&invocation, options] { invocation.run = [options] { return Run(*options); }; });
}

}  // namespace assay::cli
