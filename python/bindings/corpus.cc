// corpus.cc: assay.corpus: indexes of documents and their search.
#include "assay/core/hash.h"
#include "assay/corpus/search.h"
#include "assay/corpus/update.h"

#include "encoder.h"
#include "support.h"

namespace assay::python {
namespace {

using corpus::SearchMode;

struct PyPassage {
  std::uint32_t id = 0;
  std::string file;
  std::string heading;
  std::string text;
  std::uint32_t line = 1;
  std::uint32_t page = 0;
  float score = 0;
  float bm25 = 0;
  float similarity = 0;
};

PyPassage PassageOf(const corpus::Index& index, std::uint32_t id) {
  const corpus::Passage passage = index.passage(id);
  PyPassage out;
  out.id = id;
  out.file = passage.file;
  out.heading = passage.heading_path;
  out.text = passage.text;
  out.line = passage.source.line;
  out.page = passage.source.page;
  return out;
}

SearchMode ModeOf(std::string_view name) {
  if (name == "hybrid") return SearchMode::kHybrid;
  if (name == "bm25") return SearchMode::kBm25;
  if (name == "vector") return SearchMode::kVector;
  Raise(Code::kInvalidArgument,
        "no mode is called '" + std::string(name) + "'; there are hybrid, bm25 and vector");
}

const embed::Encoder* PointerOf(const SharedIndex& index) {
  return index.encoder.get();
}

std::shared_ptr<embed::Encoder> EncoderOf(const SharedEncoder* encoder) {
  return encoder == nullptr ? nullptr : encoder->get;
}

SharedIndex FromTexts(const nb::typed<nb::dict, nb::str, nb::str>& texts,
                      const SharedEncoder* encoder) {
  const Texts names(texts.keys());
  const Texts bodies(texts.values());
  std::vector<corpus::TextSource> sources;
  for (std::size_t i = 0; i < names.size(); ++i) {
    sources.push_back({.name = names.views()[i],
                       .text = bodies.views()[i],
                       .format = corpus::FormatOf(names.views()[i], bodies.views()[i])});
  }
  SharedIndex out{.get = nullptr, .encoder = EncoderOf(encoder)};
  out.get = Take(Unlocked([&] { return corpus::Index::FromTexts(sources, PointerOf(out)); }));
  return out;
}

SharedIndex Build(const std::string& documents, const SharedEncoder* encoder,
                  const std::string& index_folder, bool in_memory) {
  SharedIndex out{.get = nullptr, .encoder = EncoderOf(encoder)};
  corpus::UpdateOptions options;
  options.index_folder = index_folder;
  options.encoder = PointerOf(out);
  auto& files = core::FileSystem::Real();
  auto report = Take(Unlocked([&] {
    return in_memory ? corpus::BuildInMemory(files, documents, options)
                     : corpus::BuildOrUpdate(files, documents, options);
  }));
  out.get = std::move(report.index);
  return out;
}

SharedIndex Open(const std::string& path, const SharedEncoder* encoder) {
  SharedIndex out{.get = nullptr, .encoder = EncoderOf(encoder)};
  out.get = Take(Unlocked([&] { return corpus::Index::Open(core::FileSystem::Real(), path); }));
  return out;
}

std::vector<PyPassage> Search(const SharedIndex& index, std::string_view query, std::size_t k,
                              std::string_view mode) {
  const SearchMode kind = ModeOf(mode);
  const auto hits = Take(Unlocked([&]() -> Result<std::vector<corpus::SearchHit>> {
    ASSAY_ASSIGN(corpus::Retriever retriever,
                 corpus::Retriever::Create(index.get, PointerOf(index)));
    return retriever.Retrieve(query, k, kind);
  }));
  std::vector<PyPassage> out;
  for (const corpus::SearchHit& hit : hits) {
    PyPassage passage = PassageOf(*index.get, hit.passage);
    passage.score = hit.score;
    passage.bm25 = hit.bm25;
    passage.similarity = hit.similarity;
    out.push_back(std::move(passage));
  }
  return out;
}

std::string VersionOf(const SharedIndex& index) {
  const corpus::IndexVersion version = index.get->version();
  return core::ToHex({.high = version.high, .low = version.low});
}

}  // namespace

void BindCorpus(nb::module_& module) {
  nb::class_<PyPassage>(module, "Passage", "About 110 words of a document under one heading.")
      .def_ro("id", &PyPassage::id)
      .def_ro("file", &PyPassage::file)
      .def_ro("heading", &PyPassage::heading, "'Handbook > Leave', or ''.")
      .def_ro("text", &PyPassage::text, "Readable text without markup.")
      .def_ro("line", &PyPassage::line, "1-based line of the file.")
      .def_ro("page", &PyPassage::page, "1-based page of a PDF, else 0.")
      .def_ro("score", &PyPassage::score, "Of the search; comparable within one call only.")
      .def_ro("bm25", &PyPassage::bm25)
      .def_ro("similarity", &PyPassage::similarity, "Cosine, 0 without vectors.");
  nb::class_<SharedIndex>(module, "Index",
                          "Passages, postings and vectors of a set of documents. Immutable.")
      .def_static("from_texts", FromTexts, nb::arg("texts"), nb::arg("encoder") = nb::none(),
                  "Indexes {name: text} in memory; the name's extension tells the format. Raises\n"
                  "InvalidArgument where no text has a sentence.")
      .def_static(
          "build", Build, nb::arg("documents"), nb::arg("encoder") = nb::none(),
          nb::arg("index_folder") = "", nb::arg("in_memory") = false,
          "Brings the index of a folder or file (Markdown, text, HTML, PDF, CSV, JSON) up to\n"
          "date and opens it; it is kept in documents/.assay unless in_memory. Raises\n"
          "NotFound, InvalidArgument when not one document could be read.")
      .def_static("open", Open, nb::arg("path"), nb::arg("encoder") = nb::none(),
                  "Opens an index file by mmap. Raises NotFound, DataLoss, FailedPrecondition.")
      .def("search", Search, nb::arg("query"), nb::arg("k") = 5, nb::arg("mode") = "hybrid",
           "The k best passages, best first. mode: hybrid, bm25 or vector. Without the GIL.")
      .def(
          "passage",
          [](const SharedIndex& index, std::uint32_t id) {
            if (id >= index.get->passage_count()) {
              Raise(Code::kOutOfRange, "the index has " +
                                           std::to_string(index.get->passage_count()) +
                                           " passages; " + std::to_string(id) + " was asked for");
            }
            return PassageOf(*index.get, id);
          },
          nb::arg("id"))
      .def("__len__", [](const SharedIndex& index) { return index.get->passage_count(); })
      .def_prop_ro("files", [](const SharedIndex& index) { return index.get->file_count(); })
      .def_prop_ro("encoder", [](const SharedIndex& index) { return index.get->encoder_name(); })
      .def_prop_ro("version", VersionOf, "128 bits over what is indexed and how, in hexadecimal.");
}

}  // namespace assay::python
