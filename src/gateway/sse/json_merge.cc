#include "sse/json_merge.h"

#include <algorithm>
#include <array>

#include <boost/json/array.hpp>
#include <boost/json/string.hpp>

namespace assay::gateway {
namespace {

namespace json = boost::json;

constexpr std::array<std::string_view, 4> kWholes = {"id", "type", "role", "name"};

const std::int64_t* IndexOf(const json::value& element) {
  const json::object* object = element.if_object();
  const json::value* index = object == nullptr ? nullptr : object->if_contains("index");
  return index == nullptr ? nullptr : index->if_int64();
}

void MergeObject(json::object& target, const json::object& piece) {
  for (const auto& [key, value] : piece)
    MergeField(target, std::string_view(key.data(), key.size()), value);
}

void MergeArray(json::array& target, const json::array& piece) {
  for (const json::value& element : piece) {
    const std::int64_t* index = IndexOf(element);
    if (index == nullptr) {
      target.push_back(element);
      continue;
    }
    const auto same = std::ranges::find_if(target, [&](const json::value& each) {
      const std::int64_t* other = IndexOf(each);
      return other != nullptr && *other == *index;
    });
    if (same != target.end()) {
      MergeObject(same->get_object(), element.get_object());
      continue;
    }
    // In the order of the indexes, whatever the order in which they came.
    const auto place = std::ranges::find_if(target, [&](const json::value& each) {
      const std::int64_t* other = IndexOf(each);
      return other != nullptr && *other > *index;
    });
    target.insert(place, element);
  }
}

}  // namespace

void MergeField(json::object& target, std::string_view name, const json::value& value) {
  const json::string_view key(name.data(), name.size());
  json::value* const found = target.if_contains(key);
  if (found == nullptr || found->is_null()) {
    if (value.is_array()) {
      MergeArray(target[key].emplace_array(), value.get_array());
    } else {
      target[key] = value;
    }
    return;
  }
  if (value.is_null()) return;
  if (found->is_string() && value.is_string()) {
    if (std::ranges::find(kWholes, name) == kWholes.end()) {
      found->get_string().append(value.get_string());
    } else if (found->get_string().empty()) {
      *found = value;
    }
  } else if (found->is_object() && value.is_object()) {
    MergeObject(found->get_object(), value.get_object());
  } else if (found->is_array() && value.is_array()) {
    MergeArray(found->get_array(), value.get_array());
  } else if (name != "index") {
    *found = value;
  }
}

void RemoveIndexes(json::object& target, std::string_view name) {
  json::value* list = target.if_contains(json::string_view(name.data(), name.size()));
  if (list == nullptr || !list->is_array()) return;
  for (json::value& element : list->get_array()) {
    if (element.is_object()) element.get_object().erase("index");
  }
}

void AddIndexes(json::object& target, std::string_view name) {
  json::value* list = target.if_contains(json::string_view(name.data(), name.size()));
  if (list == nullptr || !list->is_array()) return;
  std::int64_t index = 0;
  for (json::value& element : list->get_array()) {
    if (element.is_object()) element.get_object()["index"] = index;
    ++index;
  }
}

}  // namespace assay::gateway
