#include <algorithm>
#include <array>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/experiments/analysis.h"

#include "read/json_internal.h"

namespace assay::experiments {
namespace {

namespace json = boost::json;
using internal::Place;
using internal::View;

class Reader {
 public:
  explicit Reader(ExperimentDocument& out) : out_(out) {}

  Result<void> Read(const json::value& root, const Place& place) {
    static constexpr std::array<std::string_view, 6> kKnown = {
        "id", "control", "correction", "sequential", "metrics", "variants"};
    static constexpr std::array<std::string_view, 3> kCorrections = {"holm", "benjamini_hochberg",
                                                                     "none"};
    ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(root, place));
    ASSAY_TRY(internal::OnlyKnown(*object, place, kKnown));
    ExperimentData& data = out_.data;
    ASSAY_ASSIGN(const auto id, internal::TextField(*object, "id", place));
    ASSAY_ASSIGN(const auto control, internal::TextField(*object, "control", place));
    ASSAY_ASSIGN(const auto correction,
                 internal::ChoiceField(*object, "correction", kCorrections, place));
    ASSAY_ASSIGN(const auto sequential, internal::BoolField(*object, "sequential", place));
    data.id = id.value_or("");
    data.correction = static_cast<Correction>(correction.value_or(0));
    data.sequential = sequential.value_or(false);
    if (const json::value* metrics = object->if_contains("metrics")) {
      ASSAY_TRY(ReadMetrics(*metrics, place.At("metrics")));
    }
    const json::value* variants = object->if_contains("variants");
    if (variants == nullptr) return place.At("variants").Fail("is missing");
    ASSAY_TRY(ReadVariants(*variants, place.At("variants")));
    return PutControlFirst(control, place);
  }

 private:
  Result<void> ReadMetrics(const json::value& value, const Place& place) {
    static constexpr std::array<std::string_view, 4> kKnown = {"direction", "role", "test",
                                                               "margin"};
    static constexpr std::array<std::string_view, 2> kDirections = {"increase", "decrease"};
    static constexpr std::array<std::string_view, 2> kRoles = {"goal", "guardrail"};
    static constexpr std::array<std::string_view, 3> kTests = {"welch", "student", "mann_whitney"};
    ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(value, place));
    for (const auto& member : *object) {
      MetricSpec spec;
      spec.name = View(member.key());
      const Place at = place.At(spec.name);
      ASSAY_ASSIGN(const json::object* fields, internal::ObjectAt(member.value(), at));
      ASSAY_TRY(internal::OnlyKnown(*fields, at, kKnown));
      ASSAY_ASSIGN(const auto direction,
                   internal::ChoiceField(*fields, "direction", kDirections, at));
      ASSAY_ASSIGN(const auto role, internal::ChoiceField(*fields, "role", kRoles, at));
      ASSAY_ASSIGN(const auto test, internal::ChoiceField(*fields, "test", kTests, at));
      ASSAY_ASSIGN(const auto margin, internal::NumberField(*fields, "margin", at));
      spec.direction = static_cast<Direction>(direction.value_or(0));
      spec.role = static_cast<MetricRole>(role.value_or(0));
      spec.test = static_cast<MetricTest>(test.value_or(0));
      spec.margin = margin.value_or(0);
      if (!(spec.margin >= 0)) return at.At("margin").Fail("must be 0 or more, such as 0.01");
      out_.data.metrics.push_back(std::move(spec));
    }
    return {};
  }

  Result<void> ReadVariants(const json::value& value, const Place& place) {
    if (value.is_array()) {
      const json::array& list = value.get_array();
      for (std::size_t i = 0; i < list.size(); ++i) {
        const Place at = place.At(i);
        ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(list[i], at));
        ASSAY_ASSIGN(auto name, internal::TextField(*object, "name", at));
        if (!name) return at.At("name").Fail("is missing");
        ASSAY_TRY(ReadVariant(*std::move(name), *object, at));
      }
      return {};
    }
    if (!value.is_object()) return place.Fail("must be an object by name, or a list");
    for (const auto& member : value.get_object()) {
      const Place at = place.At(View(member.key()));
      ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(member.value(), at));
      ASSAY_TRY(ReadVariant(std::string(View(member.key())), *object, at));
    }
    return {};
  }

  Result<void> ReadVariant(std::string name, const json::object& object, const Place& place) {
    static constexpr std::array<std::string_view, 4> kKnown = {"name", "share", "units", "metrics"};
    ASSAY_TRY(internal::OnlyKnown(object, place, kKnown));
    for (const VariantData& other : out_.data.variants) {
      if (other.name == name) return place.Fail(fmt::format("variant '{}' is there twice", name));
    }
    VariantData variant;
    variant.name = std::move(name);
    ASSAY_ASSIGN(const auto share, internal::NumberField(object, "share", place));
    ASSAY_ASSIGN(const auto units, internal::WholeField(object, "units", place));
    variant.share = share.value_or(1);
    variant.units = units.value_or(0);
    if (!(variant.share > 0)) return place.At("share").Fail("must be more than 0");
    const json::value* metrics = object.if_contains("metrics");
    if (metrics == nullptr) return place.At("metrics").Fail("is missing");
    const Place at = place.At("metrics");
    ASSAY_ASSIGN(const json::object* by_name, internal::ObjectAt(*metrics, at));
    if (out_.data.metrics.empty()) {  // not declared: the first variant's names, all goals
      for (const auto& member : *by_name) {
        out_.data.metrics.push_back({.name = std::string(View(member.key()))});
      }
    }
    for (const auto& member : *by_name) {
      const auto known = [&](const MetricSpec& spec) { return spec.name == View(member.key()); };
      if (std::ranges::none_of(out_.data.metrics, known)) {
        return at.At(View(member.key())).Fail("no such metric in 'metrics' or the first variant");
      }
    }
    for (const MetricSpec& spec : out_.data.metrics) {
      const json::value* value = by_name->if_contains({spec.name.data(), spec.name.size()});
      if (value == nullptr) return at.At(spec.name).Fail("is missing");
      ASSAY_ASSIGN(MetricValues values, ReadValues(*value, at.At(spec.name)));
      variant.metrics.push_back(std::move(values));
    }
    out_.data.variants.push_back(std::move(variant));
    return {};
  }

  Result<MetricValues> ReadValues(const json::value& value, const Place& place) {
    static constexpr std::array<std::string_view, 8> kKnown = {
        "values", "denominators", "covariates", "successes", "n", "mean", "variance", "deviation"};
    MetricValues out;
    if (value.is_array()) return ReadList(value, place);
    ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(value, place));
    ASSAY_TRY(internal::OnlyKnown(*object, place, kKnown));
    if (object->contains("values")) {
      ASSAY_ASSIGN(out, ReadList(object->at("values"), place.At("values")));
      if (object->contains("denominators") && object->contains("covariates")) {
        return place.Fail("has denominators and covariates; only one of them can be");
      }
      ASSAY_ASSIGN(out.denominators, ReadBeside(*object, "denominators", out, place));
      ASSAY_ASSIGN(out.covariates, ReadBeside(*object, "covariates", out, place));
      return out;
    }
    ASSAY_ASSIGN(const auto n, internal::WholeField(*object, "n", place));
    if (!n) return place.Fail("has neither 'values' nor 'n'");
    ASSAY_ASSIGN(const auto successes, internal::WholeField(*object, "successes", place));
    if (successes) {
      if (*successes > *n || *n == 0)
        return place.At("successes").Fail("must be at most n, and n >= 1");
      out.counts = Proportion{*successes, *n};
      return out;
    }
    return ReadMoments(*object, *n, place);
  }

  static Result<MetricValues> ReadMoments(const json::object& object, std::int64_t n,
                                          const Place& place) {
    ASSAY_ASSIGN(const auto mean, internal::NumberField(object, "mean", place));
    ASSAY_ASSIGN(const auto variance, internal::NumberField(object, "variance", place));
    ASSAY_ASSIGN(const auto deviation, internal::NumberField(object, "deviation", place));
    if (!mean || (!variance && !deviation)) {
      return place.Fail("needs 'values', or 'n' with 'successes', or 'n', 'mean' and 'variance'");
    }
    Summary summary;
    summary.n = n;
    summary.mean = *mean;
    summary.variance = variance ? *variance : *deviation * *deviation;
    if (!std::isfinite(summary.mean) || !(summary.variance >= 0) || !(summary.variance < 1e280) ||
        std::fabs(summary.mean) > 1e140) {
      return place.Fail("mean or variance is negative or out of range");
    }
    return MetricValues{.summary = summary};
  }

  Result<MetricValues> ReadList(const json::value& value, const Place& place) {
    ASSAY_ASSIGN(internal::NumberList list, internal::Numbers(value, place));
    MetricValues out;
    if (list.all_bool) {
      const auto n = std::ranges::count_if(list.values, [](double v) { return !std::isnan(v); });
      const auto successes = std::ranges::count(list.values, 1.0);
      out.counts = Proportion{successes, n};
      return out;
    }
    out_.values.push_back(std::move(list.values));
    out.values = out_.values.back();
    return out;
  }

  Result<std::span<const double>> ReadBeside(const json::object& object, std::string_view name,
                                             MetricValues& beside, const Place& place) {
    const json::value* value = object.if_contains({name.data(), name.size()});
    if (value == nullptr) return std::span<const double>();
    if (beside.counts) return place.At(name).Fail("needs numbers in 'values', not true and false");
    ASSAY_ASSIGN(internal::NumberList list, internal::Numbers(*value, place.At(name)));
    if (list.values.size() != beside.values.size() || list.values.empty()) {
      return place.At(name).Fail(
          fmt::format("has {} numbers beside {} values", list.values.size(), beside.values.size()));
    }
    out_.values.push_back(std::move(list.values));
    return std::span<const double>(out_.values.back());
  }

  Result<void> PutControlFirst(const std::optional<std::string>& control, const Place& place) {
    std::vector<VariantData>& variants = out_.data.variants;
    if (variants.size() < 2)
      return place.At("variants").Fail("needs a control and another variant");
    if (out_.data.metrics.empty()) return place.At("metrics").Fail("there are none");
    auto first = std::ranges::find(variants, control.value_or("control"), &VariantData::name);
    if (first == variants.end()) {
      if (control)
        return place.At("control").Fail(fmt::format("no variant is named '{}'", *control));
      return {};
    }
    std::rotate(variants.begin(), first, first + 1);
    return {};
  }

  ExperimentDocument& out_;
};

}  // namespace

Result<ExperimentDocument> ReadExperiment(std::string_view text, std::string_view file) {
  const Place place(file);
  ASSAY_ASSIGN(const json::value root, internal::ParseJson(text, place));
  ExperimentDocument out;
  Reader reader(out);
  ASSAY_TRY(reader.Read(root, place));
  return out;
}

}  // namespace assay::experiments
