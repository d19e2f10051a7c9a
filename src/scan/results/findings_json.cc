#include <utility>

#include <boost/json.hpp>

#include "results/findings_json_internal.h"

namespace assay::scan::internal {
namespace {

using boost::json::array;
using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxDepth = 8;

object ToJson(const Service& service) {
  array models;
  for (const ServedModel& model : service.models) {
    models.push_back(object{{"id", model.id}, {"context_tokens", model.context_tokens}});
  }
  return {{"address", service.address.Text()},
          {"port", service.port},
          {"service", ServiceName(service.kind)},
          {"tls", service.tls},
          {"openai", service.openai},
          {"needs_key", service.needs_key},
          {"version", service.version},
          {"models", std::move(models)},
          {"connect_ns", service.connect_ns}};
}

// The members of one object; remembers whether all were there and of their kind.
class Members {
 public:
  explicit Members(const value& from) : object_(from.if_object()), good_(object_ != nullptr) {}
  [[nodiscard]] bool good() const { return good_; }

  template <typename Number>
  void Take(std::string_view name, Number& into) {
    const value* const found = Find(name);
    if (found == nullptr) return;
    boost::system::error_code error;
    const auto number = found->to_number<Number>(error);
    if (error || !(found->is_int64() || found->is_uint64())) {
      good_ = false;
    } else {
      into = number;
    }
  }
  void Take(std::string_view name, bool& into) {
    const value* const found = Find(name);
    const bool* const flag = found == nullptr ? nullptr : found->if_bool();
    good_ = good_ && flag != nullptr;
    if (flag != nullptr) into = *flag;
  }
  void Take(std::string_view name, std::string& into) {
    const value* const found = Find(name);
    const boost::json::string* const text = found == nullptr ? nullptr : found->if_string();
    good_ = good_ && text != nullptr;
    if (text != nullptr) into.assign(text->data(), text->size());
  }
  [[nodiscard]] const array* Array(std::string_view name) {
    const value* const found = Find(name);
    const array* const items = found == nullptr ? nullptr : found->if_array();
    good_ = good_ && items != nullptr;
    return items;
  }

 private:
  const value* Find(std::string_view name) {
    const value* const found = object_ == nullptr ? nullptr : object_->if_contains(name);
    good_ = good_ && found != nullptr;
    return found;
  }

  const object* object_;
  bool good_;
};

std::optional<ServiceKind> KindNamed(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(ServiceKind::kPostgres); ++i) {
    const auto kind = static_cast<ServiceKind>(i);
    if (ServiceName(kind) == name) return kind;
  }
  return std::nullopt;
}

std::optional<ServedModel> ReadModel(const value& from) {
  ServedModel model;
  Members members(from);
  members.Take("id", model.id);
  members.Take("context_tokens", model.context_tokens);
  return members.good() ? std::optional(std::move(model)) : std::nullopt;
}

std::optional<Service> ReadService(const value& from) {
  Service service;
  std::string address;
  std::string kind;
  Members members(from);
  members.Take("address", address);
  members.Take("port", service.port);
  members.Take("service", kind);
  members.Take("tls", service.tls);
  members.Take("openai", service.openai);
  members.Take("needs_key", service.needs_key);
  members.Take("version", service.version);
  members.Take("connect_ns", service.connect_ns);
  const array* const models = members.Array("models");
  const auto read = Address::Parse(address);
  const auto known = KindNamed(kind);
  if (!members.good() || !read || !known) return std::nullopt;
  service.address = *read;
  service.kind = *known;
  for (const value& item : *models) {
    auto model = ReadModel(item);
    if (!model) return std::nullopt;
    service.models.push_back(*std::move(model));
  }
  return service;
}

}  // namespace

std::string WriteFindings(const Findings& findings) {
  array services;
  for (const Service& service : findings.services) services.push_back(ToJson(service));
  return boost::json::serialize(object{{"begun_ms", findings.begun_ms},
                                       {"took_ns", findings.took_ns},
                                       {"targets", findings.targets},
                                       {"refused", findings.refused},
                                       {"silent", findings.silent},
                                       {"unreachable", findings.unreachable},
                                       {"tries", findings.tries},
                                       {"most_at_once", findings.most_at_once},
                                       {"services", std::move(services)}});
}

std::optional<Findings> ReadFindings(std::string_view json) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  const value parsed = boost::json::parse(json, error, {}, options);
  if (error) return std::nullopt;
  Findings findings;
  Members members(parsed);
  members.Take("begun_ms", findings.begun_ms);
  members.Take("took_ns", findings.took_ns);
  members.Take("targets", findings.targets);
  members.Take("refused", findings.refused);
  members.Take("silent", findings.silent);
  members.Take("unreachable", findings.unreachable);
  members.Take("tries", findings.tries);
  members.Take("most_at_once", findings.most_at_once);
  const array* const services = members.Array("services");
  if (!members.good()) return std::nullopt;
  for (const value& item : *services) {
    auto service = ReadService(item);
    if (!service) return std::nullopt;
    findings.services.push_back(*std::move(service));
  }
  return findings;
}

}  // namespace assay::scan::internal
