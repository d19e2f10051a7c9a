// Fields of JSON objects with errors that say where.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/value.hpp>

#include "assay/core/result.h"

namespace assay::experiments::internal {

// "exp.json: variants.b.share: what is wrong"; the place grows on the way down.
class Place {
 public:
  explicit Place(std::string_view file) : text_(file), root_(true) {}

  [[nodiscard]] Place At(std::string_view field) const;
  [[nodiscard]] Place At(std::size_t index) const;
  [[nodiscard]] std::unexpected<Error> Fail(std::string_view what) const;

 private:
  std::string text_;
  bool root_;
};

[[nodiscard]] inline std::string_view View(boost::json::string_view text) {
  return {text.data(), text.size()};
}

[[nodiscard]] Result<boost::json::value> ParseJson(std::string_view text, const Place& place);
[[nodiscard]] Result<const boost::json::object*> ObjectAt(const boost::json::value& value,
                                                          const Place& place);
// Errors when the object has a member that is not among `known`.
[[nodiscard]] Result<void> OnlyKnown(const boost::json::object& object, const Place& place,
                                     std::span<const std::string_view> known);
// Absent members give nothing; of another kind, an error.
[[nodiscard]] Result<std::optional<double>> NumberField(const boost::json::object& object,
                                                        std::string_view name, const Place& place);
[[nodiscard]] Result<std::optional<std::int64_t>> WholeField(const boost::json::object& object,
                                                             std::string_view name,
                                                             const Place& place);
[[nodiscard]] Result<std::optional<bool>> BoolField(const boost::json::object& object,
                                                    std::string_view name, const Place& place);
[[nodiscard]] Result<std::optional<std::string>> TextField(const boost::json::object& object,
                                                           std::string_view name,
                                                           const Place& place);
// One of `names`; its index.
[[nodiscard]] Result<std::optional<std::size_t>> ChoiceField(
    const boost::json::object& object, std::string_view name,
    std::span<const std::string_view> names, const Place& place);

struct NumberList {
  std::vector<double> values;  // null is NaN, true 1, false 0
  bool all_bool = false;       // every value that is there is true or false
};
[[nodiscard]] Result<NumberList> Numbers(const boost::json::value& value, const Place& place);

}  // namespace assay::experiments::internal
