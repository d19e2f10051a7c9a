// module.cc: the extension module assay._native, one submodule a room.
#include "support.h"

namespace assay::python {

Texts::Texts(const nb::object& sequence) {
  if (PyUnicode_Check(sequence.ptr()) != 0) {
    throw nb::type_error("a sequence of str is needed, not one str; put it into a list");
  }
  held_ = nb::steal(PySequence_Tuple(sequence.ptr()));
  if (!held_.is_valid()) throw nb::python_error();
  const Py_ssize_t count = PyTuple_Size(held_.ptr());
  views_.reserve(static_cast<std::size_t>(count));
  for (Py_ssize_t i = 0; i < count; ++i) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(PyTuple_GetItem(held_.ptr(), i), &size);
    if (bytes == nullptr) throw nb::python_error();
    views_.emplace_back(bytes, static_cast<std::size_t>(size));
  }
}

std::size_t Indices::Of(std::size_t byte) {
  if (byte < byte_) byte_ = index_ = 0;
  for (; byte_ < byte && byte_ < text_.size(); ++byte_) {
    if ((static_cast<unsigned char>(text_[byte_]) & 0xC0U) != 0x80U) ++index_;
  }
  // Inside of a character, that character is meant: count it once only.
  return index_;
}

namespace {

// Raises the class of assay.errors that BY_CODE names for the error's code.
void Translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Raised& raised) {
    const std::string_view code = core::InfoOf(raised.error().code).name;
    const nb::object classes = nb::module_::import_("assay.errors").attr("BY_CODE");
    const nb::object kind = classes[nb::str(code.data(), code.size())];
    PyErr_SetString(kind.ptr(), raised.what());
  }
}

nb::module_ Submodule(nb::module_& module, const char* name, const char* doc) {
  nb::module_ made = module.def_submodule(name, doc);
  return made;
}

}  // namespace

NB_MODULE(_native, module) {
  module.doc() = "The C++ side of assay; use the modules of the package assay.";
  nb::register_exception_translator(Translate);
  nb::module_ text = Submodule(module, "text", "Similarity of texts, quantities, names.");
  BindText(text);
  nb::module_ vector = Submodule(module, "vector", "Nearest rows, codes, indexes, stores.");
  BindVector(vector);
  BindVectorIndex(vector);
  BindVectorStore(vector);
  nb::module_ experiments = Submodule(module, "experiments", "A/B statistics.");
  BindExperiments(experiments);
  BindDistributions(experiments);
  BindLive(experiments);
  nb::module_ crypto =
      Submodule(module, "crypto", "HMAC, key derivation, sealing, passwords, API keys.");
  BindCrypto(crypto);
  BindKeys(crypto);
  nb::module_ embed = Submodule(module, "embed", "Texts to vectors.");
  BindEmbed(embed);
  nb::module_ corpus = Submodule(module, "corpus", "Documents, indexes and their search.");
  BindCorpus(corpus);
  nb::module_ claims = Submodule(module, "claims", "Claims and their verdicts.");
  BindClaims(claims);
  BindShared(claims);
  nb::module_ consensus = Submodule(module, "consensus", "Several answers to one.");
  BindConsensus(consensus);
  nb::module_ cache = Submodule(module, "cache", "The exact cache in memory.");
  BindCache(cache);
  nb::module_ tuner = Submodule(module, "tuner", "Searches for a minimum; routing policies.");
  BindTuner(tuner);
}

}  // namespace assay::python
