#include <boost/json.hpp>

#include "openai/model_list_internal.h"

namespace assay::gateway {
namespace {

boost::json::object ModelObject(std::string_view name) {
  return {{"id", name}, {"object", "model"}, {"created", 0}, {"owned_by", "assay"}};
}

}  // namespace

Result<void> ReadModelList(std::string_view json, std::set<std::string>& names) {
  boost::system::error_code error;
  const boost::json::value value = boost::json::parse(json, error);
  const boost::json::object* list = error ? nullptr : value.if_object();
  const boost::json::value* data = list == nullptr ? nullptr : list->if_contains("data");
  if (data == nullptr || !data->is_array()) {
    return Fail(Code::kDataLoss, "the upstream's model list is not of the OpenAI form");
  }
  for (const boost::json::value& item : data->get_array()) {
    const boost::json::object* model = item.if_object();
    const boost::json::value* id = model == nullptr ? nullptr : model->if_contains("id");
    if (id != nullptr && id->is_string()) names.emplace(id->get_string());
  }
  return {};
}

std::string WriteModelList(const std::set<std::string>& names) {
  boost::json::array data;
  for (const std::string& name : names) data.push_back(ModelObject(name));
  return boost::json::serialize(boost::json::object{{"object", "list"}, {"data", std::move(data)}});
}

std::string WriteModel(std::string_view name) {
  return boost::json::serialize(ModelObject(name));
}

}  // namespace assay::gateway
