#include <array>
#include <cmath>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/experiments/opportunities.h"

#include "read/json_internal.h"

namespace assay::experiments {
namespace {

namespace json = boost::json;
using internal::Place;
using internal::View;

class Reader {
 public:
  explicit Reader(MetricsDocument& out) : out_(out) {}

  Result<void> Metric(std::string name, const json::value& value, const Place& place) {
    static constexpr std::array<std::string_view, 6> kKnown = {"values", "direction", "target",
                                                               "period", "weight",    "drivers"};
    static constexpr std::array<std::string_view, 2> kDirections = {"increase", "decrease"};
    MetricSeries metric;
    metric.name = std::move(name);
    if (value.is_array()) {
      ASSAY_ASSIGN(metric.values, Keep(value, place));
    } else {
      if (!value.is_object())
        return place.Fail("must be a list of numbers or an object with 'values'");
      const json::object& object = value.get_object();
      ASSAY_TRY(internal::OnlyKnown(object, place, kKnown));
      const json::value* values = object.if_contains("values");
      if (values == nullptr) return place.At("values").Fail("is missing");
      ASSAY_ASSIGN(metric.values, Keep(*values, place.At("values")));
      ASSAY_ASSIGN(const auto direction,
                   internal::ChoiceField(object, "direction", kDirections, place));
      ASSAY_ASSIGN(metric.target, internal::NumberField(object, "target", place));
      ASSAY_ASSIGN(const auto period, internal::WholeField(object, "period", place));
      ASSAY_ASSIGN(const auto weight, internal::NumberField(object, "weight", place));
      metric.direction = static_cast<Direction>(direction.value_or(0));
      metric.period = static_cast<std::size_t>(period.value_or(0));
      metric.weight = weight.value_or(1);
      if (const json::value* drivers = object.if_contains("drivers")) {
        const Place at = place.At("drivers");
        ASSAY_ASSIGN(const json::object* by_name, internal::ObjectAt(*drivers, at));
        for (const auto& member : *by_name) {
          const std::string_view driver = View(member.key());
          ASSAY_ASSIGN(const auto series, Keep(member.value(), at.At(driver)));
          metric.drivers.push_back({std::string(driver), series});
        }
      }
    }
    out_.metrics.push_back(std::move(metric));
    return {};
  }

 private:
  Result<std::span<const double>> Keep(const json::value& value, const Place& place) {
    ASSAY_ASSIGN(internal::NumberList list, internal::Numbers(value, place));
    out_.values.push_back(std::move(list.values));
    return std::span<const double>(out_.values.back());
  }

  MetricsDocument& out_;
};

}  // namespace

Result<MetricsDocument> ReadMetrics(std::string_view text, std::string_view file) {
  static constexpr std::array<std::string_view, 1> kKnown = {"metrics"};
  const Place place(file);
  ASSAY_ASSIGN(const json::value root, internal::ParseJson(text, place));
  ASSAY_ASSIGN(const json::object* object, internal::ObjectAt(root, place));
  MetricsDocument out;
  Reader reader(out);
  const json::value* metrics = object->if_contains("metrics");
  if (metrics == nullptr) return place.At("metrics").Fail("is missing");
  ASSAY_TRY(internal::OnlyKnown(*object, place, kKnown));
  const Place at = place.At("metrics");
  ASSAY_ASSIGN(const json::object* by_name, internal::ObjectAt(*metrics, at));
  if (by_name->empty()) return at.Fail("there are none");
  for (const auto& member : *by_name) {
    const std::string_view name = View(member.key());
    ASSAY_TRY(reader.Metric(std::string(name), member.value(), at.At(name)));
  }
  return out;
}

}  // namespace assay::experiments
