// embed.cc: assay.embed: the static encoder, the transformer and the cross-encoder.
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

SharedCrossEncoder OpenCrossEncoder(const std::string& folder,
                                    const std::vector<std::string>& runtime_folders,
                                    std::size_t threads, std::size_t streams) {
  auto& files = core::FileSystem::Real();
  return {Take(Unlocked([&]() -> Result<std::shared_ptr<const embed::CrossEncoder>> {
    return embed::CrossEncoder::Open(
        files, folder,
        {.runtime_folders = runtime_folders, .threads = threads, .streams = streams});
  }))};
}

struct PyPairScore {
  embed::PairScore score;
  std::vector<std::tuple<std::size_t, std::size_t, float>> words;
};

std::vector<PyPairScore> ScorePairs(const SharedCrossEncoder& model, const nb::object& evidence,
                                    const nb::object& claims) {
  const Texts left(evidence);
  const Texts right(claims);
  if (left.size() != right.size()) {
    Raise(Code::kInvalidArgument, "evidence has " + std::to_string(left.size()) +
                                      " texts, claims have " + std::to_string(right.size()));
  }
  std::vector<embed::TextPair> pairs;
  for (std::size_t i = 0; i < left.size(); ++i) {
    pairs.push_back({left.views()[i], right.views()[i]});
  }
  std::vector<embed::PairScore> scores(pairs.size());
  Take(Unlocked([&] { return model.get->Score(pairs, scores); }));
  std::vector<PyPairScore> out;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    Indices indices(right.views()[i]);
    PyPairScore& one = out.emplace_back();
    for (const embed::WordScore& word : scores[i].words) {
      const std::size_t begin = indices.Of(word.span.begin);
      one.words.emplace_back(begin, indices.Of(word.span.end), word.unsupported);
    }
    one.score = std::move(scores[i]);
  }
  return out;
}

void BindCrossEncoder(nb::module_& module) {
  nb::class_<PyPairScore>(module, "PairScore",
                          "What a cross-encoder says of a pair; outputs that it lacks are 0.")
      .def_prop_ro(
          "supported", [](const PyPairScore& pair) { return pair.score.supported; },
          "Probability that the evidence supports the claim.")
      .def_prop_ro(
          "contradicted", [](const PyPairScore& pair) { return pair.score.contradicted; },
          "That it contradicts it.")
      .def_prop_ro(
          "neutral", [](const PyPairScore& pair) { return pair.score.neutral; },
          "That it does neither; the three add up to 1.")
      .def_prop_ro(
          "same", [](const PyPairScore& pair) { return pair.score.same; },
          "Probability that both are questions with the same answer.")
      .def_ro(
          "words", &PyPairScore::words,
          "(first character, one past the last, probability that nothing bears it out) of each\n"
          "word of the claim.");
  nb::class_<SharedCrossEncoder>(
      module, "CrossEncoder",
      "A model that reads evidence and claim together, on OpenVINO: tens of milliseconds a pair.\n"
      "May be used by many threads.")
      .def_static(
          "open", OpenCrossEncoder, nb::arg("folder"),
          nb::arg("runtime_folders") = std::vector<std::string>(), nb::arg("threads") = 1,
          nb::arg("streams") = 1,
          "Opens a folder with checker.yaml, vocab.txt and a graph of OpenVINO or ONNX\n"
          "(docs/formats/checker-model.md). runtime_folders: as of TransformerEncoder;\n"
          "assay.cross_encoder knows them. threads: of one inference, 0 is one a core; streams:\n"
          "inferences beside each other. Raises InvalidArgument with file, line and field of the\n"
          "card, NotFound naming the file, DataLoss, Internal with OpenVINO's message.")
      .def("score", ScorePairs, nb::arg("evidence"), nb::arg("claims"),
           "One PairScore for each text of evidence and the claim at its place. Without the GIL.\n"
           "Raises InvalidArgument where the lengths differ, Internal when the inference fails.")
      .def_prop_ro(
          "name", [](const SharedCrossEncoder& model) { return model.get->name(); },
          "Name of the card and a hash of the model's files.");
  module.def(
      "find_checker",
      [](const std::vector<std::string>& folders) {
        return Take(embed::FindChecker(core::FileSystem::Real(), folders));
      },
      nb::arg("folders"),
      "The first folder named checker* with a checker.yaml in one of `folders`. Raises NotFound.");
}

}  // namespace

void BindEmbed(nb::module_& module) {
  BindCrossEncoder(module);
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
