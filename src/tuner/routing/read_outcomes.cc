#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/core/hash.h"
#include "assay/tuner/routing.h"

namespace assay::tuner {
namespace {

namespace json = boost::json;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kCharactersPerToken = 4;
constexpr std::size_t kLengthClasses = 4;
constexpr std::size_t kMostModels = 64;

std::string_view View(const json::string_view text) {
  return {text.data(), text.size()};
}

class Reader {
 public:
  Reader(Outcomes& out, const ReadOptions& options) : out_(out), options_(options) {}

  Result<void> Add(std::string_view line) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object()) return Fail(Code::kInvalidArgument, "is no JSON object");
    const json::object& record = value.get_object();
    const bool logged = record.contains("propensity");
    if (out_.rows.empty()) out_.logged = logged;
    if (out_.logged != logged) {
      return Fail(Code::kInvalidArgument, "is of another form than the first (log or table)");
    }
    const std::string_view question = Text(record, {"prompt", "question"});
    Outcome row;
    row.split_hash = core::HashBytes64(question.empty() ? line : question);
    ASSAY_ASSIGN(row.question_class, ClassOf(record, question));
    ASSAY_TRY(logged ? AddLogged(record, row) : AddTable(record, question, row));
    lengths_.push_back(question.size());
    out_.rows.push_back(std::move(row));
    return {};
  }

  // Fills what later records made longer, and classes by length where there are none.
  Result<void> Finish() {
    if (out_.rows.empty()) return Fail(Code::kInvalidArgument, "there are no records");
    if (out_.models.size() < 2)
      return Fail(Code::kInvalidArgument, "there must be two models or more");
    for (Outcome& row : out_.rows) {
      row.quality.resize(out_.models.size(), kNaN);
      row.cost.resize(out_.models.size(), kNaN);
      row.answer.resize(out_.models.size(), kNoAnswer);
      row.latency_ms.resize(out_.models.size(), kNaN);
      row.supported.resize(out_.models.size(), kNaN);
      row.contradicted.resize(out_.models.size(), kNaN);
    }
    if (!out_.classes.empty()) return {};
    std::vector<std::size_t> sorted = lengths_;
    std::ranges::sort(sorted);
    for (std::size_t c = 0; c < kLengthClasses; ++c)
      out_.classes.push_back(fmt::format("length-{}", c + 1));
    for (std::size_t i = 0; i < out_.rows.size(); ++i) {
      const auto rank = std::ranges::lower_bound(sorted, lengths_[i]) - sorted.begin();
      out_.rows[i].question_class = static_cast<std::uint32_t>(static_cast<std::size_t>(rank) *
                                                               kLengthClasses / sorted.size());
    }
    return {};
  }

 private:
  static std::string_view Text(const json::object& record,
                               std::initializer_list<const char*> names) {
    for (const char* name : names) {
      const json::value* value = record.if_contains(name);
      if (value != nullptr && value->is_string()) return View(value->get_string());
    }
    return {};
  }

  Result<std::uint32_t> ClassOf(const json::object& record, std::string_view question) {
    const std::string_view name = options_.class_field.empty()
                                      ? Text(record, {"class", "subject", "category", "task"})
                                      : Text(record, {options_.class_field.c_str()});
    if (name.empty()) {
      if (!out_.classes.empty() || !options_.class_field.empty()) {
        return Fail(Code::kInvalidArgument, "has no class, unlike the others");
      }
      if (question.empty())
        return Fail(Code::kInvalidArgument, "has neither a class nor a question");
      return 0;
    }
    if (out_.classes.empty() && !out_.rows.empty()) {
      return Fail(Code::kInvalidArgument, "has a class, unlike the others");
    }
    return Id(name, out_.classes, classes_);
  }

  static std::uint32_t Id(std::string_view name, std::vector<std::string>& names,
                          std::unordered_map<std::string, std::uint32_t>& ids) {
    const auto [at, is_new] = ids.emplace(name, static_cast<std::uint32_t>(names.size()));
    if (is_new) names.emplace_back(name);
    return at->second;
  }

  Result<std::uint32_t> Model(std::string_view name) {
    const std::uint32_t id = Id(name, out_.models, models_);
    if (id >= kMostModels) return Fail(Code::kInvalidArgument, "names more than 64 models");
    return id;
  }

  static Result<double> Quality(const json::value& value) {
    if (value.is_bool()) return value.get_bool() ? 1.0 : 0.0;
    const double quality = value.is_number() ? value.to_number<double>() : kNaN;
    if (!(quality >= 0) || !(quality <= 1)) {
      return Fail(Code::kInvalidArgument,
                  "has a quality that is neither true, false nor in [0, 1]");
    }
    return quality;
  }

  [[nodiscard]] double Cost(std::string_view model, std::size_t characters) const {
    const auto price = options_.usd_per_million_tokens.find(model);
    if (price == options_.usd_per_million_tokens.end()) return 0;
    return price->second * 1e-6 * static_cast<double>(characters) / kCharactersPerToken;
  }

  Result<void> Set(Outcome& row, std::string_view model, const json::value& quality,
                   std::size_t characters) {
    ASSAY_ASSIGN(const std::uint32_t id, Model(model));
    if (row.quality.size() <= id) row.quality.resize(id + 1, kNaN);
    if (row.cost.size() <= id) row.cost.resize(id + 1, kNaN);
    ASSAY_ASSIGN(row.quality[id], Quality(quality));
    row.cost[id] = Cost(model, characters);
    return {};
  }

  Result<void> AddTable(const json::object& record, std::string_view question, Outcome& row) {
    if (const json::value* correct = record.if_contains("correct");
        correct && correct->is_object()) {
      for (const auto& member : correct->get_object()) {
        ASSAY_TRY(Set(row, View(member.key()), member.value(), question.size()));
      }
      return {};
    }
    const json::value* answers = record.if_contains("answers");
    if (answers == nullptr || !answers->is_array()) {
      return Fail(Code::kInvalidArgument,
                  "has neither 'correct': {...}, 'answers': [...] nor 'propensity'");
    }
    for (const json::value& answer : answers->get_array()) {
      const json::object* fields = answer.if_object();
      const std::string_view model = fields ? Text(*fields, {"model"}) : std::string_view();
      if (model.empty() || !fields->contains("correct")) {
        return Fail(Code::kInvalidArgument, "has an answer without 'model' or 'correct'");
      }
      const std::size_t characters = question.size() + Text(*fields, {"text"}).size();
      ASSAY_TRY(Set(row, model, fields->at("correct"), characters));
      ASSAY_TRY(AddAnswer(*fields, models_.at(std::string(model)), row));
    }
    finals_.clear();
    return {};
  }

  static Result<void> Amount(const json::object& fields, const char* name, double& slot) {
    const json::value* value = fields.if_contains(name);
    if (value == nullptr || value->is_null()) return {};
    const double amount = value->is_number() ? value->to_number<double>() : kNaN;
    if (!(amount >= 0) || !(amount < 1e9)) {
      return Fail(Code::kInvalidArgument, fmt::format("has a '{}' that is no amount", name));
    }
    slot = amount;
    return {};
  }

  // Shares of the answer's claims; one that is checked and says nothing of contradictions has none.
  static Result<void> AddChecks(const json::object& fields, std::uint32_t id, Outcome& row) {
    for (auto* shares : {&row.supported, &row.contradicted}) {
      if (shares->size() <= id) shares->resize(id + 1, kNaN);
      (*shares)[id] = kNaN;
    }
    ASSAY_TRY(Amount(fields, "supported", row.supported[id]));
    if (std::isnan(row.supported[id])) return {};
    row.contradicted[id] = 0;
    ASSAY_TRY(Amount(fields, "contradicted", row.contradicted[id]));
    if (row.supported[id] + row.contradicted[id] > 1 + 1e-9) {
      return Fail(Code::kInvalidArgument,
                  "has shares of supported and contradicted claims above 1 together");
    }
    return {};
  }

  // What the answer itself is, beside its quality.
  Result<void> AddAnswer(const json::object& fields, std::uint32_t id, Outcome& row) {
    ASSAY_TRY(Amount(fields, "cost", row.cost[id]));
    if (row.latency_ms.size() <= id) row.latency_ms.resize(id + 1, kNaN);
    if (row.answer.size() <= id) row.answer.resize(id + 1, kNoAnswer);
    const auto usual = options_.latency_ms.find(out_.models[id]);
    if (usual != options_.latency_ms.end()) row.latency_ms[id] = usual->second;
    ASSAY_TRY(Amount(fields, "latency_ms", row.latency_ms[id]));
    ASSAY_TRY(AddChecks(fields, id, row));
    std::string final_text(Text(fields, {"final"}));
    if (options_.final_of) {
      const std::string_view text = Text(fields, {"text"});
      std::string found =
          options_.final_of(final_text.empty() ? text : std::string_view(final_text));
      if (!found.empty()) final_text = std::move(found);
    }
    if (final_text.empty()) return {};
    const auto place = finals_.emplace(final_text, static_cast<std::uint32_t>(finals_.size()));
    row.answer[id] = place.first->second;
    return {};
  }

  Result<void> AddLogged(const json::object& record, Outcome& row) {
    const std::string_view model = Text(record, {"model"});
    const json::value* reward = record.if_contains("reward");
    const json::value& propensity = record.at("propensity");
    if (model.empty() || reward == nullptr) {
      return Fail(Code::kInvalidArgument, "has no 'model' or no 'reward'");
    }
    row.propensity = propensity.is_number() ? propensity.to_number<double>() : kNaN;
    if (!(row.propensity > 0) || !(row.propensity <= 1)) {
      return Fail(Code::kInvalidArgument, "has a 'propensity' that is not in (0, 1]");
    }
    ASSAY_TRY(Set(row, model, *reward, 0));
    row.chosen = models_.at(std::string(model));
    if (const json::value* cost = record.if_contains("cost")) {
      const double usd = cost->is_number() ? cost->to_number<double>() : kNaN;
      if (!(usd >= 0) || !(usd < 1e9))
        return Fail(Code::kInvalidArgument, "has a 'cost' that is no amount");
      row.cost[row.chosen] = usd;
    }
    return {};
  }

  Outcomes& out_;
  const ReadOptions& options_;
  std::unordered_map<std::string, std::uint32_t> classes_;
  std::unordered_map<std::string, std::uint32_t> models_;
  std::unordered_map<std::string, std::uint32_t> finals_;  // of the row at hand
  std::vector<std::size_t> lengths_;
};

}  // namespace

Result<Outcomes> ReadOutcomes(std::string_view text, std::string_view file,
                              const ReadOptions& options) {
  Outcomes out;
  Reader reader(out, options);
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    if (const auto added = reader.Add(line); !added) {
      return Fail(added.error().code,
                  fmt::format("{}:{}: {}", file, number, added.error().message));
    }
  }
  if (const auto finished = reader.Finish(); !finished) {
    return Fail(finished.error().code, fmt::format("{}: {}", file, finished.error().message));
  }
  return out;
}

SplitOutcomes Split(const Outcomes& outcomes) {
  SplitOutcomes out;
  for (Outcomes* part : {&out.tune, &out.held_back}) {
    part->classes = outcomes.classes;
    part->models = outcomes.models;
    part->logged = outcomes.logged;
  }
  for (const Outcome& row : outcomes.rows) {
    (row.split_hash % 2 == 0 ? out.tune : out.held_back).rows.push_back(row);
  }
  return out;
}

}  // namespace assay::tuner
