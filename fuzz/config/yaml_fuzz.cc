#include "parse_fuzz.h"
#include "yaml/quick.h"
#include "yaml/same_tree.h"

namespace assay::config::yaml {
namespace {

// Where the quick reader is sure, libfyaml must make the same tree.
void CompareReaders(std::string_view text) {
  if (text.size() > 4096 || text.starts_with("\xEF\xBB\xBF")) return;
  const ParseOptions options;
  if (!Parse(text, "f", Syntax::kYaml)) return;  // no UTF-8, or control characters
  Arena arena;
  const Source source{text, "f", options, arena};
  const auto quick = ParseQuickly(source);
  if (!quick) return;
  std::string quickly;
  std::string wholly;
  Describe(*quick, quickly);
  if (const auto full = ParseByLibfyaml(source)) Describe(*full, wholly);
  // libfyaml 0.7.12 loses count of the empty lines before a more indented line of a folded text
  // (YAML 1.2, 8.1.3); the quick reader keeps them, as PyYAML does.
  const bool indented_more =
      quickly.find("\n ") != std::string::npos || quickly.find("\n\t") != std::string::npos;
  if (indented_more && text.find('>') != std::string_view::npos) return;
  if (quickly != wholly) {
    fmt::print(stderr, "the quick reader: {}\nlibfyaml: {}\n", quickly, wholly);
    std::abort();
  }
}

}  // namespace
}  // namespace assay::config::yaml

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  assay::config::yaml::CompareReaders(text);
  return assay::config::FuzzParse(data, size, assay::config::Syntax::kYaml);
}
