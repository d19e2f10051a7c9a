// Reads arbitrary bytes as the JSON of model servers. A model always has a name, and what is
// written for assay.yaml never leaves its comment.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "assay/scan/services.h"

#include "identify/models_internal.h"

namespace scan = assay::scan;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  (void)scan::internal::ReadText(bytes, "version");
  (void)scan::internal::ReadTgiInfo(bytes);
  (void)scan::internal::ReadLlamaContext(bytes);
  (void)scan::internal::ReadOllamaContext(bytes);
  (void)scan::internal::ReadLmStudioModels(bytes);
  if (auto list = scan::internal::ReadModelList(bytes)) {
    for (const scan::ServedModel& model : list->models) {
      if (model.id.empty()) std::abort();
    }
    std::vector<scan::Service> services(1);
    services[0].openai = true;
    services[0].models = std::move(list->models);
    const std::string yaml = scan::UpstreamsYaml(services);
    std::size_t line = 0;
    for (std::size_t begin = 0; begin < yaml.size(); ++line) {
      const std::size_t end = yaml.find('\n', begin);
      const std::string_view text(yaml.data() + begin, end - begin);
      if (line > 2 && !text.starts_with("    # model ")) std::abort();
      begin = end + 1;
    }
  }
  return 0;
}
