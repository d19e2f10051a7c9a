#include <boost/json.hpp>

#include "identify/models_internal.h"

namespace assay::scan::internal {
namespace {

using boost::json::object;
using boost::json::value;

constexpr std::size_t kMaxDepth = 32;

value Parse(std::string_view json) {
  boost::json::parse_options options;
  options.max_depth = kMaxDepth;
  boost::system::error_code error;
  value parsed = boost::json::parse(json, error, {}, options);
  return error ? value() : parsed;
}

std::string TextAt(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  return found != nullptr && found->is_string() ? std::string(found->get_string()) : std::string();
}

std::uint64_t NumberAt(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  if (found == nullptr) return 0;
  if (found->is_uint64()) return found->get_uint64();
  return found->is_int64() && found->get_int64() > 0
             ? static_cast<std::uint64_t>(found->get_int64())
             : 0;
}

const object* ObjectAt(const object& from, std::string_view name) {
  const value* found = from.if_contains(name);
  return found == nullptr ? nullptr : found->if_object();
}

// vLLM says "max_model_len", llama.cpp "meta": {"n_ctx_train"}, others "context_length" and such.
std::uint64_t ContextOf(const object& model) {
  for (const char* name : {"max_model_len", "context_length", "context_window",
                           "max_context_length", "loaded_context_length"}) {
    if (const std::uint64_t tokens = NumberAt(model, name)) return tokens;
  }
  const object* meta = ObjectAt(model, "meta");
  if (meta == nullptr) return 0;
  const std::uint64_t now = NumberAt(*meta, "n_ctx");
  return now != 0 ? now : NumberAt(*meta, "n_ctx_train");
}

}  // namespace

std::optional<ModelList> ReadModelList(std::string_view json) {
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  const value* data = body == nullptr ? nullptr : body->if_contains("data");
  if (data == nullptr || !data->is_array()) return std::nullopt;
  ModelList list;
  for (const value& item : data->get_array()) {
    const object* model = item.if_object();
    if (model == nullptr) return std::nullopt;
    ServedModel one{.id = TextAt(*model, "id"), .context_tokens = ContextOf(*model)};
    if (one.id.empty()) return std::nullopt;
    if (list.models.empty()) list.owner = TextAt(*model, "owned_by");
    list.models.push_back(std::move(one));
  }
  const bool said = TextAt(*body, "object") == "list";
  return said || !list.models.empty() ? std::optional(std::move(list)) : std::nullopt;
}

std::string ReadText(std::string_view json, std::string_view member) {
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  return body == nullptr ? std::string() : TextAt(*body, member);
}

std::optional<ServedModel> ReadTgiInfo(std::string_view json) {
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  if (body == nullptr) return std::nullopt;
  const std::uint64_t total = NumberAt(*body, "max_total_tokens");
  ServedModel model{.id = TextAt(*body, "model_id"), .context_tokens = total};
  return model.id.empty() || total == 0 ? std::nullopt : std::optional(std::move(model));
}

std::uint64_t ReadLlamaContext(std::string_view json) {
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  const object* defaults =
      body == nullptr ? nullptr : ObjectAt(*body, "default_generation_settings");
  return defaults == nullptr ? 0 : NumberAt(*defaults, "n_ctx");
}

std::uint64_t ReadOllamaContext(std::string_view json) {
  constexpr std::string_view kSuffix = ".context_length";  // behind the architecture's name
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  const object* info = body == nullptr ? nullptr : ObjectAt(*body, "model_info");
  if (info == nullptr) return 0;
  for (const auto& member : *info) {
    const std::string_view name = member.key();
    if (name.ends_with(kSuffix)) return NumberAt(*info, name);
  }
  return 0;
}

std::optional<std::vector<ServedModel>> ReadLmStudioModels(std::string_view json) {
  const value parsed = Parse(json);
  const object* body = parsed.if_object();
  const value* data = body == nullptr ? nullptr : body->if_contains("data");
  if (data == nullptr || !data->is_array()) return std::nullopt;
  std::vector<ServedModel> models;
  for (const value& item : data->get_array()) {
    const object* model = item.if_object();
    if (model == nullptr || model->if_contains("max_context_length") == nullptr) {
      return std::nullopt;
    }
    models.push_back(
        {.id = TextAt(*model, "id"), .context_tokens = NumberAt(*model, "max_context_length")});
  }
  return models;
}

}  // namespace assay::scan::internal
