// embed.cc: assay.embed: the static encoder and the transformer.
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"
#include "assay/embed/transformer_encoder.h"

#include "encoder.h"
#include "support.h"

namespace assay::python {
namespace {

SharedStaticEncoder OpenStatic(const std::string& folder) {
  auto& files = core::FileSystem::Real();
  return {{Take(Unlocked([&]() -> Result<std::shared_ptr<embed::Encoder>> {
    const std::vector<std::string> folders = {folder};
    ASSAY_ASSIGN(const embed::ModelFolder model,
                 embed::FindModel(files, folders, embed::kStaticMiniLm));
    return embed::OpenStaticEncoder(files, model);
  }))}};
}

SharedTransformer OpenTransformer(const std::string& folder, const std::string& model,
                                  const std::vector<std::string>& runtime_folders,
                                  std::size_t threads) {
  auto& files = core::FileSystem::Real();
  return {{Take(Unlocked([&]() -> Result<std::shared_ptr<embed::Encoder>> {
    const std::vector<std::string> folders = {folder};
    ASSAY_ASSIGN(const embed::ModelFolder found, embed::FindModel(files, folders, model));
    return embed::OpenTransformerEncoder(files, found,
                                         {.runtime_folders = runtime_folders, .threads = threads});
  }))}};
}

Output<float> Encode(const SharedEncoder& encoder, const nb::object& texts) {
  const Texts held(texts);
  const std::size_t dim = encoder.get->dim();
  std::vector<float> out(held.size() * dim);
  Take(Unlocked([&] { return encoder.get->Encode(held.views(), out); }));
  return ArrayOf(std::move(out), {held.size(), dim});
}

}  // namespace

void BindEmbed(nb::module_& module) {
  nb::class_<SharedEncoder>(module, "Encoder",
                            "Texts to vectors of length 1, whose dot product is their similarity.\n"
                            "May be used by many threads.")
      .def("encode", Encode, nb::arg("texts"),
           "float32 [n, dim] of a sequence of n str; a text without a known word gives zeros.\n"
           "Without the GIL. Raises Internal when the inference fails.")
      .def_prop_ro(
          "dim", [](const SharedEncoder& encoder) { return encoder.get->dim(); },
          "Of a vector, for example 384.")
      .def_prop_ro(
          "name", [](const SharedEncoder& encoder) { return encoder.get->name(); },
          "Model and version; vectors of different names must never be compared.");
  nb::class_<SharedStaticEncoder, SharedEncoder>(module, "StaticEncoder",
                                                 "A table of word vectors: about 10 us a sentence.")
      .def_static("open", OpenStatic, nb::arg("folder"),
                  "Opens the model in a folder of models (with manifest.json). Raises NotFound,\n"
                  "DataLoss.");
  nb::class_<SharedTransformer, SharedEncoder>(
      module, "TransformerEncoder",
      "all-MiniLM-L6-v2 on OpenVINO: milliseconds a sentence, less in batches; the first 256\n"
      "tokens of a text count.")
      .def_static(
          "open", OpenTransformer, nb::arg("folder"),
          nb::arg("model") = std::string(embed::kMiniLmInt8),
          nb::arg("runtime_folders") = std::vector<std::string>(), nb::arg("threads") = 0,
          "Opens a model (minilm-l6-v2-int8 or minilm-l6-v2-f32) of a folder of models, 0.2 to\n"
          "0.5 s. runtime_folders: where OpenVINO's libraries may lie; assay.transformer_encoder\n"
          "knows those of the package openvino. threads: of one inference; 0 is one a core. "
          "Raises\n"
          "NotFound naming where it looked, DataLoss, Internal with OpenVINO's message.");
}

}  // namespace assay::python
