// embed.cc: assay.embed: the static encoder.
#include "assay/embed/models.h"
#include "assay/embed/static_encoder.h"

#include "encoder.h"
#include "support.h"

namespace assay::python {
namespace {

SharedEncoder Open(const std::string& folder) {
  auto& files = core::FileSystem::Real();
  return SharedEncoder{Take(Unlocked([&]() -> Result<std::shared_ptr<embed::Encoder>> {
    const std::vector<std::string> folders = {folder};
    ASSAY_ASSIGN(const embed::ModelFolder model,
                 embed::FindModel(files, folders, embed::kStaticMiniLm));
    ASSAY_ASSIGN(std::shared_ptr<embed::Encoder> encoder, embed::OpenStaticEncoder(files, model));
    return encoder;
  }))};
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
  nb::class_<SharedEncoder>(
      module, "StaticEncoder",
      "Texts to vectors of length 1 by a table of word vectors, about 10 us a\n"
      "sentence. May be used by many threads.")
      .def_static("open", Open, nb::arg("folder"),
                  "Opens the model in a folder of models (with manifest.json). Raises NotFound,\n"
                  "DataLoss.")
      .def("encode", Encode, nb::arg("texts"),
           "float32 [n, dim]; a text without a known word gives zeros. Without the GIL.")
      .def_prop_ro("dim", [](const SharedEncoder& encoder) { return encoder.get->dim(); })
      .def_prop_ro("name", [](const SharedEncoder& encoder) { return encoder.get->name(); });
}

}  // namespace assay::python
