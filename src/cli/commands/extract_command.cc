// assay extract FILE
#include <memory>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "assay/claims/extractor.h"
#include "assay/claims/json.h"

#include "command.h"
#include "input.h"
#include "json_output.h"

namespace assay::cli {
namespace {

struct Options {
  std::string file;
  bool json = false;
};

Result<int> Run(const Options& options, ColorMode color) {
  ASSAY_ASSIGN(const std::string text, ReadText(options.file));
  const claims::Extraction sentences = claims::Extractor().Extract(text);
  const Painter paint(color, 1);
  for (const claims::ExtractedSentence& sentence : sentences) {
    if (options.json) {
      fmt::print("{}", CompactJson(claims::ToJson(sentence, text)));
      continue;
    }
    fmt::print("{} {}\n", paint.Dim(fmt::format("{:<12}", claims::KindName(sentence.kind))),
               sentence.span.of(text));
    for (const claims::Claim& claim : sentence.claims) {
      if (sentence.claims.size() > 1 || claim.text != sentence.span.of(text)) {
        fmt::print("             - {}\n", claim.text);
      }
    }
  }
  return kExitSuccess;
}

}  // namespace

void AddExtractCommand(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "extract", "Show the sentences of a text, what kind each is, and the claims it makes");
  command->add_option("file", options->file, "The text, or - for standard input")->required();
  command->add_flag("--json", options->json, "Print one JSON object a line, one line a sentence");
  command->footer("Examples:\n  assay extract answer.md\n  some-model | assay extract - --json");
  command->callback([&invocation, options] {
    invocation.run = [options, &invocation] { return Run(*options, invocation.color); };
  });
}

}  // namespace assay::cli
