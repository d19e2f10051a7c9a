// What the JSON of model servers says. Threads: pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "assay/scan/services.h"

namespace assay::scan::internal {

// A list of models in the OpenAI form, and whose servers sign theirs.
struct ModelList {
  std::vector<ServedModel> models;
  std::string owner;  // "owned_by" of the first model: "vllm", "llamacpp", "library", ...
};

// Nothing where the text is no such list.
[[nodiscard]] std::optional<ModelList> ReadModelList(std::string_view json);

// The text of a member of the outermost object; empty where there is none.
[[nodiscard]] std::string ReadText(std::string_view json, std::string_view member);

// TGI's /info: a model with its context; nothing where the text is something else.
[[nodiscard]] std::optional<ServedModel> ReadTgiInfo(std::string_view json);
// llama.cpp's /props: tokens of context, 0 where it says none.
[[nodiscard]] std::uint64_t ReadLlamaContext(std::string_view json);
// Ollama's /api/show: the model's context, 0 where it says none.
[[nodiscard]] std::uint64_t ReadOllamaContext(std::string_view json);
// LM Studio's /api/v0/models; nothing where the text is something else.
[[nodiscard]] std::optional<std::vector<ServedModel>> ReadLmStudioModels(std::string_view json);

}  // namespace assay::scan::internal
